"""Pages that show a confidential contact tell the audit; a page that only reads does it in a transaction of its own."""

from collections.abc import Iterable

from flask import request

from crm_mail.contacts.confidential import Way, note_reading, unnoted
from crm_mail.permissions import signed_in_actor
from crm_mail.web.door import SAFE_METHODS, db, installation


def tell_reading(contact_ids: Iterable[int], way: Way) -> None:
    """Note that the signed-in person read these contacts, of which only confidential ones count."""
    actor = signed_in_actor()
    if request.method not in SAFE_METHODS:
        note_reading(db(), actor, contact_ids, way)
    elif read := unnoted(db(), actor, contact_ids):
        with installation().database.write() as session:
            note_reading(session, actor, read, way)
