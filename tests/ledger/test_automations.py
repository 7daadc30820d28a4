"""GA-1, GA-2, GA-5, GA-8, GA-10, PM-15, PM-25: what leaves by itself, from its door to a real mail server."""

import json
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.campaigns.content import mark_of
from crm_mail.campaigns.service import add_file, begin_campaign, change_audience, change_text
from crm_mail.companies.models import Company
from crm_mail.companies.send_windows import SendWindow
from crm_mail.contacts.consents.recording import Word, record_consent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import now, today
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.transports import Security
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.events import handling
from crm_mail.importers.folders.settings import FolderChoices, save_folder
from crm_mail.importers.folders.watch import Watcher
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.outbox.sending.control import read_progress
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.standing.limits import Limits
from crm_mail.outbox.standing.service import give_standing
from crm_mail.permissions import Permission
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.schedules.models import Celebration
from crm_mail.schedules.recurrence import parse_times
from crm_mail.schedules.service import ScheduleInput, save_schedule
from crm_mail.schedules.special_dates import SpecialDateInput, save_special_date
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests import factories
from tests.delivery.servers import FaultyServer
from tests.events.making import make_office, make_rule, make_standing
from tests.outbox.preparing import criteria_for

register_scheduled_kinds()

ADMIN = factories.make_actor()
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def mails(server: FaultyServer) -> dict[str, EmailMessage]:
    """What arrived, by its only recipient."""
    found: dict[str, EmailMessage] = {}
    for recipients, data in server.received:
        (to,) = recipients
        found[to] = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
    return found


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def allow(session: Session, company: Company, user: User, document_type: str) -> int:
    """An authorisation for one type, of every hour and day."""
    week = frozenset(range(7))
    limits = Limits(frozenset({document_type}), 100, 100, 0, 1440, week, today() + timedelta(days=60))
    return give_standing(session, build_actor(session, user), company, document_type, limits).id


def test_customers_suppliers_and_officers_get_their_mail_by_themselves(sqlite_home: Installation) -> None:
    """GA-1, GA-4, GA-5, GA-7: a till drops a file of events; nobody touches anything; what is off stays silent."""
    home = sqlite_home
    with FaultyServer() as server:
        with home.database.write() as session:
            company, user = make_office(session, port=server.port)
            save_folder(
                session,
                ADMIN,
                home.settings.resolved_hot_folder_root,
                company,
                FolderChoices("till", is_watched=True),
            )
            standing = make_standing(session, company, user, ("quote", "purchase_order", "generic"))
            for code in ("CUSTOMER", "SUPPLIER"):
                factories.make_party(session, company, code=code, email=f"{code.lower()}@firm.example")
            fleet = factories.make_party(session, company, code="FLEET", email="fleet@firm.example")
            factories.make_contact(session, fleet, characteristics={"vehicle control": "yes"})
            for kind in ("quote.saved", "purchase_order.saved", "fuel.sold"):
                make_rule(session, company, user, kind, authorisation_id=standing)
            make_rule(session, company, user, "cash_close.done", staff=("boss@office.example",))
            make_rule(session, company, user, "collection.recorded", is_on=False, authorisation_id=standing)
        money = {"amount": "71.90", "currency": "EUR", "date": "2026-11-20"}
        sale = {"vehicle": "Furgone", "plate": "AB123CD", "litres": "40.12"}
        told = [
            ("quote.saved", {"party_code": "CUSTOMER", "number": "Q1", **money}),
            ("purchase_order.saved", {"party_code": "SUPPLIER", "number": "P1", **money}),
            ("fuel.sold", {"party_code": "FLEET", **sale, **money}),
            ("cash_close.done", {"shop": "Centro", "cashier": "Ana", **money}),
            ("collection.recorded", {"party_code": "CUSTOMER", "number": "C1", **money}),
        ]
        folder = home.settings.resolved_hot_folder_root / "till"
        folder.mkdir(parents=True, exist_ok=True)
        events = [
            {"id": kind, "kind": kind, "occurred_at": "2026-11-20T10:00:00+01:00", "data": data}
            for kind, data in told
        ]
        (folder / "till.events.json").write_text(json.dumps(events))
        watcher = Watcher(home)
        watcher.turn()
        watcher.turn()
        handling.tend(home)
        handling.tend(home)
        run_worker(home, until_idle=True)
    got = mails(server)
    assert set(got) == {
        "customer@firm.example",
        "supplier@firm.example",
        "fleet@firm.example",
        "boss@office.example",
    }
    assert "Q1" in got["customer@firm.example"]["Subject"]
    fuel = text_of(got["fleet@firm.example"])
    assert all(one in fuel for one in ("Furgone", "AB123CD", "40,12", "71,90"))


