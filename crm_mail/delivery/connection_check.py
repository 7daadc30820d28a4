"""Trying an account out: network, encryption and login, step by step, without sending anything.

One connection is opened exactly as sending does; the step that failed follows from the outcome's cause.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from crm_mail.delivery.envelope import Cause, Outcome
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Security

PATIENCE_SECONDS = 15.0
"""A person waits for the answer: shorter than the account's own time-out."""


class Step(StrEnum):
    """What is done, in order."""

    REACH = "reach"
    ENCRYPT = "encrypt"
    LOG_IN = "log_in"


_FAILS_AT = {
    Cause.TLS: Step.ENCRYPT,
    Cause.TLS_NOT_OFFERED: Step.ENCRYPT,
    Cause.CERTIFICATE: Step.ENCRYPT,
    Cause.LOGIN: Step.LOG_IN,
    Cause.LOGIN_NOT_OFFERED: Step.LOG_IN,
}


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step; `is_ok` None means that it was not reached."""

    step: Step
    is_ok: bool | None
    outcome: Outcome | None = None


def steps_of(settings: AccountSettings) -> list[Step]:
    """The steps that an account asks for."""
    steps = [Step.REACH]
    if settings.security is not Security.NONE:
        steps.append(Step.ENCRYPT)
    if settings.username:
        steps.append(Step.LOG_IN)
    return steps


def check_connection(settings: AccountSettings) -> list[StepResult]:
    """Connect, encrypt and log in once; never raises for what a server or a network does."""
    steps = steps_of(settings)
    patience = min(settings.timeout_seconds, PATIENCE_SECONDS)
    session = SmtpSession(replace(settings, timeout_seconds=patience))
    try:
        session.connect()
    except ConnectionFailed as failed:
        return _until(steps, failed.outcome)
    session.close()
    return [StepResult(step, True) for step in steps]


def _until(steps: list[Step], outcome: Outcome) -> list[StepResult]:
    failing = _FAILS_AT.get(outcome.cause, Step.REACH)
    place = steps.index(failing) if failing in steps else 0
    done = [StepResult(step, True) for step in steps[:place]]
    return [
        *done,
        StepResult(steps[place], False, outcome),
        *(StepResult(step, None) for step in steps[place + 1 :]),
    ]
