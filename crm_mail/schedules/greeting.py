"""Greeting: on its day a special date becomes a run of messages, one for each contact that is not greeted yet.

Who is greeted is written down together with the run (`Greeting`), so that a second firing of the same year finds nobody
left; consent, suppression, blocked parties and all else is judged when the messages are composed (`outbox.composing`).
Who received no message then is free again.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.recording import may_receive
from crm_mail.contacts.consents.rules import ConsentChannel, Purpose
from crm_mail.contacts.models import Contact, Party
from crm_mail.db import now
from crm_mail.delivery.routing import Channel
from crm_mail.document_types import DocumentType
from crm_mail.documents.context_fields import party_fields, shared_context
from crm_mail.documents.message_context import SharedContext, build_context
from crm_mail.documents.templating import compile_text
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks, insert_many
from crm_mail.outbox.composing.compose import create_composed_run
from crm_mail.outbox.composing.parts import Composed, Composition, Origin
from crm_mail.outbox.composing.registry import register
from crm_mail.outbox.models import Message, Run
from crm_mail.permissions import Actor, Permission
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, made_run, nothing_due
from crm_mail.schedules.models import Greeting, SpecialDate
from crm_mail.schedules.special_dates import SPECIAL_DATE, celebrating, greeted, reachable, special_date_of

COMPOSER = "greeting"
TYPE = DocumentType.GENERIC
AT_ONCE = 500


class Greetings(ScheduleKind):
    """Greets the contacts of a special date; the schedule's options are empty, its special date says all."""

    id = SPECIAL_DATE

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to prepare generic messages, and to see contacts."""
        actor.require(Permission.OUTBOX_PREPARE, company_id, TYPE.value)
        actor.require(Permission.CONTACTS_SEE, company_id)

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome:
        """The run's row, and who is in it: both or none."""
        special = special_date_of(session, due.schedule_id)
        if special is None:
            return nothing_due()
        contacts = _to_greet(session, actor, special, due)
        if not contacts:
            return nothing_due()
        composition = Composition(
            special.company_id,
            TYPE.value,
            due.schedule_name,
            Origin.GREETING,
            due.schedule_name,
            purpose=Purpose.GREETINGS.value,
            composer=COMPOSER,
            data={"special_date": special.id},
        )
        run = create_composed_run(session, actor, composition)
        _write_down(session, special, due.on.year, run.id, contacts)
        return made_run(run.id)


def _to_greet(session: Session, actor: Actor, special: SpecialDate, due: Due) -> list[int]:
    """Contacts with an address and their consent, who were not greeted this year."""
    company = session.get_one(Company, special.company_id)
    query = reachable(celebrating(special, actor, due.on), special.channel).where(
        may_receive(company, Purpose.GREETINGS, special.channel)
    )
    before = {contact_id for contact_id, _year in session.execute(greeted(special, [due.on.year]))}
    return [id_ for id_ in session.scalars(query.order_by(Contact.id)) if id_ not in before]


def _write_down(session: Session, special: SpecialDate, year: int, run_id: int, contacts: list[int]) -> None:
    """Rows of runs that were cancelled make room."""
    for ids in chunks(contacts, AT_ONCE):
        session.execute(
            delete(Greeting).where(
                Greeting.special_date_id == special.id, Greeting.year == year, Greeting.contact_id.in_(ids)
            )
        )
    at = now()
    rows = [
        {"special_date_id": special.id, "contact_id": id_, "year": year, "run_id": run_id, "at": at}
        for id_ in contacts
    ]
    insert_many(session, Greeting, rows)


def forget_left_out(session: Session, run_id: int) -> int:
    """Who got no message in a prepared run was not greeted; how many."""
    written = select(Message.contact_id).where(Message.run_id == run_id, Message.contact_id.is_not(None))
    gone = session.execute(
        delete(Greeting).where(Greeting.run_id == run_id, Greeting.contact_id.not_in(written))
    )
    return int(getattr(gone, "rowcount", 0))


def compose_greetings(
    session: Session, home: Installation, actor: Actor, run: Run, data: Mapping[str, Any]
) -> Iterable[Composed]:
    """The messages of a run of greetings, in each contact's language (`composing_registry.Composer`)."""
    special = session.get_one(SpecialDate, data["special_date"])
    company = session.get_one(Company, run.company_id)
    shared = shared_context(session, company, actor)
    ids = list(
        session.scalars(
            select(Greeting.contact_id).where(Greeting.run_id == run.id).order_by(Greeting.contact_id)
        )
    )
    for part in chunks(ids, AT_ONCE):
        query = select(Contact, Party).join(Party, Party.id == Contact.party_id).where(Contact.id.in_(part))
        for contact, party in session.execute(query.order_by(Contact.id)).all():
            yield compose_one(special, contact, party, shared, company.language)


def compose_one(
    special: SpecialDate, contact: Contact, party: Party, shared: SharedContext, company_language: str
) -> Composed:
    """One contact's greeting."""
    wanted = contact.language or party.language or company_language
    language = next(one for one in (wanted[:2], company_language, *special.texts) if one in special.texts)
    text = special.texts[language]
    context = build_context(shared, party_fields(party), {"name": contact.name}, (), language)
    body = compile_text(text["body"], "text").render(context)
    return Composed(
        compile_text(text["subject"], "subject").render(context),
        body,
        as_html(body),
        contact_id=contact.id,
        language=language,
        channel=Channel.SMS if special.channel is ConsentChannel.SMS else None,
        why={"special_date": special.celebration.value},
    )


def as_html(text: str) -> str:
    """Plain text as paragraphs."""
    paragraphs = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n")]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def register_greetings() -> None:
    """Make the composer known."""
    register(COMPOSER, compose_greetings)