def test_a_price_list_reaches_the_chosen_customers_every_month(sqlite_home: Installation) -> None:
    """GA-2: to a segment, by a schedule, under a standing authorisation; the PDF arrives."""
    home, evening = sqlite_home, now()
    with FaultyServer() as server:
        with home.database.write() as session:
            company, user = _office(session, server.port)
            actor = build_actor(session, user)
            for city, name in (("Pordenone", "near"), ("Udine", "far")):
                party = factories.make_party(session, company, is_customer=True, city=city)
                contact = factories.make_contact(session, party, ((f"{name}@x.example", "ordinary"),))
                _agrees(session, contact, Purpose.COMMERCIAL)
            campaign = begin_campaign(session, actor, company.id, "Price list", "price_list", "commercial")
            near = PartyFilter(company.id, cities=("Pordenone",))
            change_audience(session, actor, campaign, near, subscribed=False, parties=False)
            change_text(session, actor, campaign, "it", MessageText("Listino", "In allegato.", ""))
            add_file(session, actor, home, campaign, "listino.pdf", PDF, inline=False)
            campaign.tested_at, campaign.tested_mark = now(), mark_of(campaign)
            given = ScheduleInput(
                name="Price list of the month",
                kind="campaign",
                options={"campaign": campaign.id},
                rule="FREQ=DAILY",
                times=parse_times(f"{evening + timedelta(minutes=2):%H:%M}"),
                timezone="UTC",
                starts_on=evening.date(),
                authorisation_id=allow(session, company, user, "price_list"),
            )
            save_schedule(session, actor, company, given)
        with time_machine.travel(evening + timedelta(minutes=3)):
            firing.tend(home)
            run_worker(home, until_idle=True)
    got = mails(server)
    assert list(got) == ["near@x.example"]
    (attached,) = got["near@x.example"].iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("listino.pdf", PDF)


def test_a_birthday_is_greeted_and_the_quiet_hours_are_kept(sqlite_home: Installation) -> None:
    """GA-8, GA-10: the greeting is made at its hour, waits for the company's sending times, and leaves then, once."""
    home = sqlite_home
    morning = datetime.combine(today() + timedelta(days=1), time(9), UTC)
    with FaultyServer() as server:
        with home.database.write() as session:
            company, user = _office(session, server.port)
            company.send_windows = {"smtp": SendWindow(frozenset(range(7)), 600, 1200).to_dict()}
            party = factories.make_party(session, company, is_customer=True)
            born = {"birth_month": morning.month, "birth_day": morning.day}
            for name in ("ana", "eva"):
                contact = factories.make_contact(
                    session, party, ((f"{name}@x.example", "ordinary"),), name=name, **born
                )
                if name == "ana":
                    _agrees(session, contact, Purpose.GREETINGS)
            special = SpecialDateInput(
                name="Birthdays",
                celebration=Celebration.BIRTHDAY,
                texts={"it": {"subject": "Auguri, {{ contact.name }}", "body": "Buon compleanno!"}},
                at=time(9),
                timezone="UTC",
                starts_on=today(),
                authorisation_id=allow(session, company, user, "generic"),
            )
            save_special_date(session, build_actor(session, user), company, special)
        with time_machine.travel(morning + timedelta(minutes=1)):
            firing.tend(home)
            run_worker(home, until_idle=True)
            with home.database.read() as session:
                (waiting,) = read_progress(
                    session, session.scalars(select(Run)).one(), ADMIN.sight
                ).waiting_accounts
        assert (server.received, waiting.opens_at) == ([], morning.replace(hour=10))
        with time_machine.travel(morning + timedelta(hours=1, minutes=1)):
            firing.tend(home)
            run_worker(home, until_idle=True)
    got = mails(server)
    assert [(to, mail["Subject"]) for to, mail in got.items()] == [("ana@x.example", "Auguri, ana")]


