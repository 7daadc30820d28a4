"""Drafts become rows: texts filled in, issues counted, every value as the driver takes it. Nothing is written here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.engine import Dialect

from crm_mail.db import Base
from crm_mail.delivery.routing import Channel
from crm_mail.documents.message_context import DocumentFields
from crm_mail.many_rows import ReadyRows, ready_rows
from crm_mail.outbox.composing.parts import with_unsubscribe
from crm_mail.outbox.composing.text_drafts import with_stop
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.links.unsubscribe_links import UnsubscribeLinks
from crm_mail.outbox.models import (
    DownloadLink,
    LeftOut,
    Message,
    MessageContent,
    MessageDocument,
    MessageFile,
    MessageIssue,
    PackagingCopy,
)
from crm_mail.outbox.preparing.drafts import Draft, LinkedFiles, find_issues
from crm_mail.outbox.preparing.facts import DocumentFacts, FileFacts
from crm_mail.outbox.preparing.filling import FilledText, RunTexts, TextRequest
from crm_mail.outbox.reviewing.review_filter import search_key
from crm_mail.outbox.states import MessageState

FIRST_DOCUMENTS = 3
_NUMBERED = {
    Message: "id",
    MessageContent: "message_id",
    MessageDocument: "message_id",
    MessageFile: "message_id",
    MessageIssue: "message_id",
    DownloadLink: "message_id",
    PackagingCopy: "message_id",
}
"""The tables of a message, each with the column that holds the message's id."""

