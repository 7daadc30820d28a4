"""A received mail that a person hands in: a receipt saved by hand, from a file or by upload.

It is read, checked and matched like one from the mailbox; and kept, when it is a receipt or a bounce, even if it
matches no message.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.db import now
from crm_mail.delivery.mailbox.reader import ReceivedMail
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.intake import examine, find_item, take_in
from crm_mail.evidence.models import MailItem
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission

FOLDER = "-"
"""Where a mail that was handed in lay: in no folder of the account."""
LARGEST = 150 * 1024 * 1024


class HandedIn(StrEnum):
    """What became of a file."""

    TAKEN = "taken"
    KNOWN = "known"  # it was taken in before
    NOTHING = "nothing"  # no receipt, no bounce, and nothing about a message of ours
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file and what became of it. ``item``: the mail, new or known."""

    name: str
    result: HandedIn
    item: MailItem | None = None


def hand_in(
    session: Session, home: Installation, actor: Actor, account: SenderAccount, name: str, data: bytes
) -> Outcome:
    """Take in one file as if it had come to the account's mailbox.

    Raises:
        PermissionDenied: the right to manage accounts is missing.
    """
    actor.require(Permission.ACCOUNTS_MANAGE, account.company_id)
    if len(data) > LARGEST:
        return Outcome(name, HandedIn.TOO_LARGE)
    known = find_item(session, account, hashlib.sha256(data).hexdigest())
    if known is not None:
        return Outcome(name, HandedIn.KNOWN, known)
    mail = ReceivedMail(FOLDER, 0, 0, now(), data)
    item = take_in(session, home, account, mail, examined=examine(home, data), is_by_hand=True)
    if item is None:
        return Outcome(name, HandedIn.NOTHING)
    audit.record(
        session,
        actor,
        "evidence.mail.handed_in",
        company_id=account.company_id,
        subject=item,
        label=name,
        kind=item.kind.value,
        trust=item.trust,
    )
    return Outcome(name, HandedIn.TAKEN, item)
