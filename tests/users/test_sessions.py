"""Signed-in browsers on a real database: expiry, revoking, and rights that are read anew."""

from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select

from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Permission
from crm_mail.users import sessions
from crm_mail.users.models import User, UserSession
from crm_mail.users.sessions import Lifetime, SignedIn, device_name
from tests.factories import make_user

LIFETIME = Lifetime(idle=timedelta(hours=8), absolute=timedelta(days=30))
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def open_for(home: Installation, **overrides: object) -> tuple[int, str]:
    with home.database.write() as session:
        user = make_user(session, **overrides)
        return user.id, sessions.open_session(session, user.id, ip="192.0.2.1", user_agent="Firefox")


def load(home: Installation, token: str) -> SignedIn | None:
    return sessions.load_actor(home.database, token, LIFETIME)


def test_a_token_is_its_user_and_another_is_nobody(home: Installation) -> None:
    user_id, token = open_for(home, clearance=2, language="es")
    person = load(home, token)
    assert person is not None
    assert (person.actor.user_id, person.actor.clearance, person.language) == (user_id, 2, "es")
    assert load(home, token + "x") is None
    assert load(home, sessions.hash_token(token)) is None


def test_an_idle_session_ends_and_a_used_one_goes_on_until_its_last_day(home: Installation) -> None:
    with time_machine.travel(START, tick=False) as clock:
        _, idle = open_for(home)
        _, used = open_for(home)
        clock.shift(timedelta(hours=7))
        assert load(home, used)
        clock.shift(timedelta(hours=2))
        assert load(home, idle) is None
        assert load(home, used)
        for _ in range(29 * 4):
            clock.shift(timedelta(hours=6))
            assert load(home, used)
        clock.shift(timedelta(hours=7))
        clock.shift(timedelta(hours=7))
        assert load(home, used) is None


def test_a_session_in_use_ends_after_its_absolute_age(home: Installation) -> None:
    with time_machine.travel(START, tick=False) as clock:
        _, token = open_for(home)
        for _ in range(30 * 4):
            clock.shift(timedelta(hours=6))
            assert load(home, token)
        clock.shift(timedelta(minutes=1))
        assert load(home, token) is None


def test_last_seen_is_written_at_most_once_a_minute(home: Installation) -> None:
    def last_seen() -> datetime:
        with home.database.read() as session:
            return session.scalars(select(UserSession.last_seen_at)).one()

    with time_machine.travel(START, tick=False) as clock:
        _, token = open_for(home)
        clock.shift(timedelta(seconds=50))
        load(home, token)
        assert last_seen() == START
        clock.shift(timedelta(seconds=50))
        load(home, token)
        assert last_seen() == START + timedelta(seconds=100)


def test_rights_taken_away_are_gone_at_the_next_request(home: Installation) -> None:
    user_id, token = open_for(home, grants=[(Permission.OUTBOX_COMMIT, ANY, None)])
    person = load(home, token)
    assert person is not None
    assert person.actor.can(Permission.OUTBOX_COMMIT)
    with home.database.write() as session:
        user = session.get_one(User, user_id)
        user.grants = []
    person = load(home, token)
    assert person is not None
    assert not person.actor.can(Permission.OUTBOX_COMMIT)


def test_a_deactivated_user_is_a_guest_at_the_next_request(home: Installation) -> None:
    user_id, token = open_for(home)
    with home.database.write() as session:
        session.get_one(User, user_id).is_active = False
    assert load(home, token) is None


def test_a_revoked_session_ends_and_the_others_stay(home: Installation) -> None:
    user_id, first = open_for(home)
    with home.database.write() as session:
        second = sessions.open_session(session, user_id, ip="", user_agent="")
        third = sessions.open_session(session, user_id, ip="", user_agent="")
    person = load(home, first)
    assert person is not None
    with home.database.write() as session:
        assert sessions.revoke_session(session, user_id, person.session_id)
        assert not sessions.revoke_session(session, user_id, person.session_id)
    assert load(home, first) is None
    kept = load(home, second)
    assert kept is not None
    with home.database.write() as session:
        assert sessions.revoke_all(session, user_id, except_id=kept.session_id) == 1
        assert [row.id for row in sessions.list_sessions(session, user_id, LIFETIME)] == [kept.session_id]
    assert load(home, third) is None
    assert load(home, second)


def test_nobody_revokes_the_session_of_somebody_else(home: Installation) -> None:
    _, token = open_for(home)
    other_id, _ = open_for(home)
    person = load(home, token)
    assert person is not None
    with home.database.write() as session:
        assert not sessions.revoke_session(session, other_id, person.session_id)
    assert load(home, token)


def test_a_browser_is_named_as_a_person_would() -> None:
    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36 Edg/130"
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604"
    assert device_name(edge) == "Edge, Windows"
    assert device_name(phone) == "Safari, iPhone"
    assert device_name("curl/8.5") == "curl/8.5"
