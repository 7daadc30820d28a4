"""Fill the texts of prepared messages in again, from what the company's texts and the cards say now.

Used where a change of many rows needs another text: another language, or documents that came together. Rows that a
person wrote in are never filled in again: see `is_by_hand`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.documents.context_fields import party_fields
from crm_mail.documents.message_context import ContactFields, PartyFields
from crm_mail.documents.models import Document
from crm_mail.many_rows import insert_many
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.models import (
    Message,
    MessageContent,
    MessageDocument,
    MessageIssue,
    MessageRevision,
    Run,
)
from crm_mail.outbox.preparing.draft_rows import FIRST_DOCUMENTS, document_fields
from crm_mail.outbox.preparing.facts import DocumentFacts
from crm_mail.outbox.preparing.filling import FilledText, RunTexts, TextRequest
from crm_mail.outbox.preparing.gathering import DOCUMENT_COLUMNS, document_facts, role_names
from crm_mail.outbox.preparing.rules import load_run_texts
from crm_mail.outbox.reviewing.review_changes import recount_issues
from crm_mail.outbox.reviewing.review_filter import search_key
from crm_mail.permissions import Actor
from crm_mail.users.models import User

AT_ONCE = 500
TEXT_ISSUES = (Issue.TEXT_INVALID.value, Issue.EMPTY_FIELD.value)


def is_by_hand() -> ColumnElement[bool]:
    """Rows in whose subject or text a person wrote: an earlier version says something else, or it was composed."""
    other = exists().where(
        MessageRevision.message_id == Message.id,
        MessageContent.message_id == Message.id,
        or_(
            MessageRevision.subject != Message.subject,
            MessageRevision.body_text != MessageContent.body_text,
            MessageRevision.body_html != MessageContent.body_html,
        ),
    )
    return Message.is_composed.is_(True) | (Message.is_edited.is_(True) & other)


@dataclass(frozen=True, slots=True)
class Refill:
    """A row that gets a new text: in which language, with which documents."""

    message: Message
    language: str
    documents: Sequence[DocumentFacts]


@dataclass(frozen=True, slots=True)
class TextFiller:
    """Fills texts in for one run, signed by the person who prepared it."""

    session: Session
    texts: RunTexts

    @classmethod
    def of(cls, session: Session, actor: Actor, run: Run) -> "TextFiller":
        """Read the company's texts once."""
        company = session.get_one(Company, run.company_id)
        preparer = session.get(User, run.created_by) if run.created_by else None
        return cls(session, load_run_texts(session, company, preparer or actor))

    def fill(self, rows: Sequence[Refill]) -> dict[int, FilledText]:
        """The new text of each row, by its id."""
        parties = self._parties({row.message.party_id for row in rows})
        contacts = [row.message.contact_id for row in rows if row.message.contact_id is not None]
        roles = role_names(self.session, contacts) if contacts else {}
        return {
            row.message.id: self.texts.fill(
                TextRequest(
                    parties[row.message.party_id],
                    _contact(row.message, roles),
                    [document_fields(document) for document in row.documents],
                    row.language,
                    str(row.message.why.get("text", "")),
                    (why["link"], why["link_days"]) if "link" in (why := row.message.why) else None,
                    row.message.unsubscribe_url,
                )
            )
            for row in rows
        }

    def _parties(self, ids: Iterable[int]) -> dict[int, PartyFields]:
        parties = self.session.scalars(select(Party).where(Party.id.in_(ids)))
        return {party.id: party_fields(party) for party in parties}


def _contact(message: Message, roles: Mapping[int, str]) -> ContactFields | None:
    if message.contact_id is None:
        return None
    role = roles.get(message.contact_id, "")
    return {"name": message.recipient_name, "roles": role, "email": message.to_address}


def documents_of(session: Session, message_ids: Sequence[int]) -> dict[int, list[DocumentFacts]]:
    """The documents of messages, in their order, without files."""
    query = (
        select(MessageDocument.message_id, *DOCUMENT_COLUMNS)
        .join(Document, Document.id == MessageDocument.document_id)
        .where(MessageDocument.message_id.in_(message_ids))
        .order_by(MessageDocument.message_id, MessageDocument.position)
    )
    found: dict[int, list[DocumentFacts]] = {id_: [] for id_ in message_ids}
    for message_id, *row in session.execute(query):
        found[message_id].append(document_facts(row, ()))
    return found


