"""The messages of a run of events: the rule's text, filled with the event, in each reader's language."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.message_context import SharedContext, build_context, share_context
from crm_mail.documents.templating import compile_text
from crm_mail.events.models import EventAction, EventRule, InboundEvent
from crm_mail.events.resolving import Resolved, resolve
from crm_mail.events.rules import texts_of
from crm_mail.events.values import Fields, fields_of
from crm_mail.installation import Installation
from crm_mail.outbox.composing_parts import Composed
from crm_mail.outbox.composing_registry import register
from crm_mail.outbox.models import Run
from crm_mail.outbox.prepare import COMPANY_FIELDS
from crm_mail.permissions import Actor

COMPOSER: Final = "event"
AT_ONCE: Final = 500
_PARTY_FIELDS = (
    "code", "name", "vat_number", "tax_code", "address", "postcode", "city", "province", "country", "language",
    "agent", "zone", "category",
)  # fmt: skip


def shared_of(session: Session, actor: Actor, company: Company) -> SharedContext:
    """What is the same in every text of a company."""
    fields: Any = {name: getattr(company, name) for name in COMPANY_FIELDS}
    names = company_types(session, company.id).names
    return share_context(fields, {"name": actor.name, "email": actor.email}, now().date(), names)


def compose_events(
    session: Session, home: Installation, actor: Actor, run: Run, data: Mapping[str, Any]
) -> Iterable[Composed]:
    """The messages of a run (`composing_registry.Composer`): those of the actions that carry its id."""
    rule = session.get_one(EventRule, data["rule"])
    company = session.get_one(Company, run.company_id)
    shared = shared_of(session, actor, company)
    query = (
        select(InboundEvent.id, InboundEvent.data)
        .join(EventAction, EventAction.event_id == InboundEvent.id)
        .where(EventAction.run_id == run.id)
        .order_by(InboundEvent.id)
    )
    events = [(id_, fields_of(values)) for id_, values in session.execute(query)]
    for start in range(0, len(events), AT_ONCE):
        found = resolve(session, actor, rule, events[start : start + AT_ONCE])
        ids = {reader.contact_id for one in found for reader in one.readers if reader.contact_id is not None}
        people = {
            one.id: one for one in session.scalars(select(Contact).where(Contact.id.in_(ids)))
        }  # a batch has few hundreds
        for one in found:
            yield from _messages(rule, one, people, shared, company.language)


def _messages(
    rule: EventRule,
    one: Resolved,
    people: Mapping[int, Contact],
    shared: SharedContext,
    company_language: str,
) -> Iterator[Composed]:
    if one.party is None:
        return
    for reader in one.readers:
        contact = people.get(reader.contact_id) if reader.contact_id is not None else None
        wanted = (contact.language if contact else "") or one.party.language or company_language
        language = choose_language(rule, wanted, company_language)
        subject, body = write_text(rule, shared, one.fields, language, one.party, contact)
        yield Composed(
            subject,
            body,
            as_html(body),
            contact_id=reader.contact_id,
            party_id=one.party.id,
            address=reader.address,
            language=language,
            why={"event": one.event_id, "rule": rule.id},
        )


def choose_language(rule: EventRule, wanted: str, fallback: str) -> str:
    """The language of a rule's text for somebody: theirs, the company's, else one that is written."""
    texts = texts_of(rule)
    return next((one for one in (wanted[:2], fallback[:2], *TEXT_LANGUAGES) if one in texts), fallback[:2])


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
    party_fields: Any = {name: getattr(party, name) for name in _PARTY_FIELDS} if party else {}
    context = build_context(shared, party_fields, {"name": contact.name} if contact else None, (), language)
    context["event"] = fields
    subject = compile_text(text["subject"], "subject", "event").render(context)
    return subject, compile_text(text["body"], "text", "event").render(context)


def as_html(text: str) -> str:
    """Plain text as paragraphs."""
    paragraphs = [part.strip() for part in text.split("\n\n")]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def register_events() -> None:
    """Make the composer known."""
    register(COMPOSER, compose_events)