Rows = dict[type[Base], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Part:
    """Messages of a run with all their rows, and what was left out on the way; another process may have made it.

    Args:
        is_numbered: the messages have their ids; otherwise they are numbered from 0.
        hidden: contacts above the actor's clearance that would have received something.
    """

    tables: tuple[ReadyRows, ...]
    messages: int
    blocked: int
    warned: int
    types: frozenset[str]
    is_numbered: bool
    hidden: frozenset[int] = frozenset()

    def numbered(self, ids: Sequence[int]) -> "Part":
        """The same part with these ids for its messages."""
        tables = (
            table.renumbered(_NUMBERED[table.model], ids) if table.model in _NUMBERED else table
            for table in self.tables
        )
        return replace(self, tables=tuple(tables), is_numbered=True)


@dataclass(slots=True)
class RowMaker:
    """Makes the rows of one run's messages.

    Args:
        dialect: of the database that the rows are for.
        has_file: whether a stored file is there.
        max_bytes: largest size of a message's files, encoded.
        unsubscribe: makes the links that messages with a purpose carry.
    """

    run_id: int
    company_id: int
    dialect: Dialect
    texts: RunTexts
    has_file: Callable[[str], bool]
    max_bytes: int
    unsubscribe: UnsubscribeLinks | None = None
    _known_files: set[str] = field(default_factory=set)

    def make(
        self,
        drafts: Sequence[Draft],
        ids: Sequence[int] | None,
        left_out: Sequence[dict[str, Any]] = (),
        hidden: Iterable[int] = (),
    ) -> Part:
        """The rows of these messages, with their contents, documents, files and issues.

        Args:
            ids: of the messages; None: they are numbered from 0.
            left_out: rows of `LeftOut`.

        Raises:
            ValueError: a message that names itself, in its link to unsubscribe, has no id yet.
        """
        if ids is None and any(draft.policy.purpose for draft in drafts):
            raise ValueError("a message with a link to unsubscribe needs its id")
        rows: Rows = {model: [] for model in _NUMBERED}
        for id_, draft in zip(range(len(drafts)) if ids is None else ids, drafts, strict=True):
            self._add(rows, id_, draft)
        rows[LeftOut] = list(left_out)
        messages = rows[Message]
        return Part(
            tuple(ready_rows(self.dialect, model, values) for model, values in rows.items() if values),
            len(messages),
            sum(row["blockers"] > 0 for row in messages),
            sum(row["warnings"] > 0 for row in messages),
            frozenset(type_ for draft in drafts for type_ in draft.types),
            ids is not None,
            frozenset(hidden),
        )

    def _add(self, rows: Rows, id_: int, draft: Draft) -> None:
        find_issues(draft, self.max_bytes)
        self._check_store(draft)
        url = self._unsubscribe_url(id_, draft)
        subject, body_text, body_html, issues = self._text(draft, url)
        draft.issues += issues
        blockers = sum(1 for code, _ in draft.issues if code in BLOCKERS)
        warnings = len(draft.issues) - blockers
        row = self._message_row(id_, draft, subject, blockers, warnings)
        row["unsubscribe_url"] = url
        rows[Message].append(row)
        rows[MessageContent].append({"message_id": id_, "body_text": body_text, "body_html": body_html})
        for place, document in enumerate(draft.documents):
            rows[MessageDocument].append({"message_id": id_, "document_id": document.id, "position": place})
        for position, (document_id, file) in enumerate(_attached(draft)):
            rows[MessageFile].append(
                {
                    "message_id": id_,
                    "position": position,
                    "document_id": document_id,
                    "name": file.name,
                    "mime": file.mime,
                    "sha256": file.sha256,
                    "size": file.size,
                    "content_id": file.content_id,
                }
            )
        if draft.linked is not None:
            rows[DownloadLink].append(_link_row(id_, draft.linked))
        facts = draft.packaging
        if facts is not None and (facts.copy_folder or facts.logs_success):
            rows[PackagingCopy].append(
                {
                    "message_id": id_,
                    "folder": facts.copy_folder,
                    "after_sending": facts.after_sending,
                    "logs_success": facts.logs_success,
                }
            )
        for code, params in draft.issues:
            rows[MessageIssue].append(
                {
                    "run_id": self.run_id,
                    "message_id": id_,
                    "code": code.value,
                    "is_blocker": code in BLOCKERS,
                    "params": params,
                }
            )

    def _check_store(self, draft: Draft) -> None:
        for file in draft.files:
            if file.sha256 in self._known_files:
                continue
            if self.has_file(file.sha256):
                self._known_files.add(file.sha256)
            else:
                draft.issues.append((Issue.MISSING_FILE, {"file": file.name}))

    def _unsubscribe_url(self, id_: int, draft: Draft) -> str:
        if self.unsubscribe is None or not draft.policy.purpose:
            return ""
        contact = draft.recipient.contact
        return self.unsubscribe.url(id_, contact.id if contact else None, draft.policy.purpose)

    def _text(self, draft: Draft, unsubscribe_url: str) -> FilledText:
        composed, contact = draft.composed, draft.recipient.contact
        if composed is None:
            return self.texts.fill(
                TextRequest(
                    draft.party.fields,
                    {"name": contact.name, "roles": contact.roles, "email": draft.to_address}
                    if contact
                    else None,
                    [document_fields(document) for document in draft.documents],
                    draft.language,
                    draft.packaging.text_name if draft.packaging else "",
                    (draft.linked.url, draft.linked.days) if draft.linked else None,
                    unsubscribe_url,
                )
            )
        if draft.channel is Channel.SMS:
            return FilledText(
                composed.subject, with_stop(composed.body_text, unsubscribe_url, draft.language)
            )
        company = self.texts.company_name
        return FilledText(*with_unsubscribe(composed, unsubscribe_url, company, draft.language))

    def _message_row(
        self, id_: int, draft: Draft, subject: str, blockers: int, warnings: int
    ) -> dict[str, Any]:
        fields, contact, files = draft.party.fields, draft.recipient.contact, draft.files
        first = next((code for code, _ in sorted(draft.issues, key=lambda i: i[0] not in BLOCKERS)), None)
        return {
            "id": id_,
            "run_id": self.run_id,
            "company_id": self.company_id,
            "party_id": draft.party.id,
            "contact_id": contact.id if contact else None,
            "state": MessageState.PENDING,
            "privacy_level": draft.privacy_level,
            "party_code": draft.party.code,
            "party_name": draft.party.name,
            "recipient_name": contact.name if contact else draft.recipient.name,
            "agent": fields["agent"],
            "zone": fields["zone"],
            "city": fields["city"],
            "language": draft.language,
            "to_address": draft.to_address,
            "to_kind": draft.to_kind,
            "cc": draft.cc,
            "bcc": list(draft.policy.bcc) if draft.channel.value == "smtp" else [],
            "reply_to": draft.reply_to,
            "channel": draft.channel,
            "account_id": draft.account_id,
            "subject": subject,
            "search_key": search_key(
                draft.party.code,
                draft.party.name,
                contact.name if contact else "",
                draft.to_address,
                subject,
                *(document.number for document in draft.documents[:FIRST_DOCUMENTS]),
            ),
            "document_types": " ".join(draft.types),
            "first_documents": [[d.type, d.number] for d in draft.documents[:FIRST_DOCUMENTS]],
            "document_count": len(draft.documents),
            "file_count": len(files),
            "size": sum(file.size for file in files),
            "blockers": blockers,
            "warnings": warnings,
            "first_issue": first.value if first else "",
            "last_sent_at": draft.last_sent_at,
            "timeout_seconds": draft.timeout_seconds,
            "why": draft.why,
            "is_composed": draft.composed is not None,
            "purpose": draft.policy.purpose,
        }


def document_fields(document: DocumentFacts) -> DocumentFields:
    """What a text may say of a document."""
    return {
        "type": document.type,
        "number": document.number,
        "series": document.series,
        "date": document.dated_on,
        "total": document.total if document.total is not None else "",
        "currency": document.currency,
        "due_date": document.due_on or "",
    }


def _attached(draft: Draft) -> Iterable[tuple[int | None, FileFacts]]:
    """The files that the message itself carries, each with its document: none where a link offers them."""
    if draft.composed is not None:
        return ((file.document_id, file) for file in draft.composed.files)
    if draft.linked is not None:
        return ()
    if draft.archive is not None:
        return ((draft.documents[0].id, draft.archive),)
    return ((document.id, file) for document in draft.documents for file in document.files)


def _link_row(message_id: int, linked: LinkedFiles) -> dict[str, Any]:
    files = [[file.name, file.mime, file.sha256, file.size, document] for file, document in linked.files]
    return {"message_id": message_id, "token": linked.token, "days": linked.days, "files": files}
