"""The messages of a run of events: the rule's text, filled with the event, in each reader's language."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, Party
from crm_mail.delivery.routing import Channel
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.context_fields import party_fields, shared_context
from crm_mail.documents.message_context import ContactFields, SharedContext, build_context
from crm_mail.documents.models import Document
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.printing import print_documents, unprinted
from crm_mail.documents.templating import compile_text
from crm_mail.events.models import EventAction, EventRule, InboundEvent
from crm_mail.events.resolving import Resolved, resolve
from crm_mail.events.rules import sms_texts_of, texts_of
from crm_mail.events.values import Fields, fields_of
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks
from crm_mail.outbox.composing.parts import Composed
from crm_mail.outbox.composing.registry import register
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.facts import FileFacts
from crm_mail.outbox.preparing.gathering import read_files
from crm_mail.permissions import Actor

COMPOSER: Final = "event"
AT_ONCE: Final = 500


def compose_events(
    session: Session, home: Installation, actor: Actor, run: Run, data: Mapping[str, Any]
) -> Iterable[Composed]:
    """The messages of a run (`composing_registry.Composer`): those of the actions that carry its id."""
    rule = session.get_one(EventRule, data["rule"])
    company = session.get_one(Company, run.company_id)
    shared = shared_context(session, company, actor)
    query = (
        select(InboundEvent.id, InboundEvent.data)
        .join(EventAction, EventAction.event_id == InboundEvent.id)
        .where(EventAction.run_id == run.id)
        .order_by(InboundEvent.id)
    )
    events = [(id_, fields_of(values)) for id_, values in session.execute(query)]
    for part in chunks(events, AT_ONCE):
        found = resolve(session, actor, rule, part)
        ids = {reader.contact_id for one in found for reader in one.readers if reader.contact_id is not None}
        people = {
            one.id: one for one in session.scalars(select(Contact).where(Contact.id.in_(ids)))
        }  # a batch has few hundreds
        files = _files(session, rule, found)
        for one in found:
            yield from _messages(rule, one, people, files, shared, company.language)


def _messages(
    rule: EventRule,
    one: Resolved,
    people: Mapping[int, Contact],
    files: Mapping[int, tuple[FileFacts, ...]],
    shared: SharedContext,
    company_language: str,
) -> Iterator[Composed]:
    if one.party is None:
        return
    document = one.document if rule.attaches_document else None
    attached = files.get(document.id, ()) if document is not None else ()
    for reader in one.readers:
        contact = people.get(reader.contact_id) if reader.contact_id is not None else None
        wanted = (contact.language if contact else "") or one.party.language or company_language
        why = {"event": one.event_id, "rule": rule.id}
        if rule.channel.sends_mail:
            language = choose_language(texts_of(rule), wanted, company_language)
            subject, body = write_text(rule, shared, one.fields, language, one.party, contact)
            yield Composed(
                subject,
                body,
                as_html(body),
                contact_id=reader.contact_id,
                party_id=one.party.id,
                address=reader.address,
                language=language,
                files=attached,
                document_ids=(document.id,) if document is not None else (),
                problems=_problems(document, attached),
                why=why,
            )
        if rule.channel.sends_text:
            language = choose_language(sms_texts_of(rule), wanted, company_language)
            text = write_sms(rule, shared, one.fields, language, one.party, contact)
            yield Composed(
                rule.name,
                text,
                contact_id=reader.contact_id,
                party_id=one.party.id,
                language=language,
                channel=Channel.SMS,
                why=why,
            )


def _files(session: Session, rule: EventRule, found: Iterable[Resolved]) -> dict[int, tuple[FileFacts, ...]]:
    """The files of the documents that go with the rule's text."""
    if not rule.attaches_document:
        return {}
    ids = sorted({one.document.id for one in found if one.document is not None})
    return {
        id_: tuple(file._replace(document_id=id_) for file in files)
        for id_, files in read_files(session, ids).items()
    }


def _problems(
    document: Document | None, attached: tuple[FileFacts, ...]
) -> tuple[tuple[Issue, dict[str, Any]], ...]:
    """A document without a file holds its message up: the text speaks of it."""
    if document is None or attached:
        return ()
    return ((Issue.PDF_FAILED, {"document": document.number}),)


def draw_documents(
    home: Installation, actor: Actor, run_id: int, on_progress: Callable[[int], None] | None
) -> None:
    """Draw the PDFs of documents that go with a rule's text (`composing_registry.Making`)."""
    named = select(EventAction.document_id).where(
        EventAction.run_id == run_id, EventAction.document_id.is_not(None)
    )
    with home.database.read() as session:
        missing = list(session.scalars(unprinted(select(Document.id).where(Document.id.in_(named)))))
    print_documents(
        home.database,
        home.store,
        missing,
        lambda: PdfPool(home.settings.render_processes or None),
        on_progress,
    )


def choose_language(texts: Container[str], wanted: str, fallback: str) -> str:
    """The language of a rule's text for somebody: theirs, the company's, else one that is written."""
    return next((one for one in (wanted[:2], fallback[:2], *TEXT_LANGUAGES) if one in texts), fallback[:2])


def write_sms(
    rule: EventRule,
    shared: SharedContext,
    fields: Fields,
    language: str,
    party: Party | None = None,
    contact: Contact | None = None,
) -> str:
    """The text of an SMS for one reader.

    Raises:
        TemplateInvalid: a value of the event cannot be used as the text wants to.
    """
    context = _context(shared, fields, language, party, contact)
    return compile_text(sms_texts_of(rule)[language], "text", "event").render(context)


def write_text(
    rule: EventRule,
    shared: SharedContext,
    fields: Fields,
    language: str,
    party: Party | None = None,
    contact: Contact | None = None,
) -> tuple[str, str]:
    """Subject and body for one reader.

    Raises:
        TemplateInvalid: a value of the event cannot be used as the text wants to.
    """
    text = texts_of(rule)[language]
    context = _context(shared, fields, language, party, contact)
    subject = compile_text(text["subject"], "subject", "event").render(context)
    return subject, compile_text(text["body"], "text", "event").render(context)


def _context(
    shared: SharedContext, fields: Fields, language: str, party: Party | None, contact: Contact | None
) -> dict[str, Any]:
    person: ContactFields | None = {"name": contact.name} if contact else None
    context = build_context(shared, party_fields(party) if party else {}, person, (), language)
    context["event"] = fields
    return context


def as_html(text: str) -> str:
    """Plain text as paragraphs."""
    paragraphs = [part.strip() for part in text.split("\n\n")]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def register_events() -> None:
    """Make the composer known."""
    register(COMPOSER, compose_events, draw_documents)
