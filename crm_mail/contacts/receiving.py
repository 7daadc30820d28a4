"""What many contacts receive, changed at once (`bulk`)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Select, String, cast, delete, func, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import Condition
from crm_mail.contacts.models import Contact, ContactAddress, RecipientKind, Subscription
from crm_mail.many_rows import among, chunks, insert_many

_AT_ONCE: Final = 5000


def different(contacts: Iterable[Condition], document_type: str, *, wanted: bool) -> Select[*tuple[Any, ...]]:
    """A query of (contact id, what it has) of the contacts that do not receive a type, or that do."""
    if wanted:
        having = select(Subscription.contact_id).where(Subscription.document_type == document_type)
        return select(Contact.id, Contact.privacy_level).where(*contacts, Contact.id.not_in(having))
    address = func.coalesce(cast(Subscription.address_id, String), "")
    found = select(Subscription.contact_id, cast(Subscription.recipient_kind, String), address)
    return found.join(Contact, Contact.id == Subscription.contact_id).where(
        *contacts, Subscription.document_type == document_type
    )


def subscribe(session: Session, ids: Sequence[int], document_type: str, as_before: str = "to=") -> int:
    """Let contacts receive a type; those that are gone, or receive it, are passed over. How many.

    Args:
        as_before: how: ``to`` or ``cc``, and the id of the chosen address, as `different` told it.
    """
    kind, _equals, address = as_before.partition("=")
    count = 0
    for part in chunks(ids, _AT_ONCE):
        having = select(Subscription.contact_id).where(Subscription.document_type == document_type)
        here = select(Contact.id).where(among(session, Contact.id, part), Contact.id.not_in(having))
        chosen: int | None = int(address) if address else None
        if chosen is not None and session.get(ContactAddress, chosen) is None:
            chosen = None
        rows = [
            {
                "contact_id": id_,
                "document_type": document_type,
                "recipient_kind": RecipientKind(kind),
                "address_id": chosen,
            }
            for id_ in session.scalars(here)
        ]
        insert_many(session, Subscription, rows)
        count += len(rows)
    session.expire_all()
    return count


def unsubscribe(session: Session, ids: Sequence[int], document_type: str, *, given: bool = False) -> int:
    """Let contacts not receive a type any more. How many.

    Args:
        given: only as `subscribe` gave it: what somebody chose since stays.
    """
    count = 0
    for part in chunks(ids, _AT_ONCE):
        gone = delete(Subscription).where(
            among(session, Subscription.contact_id, part), Subscription.document_type == document_type
        )
        if given:
            gone = gone.where(
                Subscription.recipient_kind == RecipientKind.TO, Subscription.address_id.is_(None)
            )
        done: Any = session.execute(gone.execution_options(synchronize_session=False))
        count += done.rowcount
    session.expire_all()
    return count
