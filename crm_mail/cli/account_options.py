"""The options of ``crm-mail account add`` about the mailbox, and what they make of an account's details."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from crm_mail.cli.frame import Failure
from crm_mail.delivery.account_rules import AccountDetails
from crm_mail.delivery.models import AccountKind, ReceiptForm
from crm_mail.delivery.operators import OPERATORS
from crm_mail.delivery.transports import Security

F = TypeVar("F", bound=Callable[..., Any])
_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
_NAMES = frozenset(field.name for field in fields(AccountDetails))

_OPTIONS = (
    click.option(
        "--operator",
        type=click.Choice(list(OPERATORS)),
        help="Fill in what is known of a mail operator; other options win. A suggestion: test it.",
    ),
    click.option("--imap-host", help="Where receipts and bounces are read; without it they are not."),
    click.option("--imap-port", type=click.IntRange(1, 65535), help="993 with TLS, else 143."),
    click.option("--imap-security", type=click.Choice([s.value for s in Security]), help="TLS by default."),
    click.option("--imap-user", default="", help="Empty: the login for sending."),
    click.option(
        "--imap-password-stdin", is_flag=True, help="Read its password from standard input, last line."
    ),
    click.option(
        "--imap-folder", "imap_folders", multiple=True, help="Repeat it; default: INBOX and sent mail."
    ),
    click.option("--imap-sent-folder", help="Found by itself when left out."),
    click.option("--imap-minutes", type=click.IntRange(1, 1440), default=5, help="Between two readings."),
    click.option(
        "--receipt-form", type=click.Choice([f.value for f in ReceiptForm]), help="PEC: complete by default."
    ),
    click.option(
        "--acceptance-minutes",
        type=click.IntRange(1, 1440),
        default=30,
        help="PEC: silence is an alarm then.",
    ),
    click.option("--bounce-address", default="", help="Ordinary mail: bounces+{token}@example.com."),
)


def mailbox_options(command: F) -> F:
    """All of them, in the order above."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def account_details(given: dict[str, Any]) -> AccountDetails:
    """An account of the options: what was given, then what is known of the operator, then defaults.

    Raises:
        Failure: kind or server for sending are neither given nor known.
    """
    preset = OPERATORS[given["operator"]].values() if given["operator"] else {}
    security = given["security"] or preset.get("security")
    host = given["host"] or preset.get("host")
    port = given["port"] or preset.get("port")
    kind = given["kind"] or preset.get("kind")
    if not (security and host and port and kind):
        raise Failure("give --kind, --host, --port and --security, or an --operator")
    own = {name: given[name] for name in _NAMES & given.keys() if given[name] not in (None, 0, "")}
    values = preset | own | _mailbox(given, preset)
    values |= {"kind": AccountKind(kind), "host": host, "port": port, "security": Security(security)}
    values |= {"allows_unencrypted": Security.NONE in (values["security"], values["mailbox_security"])}
    return AccountDetails(**values)


def _mailbox(given: dict[str, Any], preset: dict[str, Any]) -> dict[str, Any]:
    security = Security(given["imap_security"] or preset.get("mailbox_security", Security.TLS))
    host = given["imap_host"] or preset.get("mailbox_host", "")
    return {
        "mailbox_is_read": bool(host),
        "mailbox_host": host,
        "mailbox_port": given["imap_port"] or _PORTS[security],
        "mailbox_security": security,
        "mailbox_username": given["imap_user"],
        "mailbox_folders": list(given["imap_folders"]),
        "mailbox_sent_folder": given["imap_sent_folder"] or preset.get("mailbox_sent_folder", ""),
        "mailbox_minutes": given["imap_minutes"],
        "receipt_form": ReceiptForm(given["receipt_form"] or ReceiptForm.FULL),
    }
