"""The texts of a run's messages, filled in (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crm_mail.documents.builtin_texts import CompiledMessage, compile_message, text_name
from crm_mail.documents.message_context import (
    ContactFields,
    DocumentFields,
    PartyFields,
    SharedContext,
    build_context,
)
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.text_book import TextBook
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.links.link_words import add_link, add_unsubscribe

SUBJECT_LENGTH = 500
_MAY_BE_EMPTY = ("download_link", "unsubscribe_link")


class TextRequest(NamedTuple):
    """What one message's text is filled in with.

    Args:
        name: the text that the packaging names instead of the document type's (PM-9); empty: the type's.
        link: address and days of the link that offers the files; put behind a text that does not name it (CO-6).
        unsubscribe_url: of a message with a purpose; put behind a text that does not name it.
    """

    party: PartyFields
    contact: ContactFields | None
    documents: Sequence[DocumentFields]
    language: str
    name: str = ""
    link: tuple[str, int] | None = None
    unsubscribe_url: str = ""


class FilledText(NamedTuple):
    """Subject and bodies of a message, and what stands against them."""

    subject: str = ""
    body_text: str = ""
    body_html: str = ""
    issues: tuple[tuple[Issue, dict[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A text ready to fill in, or the facts of why it cannot be used (`text_fault`)."""

    message: CompiledMessage | None
    problem: Mapping[str, Any] = field(default_factory=dict)
    is_own: bool = False  # a person wrote it: its fields are checked for emptiness


def text_fault(error: TemplateInvalid) -> dict[str, Any]:
    """What a row keeps of a fault, to be worded when it is read; the list of what would be known is left out."""
    return {name: value for name, value in error.facts.items() if name != "known"}


class RunTexts:
    """The texts that a company has for the messages of a run; each is compiled once.

    Pickled, it takes along the texts' sources, not what was compiled from them.
    """

    def __init__(self, book: TextBook, shared: SharedContext) -> None:
        self.book = book
        self.shared = shared
        self._found: dict[tuple[str, str], _Found] = {}

    def __reduce__(self) -> tuple[type["RunTexts"], tuple[TextBook, SharedContext]]:
        return RunTexts, (self.book, self.shared)

    @property
    def company_name(self) -> str:
        """Who the messages are from."""
        return str(self.shared.company.get("name", ""))

    def fill(self, request: TextRequest) -> FilledText:
        """One message's text; one that cannot be filled in has an issue that says why."""
        party, contact, documents, language, name, link, unsubscribe_url = request
        found = self._find(name or text_name({document["type"] for document in documents}), language)
        if found.message is None:
            return FilledText(issues=((Issue.TEXT_INVALID, dict(found.problem)),))
        context = build_context(
            self.shared, party, contact, documents, language, link[0] if link else "", unsubscribe_url
        )
        try:
            subject = found.message.subject.render(context)[:SUBJECT_LENGTH]
            body_text = found.message.text.render(context)
            body_html = found.message.html.render(context) if found.message.html else ""
        except TemplateInvalid as problem:
            return FilledText(issues=((Issue.TEXT_INVALID, text_fault(problem)),))
        if link is not None:
            body_text, body_html = add_link(body_text, body_html, *link, language)
        if unsubscribe_url:
            body_text, body_html = add_unsubscribe(
                body_text, body_html, unsubscribe_url, self.company_name, language
            )
        empty = _empty_fields(found.message, context) if found.is_own else ()
        return FilledText(
            subject, body_text, body_html, tuple((Issue.EMPTY_FIELD, {"field": name}) for name in empty)
        )

    def _find(self, name: str, language: str) -> _Found:
        known = self._found.get((name, language))
        if known is None:
            text = self.book.text(name, language)
            try:
                known = _Found(compile_message(text.text), is_own=text.is_own)
            except TemplateInvalid as problem:
                known = _Found(None, text_fault(problem), text.is_own)
            self._found[name, language] = known
        return known


def _empty_fields(message: CompiledMessage, context: dict[str, Any]) -> list[str]:
    parts = (message.subject, message.text, message.html)
    names = dict.fromkeys(name for part in parts if part for name in part.placeholders)
    return [name for name in names if name not in _MAY_BE_EMPTY and _value(context, name) in ("", None)]


def _value(context: dict[str, Any], name: str) -> Any:
    value: Any = context
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            return True
        value = value[key]
    return value
