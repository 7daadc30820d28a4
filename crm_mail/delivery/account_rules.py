"""What an account must look like: every value checked, every refusal with its field and its remedy. Pure.

The pages translate a problem by its code (`delivery.forms`); `str()` of the error is complete English for the
command line.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from crm_mail.delivery.addresses import AddressInvalid, normalise_address
from crm_mail.delivery.models import (
    DEFAULT_TIMEOUT_SECONDS,
    LONGEST_TIMEOUT_SECONDS,
    AccountKind,
)
from crm_mail.delivery.transports import Security
from crm_mail.refusals import Refusal

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HOST = re.compile(r"(?=.{1,200}$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")

RANGES: dict[str, tuple[int, int]] = {
    "port": (1, 65535),
    "timeout_seconds": (5, LONGEST_TIMEOUT_SECONDS),  # PM-10
    "per_minute": (0, 1_000_000),
    "per_hour": (0, 10_000_000),
    "per_day": (0, 100_000_000),
    "max_connections": (1, 50),
    "messages_per_connection": (1, 10_000),
    "max_message_mb": (1, 100),
}
_LENGTHS = {"name": 100, "host": 200, "username": 200, "from_name": 200, "reply_to": 254, "ca_file": 500}


class Problem(StrEnum):
    """Closed set of refusals; the value is the stable code."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    CONTROL = "control"
    OUT_OF_RANGE = "out_of_range"
    BAD_HOST = "bad_host"
    BAD_ADDRESS = "bad_address"
    NAME_TAKEN = "name_taken"
    NOT_ENCRYPTED = "not_encrypted"
    PEC_NOT_ENCRYPTED = "pec_not_encrypted"
    NO_CA_FILE = "no_ca_file"
    NO_CERTIFICATE = "no_certificate"
    CERTIFICATE_EXPIRED = "certificate_expired"
    NOT_AN_AUTHORITY = "not_an_authority"
    FILE_TOO_LARGE = "file_too_large"
    SECRET_WITHOUT_USER = "secret_without_user"  # noqa: S105 - a code, not a secret


WORDS = {
    Problem.REQUIRED: "{field} is missing: enter it",
    Problem.TOO_LONG: "{field} is longer than {limit} characters: shorten it",
    Problem.CONTROL: "{field} contains a line break or a control character: remove it",
    Problem.OUT_OF_RANGE: "{field} must lie between {low} and {high}",
    Problem.BAD_HOST: "the host {value} is neither a server name nor an IP address: enter it as mail.example.com",
    Problem.BAD_ADDRESS: "{field}: {value} is not an e-mail address: {reason}",
    Problem.NAME_TAKEN: "the company has an account named {value} already: choose another name",
    Problem.NOT_ENCRYPTED: "mail would travel unencrypted: choose TLS or STARTTLS, or allow it explicitly",
    Problem.PEC_NOT_ENCRYPTED: "a PEC account needs TLS or STARTTLS (unencrypted only on this machine)",
    Problem.NO_CA_FILE: "the certificate file {value} is not there: correct its path, or leave it empty",
    Problem.NO_CERTIFICATE: "there is no certificate in the file: give the authority's certificate as PEM or DER",
    Problem.CERTIFICATE_EXPIRED: "the certificate of {value} expired on {day}: give the present one",
    Problem.NOT_AN_AUTHORITY: "{value} is a server's certificate: give that of the authority which signed it",
    Problem.FILE_TOO_LARGE: "the file is larger than {limit}: give the authority's certificate only",
    Problem.SECRET_WITHOUT_USER: "there is a password without a user name: enter the name, or no password",
}


@dataclass(frozen=True, slots=True)
class AccountProblem:
    """One refusal: the field of `AccountDetails`, the code, and what the sentence needs."""

    field: str
    problem: Problem
    params: tuple[tuple[str, str | int], ...] = ()

    def __str__(self) -> str:
        return WORDS[self.problem].format(field=self.field, **dict(self.params))


class AccountInvalid(Refusal, ValueError):
    """The account cannot be kept; the message lists every reason."""

    def __init__(self, problems: list[AccountProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """Everything about an account but its secret, its owner and its health.

    ``allows_unencrypted``: the explicit choice that security `none` asks for. Times in seconds; limits 0 =
    none. ``ca_file`` (a path) and ``ca_pem`` (uploaded, see `authorities`) are trusted beside the system's authorities.
    """

    name: str
    kind: AccountKind
    host: str
    port: int
    security: Security
    from_address: str
    username: str = ""
    from_name: str = ""
    reply_to: str = ""
    ca_file: str = ""
    ca_pem: str = ""
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    per_minute: int = 0
    per_hour: int = 0
    per_day: int = 0
    max_connections: int = 2
    messages_per_connection: int = 100
    max_message_mb: int = 20
    allows_unencrypted: bool = False


def is_loopback(host: str) -> bool:
    """Whether a server name means this very machine."""
    if host.strip("[]").lower().rstrip(".") in ("localhost", "localhost.localdomain"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(_HOST.fullmatch(host))
    return True


def _problem(field: str, problem: Problem, **params: str | int) -> AccountProblem:
    return AccountProblem(field, problem, tuple(params.items()))


def _text_problems(details: AccountDetails) -> list[AccountProblem]:
    problems = [
        _problem(field, Problem.REQUIRED)
        for field in ("name", "host", "from_address")
        if not getattr(details, field)
    ]
    for field, limit in _LENGTHS.items():
        value: str = getattr(details, field)
        if len(value) > limit:
            problems.append(_problem(field, Problem.TOO_LONG, limit=limit))
        elif _CONTROLS.search(value):
            problems.append(_problem(field, Problem.CONTROL))
    if details.host and not _is_host(details.host):
        problems.append(_problem("host", Problem.BAD_HOST, value=details.host))
    if details.ca_file and not Path(details.ca_file).is_file():
        problems.append(_problem("ca_file", Problem.NO_CA_FILE, value=details.ca_file))
    return problems


def _security_problems(details: AccountDetails) -> list[AccountProblem]:
    if details.security is not Security.NONE:
        return []
    if details.kind is AccountKind.PEC and not is_loopback(details.host):
        return [_problem("security", Problem.PEC_NOT_ENCRYPTED)]
    return [] if details.allows_unencrypted else [_problem("security", Problem.NOT_ENCRYPTED)]


def _checked_address(field: str, value: str, problems: list[AccountProblem]) -> str:
    if not value:
        return value
    try:
        return normalise_address(value)
    except AddressInvalid as refusal:
        problems.append(_problem(field, Problem.BAD_ADDRESS, value=value, reason=str(refusal)))
        return value


def check_details(details: AccountDetails, secret: str | None) -> AccountDetails:
    """The details as they are kept: outer blanks removed, addresses in one spelling.

    Args:
        secret: the password given with them, None when the kept one stays.

    Raises:
        AccountInvalid: with every problem, not only the first.
    """
    texts: dict[str, Any] = {f: getattr(details, f).strip() for f in (*_LENGTHS, "from_address")}
    details = replace(details, **texts)
    problems = _text_problems(details) + _security_problems(details)
    for field, (low, high) in RANGES.items():
        if not low <= getattr(details, field) <= high:
            problems.append(_problem(field, Problem.OUT_OF_RANGE, low=low, high=high))
    if secret and not details.username:
        problems.append(_problem("username", Problem.SECRET_WITHOUT_USER))
    addresses: dict[str, Any] = {
        f: _checked_address(f, getattr(details, f), problems) for f in ("from_address", "reply_to")
    }
    if problems:
        raise AccountInvalid(problems)
    return replace(details, **addresses)
