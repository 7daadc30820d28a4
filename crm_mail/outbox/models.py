"""Runs, messages, their documents, files, contents, issues, events and attempts."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.db import Base, EnumText, Id, Json, UtcDateTime, index_only_on, now
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.outbox.states import MessageState, RunState


def _where(name: str, condition: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows that fulfil a condition: rows under review pay nothing for the sender's indexes."""
    rows = text(condition)
    return Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


class Run(Base):
    """One preparation, from its criteria to its report."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_company", "company_id", "id"),
        Index("ix_runs_state", "state", "starts_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    title: Mapped[str] = mapped_column(String(200))
    state: Mapped[RunState] = mapped_column(EnumText(RunState), default=RunState.PREPARING)
    criteria: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # outbox.criteria.Criteria
    document_types: Mapped[list[str]] = mapped_column(Json, default=list)  # the types its messages carry
    created_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # whoever prepares it is alive
    hidden_recipients: Mapped[int] = mapped_column(default=0)  # left for a colleague who sees more
    committed_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    committed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_by: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    starts_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime
    )  # end of the undo window, or the chosen time
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # the end report was mailed
    commit_key: Mapped[str | None] = mapped_column(String(64), unique=True)  # two clicks are one commit
    commit_summary: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # what dropped out, and why
    changes: Mapped[int] = mapped_column(default=0)  # grows with every change of a reviewer

    company: Mapped[Company] = relationship()


class Message(Base):
    """One mail to one recipient. The list shows this row alone; bodies stand in ``MessageContent``."""

    __tablename__ = "messages"
    __table_args__ = (
        index_only_on("postgresql", "ix_messages_run", "run_id", "id"),
        index_only_on(  # words are looked for in the list's order, no row is read; PostgreSQL's entries are smaller
            "sqlite", "ix_messages_run_words", "run_id", "id", "search_key", "privacy_level"
        ),
        Index(
            "ix_messages_run_state",
            *("run_id", "state", "privacy_level", "blockers", "warnings", "is_edited", "is_approved"),
            "account_id",
        ),  # covers the counts of a run, also per account
        _where(
            "ix_messages_queue", "next_attempt_at IS NOT NULL", "account_id", "state", "next_attempt_at", "id"
        ),
        _where("ix_messages_lease", "lease_until IS NOT NULL", "state", "lease_until"),
        _where("uq_messages_message_id", "message_id IS NOT NULL", "message_id", unique=True),
        _where("ix_messages_uncertain", "state = 'uncertain'", "account_id", "claimed_at"),
        _where("ix_messages_unproven", "channel = 'pec' AND state = 'sent'", "account_id", "sent_at"),
        Index("ix_messages_party", "party_id", "id"),
        _where("ix_messages_party_sent", "sent_at IS NOT NULL", "party_id", "privacy_level"),
        Index("ix_messages_contact", "contact_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    company_id: Mapped[int] = mapped_column(Id, ForeignKey("companies.id"))
    party_id: Mapped[int] = mapped_column(Id, ForeignKey("parties.id"))
    contact_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("contacts.id")
    )  # None: the party's own address
    state: Mapped[MessageState] = mapped_column(EnumText(MessageState), default=MessageState.PENDING)
    privacy_level: Mapped[int] = mapped_column(default=0)  # highest of the contacts it reaches

    party_code: Mapped[str] = mapped_column(String(60))
    party_name: Mapped[str] = mapped_column(String(250))
    recipient_name: Mapped[str] = mapped_column(String(200), default="")
    agent: Mapped[str] = mapped_column(String(60), default="")
    zone: Mapped[str] = mapped_column(String(60), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    language: Mapped[str] = mapped_column(String(2))

    to_address: Mapped[str] = mapped_column(String(254), default="")
    to_kind: Mapped[AddressKind] = mapped_column(EnumText(AddressKind), default=AddressKind.UNKNOWN)
    cc: Mapped[list[str]] = mapped_column(Json, default=list)
    bcc: Mapped[list[str]] = mapped_column(Json, default=list)
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    channel: Mapped[Channel] = mapped_column(EnumText(Channel))
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("sender_accounts.id"))
    subject: Mapped[str] = mapped_column(String(998), default="")
    search_key: Mapped[str] = mapped_column(Text, default="")  # outbox.review_filter.search_key

    document_types: Mapped[str] = mapped_column(String(1000), default="")  # space-separated
    first_documents: Mapped[list[list[str]]] = mapped_column(Json, default=list)  # up to three (type, number)
    document_count: Mapped[int] = mapped_column(default=0)
    file_count: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)  # bytes of the files
    blockers: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    first_issue: Mapped[str] = mapped_column(String(40), default="")
    is_edited: Mapped[bool] = mapped_column(default=False)
    is_approved: Mapped[bool] = mapped_column(default=False)
    last_sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withheld_reason: Mapped[str] = mapped_column(String(200), default="")
    why: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # BX-1: outbox.reasons
    revision: Mapped[int] = mapped_column(default=1)
    timeout_seconds: Mapped[int] = mapped_column(default=0)  # its packaging's (PM-10); 0: the account's
    purpose: Mapped[str] = mapped_column(
        String(20), default=""
    )  # contacts.consents.rules.Purpose; empty: owed
    unsubscribe_url: Mapped[str] = mapped_column(String(300), default="")  # of messages with a purpose
    is_composed: Mapped[bool] = mapped_column(default=False, server_default=false())  # outbox.composing

    message_id: Mapped[str | None] = mapped_column(String(200))  # RFC 5322, frozen at commit
    frozen_sha256: Mapped[str] = mapped_column(String(64), default="")  # BX-2: hash of all that was frozen
    attempt_count: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # also the Date header
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_cause: Mapped[str] = mapped_column(String(30), default="")
    last_code: Mapped[int | None]
    last_detail: Mapped[str] = mapped_column(String(500), default="")  # the server's own answer

    run: Mapped[Run] = relationship()
    content: Mapped["MessageContent"] = relationship(cascade="all, delete-orphan")
    files: Mapped[list["MessageFile"]] = relationship(
        cascade="all, delete-orphan", order_by="MessageFile.position", lazy="select"
    )
    issues: Mapped[list["MessageIssue"]] = relationship(cascade="all, delete-orphan", lazy="select")


_IS_PENDING = Message.state == literal_column("'pending'")
SHORTLISTS: dict[str, ColumnElement[bool]] = {
    # Lists of the review that may be a handful among 100,000 rows: each has an index of its own rows. A database uses
    # such an index only for a question in the same words, without parameters: the filter asks with these expressions.
    "blocked": and_(_IS_PENDING, Message.blockers > literal_column("0")),
    "warned": and_(_IS_PENDING, Message.warnings > literal_column("0")),
    "edited": Message.is_edited.is_(True),
    "approved": Message.is_approved.is_(True),
}
_ALWAYS = {  # the column that has one value in the whole list: with it SQLite takes the index for the narrower one
    "blocked": Message.state,
    "warned": Message.state,
    "edited": Message.is_edited,
    "approved": Message.is_approved,
}
for _name, _rows in SHORTLISTS.items():
    Index(
        f"ix_messages_{_name}",
        Message.run_id,
        _ALWAYS[_name],
        Message.id,
        sqlite_where=_rows,
        postgresql_where=_rows,
    )


class MessageContent(Base):
    """The bodies of a message, apart from the row so that lists stay light."""

    __tablename__ = "message_contents"

    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    body_text: Mapped[str] = mapped_column(Text, default="")
    body_html: Mapped[str] = mapped_column(Text, default="")


class MessageDocument(Base):
    """A document that a message carries; kept to know what was sent to whom (CO-8)."""

    __tablename__ = "message_documents"
    __table_args__ = (Index("ix_message_documents_document", "document_id", "message_id"),)

    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    document_id: Mapped[int] = mapped_column(Id, ForeignKey("documents.id"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)


class MessageFile(Base):
    """A file that a message carries, with the document it belongs to (never another party's: law 7)."""

    __tablename__ = "message_files"

    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int | None] = mapped_column(Id, ForeignKey("documents.id"))
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    content_id: Mapped[str] = mapped_column(
        String(80), default="", server_default=""
    )  # a picture in the text


