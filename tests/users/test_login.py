"""Signing in on a real database: the throttle, one answer for every failure, and what is written down."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.users.login import SignIn, sign_in
from crm_mail.users.models import LoginAttempt, User, UserSession
from crm_mail.users.passwords import Passwords
from crm_mail.users.sessions import hash_token
from crm_mail.users.throttle import network_of, pause_after
from tests.factories import make_user

CHEAP = Passwords(64)
PASSWORD = "verde barca lenta"
EMAIL = "anna@office.example"


def add_anna(home: Installation, **overrides: object) -> None:
    with home.database.write() as session:
        make_user(session, email=EMAIL, password_hash=CHEAP.hash(PASSWORD), **overrides)


def attempt(
    home: Installation, password: str = PASSWORD, email: str = EMAIL, ip: str = "192.0.2.1"
) -> SignIn:
    return sign_in(home.database, CHEAP, email=email, password=password, ip=ip, user_agent="Firefox")


def test_the_right_password_opens_a_session_of_which_only_a_hash_is_kept(home: Installation) -> None:
    add_anna(home)
    token = attempt(home, email=" ANNA@Office.example ").token
    assert token
    with home.database.read() as session:
        kept = session.scalars(select(UserSession)).one()
        assert kept.token_hash == hash_token(token) != token
        assert session.scalars(select(User)).one().last_login_at is not None
        assert session.scalars(select(AuditEvent.action)).all() == ["users.login.succeeded"]


def test_every_failure_gives_the_same_answer_and_is_written_down(home: Installation) -> None:
    add_anna(home)
    with home.database.write() as session:
        make_user(session, email="gone@office.example", password_hash=CHEAP.hash(PASSWORD), is_active=False)
        make_user(session, email="new@office.example", password_hash="")
    answers = [
        attempt(home, "wrong"),
        attempt(home, email="nobody@office.example"),
        attempt(home, email="gone@office.example"),
        attempt(home, "", email="new@office.example"),
    ]
    assert answers == [SignIn()] * 4
    with home.database.read() as session:
        assert set(session.scalars(select(AuditEvent.action))) == {"users.login.failed"}
        assert not session.scalars(select(UserSession)).all()


def test_an_unknown_name_costs_a_hash_like_a_known_one(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[bool] = []
    passwords = Passwords(64)
    verify = passwords._hasher.verify
    monkeypatch.setattr(
        passwords,
        "_hasher",
        type(
            "Spy",
            (),
            {
                "hash": staticmethod(passwords._hasher.hash),
                "verify": staticmethod(
                    lambda kept, given: looked_at.append(kept.startswith("$argon2id$")) or verify(kept, given)
                ),
            },
        )(),
    )
    sign_in(home.database, passwords, email="nobody@office.example", password="x", ip="", user_agent="")
    assert looked_at == [True]


def test_a_password_typed_into_the_name_field_is_not_written_to_the_audit(home: Installation) -> None:
    attempt(home, email="verde barca lenta")
    with home.database.read() as session:
        event = session.scalars(select(AuditEvent)).one()
    assert "barca" not in event.object_label + str(event.detail) + event.actor_name


def test_the_fifth_failure_begins_a_pause_that_doubles(home: Installation) -> None:
    add_anna(home)
    with time_machine.travel(datetime(2026, 11, 21, 9, 0, tzinfo=UTC), tick=False) as clock:
        for number in range(5):
            assert attempt(home, "wrong", ip=f"192.0.2.{number}") == SignIn()
        assert attempt(home).wait == timedelta(minutes=1)
        clock.shift(timedelta(seconds=59))
        assert attempt(home).wait == timedelta(seconds=1)
        clock.shift(timedelta(seconds=1))
        assert attempt(home, "wrong") == SignIn()
        assert attempt(home).wait == timedelta(minutes=2)
        clock.shift(timedelta(minutes=2))
        assert attempt(home).token
        assert attempt(home, "wrong") == SignIn()
        assert attempt(home).token


def test_an_attempt_during_a_pause_does_not_prolong_it(home: Installation) -> None:
    add_anna(home)
    with time_machine.travel(datetime(2026, 11, 21, 9, 0, tzinfo=UTC), tick=False) as clock:
        for _ in range(5):
            attempt(home, "wrong")
        for _ in range(10):
            assert attempt(home, "wrong").wait
        clock.shift(timedelta(minutes=1))
        assert attempt(home).token


def test_an_unknown_name_is_throttled_like_a_known_one(home: Installation) -> None:
    for _ in range(5):
        attempt(home, email="nobody@office.example")
    assert attempt(home, email="nobody@office.example").wait > timedelta(seconds=50)


def test_a_network_address_that_tries_many_names_is_throttled(home: Installation) -> None:
    add_anna(home)
    for number in range(20):
        attempt(home, email=f"name{number}@office.example")
    assert attempt(home).wait > timedelta(seconds=50)
    assert attempt(home, ip="198.51.100.7").token


def test_an_ipv6_subscriber_is_one_address() -> None:
    """RFC 6177: whoever has one address of a /64 has them all."""
    assert network_of("2001:db8:1:2:aaaa::1") == network_of("2001:db8:1:2:bbbb::2") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("") == ""


def test_the_pause_grows_to_a_quarter_of_an_hour_and_no_further() -> None:
    minutes = [pause_after(failures, 5).total_seconds() / 60 for failures in (0, 4, 5, 6, 7, 8, 9, 10, 5000)]
    assert minutes == [0, 0, 1, 2, 4, 8, 15, 15, 15]


def test_a_hash_of_another_cost_is_made_again_at_sign_in(home: Installation) -> None:
    add_anna(home)
    dearer = Passwords(128)
    assert sign_in(home.database, dearer, email=EMAIL, password=PASSWORD, ip="", user_agent="").token
    with home.database.read() as session:
        kept = session.scalars(select(User)).one().password_hash
    assert not dearer.needs_rehash(kept)
    assert dearer.verify(kept, PASSWORD)


def test_old_attempts_are_forgotten(home: Installation) -> None:
    add_anna(home)
    with home.database.write() as session:
        session.add(LoginAttempt(email=EMAIL, ip="", succeeded=False, at=datetime(2025, 1, 1, tzinfo=UTC)))
    attempt(home)
    with home.database.read() as session:
        assert session.scalars(select(LoginAttempt.succeeded)).all() == [True]
