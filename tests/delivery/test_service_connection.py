"""Trying an account out against real servers: each step, its failure, and a message that arrives."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crm_mail.delivery.connection_check import Step, check_connection, steps_of
from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.transports import AccountSettings, Security
from crm_mail.delivery.trial import Trial, recipient_of_trial, send_trial
from tests.delivery.servers import Faults, FaultyServer, certificate_context

LOGIN = {"username": "office", "password": "secret"}


def results(settings: AccountSettings) -> list[tuple[Step, bool | None]]:
    return [(result.step, result.is_ok) for result in check_connection(settings)]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_an_encrypted_account_passes_every_step(tmp_path: Path, security: Security) -> None:
    context = certificate_context(tmp_path)
    tls: dict[str, Any] = {"implicit_tls" if security is Security.TLS else "starttls": context}
    with FaultyServer(**tls) as server:
        settings = server.account(security=security, ca_file=str(tmp_path / "ca.pem"), **LOGIN)
        assert results(settings) == [
            (Step.RESOLVE, True),
            (Step.REACH, True),
            (Step.ENCRYPT, True),
            (Step.LOG_IN, True),
        ]
        assert server.connections == 1
        uploaded = replace(settings, ca_file=None, ca_pem=(tmp_path / "ca.pem").read_text())
        assert results(uploaded) == results(settings)
        assert server.received == []


def test_a_certificate_that_nobody_vouches_for_fails_at_the_encryption(tmp_path: Path) -> None:
    with FaultyServer(implicit_tls=certificate_context(tmp_path)) as server:
        found = check_connection(server.account(security=Security.TLS, **LOGIN))
    assert [result.is_ok for result in found] == [True, True, False, None]
    assert found[2].outcome is not None
    assert found[2].outcome.cause is Cause.CERTIFICATE


def test_a_server_without_starttls_fails_at_the_encryption() -> None:
    with FaultyServer() as server:
        found = results(server.account(security=Security.STARTTLS))
    assert found == [(Step.RESOLVE, True), (Step.REACH, True), (Step.ENCRYPT, False)]


def test_a_refused_password_fails_at_the_login_and_is_tried_once() -> None:
    with FaultyServer(Faults(replies={"AUTH": "535 5.7.8 No"})) as server:
        assert results(server.account(**LOGIN)) == [
            (Step.RESOLVE, True),
            (Step.REACH, True),
            (Step.LOG_IN, False),
        ]
        assert sum(command.startswith("AUTH") for command in server.commands) == 1


def test_a_server_that_is_not_there_fails_at_the_first_step() -> None:
    with FaultyServer() as server:
        settings = server.account(security=Security.TLS, **LOGIN)
    assert results(settings) == [
        (Step.RESOLVE, True),
        (Step.REACH, False),
        (Step.ENCRYPT, None),
        (Step.LOG_IN, None),
    ]


def test_an_account_without_encryption_and_login_has_two_steps() -> None:
    with FaultyServer() as server:
        assert steps_of(server.account()) == [Step.RESOLVE, Step.REACH]


def test_a_trial_message_arrives_and_says_what_it_is() -> None:
    with FaultyServer() as server:
        trial = Trial("Officine Ñandú", "anna@office.example", "Prova: è & ñ", "Corpo\n", "it")
        outcome = send_trial(server.account(), trial)
        assert outcome.kind is OutcomeKind.SENT
        (recipients, data) = server.received[0]
    assert recipients == ("anna@office.example",)
    assert b"Auto-Submitted: auto-generated" in data


def test_a_trial_that_cannot_connect_is_an_outcome_and_no_error() -> None:
    with FaultyServer() as server:
        settings = server.account()
    trial = Trial("", "anna@office.example", "x", "y", "it")
    assert send_trial(settings, trial).cause is Cause.CONNECTION


def test_a_pec_trial_goes_to_its_own_mailbox() -> None:
    """IT-18."""
    with FaultyServer() as server:
        settings = server.account()
    assert recipient_of_trial(settings, "me@office.example") == "me@office.example"
    pec = replace(settings, kind=Channel.PEC)
    assert recipient_of_trial(pec, "me@office.example") == settings.from_address