def test_who_receives_invoices_follows_the_order_of_proscai(sqlite_home: Installation) -> None:
    """PM-15: billing address alone; addresses behind the packaging; ticked contacts silence the master; the master."""
    home = sqlite_home
    with FaultyServer() as server:
        with home.database.write() as session:
            company, _user = _office(session, server.port)
            behind = "pack1@b.example,pack2@b.example"
            cases: dict[str, dict[str, str]] = {
                "a": {
                    "email": "master@a.example",
                    "billing_email": "bill@a.example",
                    "packaging_emails": behind,
                },
                "b": {"email": "master@b.example", "packaging_emails": behind},
                "c": {"email": "master@c.example"},
                "d": {"email": "master@d.example"},
            }
            for code, values in cases.items():
                party = factories.make_party(session, company, code=code, is_customer=True, **values)
                if code != "d":
                    address = ((f"contact@{code}.example", "ordinary"),)
                    factories.make_contact(session, party, address, subscriptions=("invoice",))
                files = ((f"{code}.pdf", home.store.put(PDF), len(PDF)),)
                factories.make_document(session, party, files)
            wanted = criteria_for(company)
        prepared = prepare_run(home, ADMIN, wanted)
        with home.database.write() as session:
            run = session.get_one(Run, prepared.run_id)
            commit_run(session, ADMIN, run, skip_undo=True, unknown_is_ordinary=True)
        run_worker(home, until_idle=True)
    got = mails(server)
    assert set(got) == {
        "bill@a.example",
        "pack1@b.example",
        "pack2@b.example",
        "contact@c.example",
        "master@d.example",
    }
    for to, mail in got.items():
        (attached,) = mail.iter_attachments()
        assert attached.get_filename() == f"{to.rpartition('@')[2][0]}.pdf"


def test_a_mailbox_for_many_messages_is_throttled(sqlite_home: Installation) -> None:
    """PM-25: so many an hour by its account, and the others wait; the hour over, they leave."""
    home = sqlite_home
    with FaultyServer() as server:
        with home.database.write() as session:
            company, _user = _office(session, server.port)
            session.scalars(select(SenderAccount)).one().per_hour = 2
            for number in range(3):
                party = factories.make_party(session, company, is_customer=True, email=f"{number}@x.example")
                factories.make_document(session, party, (("a.pdf", home.store.put(PDF), len(PDF)),))
            wanted = criteria_for(company)
        prepared = prepare_run(home, ADMIN, wanted)
        with home.database.write() as session:
            run = session.get_one(Run, prepared.run_id)
            commit_run(session, ADMIN, run, skip_undo=True, unknown_is_ordinary=True)
        run_worker(home, until_idle=True)
        assert len(server.received) == 2
        with time_machine.travel(now() + timedelta(hours=1, minutes=1)):
            run_worker(home, until_idle=True)
    assert len(mails(server)) == 3


def _office(session: Session, port: int) -> tuple[Company, User]:
    """A company that sends at once, and a person with every right of automations."""
    company = factories.make_company(
        session, unknown_is_ordinary=True, undo_seconds=0, language="it", country="IT", timezone="UTC"
    )
    factories.make_account(session, company, port=port, security=Security.NONE, timeout_seconds=5)
    areas = [Permission.SCHEDULES_SEE, Permission.SCHEDULES_MANAGE, Permission.CONTACTS_SEE]
    user = factories.make_user(session, clearance=1, grants=list(factories.outbox_grants()), areas=areas)
    return company, user


def _agrees(session: Session, contact: object, purpose: Purpose) -> None:
    word = Word(purpose, ConsentChannel.EMAIL, Decision.GIVEN, Source.PERSON)
    record_consent(session, ADMIN, contact, word)  # type: ignore[arg-type]
