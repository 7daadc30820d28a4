"""Passwords: the cost of a hash, what is refused, the one-time password. Nothing here touches the database."""

import re

import pytest

from crm_mail.users.passwords import PasswordProblem, Passwords, find_problem, one_time_password

CHEAP = Passwords(64)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P4ssw0rd!2026",
        "Passwordpassword",
        "Benvenuto2026!",
        "contraseña2026",
        "forzajuventus1",
        "qwertyuiop12",
        "123456789012",
        "aaaaaaaaaaaaaa",
        "abcabcabcabc",
        "abcdefghijkl",
        "2026-Fatturazione",
        "iloveyouforever",
    ],
)
def test_a_password_from_the_top_of_the_leaked_lists_is_refused(password: str) -> None:
    assert find_problem(password) is PasswordProblem.COMMON


@pytest.mark.parametrize(
    "password",
    ["verde barca lenta", "tre gatti sul tetto 9", "xK9#mQ2$vL7p", "kilometro-oliva-treno", "ñandú y cactus"],
)
def test_a_long_password_of_any_kind_of_characters_is_accepted(password: str) -> None:
    assert find_problem(password, "Anna Bianchi", "anna.bianchi@office.example") is None


def test_the_length_is_what_counts() -> None:
    assert find_problem("Xk9#mQ2$vL7") is PasswordProblem.TOO_SHORT
    assert find_problem("verde barca " * 30) is PasswordProblem.TOO_LONG


@pytest.mark.parametrize("password", ["annabianchi12", "Bianchi-Anna-2026", "anna.bianchi@office"])
def test_the_own_name_or_address_is_not_a_password(password: str) -> None:
    assert find_problem(password, "Anna Bianchi", "anna.bianchi@office.example") is PasswordProblem.PERSONAL


def test_a_hash_verifies_its_password_only_and_never_shows_it() -> None:
    kept = CHEAP.hash("verde barca lenta")
    assert kept.startswith("$argon2id$")
    assert "verde" not in kept
    assert CHEAP.verify(kept, "verde barca lenta")
    assert not CHEAP.verify(kept, "verde barca rapida")


def test_an_empty_or_broken_hash_opens_nothing() -> None:
    assert not CHEAP.verify("", "")
    assert not CHEAP.verify("not a hash", "not a hash")


def test_a_hash_of_another_cost_asks_to_be_made_again() -> None:
    kept = CHEAP.hash("verde barca lenta")
    assert not CHEAP.needs_rehash(kept)
    assert Passwords(128).needs_rehash(kept)


def test_one_time_passwords_differ_and_can_be_read_aloud() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}", one) for one in made)
    assert all(find_problem(one) is None for one in made)