class DownloadLink(Base):
    """A message's files offered by a link in its text, in place of attachments (CO-6).

    ``token`` holds 256 random bits and a digest of the files: as it stands in the frozen text, they are frozen too.
    """

    __tablename__ = "download_links"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    days: Mapped[int]  # it works so long after the message left
    files: Mapped[list[list[Any]]] = mapped_column(
        Json, default=list
    )  # name, mime, sha256, size, document id
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    downloads: Mapped[int] = mapped_column(default=0)
    last_download_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    message: Mapped[Message] = relationship()


class PackagingCopy(Base):
    """What a packaging wants done besides sending a message: copies of its files in a folder, a line in the audit."""

    __tablename__ = "packaging_copies"
    __table_args__ = (Index("ix_packaging_copies_state", "state", "message_id"),)

    message_id: Mapped[int] = mapped_column(
        Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    folder: Mapped[str] = mapped_column(
        String(200), default=""
    )  # below Settings.copies_dir; empty: no copies
    after_sending: Mapped[AfterSending] = mapped_column(EnumText(AfterSending))
    logs_success: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="waiting")  # outbox.copies.CopyState
    names: Mapped[list[str]] = mapped_column(Json, default=list)  # paths below the folder of copies
    detail: Mapped[str] = mapped_column(String(300), default="")  # why it failed


