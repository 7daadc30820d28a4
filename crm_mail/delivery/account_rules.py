"""What an account must look like: every value checked, every refusal with its field and its remedy. Pure.

The pages translate a problem by its code (`delivery.forms`); `str()` of the error is complete English for the
command line.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crm_mail.delivery.account_problems import AccountInvalid as AccountInvalid
from crm_mail.delivery.account_problems import AccountProblem as AccountProblem
from crm_mail.delivery.account_problems import Problem as Problem
from crm_mail.delivery.addresses import AddressInvalid, normalise_address
from crm_mail.delivery.models import (
    DEFAULT_TIMEOUT_SECONDS,
    LONGEST_TIMEOUT_SECONDS,
    AccountKind,
    ReceiptForm,
)
from crm_mail.delivery.transports import Security

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
    "mailbox_port": (1, 65535),
    "mailbox_minutes": (1, 1440),
    "acceptance_minutes": (1, 1440),
}
_LENGTHS = {
    **{"name": 100, "host": 200, "username": 200, "from_name": 200, "reply_to": 254, "ca_file": 500},
    **{"mailbox_host": 200, "mailbox_username": 200, "mailbox_sent_folder": 250, "bounce_address": 254},
    "operator": 30,
}
LONGEST_FOLDER = 250
MOST_FOLDERS = 20
TOKEN = "{token}"  # noqa: S105 - a placeholder


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """Everything about an account but its secret, its owner and its health.

    ``allows_unencrypted``: the explicit choice that security `none` asks for. Times in seconds; limits 0 =
    none. ``ca_file`` (a path) and ``ca_pem`` (uploaded, see `authorities`) are trusted beside the system's authorities.
    ``mailbox_*``: where receipts and bounces are read, see `models.SenderAccount`.
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
    operator: str = ""
    mailbox_is_read: bool = False
    mailbox_host: str = ""
    mailbox_port: int = 993
    mailbox_security: Security = Security.TLS
    mailbox_username: str = ""
    mailbox_folders: Sequence[str] = ()
    mailbox_sent_folder: str = ""
    mailbox_minutes: int = 5
    bounce_address: str = ""
    receipt_form: ReceiptForm = ReceiptForm.FULL
    acceptance_minutes: int = 30


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


def _mailbox_problems(details: AccountDetails) -> list[AccountProblem]:
    problems = []
    if details.mailbox_is_read and not details.mailbox_host:
        problems.append(_problem("mailbox_host", Problem.REQUIRED))
    if details.mailbox_is_read and not (details.mailbox_username or details.username):
        problems.append(_problem("mailbox_username", Problem.REQUIRED))
    if details.mailbox_host and not _is_host(details.mailbox_host):
        problems.append(_problem("mailbox_host", Problem.BAD_HOST, value=details.mailbox_host))
    is_allowed = details.allows_unencrypted and details.kind is AccountKind.SMTP
    is_open = details.mailbox_is_read and details.mailbox_security is Security.NONE
    if is_open and not is_allowed and not is_loopback(details.mailbox_host):
        problems.append(_problem("mailbox_security", Problem.NOT_ENCRYPTED))
    if len(details.mailbox_folders) > MOST_FOLDERS:
        problems.append(_problem("mailbox_folders", Problem.OUT_OF_RANGE, low=0, high=MOST_FOLDERS))
    for name in details.mailbox_folders:
        if len(name) > LONGEST_FOLDER:
            problems.append(_problem("mailbox_folders", Problem.TOO_LONG, limit=LONGEST_FOLDER))
        elif _CONTROLS.search(name):
            problems.append(_problem("mailbox_folders", Problem.CONTROL))
    return problems + _return_path_problems(details)


def _return_path_problems(details: AccountDetails) -> list[AccountProblem]:
    """A PEC's return path is its sender (RFC 6109 3.1.1); elsewhere it carries a token that names the message."""
    address = details.bounce_address
    if not address:
        return []
    if details.kind is AccountKind.PEC:
        return [_problem("bounce_address", Problem.BOUNCE_ON_PEC)]
    if address.partition("@")[0].count(TOKEN) != 1 or TOKEN in address.partition("@")[2]:
        return [_problem("bounce_address", Problem.NO_TOKEN)]
    problems: list[AccountProblem] = []
    _checked_address("bounce_address", address.replace(TOKEN, "token"), problems)
    return problems


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
    folders = [name.strip() for name in details.mailbox_folders if name.strip()]
    details = replace(details, mailbox_folders=folders)
    problems = _text_problems(details) + _security_problems(details) + _mailbox_problems(details)
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
