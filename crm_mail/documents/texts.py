"""The texts of messages: the company's own where it wrote one, the built-in ones otherwise (IT-12).

A text belongs to a name (a document type id, or `bundle` for a message with several types) and a language. Each save
is a new version; going back, to an older version or to the built-in text, is a new version too, so that history keeps
what every message was made from. Services never commit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.type_registry import company_types
from crm_mail.document_types import TEXT_LANGUAGES, DocumentType, text_language
from crm_mail.documents import models
from crm_mail.documents.builtin_texts import (
    BUNDLE,
    CompiledMessage,
    MessageText,
    builtin_text,
    compile_message,
    email_layout,
)
from crm_mail.documents.html_text import html_to_text, sanitise_html
from crm_mail.documents.template_errors import TemplateInvalid, TemplateProblem
from crm_mail.documents.templating import TextKind, compile_text
from crm_mail.documents.text_book import BUILTIN_VERSION, TextBook, TextInUse
from crm_mail.documents.text_samples import sample_context
from crm_mail.permissions import Actor, Permission
from crm_mail.users.models import User

TEXT_NAMES: tuple[str, ...] = (*(t.value for t in DocumentType), BUNDLE)
MAX_SUBJECT = 500


class TextInvalid(Exception):
    """A part of a text cannot be used; `field` is subject, body_text or body_html, `error` says line and reason."""

    def __init__(self, field: str, error: TemplateInvalid) -> None:
        super().__init__(f"{field}: {error}")
        self.field = field
        self.error = error


class TextMissing(Exception):
    """A text needs a subject and a body: write both."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is empty: a message needs a subject and a body")
        self.field = field


class TextChangedMeanwhile(Exception):
    """Somebody else saved the text after this editor opened it; nothing was saved."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} was saved meanwhile: open the text again and repeat your change")
        self.version = version


@dataclass(frozen=True, slots=True)
class TextVersion:
    """One line of a text's history."""

    version: int
    text: MessageText
    is_builtin: bool
    created_at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A text filled in; `html` is empty for a text without an HTML body."""

    subject: str
    text: str
    html: str


def _source(row: models.MessageText) -> MessageText:
    return MessageText(row.subject, row.body_text, row.body_html)


def load_texts(session: Session, company_id: int) -> TextBook:
    """Every text of a company in one query; versions that were replaced are not read."""
    table = models.MessageText
    newest = (
        select(table.document_type, table.language, func.max(table.version).label("version"))
        .where(table.company_id == company_id)
        .group_by(table.document_type, table.language)
        .subquery()
    )
    rows = session.scalars(
        select(table)
        .join(
            newest,
            and_(
                table.document_type == newest.c.document_type,
                table.language == newest.c.language,
                table.version == newest.c.version,
            ),
        )
        .where(table.company_id == company_id, table.is_builtin.is_(False))
    )
    return TextBook({(r.document_type, r.language): TextInUse(_source(r), r.version) for r in rows})


def _newest(session: Session, company_id: int, name: str, language: str) -> models.MessageText | None:
    table = models.MessageText
    return session.scalar(
        select(table)
        .where(table.company_id == company_id, table.document_type == name, table.language == language)
        .order_by(table.version.desc())
        .limit(1)
    )


def newest_version(session: Session, company_id: int, name: str, language: str) -> int:
    """The number of the last save, 0 when nothing was ever saved; `save_text` asks for it back."""
    row = _newest(session, company_id, name, language)
    return row.version if row is not None else BUILTIN_VERSION


def text_for(session: Session, company_id: int, name: str, language: str) -> TextInUse:
    """The text in use for one name and language."""
    short = text_language(language)
    row = _newest(session, company_id, name, short)
    if row is None or row.is_builtin:
        return TextInUse(builtin_text(name, short), BUILTIN_VERSION)
    return TextInUse(_source(row), row.version)


def list_versions(session: Session, company_id: int, name: str, language: str) -> list[TextVersion]:
    """The history of a text, newest first."""
    table = models.MessageText
    rows = session.execute(
        select(table, User.name)
        .outerjoin(User, User.id == table.created_by)
        .where(table.company_id == company_id, table.document_type == name, table.language == language)
        .order_by(table.version.desc())
    )
    return [
        TextVersion(row.version, _source(row), row.is_builtin, row.created_at, author or "")
        for row, author in rows
    ]


def _lines(text: str) -> str:
    """Line ends as browsers send them become plain ones; nothing else changes (PM-12)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tidy_text(text: MessageText) -> MessageText:
    """The text as it is kept: the HTML cleaned, a missing plain body made from the HTML.

    Raises:
        TextMissing: no subject, or no body at all.
    """
    subject = " ".join(_lines(text.subject).split("\n")).strip()
    body_text = _lines(text.body_text)
    body_html = sanitise_html(_lines(text.body_html)) if text.body_html.strip() else ""
    if not subject:
        raise TextMissing("subject")
    if not body_text.strip() and body_html:
        body_text = html_to_text(body_html)
    if not body_text.strip():
        raise TextMissing("body_text")
    return MessageText(subject, body_text, body_html)


