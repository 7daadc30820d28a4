"""Standing authorisations: limits, the giver's rights of the moment, revoking, and the second person (issue 6)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.db import now, today
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run
from crm_mail.outbox.standing.limits import Limits, WhyNot, checked, why_not
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.outbox.standing.service import (
    LimitsWrong,
    commit_by_standing,
    give_standing,
    latest_use,
    revoke_standing,
)
from crm_mail.outbox.states import RunState
from crm_mail.permissions import PermissionDenied
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests.factories import (
    make_account,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
    outbox_grants,
)
from tests.outbox.preparing import prepare

LIMITS = Limits(frozenset({"invoice"}), 10, 20, 0, 1440, frozenset(range(7)), today() + timedelta(days=30))
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Europe/Rome"))


@pytest.mark.parametrize(
    ("limits", "messages", "today_already", "at", "expected"),
    [
        ({}, 10, 10, MONDAY_NOON, None),
        ({}, 11, 0, MONDAY_NOON, WhyNot.TOO_MANY),
        ({}, 10, 11, MONDAY_NOON, WhyNot.TOO_MANY_TODAY),
        ({"document_types": frozenset({"quote"})}, 1, 0, MONDAY_NOON, WhyNot.TYPE_NOT_COVERED),
        ({"weekdays": frozenset({1})}, 1, 0, MONDAY_NOON, WhyNot.OTHER_DAY),
        ({"to_minute": 720}, 1, 0, MONDAY_NOON, WhyNot.OUTSIDE_HOURS),
        ({"from_minute": 1320, "to_minute": 360}, 1, 0, MONDAY_NOON.replace(hour=23), None),
        ({"last_on": date(2026, 11, 22)}, 1, 0, MONDAY_NOON, WhyNot.EXPIRED),
        ({"last_on": date(2026, 11, 23)}, 1, 0, MONDAY_NOON, None),
    ],
)
def test_a_run_is_covered_by_all_limits_or_by_none(
    limits: dict[str, Any], messages: int, today_already: int, at: datetime, expected: WhyNot | None
) -> None:
    limits = {"last_on": date(2026, 12, 31)} | limits
    found = why_not(replace(LIMITS, **limits), ["invoice"], messages, today_already, at)
    assert (found[0] if found else None) is expected


def test_limits_that_mean_nothing_are_not_kept() -> None:
    wrong = Limits(frozenset({"nonsense"}), 0, -1, 600, 600, frozenset(), date(2026, 11, 21))
    assert checked(wrong, ["invoice"], date(2026, 11, 22)) == {
        "document_types": "choose_types",
        "most_per_run": "at_least_one",
        "most_per_day": "less_than_run",
        "weekdays": "choose_days",
        "to_minute": "hours",
        "last_on": "past",
    }


@pytest.fixture
def giver(session: Session, company: Company) -> User:
    return make_user(session, name="Anna", clearance=1, grants=list(outbox_grants(company.id, "invoice")))


@pytest.fixture
def standing(session: Session, company: Company, giver: User) -> StandingAuthorisation:
    return give_standing(session, build_actor(session, giver), company, "Nightly invoices", LIMITS)


def make_run(session: Session, company: Company, giver: User, **contact: Any) -> Run:
    party = make_party(session, company)
    make_contact(session, party, subscriptions=("invoice",), **contact)
    make_document(session, party)
    return prepare(session, build_actor(session, giver), company)


def test_a_covered_run_is_committed_in_the_giver_s_name_and_says_so(
    session: Session, company: Company, giver: User, standing: StandingAuthorisation
) -> None:
    run = make_run(session, company, giver)
    result = commit_by_standing(session, run, standing.id)
    assert (result.is_leaving, run.state, run.committed_by) == (True, RunState.COMMITTED, giver.id)
    lines = session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("outbox.standing%")))
    assert set(lines) == {"outbox.standing.given", "outbox.standing.used"}
    assert commit_by_standing(session, run, standing.id).reason == WhyNot.NOT_IN_REVIEW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("revoke", WhyNot.REVOKED),
        ("inactive", WhyNot.GIVER_INACTIVE),
        ("no right", WhyNot.GIVER_LOST_RIGHT),
        ("blocker", WhyNot.BLOCKERS),
        ("expired", WhyNot.EXPIRED),
        ("day", WhyNot.TOO_MANY_TODAY),
    ],
)
def test_what_is_not_covered_any_more_stays_for_a_person_and_says_why(
    session: Session,
    company: Company,
    giver: User,
    standing: StandingAuthorisation,
    change: str,
    reason: WhyNot,
) -> None:
    run = make_run(session, company, giver, addresses=() if change == "blocker" else None)
    match change:
        case "revoke":
            revoke_standing(session, build_actor(session, giver), standing)
        case "inactive":
            giver.is_active = False
        case "no right":
            giver.grants = []
        case "expired":
            standing.last_on = datetime.now(UTC).date() - timedelta(days=2)
        case "day":
            standing.most_per_run = standing.most_per_day = 1
            assert commit_by_standing(session, run, standing.id).is_leaving
            run = make_run(session, company, giver)
    session.flush()
    result = commit_by_standing(session, run, standing.id)
    assert (result.reason, run.state) == (reason, RunState.REVIEW)
    use = latest_use(session, run.id)
    assert use is not None
    assert (use.reason, use.authorisation.giver.name) == (reason, "Anna")


def test_the_company_s_second_person_is_still_asked(
    session: Session, company: Company, giver: User, standing: StandingAuthorisation
) -> None:
    company.needs_second_person = True
    run = make_run(session, company, giver)
    result = commit_by_standing(session, run, standing.id)
    assert (result.reason, run.state, result.is_leaving) == ("awaits_approval", RunState.APPROVAL, False)


def test_only_who_may_commit_the_types_gives_an_authorisation(
    session: Session, company: Company, giver: User
) -> None:
    actor = build_actor(session, giver)
    with pytest.raises(PermissionDenied):
        give_standing(session, actor, company, "Quotes", replace(LIMITS, document_types=frozenset({"quote"})))
    with pytest.raises(LimitsWrong):
        give_standing(
            session, actor, company, "Past", replace(LIMITS, last_on=now().date() - timedelta(days=2))
        )


def test_a_stranger_cannot_revoke(session: Session, standing: StandingAuthorisation) -> None:
    with pytest.raises(PermissionDenied):
        revoke_standing(session, build_actor(session, make_user(session)), standing)


def test_an_authorisation_is_given_used_shown_and_revoked_on_pages(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        giver = make_user(session, name="Anna Bo", grants=list(outbox_grants(company.id, "invoice")))
        stranger = make_user(session, grants=[("outbox:prepare", "*", company.id)])
        first, second = (make_run(session, company, giver).id for _ in range(2))
        session.refresh(giver)
        session.refresh(stranger)
    client = login_as(giver)
    given = {
        "title": "Nightly",
        "document_types": ["invoice"],
        "most_per_run": "5",
        "most_per_day": "9",
        "weekdays": [str(day) for day in range(7)],
        "last_on": "2020-01-01",
    }
    refused = client.post("/outbox/standing-authorisations/new", data=given)
    assert (refused.status_code, "Choose a day that has not passed." in refused.text) == (422, True)
    done = client.post("/outbox/standing-authorisations/new", data=given | {"last_on": "2999-01-01"})
    page = done.headers["Location"]
    with sqlite_home.database.write() as session:
        assert commit_by_standing(session, session.get_one(Run, first), 1).is_leaving
    assert "gave on" in client.get(f"/outbox/{first}/progress").text
    assert login_as(stranger).get(page).status_code == 403
    assert client.post(f"{page}/revoke").status_code == 303
    with sqlite_home.database.write() as session:
        commit_by_standing(session, session.get_one(Run, second), 1)
    assert "It has been revoked." in client.get(f"/outbox/{second}").text
    with sqlite_home.database.write() as session:
        row = session.get_one(StandingAuthorisation, 1)
        row.revoked_at, row.most_per_run = None, 0
        session.flush()
        commit_by_standing(session, session.get_one(Run, second), 1)
        row.revoked_at = now()
    assert "The run has 2 messages, and it allows 0." in client.get(f"/outbox/{second}").text
    assert "Revoked by" in client.get(page).text
    assert "Nightly" in client.get("/outbox/standing-authorisations").text
