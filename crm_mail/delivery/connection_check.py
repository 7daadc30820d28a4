"""Trying an account out, step by step, without sending anything: the server's name, network, encryption and
certificate, login, and of the mailbox folders and room.

One connection is opened exactly as sending or reading does; the step that failed follows from the cause.
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography import x509

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.mailbox.failures import MailboxCause, MailboxFailed, MailboxFailure
from crm_mail.delivery.mailbox.reader import ReadOnlyMailbox, sent_folder_of
from crm_mail.delivery.mailbox.responses import NEARLY_FULL
from crm_mail.delivery.mailbox.settings import MailboxSettings
from crm_mail.delivery.smtp_connect import open_connection
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Security

PATIENCE_SECONDS = 15.0
"""A person waits for the answer: shorter than the account's own time-out."""
CERTIFICATE_WARNING = timedelta(days=14)


class Step(StrEnum):
    """What is done, in order."""

    RESOLVE = "resolve"
    REACH = "reach"
    ENCRYPT = "encrypt"
    LOG_IN = "log_in"
    FOLDERS = "folders"
    QUOTA = "quota"


class Warned(StrEnum):
    """A step that was done and shows something to look at."""

    EXPIRES = "expires"
    NO_SENT_FOLDER = "no_sent_folder"
    MISSING_FOLDERS = "missing_folders"
    NEARLY_FULL = "nearly_full"


_FAILS_AT = {
    Cause.DNS.value: Step.RESOLVE,
    Cause.TLS.value: Step.ENCRYPT,
    Cause.TLS_NOT_OFFERED.value: Step.ENCRYPT,
    Cause.CERTIFICATE.value: Step.ENCRYPT,
    Cause.LOGIN.value: Step.LOG_IN,
    Cause.SIGN_IN.value: Step.LOG_IN,
    Cause.PROVIDER.value: Step.LOG_IN,
    Cause.LOGIN_NOT_OFFERED.value: Step.LOG_IN,
    MailboxCause.FOLDER.value: Step.FOLDERS,
}


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step; `is_ok` None means that it was not reached. `facts`: what was found, by name."""

    step: Step
    is_ok: bool | None
    outcome: Outcome | MailboxFailure | None = None
    warning: Warned | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def steps_of(settings: AccountSettings | MailboxSettings) -> list[Step]:
    """The steps that an account asks for."""
    steps = [Step.RESOLVE, Step.REACH]
    if settings.security is not Security.NONE:
        steps.append(Step.ENCRYPT)
    if settings.username:
        steps.append(Step.LOG_IN)
    if isinstance(settings, MailboxSettings):
        steps += [Step.FOLDERS, Step.QUOTA]
    return steps


def check_connection(settings: AccountSettings) -> list[StepResult]:
    """Connect, encrypt and log in once for sending; never raises for what a server or a network does."""
    patience = min(settings.timeout_seconds, PATIENCE_SECONDS)
    facts: dict[Step, StepResult] = {}
    try:
        facts[Step.RESOLVE] = _resolved(settings.host, settings.port)
        connection = open_connection(replace(settings, timeout_seconds=patience))
    except ConnectionFailed as failed:
        return _until(settings, facts, failed.outcome)
    if isinstance(connection.sock, ssl.SSLSocket):
        facts[Step.ENCRYPT] = _encrypted(connection.sock.getpeercert(binary_form=True))
    with suppress(Exception):
        connection.quit()
    connection.close()
    return _all(settings, facts)


def check_mailbox(settings: MailboxSettings) -> list[StepResult]:
    """Connect, log in and look at folders and room; never raises for what a server or a network does."""
    patience = min(settings.timeout_seconds, PATIENCE_SECONDS)
    facts: dict[Step, StepResult] = {}
    try:
        facts[Step.RESOLVE] = _resolved(settings.host, settings.port)
        with ReadOnlyMailbox(replace(settings, timeout_seconds=patience)) as mailbox:
            facts[Step.ENCRYPT] = _encrypted(mailbox.certificate)
            facts[Step.FOLDERS] = _look_at_folders(mailbox, settings)
            facts[Step.QUOTA] = _look_at_quota(mailbox)
    except ConnectionFailed as failed:
        return _until(settings, facts, failed.outcome)
    except MailboxFailed as failed:
        return _until(settings, facts, failed.failure)
    return _all(settings, facts)


def _resolved(host: str, port: int) -> StepResult:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        detail = f"{host}: {getattr(error, 'strerror', None) or error}"
        raise ConnectionFailed(Outcome(OutcomeKind.TRANSIENT, None, detail, None, Cause.DNS)) from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    return StepResult(Step.RESOLVE, True, facts={"addresses": addresses[:4]})


def _encrypted(der: bytes | None) -> StepResult:
    """What the server's certificate says; its chain and name were verified by the connection."""
    if der is None:
        return StepResult(Step.ENCRYPT, True)
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        facts = {
            "names": [str(one.value) for one in names if isinstance(one, x509.DNSName)][:4],
            "issuer": _name(certificate.issuer),
            "expires_at": certificate.not_valid_after_utc,
        }
    except (ValueError, x509.ExtensionNotFound):
        return StepResult(Step.ENCRYPT, True)
    is_ending = certificate.not_valid_after_utc - datetime.now(UTC) < CERTIFICATE_WARNING
    return StepResult(Step.ENCRYPT, True, warning=Warned.EXPIRES if is_ending else None, facts=facts)


