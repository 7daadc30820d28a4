"""An SMS account: what a person entered, checked and kept on its row, and read back for a gateway."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlsplit

from crm_mail.delivery.account_problems import AccountInvalid, AccountProblem, Problem
from crm_mail.delivery.account_rules import is_loopback
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.sms.gateway import GatewayConfig, GatewayProtocol, GatewaySettings
from crm_mail.delivery.sms.http_gateway import TemplateWrong, read_lines
from crm_mail.delivery.sms.numbers import is_number
from crm_mail.delivery.transports import Security
from crm_mail.delivery.web_targets import TargetRefused, check_url

LONGEST = {"name": 100, "sender": 20, "username": 200, "template": 4000, "headers": 4000, "url": 500}
LONGEST_NAME_SENDER = 11
"""Signs of a sender that is a name (3GPP TS 23.040 9.1.2.5: eleven septets)."""


@dataclass(frozen=True, slots=True)
class SmsAccountDetails:
    """What the form of an SMS account says.

    Args:
        sender: a number (``+39…``), a short number, or a name of at most eleven signs.
        headers: ``Name: value`` lines; they may hold secrets and are kept encrypted. None: as they are.
        host, port, security: of SMPP.
    """

    name: str
    sender: str
    config: GatewayConfig
    username: str = ""
    headers: str | None = None
    host: str = ""
    port: int = 2775
    security: Security = Security.TLS
    per_minute: int = 0
    per_day: int = 0
    timeout_seconds: int = 30
    max_connections: int = 1


def check(details: SmsAccountDetails, *, allow_private: bool) -> SmsAccountDetails:
    """The details as they are kept.

    Raises:
        AccountInvalid: with every problem.
    """
    details = replace(details, name=details.name.strip(), sender=details.sender.strip())
    found = [AccountProblem(f, Problem.REQUIRED) for f in ("name", "sender") if not getattr(details, f)]
    values = {"template": details.config.template, "url": details.config.url}
    for field, most in LONGEST.items():
        if len(str(values.get(field, getattr(details, field, "")) or "")) > most:
            found.append(AccountProblem(field, Problem.TOO_LONG, (("limit", most),)))
    if details.sender and not (is_number(details.sender) or _is_name(details.sender)):
        found.append(AccountProblem("sender", Problem.BAD_SENDER, (("limit", LONGEST_NAME_SENDER),)))
    if details.config.protocol is GatewayProtocol.HTTP:
        found += _http_problems(details, allow_private=allow_private)
    else:
        found += _smpp_problems(details)
    config = details.config
    if config.cost < 0 or (config.daily_cap is not None and config.daily_cap < config.cost):
        found.append(AccountProblem("daily_cap", Problem.CAP_TOO_LOW))
    if config.daily_cap is not None and not config.cost:
        found.append(AccountProblem("cost", Problem.CAP_WITHOUT_COST))
    if found:
        raise AccountInvalid(found)
    return details


def _is_name(sender: str) -> bool:
    plain = sender.replace(" ", "").replace("-", "").replace(".", "")
    return len(sender) <= LONGEST_NAME_SENDER and plain.isascii() and plain.isalnum()


def _http_problems(details: SmsAccountDetails, *, allow_private: bool) -> list[AccountProblem]:
    found: list[AccountProblem] = []
    config = details.config
    if not config.url:
        found.append(AccountProblem("url", Problem.REQUIRED))
    else:
        try:
            check_url(config.url, allow_private=allow_private or is_local(config.url))
        except TargetRefused as refused:
            found.append(AccountProblem("url", Problem.BAD_URL, (("reason", refused.problem),)))
    for field, text in (("template", config.template), ("headers", details.headers or "")):
        try:
            lines = read_lines(text)
        except TemplateWrong as wrong:
            found.append(AccountProblem(field, Problem.BAD_LINE, (("value", str(wrong)[:80]),)))
            continue
        missing = [p for p in ("{number}", "{text}") if not any(p in v for v in lines.values())]
        if field == "template" and missing:
            found.append(AccountProblem(field, Problem.NO_PLACEHOLDER, (("value", ", ".join(missing)),)))
        if field == "headers" and not all(_is_header(n, v) for n, v in lines.items()):
            found.append(AccountProblem(field, Problem.CONTROL))
    return found


def _is_header(name: str, value: str) -> bool:
    return name.replace("-", "").isalnum() and name.isascii() and value.isascii() and value.isprintable()


def _smpp_problems(details: SmsAccountDetails) -> list[AccountProblem]:
    found = [AccountProblem(f, Problem.REQUIRED) for f in ("host", "username") if not getattr(details, f)]
    if details.security is Security.NONE and details.host and not is_loopback(details.host):
        found.append(AccountProblem("security", Problem.NOT_ENCRYPTED))
    return found


def is_local(url: str) -> bool:
    """Whether an address means this very machine: there nothing need be encrypted."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def apply(account: SenderAccount, details: SmsAccountDetails, encrypt: Callable[[str], bytes]) -> None:
    """Put checked details onto an account's row."""
    account.name, account.from_address, account.from_name = details.name, details.sender, ""
    account.username, account.timeout_seconds = details.username, details.timeout_seconds
    account.per_minute, account.per_day = details.per_minute, details.per_day
    account.max_connections = details.max_connections
    if details.config.protocol is GatewayProtocol.HTTP:
        parts = urlsplit(details.config.url)
        is_plain = parts.scheme == "http"
        account.host, account.port = parts.hostname or "", parts.port or (80 if is_plain else 443)
        account.security = Security.NONE if is_plain else Security.TLS
    else:
        account.host, account.port, account.security = details.host, details.port, details.security
    account.sms = details.config.to_dict()
    if details.headers is not None:
        account.sms_headers = encrypt(details.headers.strip()) if details.headers.strip() else None


def details_of(account: SenderAccount) -> SmsAccountDetails:
    """What the form shows; secrets are no part of it."""
    return SmsAccountDetails(
        account.name,
        account.from_address,
        GatewayConfig.from_dict(account.sms),
        account.username,
        None,
        account.host,
        account.port,
        account.security,
        account.per_minute,
        account.per_day,
        account.timeout_seconds,
        account.max_connections,
    )


def sms_settings(
    account: SenderAccount, decrypt: Callable[[bytes | None], str], allow_private: bool
) -> GatewaySettings:
    """What a gateway's transport needs beside host and login. Raises SecretUnreadable."""
    assert account.kind is AccountKind.SMS
    config = GatewayConfig.from_dict(account.sms)
    headers = read_lines(decrypt(account.sms_headers)) if account.sms_headers else {}
    return GatewaySettings(config, headers, allow_private or is_local(config.url))


def cost_of(account: SenderAccount, segments: int) -> Decimal:
    """What so many segments cost by an account."""
    return segments * GatewayConfig.from_dict(account.sms).cost