def check_text(text: MessageText, name: str, language: str) -> None:
    """Compile each part and fill it in once with one document and once with two.

    Raises:
        TextInvalid: with the field, the line and the reason (unknown placeholder, endless loop, wrong HTML place).
    """
    parts: tuple[tuple[str, str, TextKind], ...] = (
        ("subject", text.subject, "subject"),
        ("body_text", text.body_text, "text"),
        ("body_html", text.body_html, "html"),
    )
    contexts = [sample_context({"name": "Officine"}, {}, name, language, documents=n) for n in (1, 2)]
    for field, source, kind in parts:
        if not source:
            continue
        try:
            compiled = compile_text(source, kind, "message", email_layout() if kind == "html" else None)
            for context in contexts:
                compiled.render(context)
        except TemplateInvalid as error:
            raise TextInvalid(field, error) from error


def render_message(compiled: CompiledMessage, context: Mapping[str, object]) -> RenderedMessage:
    """Fill all parts in. Raises `TemplateInvalid`."""
    html = compiled.html.render(context) if compiled.html is not None else ""
    return RenderedMessage(compiled.subject.render(context), compiled.text.render(context), html)


def preview_text(
    text: MessageText, context: Mapping[str, object], name: str, language: str
) -> RenderedMessage:
    """What a text not yet saved would give.

    Raises:
        TextInvalid, TextMissing: as saving would.
    """
    tidy = tidy_text(text)
    check_text(tidy, name, language)
    return render_message(compile_message(tidy), context)


def save_text(
    session: Session,
    actor: Actor,
    company_id: int,
    name: str,
    language: str,
    text: MessageText,
    based_on: int | None = None,
) -> int:
    """Keep a text as the company's newest version; the same text again makes none. Returns the version in use.

    Args:
        based_on: the version the author saw (`newest_version`); None does not ask.

    Raises:
        TextInvalid, TextMissing: nothing was saved. TextChangedMeanwhile. PermissionDenied.
    """
    actor.require(Permission.TEXTS_MANAGE, company_id)
    tidy = tidy_text(text)
    if len(tidy.subject) > MAX_SUBJECT:
        raise TextInvalid("subject", _subject_too_long())
    check_text(tidy, name, language)
    newest = newest_version(session, company_id, name, language)
    if based_on is not None and based_on != newest:
        raise TextChangedMeanwhile(newest)
    in_use = text_for(session, company_id, name, language)
    if in_use.text == tidy:
        return in_use.version
    _keep(session, actor, company_id, name, language, newest + 1, tidy, is_builtin=False)
    return newest + 1


def _subject_too_long() -> TemplateInvalid:
    reason = f"the subject is longer than {MAX_SUBJECT} characters."
    return TemplateInvalid(TemplateProblem.TOO_LONG, 0, reason, "Shorten it.", limit=MAX_SUBJECT)


def restore_builtin(session: Session, actor: Actor, company_id: int, name: str, language: str) -> None:
    """Use the built-in text again; the company's versions stay in the history."""
    actor.require(Permission.TEXTS_MANAGE, company_id)
    if text_for(session, company_id, name, language).is_own:
        version = newest_version(session, company_id, name, language) + 1
        text = builtin_text(name, language)
        _keep(session, actor, company_id, name, language, version, text, is_builtin=True)


def restore_version(
    session: Session, actor: Actor, company_id: int, name: str, language: str, version: int
) -> bool:
    """Use an older version again, as a new one; False when there is no such version.

    Raises:
        TextInvalid: its placeholders are no longer known. PermissionDenied.
    """
    actor.require(Permission.TEXTS_MANAGE, company_id)
    old = next((v for v in list_versions(session, company_id, name, language) if v.version == version), None)
    if old is None:
        return False
    if old.is_builtin:
        restore_builtin(session, actor, company_id, name, language)
    else:
        save_text(session, actor, company_id, name, language, old.text)
    return True


def _keep(
    session: Session,
    actor: Actor,
    company_id: int,
    name: str,
    language: str,
    version: int,
    text: MessageText,
    *,
    is_builtin: bool,
) -> None:
    row = models.MessageText(
        company_id=company_id,
        document_type=name,
        language=language,
        version=version,
        subject=text.subject,
        body_text=text.body_text,
        body_html=text.body_html,
        is_builtin=is_builtin,
        created_by=actor.user_id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor,
        "documents.text.restored" if is_builtin else "documents.text.saved",
        company_id=company_id,
        subject=row,
        label=f"{name} {language} v{version}",
        before={"version": version - 1},
        after={"version": version, "subject": text.subject},
    )


def is_known(name: str, language: str, names: Iterable[str] = TEXT_NAMES) -> bool:
    """Whether a text can exist for this name and language."""
    return name in names and language in TEXT_LANGUAGES


def text_names(session: Session, company_id: int) -> tuple[str, ...]:
    """The texts that a company can write: one for each type it uses, its own types included, and the bundle's."""
    return (*company_types(session, company_id).used, BUNDLE)