def _name(name: x509.Name) -> str:
    """Organisation and common name of an issuer."""
    found = [
        str(one.value)
        for oid in (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
        for one in name.get_attributes_for_oid(oid)
    ]
    return ", ".join(found) or name.rfc4514_string()


def _look_at_folders(mailbox: ReadOnlyMailbox, settings: MailboxSettings) -> StepResult:
    found = mailbox.folders()
    sent = sent_folder_of(found, settings.sent_folder)
    wanted = [*(settings.folders or ["INBOX"]), *([sent] if sent else [])]
    missing = []
    for name in dict.fromkeys(wanted):
        try:
            mailbox.examine(name)
        except MailboxFailed as failed:
            if failed.failure.cause is not MailboxCause.FOLDER:
                raise
            missing.append(name)
    warning = Warned.MISSING_FOLDERS if missing else None if sent else Warned.NO_SENT_FOLDER
    names = [folder.name for folder in found]
    return StepResult(
        Step.FOLDERS, True, warning=warning, facts={"found": names[:30], "sent": sent, "missing": missing}
    )


def _look_at_quota(mailbox: ReadOnlyMailbox) -> StepResult:
    quota = mailbox.quota()
    if quota is None:
        return StepResult(Step.QUOTA, True)
    facts = {"used": quota.used_kb * 1024, "limit": quota.limit_kb * 1024, "share": quota.share}
    return StepResult(
        Step.QUOTA, True, warning=Warned.NEARLY_FULL if quota.share >= NEARLY_FULL else None, facts=facts
    )


def _all(settings: AccountSettings | MailboxSettings, facts: Mapping[Step, StepResult]) -> list[StepResult]:
    return [facts.get(step) or StepResult(step, True) for step in steps_of(settings)]


def _until(
    settings: AccountSettings | MailboxSettings,
    facts: Mapping[Step, StepResult],
    outcome: Outcome | MailboxFailure,
) -> list[StepResult]:
    """The steps before the failing one are done, those behind it were not reached."""
    steps = steps_of(settings)
    known = [step for step in steps if step in facts]
    failing = _FAILS_AT.get(outcome.cause.value) or (Step.FOLDERS if Step.FOLDERS in known else Step.REACH)
    place = steps.index(failing) if failing in steps else 1
    return [
        *(facts.get(step) or StepResult(step, True) for step in steps[:place]),
        StepResult(steps[place], False, outcome),
        *(StepResult(step, None) for step in steps[place + 1 :]),
    ]