def keep_revisions(session: Session, actor: Actor, ids: Sequence[int], at: Any = None) -> None:
    """Keep what rows are now as an earlier version, in one statement."""
    columns = {
        "message_id": Message.id,
        "revision": Message.revision,
        "to_address": Message.to_address,
        "to_kind": Message.to_kind,
        "cc": Message.cc,
        "account_id": Message.account_id,
        "subject": Message.subject,
        "body_text": MessageContent.body_text,
        "body_html": MessageContent.body_html,
        "replaced_at": literal(at or now(), MessageRevision.replaced_at.type),
        "replaced_by": literal(actor.name),
    }
    rows = (
        select(*columns.values())
        .join(MessageContent, MessageContent.message_id == Message.id)
        .where(Message.id.in_(ids))
    )
    session.connection().execute(
        insert(MessageRevision).from_select(list(columns), rows, include_defaults=False)
    )


def write_texts(
    session: Session, rows: Sequence[Refill], texts: Mapping[int, FilledText], **more: Mapping[int, Any]
) -> None:
    """Write new texts to rows and settle what stood against the old ones.

    Args:
        more: further columns, each with its value by row.
    """
    connection = session.connection()
    connection.execute(
        update(Message)
        .where(Message.id == bindparam("row"))
        .values(
            subject=bindparam("new_subject"),
            language=bindparam("new_language"),
            search_key=bindparam("new_key"),
            revision=Message.revision + 1,
            is_approved=False,
            **{name: bindparam(f"new_{name}", type_=getattr(Message, name).type) for name in more},
        ),
        [_values(row, texts[row.message.id], more) for row in rows],
    )
    connection.execute(
        update(MessageContent)
        .where(MessageContent.message_id == bindparam("row"))
        .values(body_text=bindparam("new_text"), body_html=bindparam("new_html")),
        [{"row": id_, "new_text": text.body_text, "new_html": text.body_html} for id_, text in texts.items()],
    )
    run_id = rows[0].message.run_id
    replace_text_issues(session, run_id, {id_: text.issues for id_, text in texts.items()})


def _values(row: Refill, text: FilledText, more: Mapping[str, Mapping[int, Any]]) -> dict[str, Any]:
    message = row.message
    key = search_key(
        message.party_code,
        message.party_name,
        message.recipient_name,
        message.to_address,
        text.subject,
        *(document.number for document in row.documents[:FIRST_DOCUMENTS]),
    )
    return {
        "row": message.id,
        "new_subject": text.subject,
        "new_language": row.language,
        "new_key": key,
        **{f"new_{name}": values[message.id] for name, values in more.items()},
    }


def refresh_search_keys(session: Session, ids: Sequence[int]) -> None:
    """Make rows findable by the subject that they have now."""
    columns = (
        Message.id,
        Message.first_documents,
        Message.party_code,
        Message.party_name,
        Message.recipient_name,
        Message.to_address,
        Message.subject,
    )
    rows = session.execute(select(*columns).where(Message.id.in_(ids)))
    keys = [
        {"row": id_, "key": search_key(*texts, *(number for _type, number in documents))}
        for id_, documents, *texts in rows
    ]
    query = update(Message).where(Message.id == bindparam("row")).values(search_key=bindparam("key"))
    session.connection().execute(query, keys)


def replace_text_issues(
    session: Session, run_id: int, issues: Mapping[int, Iterable[tuple[str, dict[str, Any]]]]
) -> None:
    """Take what stood against the texts of rows away, put on what stands against them now, and count again."""
    ids = list(issues)
    session.connection().execute(
        delete(MessageIssue).where(MessageIssue.message_id.in_(ids), MessageIssue.code.in_(TEXT_ISSUES))
    )
    insert_many(
        session,
        MessageIssue,
        [
            {
                "run_id": run_id,
                "message_id": id_,
                "code": Issue(code).value,
                "is_blocker": Issue(code) in BLOCKERS,
                "params": params,
            }
            for id_, found in issues.items()
            for code, params in found
        ],
    )
    recount_issues(session, ids)


def text_issues(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[str, dict[str, Any]]]]:
    """What stands against the texts of rows now."""
    query = select(MessageIssue.message_id, MessageIssue.code, MessageIssue.params)
    rows = session.execute(query.where(MessageIssue.message_id.in_(ids), MessageIssue.code.in_(TEXT_ISSUES)))
    found: dict[int, list[tuple[str, dict[str, Any]]]] = {id_: [] for id_ in ids}
    for id_, code, params in rows:
        found[id_].append((code, params))
    return found
