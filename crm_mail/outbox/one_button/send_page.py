"""What the page of a small run shows: who gets what, from which account, what stands in the way, what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.finding.conditions import visible_contacts
from crm_mail.contacts.models import Contact, ContactAddress
from crm_mail.delivery.models import SenderAccount
from crm_mail.documents.models import Document
from crm_mail.documents.sight import is_in_sight
from crm_mail.outbox.models import Message, MessageContent, Run
from crm_mail.outbox.preparing.gathering import role_names
from crm_mail.outbox.preparing.left_out import list_left_out
from crm_mail.outbox.reviewing import review_page
from crm_mail.outbox.reviewing.message_page import Problem, problems_of
from crm_mail.outbox.sending.cause_words import CauseWords, cause_words
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import LEFT, MessageState
from crm_mail.outbox.why_words import describe_why, left_out_detail, left_out_words
from crm_mail.permissions import Permission, signed_in_actor
from crm_mail.users.actors import who_can
from crm_mail.web.door import db

MOST_SHOWN = 50
"""Messages that one page shows in full; a run of more is looked at in the review."""
FAILED = frozenset({MessageState.FAILED, MessageState.BOUNCED, MessageState.UNCERTAIN})


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody whom a message reaches. ``role`` is empty for an address that belongs to no contact."""

    address: str
    name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One message of the page."""

    message: Message
    role: str
    copies: list[Receiver]
    account: SenderAccount | None
    text: str
    why: str
    problems: list[Problem]
    cause: CauseWords


def shown_messages(run: Run) -> list[Message]:
    """The first messages of a run that exist for the signed-in person."""
    query = (
        select(Message)
        .where(Message.run_id == run.id, messages_in_sight(signed_in_actor().sight))
        .order_by(Message.id)
        .limit(MOST_SHOWN)
    )
    return list(db().scalars(query))


def cards_of(run: Run, messages: Sequence[Message]) -> list[Card]:
    """The messages with everything that is said about them."""
    rights = review_page.rights_of(signed_in_actor(), run)
    roles = role_names(db(), [one.contact_id for one in messages if one.contact_id is not None])
    types = company_types(db(), run.company_id).names
    return [
        Card(
            message=one,
            role=roles.get(one.contact_id or 0, ""),
            copies=_copies(one),
            account=db().get(SenderAccount, one.account_id) if one.account_id else None,
            text=db().get_one(MessageContent, one.id).body_text,
            why=describe_why(one.why, _, review_page.page_language(), types),
            problems=problems_of(run, one, rights),
            cause=cause_words(one.last_cause, one.last_code, "", _),
        )
        for one in messages
    ]


def _copies(message: Message) -> list[Receiver]:
    """Who receives a copy: the party's contact behind each address, where the person may know it."""
    if not message.cc:
        return []
    query = (
        select(ContactAddress.email, Contact.id, Contact.name)
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(
            Contact.party_id == message.party_id,
            visible_contacts(signed_in_actor().sight),
            ContactAddress.email.in_(message.cc),
        )
    )
    found = {email: (id_, name) for email, id_, name in db().execute(query)}
    roles = role_names(db(), [id_ for id_, _name in found.values()])
    return [
        Receiver(one, found[one][1], roles.get(found[one][0], "")) if one in found else Receiver(one)
        for one in message.cc
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the messages of a run, for the sentence above them."""

    sent: list[Message]
    failed: list[Message]
    waiting: list[Message]

    @property
    def sent_to(self) -> str:
        """To whom it went."""
        addresses = [address for one in self.sent for address in (one.to_address, *one.cc)]
        return ", ".join(dict.fromkeys(addresses))


def outcome_of(messages: Sequence[Message]) -> Outcome:
    """Sort messages by what became of them; an uncertain one counts as failed: somebody has to look at it."""
    waiting = (MessageState.COMMITTED, MessageState.SENDING, MessageState.RETRYING)
    return Outcome(
        [one for one in messages if one.state in LEFT and one.state not in FAILED],
        [one for one in messages if one.state in FAILED],
        [one for one in messages if one.state in waiting],
    )


def documents_of(run: Run) -> list[Document]:
    """The documents that the run was made from."""
    ids = run.criteria.get("document_ids") or ()
    query = select(Document).where(Document.id.in_(ids), Document.company_id == run.company_id)
    actor = signed_in_actor()
    return [
        one
        for one in db().scalars(query.order_by(Document.dated_on, Document.id))
        if is_in_sight(actor.sight, one) and actor.can(Permission.DOCUMENTS_SEE, one.company_id, one.type)
    ]


def left_out_of(run: Run) -> list[dict[str, Any]]:
    """What the run leaves out: name, reason, what would change it, and the card to do so."""
    rows, _following = list_left_out(db(), signed_in_actor(), run)
    found = []
    for row in rows:
        text, remedy = left_out_words(row.reason, _)
        detail = left_out_detail(row.detail, _) if row.detail else ""
        url = ""
        if row.document_id:
            url = review_page.link("documents.show_document", document_id=row.document_id)
        elif row.party_id:
            url = review_page.link("contacts.show_party", party_id=row.party_id)
        found.append(
            {"row": row, "text": f"{text}: {detail}" if detail else text, "remedy": remedy, "url": url}
        )
    return found


def who_may_commit(run: Run) -> list[str]:
    """Names of a few people who may let this run go: whom to ask."""
    return who_can(db(), Permission.OUTBOX_COMMIT, run.company_id, *run.document_types)
