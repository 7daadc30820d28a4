"""Limits when sending, on the user's page: set, told in words, and no way round them."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, CommitLimits, Permission
from crm_mail.users import limits, service
from crm_mail.users.actors import build_actor, limits_of
from crm_mail.users.models import User
from crm_mail.users.passwords import Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.service import UserDraft
from tests.factories import make_user

COMMIT = (Permission.OUTBOX_COMMIT, ANY, None)
ENTERED = {
    "most_messages": "100",
    "second_person_above": "20",
    "weekdays": ["0", "1", "2", "3", "4"],
    "begins": "08:30",
    "ends": "18:00",
}


def test_limits_are_set_on_the_users_page_and_told_in_words(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        chief = make_user(session, is_admin=True, clearance=3)
        anna = make_user(session, name="Anna", grants=[COMMIT], timezone="America/Mexico_City")
    browser = login_as(chief)
    url = f"/users/{anna.id}/limits"
    assert browser.post(url, data={"begins": "08:00"}).status_code == 422
    assert browser.post(url, data={"begins": "08:00", "ends": "08:00"}).status_code == 422
    assert browser.post(url, data={"most_messages": "0"}).status_code == 422
    shown = browser.post(url, data=ENTERED)
    assert shown.status_code == 200, "what it comes to is looked at first"
    assert "No limits of its own." in shown.text
    assert browser.post(url, data=ENTERED | {"confirmed": "yes"}).status_code == 303
    page = browser.get(f"/users/{anna.id}").text
    assert "Commits at most 100 messages at once." in page
    assert "Above 20 messages a second person must approve." in page
    assert "Commits only Monday to Friday, from 8:30\u202fAM to 6:00\u202fPM (America/Mexico_City)." in page
    with sqlite_home.database.write() as session:
        session.get_one(User, anna.id).timezone = "Asia/Tokyo"  # everybody chooses the own one
    with sqlite_home.database.read() as session:
        kept = build_actor(session, session.get_one(User, anna.id)).limits
        line = session.scalars(select(AuditEvent).where(AuditEvent.action == "users.limits.changed")).one()
    assert kept == CommitLimits(100, 20, 510, 1080, frozenset(range(5)), "America/Mexico_City")
    assert line.detail["after"]["most_messages"] == 100
    assert browser.post(url, data={"confirmed": "yes"}).status_code == 303
    assert "No limits of its own." in browser.get(url).text


def test_who_is_limited_has_no_way_round_it(sqlite_home: Installation) -> None:
    """Neither by the own limits, nor by those of others, a new account, or somebody else's account."""
    with sqlite_home.database.write() as session:
        values = {"grants": [COMMIT], "areas": [Permission.USERS_MANAGE]}
        limited = make_user(session, commit_most=10, **values)
        free = make_user(session, grants=[COMMIT])
        clerk = make_user(session)
        actor = build_actor(session, limited)
        for user in (limited, clerk):
            with pytest.raises(UserRefused) as refused:
                limits.set_limits(session, actor, user, CommitLimits())
            assert refused.value.problem is Problem.LIMITS_OF_LIMITED
        with pytest.raises(UserRefused) as refused:
            service.give_one_time_password(session, actor, free, Passwords(64))
        assert refused.value.problem is Problem.HOLDS_MORE
        draft = UserDraft("new@office.example", "New")
        made = service.create_user(session, actor, draft, "verde barca lenta", Passwords(64), grants=[COMMIT])
        assert limits_of(made).most_messages == 10
        assert service.give_one_time_password(session, actor, clerk, Passwords(64))
