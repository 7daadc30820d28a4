"""GA-2: price lists and promotions to chosen customers, daily, weekly or monthly."""

from datetime import UTC, date, datetime, timedelta

import time_machine
from sqlalchemy import select

from crm_mail.campaigns.content import mark_of
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.service import add_file, begin_campaign, change_audience, change_text
from crm_mail.companies.models import Company
from crm_mail.composers import register_composers
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import now
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageFile, Run
from crm_mail.outbox.standing.limits import Limits
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.outbox.standing.service import give_standing, revoke_standing
from crm_mail.outbox.states import RunState
from crm_mail.permissions import ANY, Permission
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.schedules.models import Firing, FiringState
from crm_mail.schedules.recurrence import parse_times
from crm_mail.schedules.service import ScheduleInput, save_schedule
from crm_mail.users.actors import build_actor
from tests import factories

register_scheduled_kinds()
register_composers()

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 7, 1, tzinfo=UTC)  # 08:01 in Rome
RIGHTS = (Permission.DOCUMENTS_SEE, Permission.OUTBOX_PREPARE, Permission.OUTBOX_COMMIT)


def prepare_office(home: Installation) -> None:
    """A tested price list for customers in Pordenone, every Monday at 08:00, with an authorisation for two messages."""
    with time_machine.travel(SUNDAY, tick=False), home.database.write() as session:
        company = factories.make_company(session, unknown_is_ordinary=True)
        factories.make_account(session, company)
        for city in ("Pordenone", "Pordenone", "Udine"):
            party = factories.make_party(session, company, is_customer=True, city=city)
            factories.make_contact(session, party)
        owner = factories.make_user(
            session,
            grants=[(right, ANY, None) for right in RIGHTS],
            areas=[Permission.SCHEDULES_SEE, Permission.SCHEDULES_MANAGE, Permission.CONTACTS_SEE],
        )
        actor = build_actor(session, owner)
        campaign = begin_campaign(session, actor, company.id, "Price list", "price_list", "")
        change_audience(
            session,
            actor,
            campaign,
            PartyFilter(company.id, cities=("Pordenone",)),
            subscribed=False,
            parties=False,
        )
        change_text(
            session, actor, campaign, "it", MessageText("Listino per {{ party.name }}", "In allegato.", "")
        )
        add_file(session, actor, home, campaign, "listino.pdf", PDF, inline=False)
        campaign.tested_at, campaign.tested_mark = now(), mark_of(campaign)
        limits = Limits(frozenset({"price_list"}), 2, 2, 0, 24 * 60, frozenset(range(5)), date(2026, 12, 31))
        standing = give_standing(session, actor, company, "Price lists", limits)
        given = ScheduleInput(
            name="Price list every Monday",
            kind="campaign",
            options={"campaign": campaign.id},
            rule="FREQ=WEEKLY;BYDAY=MO",
            times=parse_times("08:00"),
            timezone="Europe/Rome",
            starts_on=SUNDAY.date(),
            authorisation_id=standing.id,
        )
        save_schedule(session, actor, company, given)


def fire(home: Installation, at: datetime) -> tuple[FiringState, str]:
    with time_machine.travel(at, tick=False):
        firing.tend(home)
    with home.database.read() as session:
        last = session.scalars(select(Firing).order_by(Firing.id.desc()).limit(1)).one()
        return last.state, last.reason


def test_a_price_list_leaves_every_week_within_its_standing_authorisation(home: Installation) -> None:
    """GA-2: to the customers of a segment, worked out afresh, committed only as far as somebody allowed it."""
    prepare_office(home)
    assert fire(home, MONDAY) == (FiringState.COMMITTED, "authorisation")
    with home.database.write() as session:
        run = session.scalars(select(Run)).one()
        assert (run.state, run.title) == (RunState.COMMITTED, "Price list · 2026-11-23")
        assert session.scalars(select(MessageFile.name).join(Message)).all() == ["listino.pdf"] * 2
        company = session.scalars(select(Company)).one()
        party = factories.make_party(session, company, is_customer=True, city="Pordenone")
        factories.make_contact(session, party)
    assert fire(home, MONDAY + timedelta(days=7)) == (
        FiringState.WAITING,
        "authorisation_refused",
    )  # three are too many
    with home.database.write() as session:
        standing = session.scalars(select(StandingAuthorisation)).one()
        revoke_standing(session, factories.make_actor(), standing)
        campaign = session.scalars(select(Campaign).order_by(Campaign.id)).first()
        assert campaign is not None
        assert campaign.run_id is None  # it stays a draft
        campaign.texts = {"it": campaign.texts["it"] | {"subject": "Changed"}}
    assert fire(home, MONDAY + timedelta(days=14)) == (FiringState.FAILED, "refused")  # not tested since