class MessageIssue(Base):
    """A blocker or a warning on a message, with what its remedy needs (BX-6)."""

    __tablename__ = "message_issues"
    __table_args__ = (Index("ix_message_issues_run", "run_id", "code", "message_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(40))  # outbox.issues.Issue
    is_blocker: Mapped[bool]
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class LeftOut(Base):
    """A document or a contact that a run leaves out, and why (BX-1)."""

    __tablename__ = "left_out"
    __table_args__ = (Index("ix_left_out_run", "run_id", "reason", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    reason: Mapped[str] = mapped_column(String(40))  # outbox.reasons.LeftOutReason
    party_id: Mapped[int | None] = mapped_column(Id, ForeignKey("parties.id"))
    contact_id: Mapped[int | None] = mapped_column(Id, ForeignKey("contacts.id"))
    document_id: Mapped[int | None] = mapped_column(Id, ForeignKey("documents.id"))
    privacy_level: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str] = mapped_column(String(300), default="")


class MessageEvent(Base):
    """History of a message: what happened to it, when, and who did it."""

    __tablename__ = "message_events"
    __table_args__ = (Index("ix_message_events_message", "message_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("messages.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(40))  # prepared, excluded, included, edited, committed, sent…
    actor_name: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class MessageRevision(Base):
    """What a message was before a person edited it."""

    __tablename__ = "message_revisions"
    __table_args__ = (UniqueConstraint("message_id", "revision"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("messages.id", ondelete="CASCADE"))
    revision: Mapped[int]
    to_address: Mapped[str] = mapped_column(String(254))
    to_kind: Mapped[AddressKind] = mapped_column(EnumText(AddressKind), default=AddressKind.UNKNOWN)
    cc: Mapped[list[str]] = mapped_column(Json, default=list)
    account_id: Mapped[int | None] = mapped_column(Id)
    subject: Mapped[str] = mapped_column(String(998))
    body_text: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    replaced_by: Mapped[str] = mapped_column(String(200), default="")


class Attempt(Base):
    """One try to send a message: the report reads these.

    ``mime`` is the packed skeleton of the very bytes that left (delivery.mime.pack): with the stored files it gives
    them back byte for byte, and ``mime_sha256`` proves it.
    """

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_message", "message_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("messages.id", ondelete="CASCADE"))
    account_id: Mapped[int | None] = mapped_column(Id)
    worker: Mapped[str] = mapped_column(String(60), default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(20))  # delivery.envelope.OutcomeKind
    cause: Mapped[str] = mapped_column(String(30), default="")  # delivery.envelope.Cause
    code: Mapped[int | None]
    detail: Mapped[str] = mapped_column(String(500), default="")
    mime: Mapped[bytes | None] = mapped_column(LargeBinary)
    mime_sha256: Mapped[str] = mapped_column(String(64), default="")


class Selection(Base):
    """Rows that a reviewer selected: a filter and its exceptions, never a list of ids (RP-10)."""

    __tablename__ = "selections"
    __table_args__ = (UniqueConstraint("run_id", "user_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    filter: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    exceptions: Mapped[list[int]] = mapped_column(Json, default=list)  # rows taken out of it again
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ReviewAction(Base):
    """What a reviewer did to several rows at once, with all that undoing it needs."""

    __tablename__ = "review_actions"
    __table_args__ = (Index("ix_review_actions_run", "run_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id, ForeignKey("runs.id"))
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(40))  # excluded, included, approved, account_changed, checked…
    count: Mapped[int] = mapped_column(default=0)
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    before: Mapped[list[list[Any]]] = mapped_column(Json, default=list)  # [first id, last id, value before]
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
