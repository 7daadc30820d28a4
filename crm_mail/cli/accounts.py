"""``crm-mail account``: the mailboxes that messages leave from."""

from typing import Any

import click

from crm_mail.cli.account_options import account_details, mailbox_options
from crm_mail.cli.account_sign_in import connect
from crm_mail.cli.frame import SHELL, Answer, Failure, command, find_company, read_password
from crm_mail.delivery.mailbox_service import keep_mailbox_secret
from crm_mail.delivery.models import DEFAULT_TIMEOUT_SECONDS, AccountKind, AuthMethod
from crm_mail.delivery.operators import OPERATORS
from crm_mail.delivery.service import add_account
from crm_mail.delivery.transports import Security
from crm_mail.installation import Installation
from crm_mail.users.actors import find_user


@click.group()
def account() -> None:
    """The mailboxes that messages leave from."""


@account.command("add")
@click.option("--company", "company_code", required=True)
@click.option("--name", required=True)
@click.option(
    "--kind",
    type=click.Choice([AccountKind.SMTP.value, AccountKind.PEC.value]),
    help="With --operator: its kind.",
)
@click.option("--host", help="With --operator: its server.")
@click.option("--port", type=click.IntRange(1, 65535))
@click.option("--security", type=click.Choice([s.value for s in Security]))
@click.option("--user", "username", default="", help="Empty: the server asks for no login.")
@click.option("--from", "from_address", required=True)
@click.option("--from-name", default="")
@click.option("--reply-to", default="")
@click.option("--ca-file", default="", help="Certificates of a private authority.")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.IntRange(1, 600),
    default=DEFAULT_TIMEOUT_SECONDS,
    help="Seconds.",
)
@click.option("--per-minute", type=click.IntRange(0), default=0)
@click.option("--per-hour", type=click.IntRange(0), default=0)
@click.option("--per-day", type=click.IntRange(0), default=0)
@click.option(
    "--connections", "max_connections", type=click.IntRange(1, 50), help="Parallel connections: 2 by default."
)
@click.option("--messages-per-connection", type=click.IntRange(1), default=100)
@click.option("--owner", default="", metavar="EMAIL", help="The user whose own account it is.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@mailbox_options
@command()
def add(
    home: Installation,
    company_code: str,
    owner: str,
    password_stdin: bool,
    imap_password_stdin: bool,
    **given: Any,
) -> Answer:
    """Add a sender account; it is enabled at once. With a mailbox it is read for receipts and bounces."""
    operator = OPERATORS.get(given.get("operator") or "")
    signs_in = operator is not None and operator.auth is AuthMethod.OAUTH2  # then: crm-mail account connect
    if given["username"] and not password_stdin and not signs_in:
        raise Failure("the account logs in: give its password on standard input with --password-stdin")
    secret = read_password() if given["username"] and password_stdin else ""
    imap_secret = read_password() if imap_password_stdin else ""
    with home.database.write() as session:
        company = find_company(session, company_code)
        given["from_name"] = given["from_name"] or company.name
        own = find_user(session, owner) if owner else None
        if owner and own is None:
            raise Failure(f"there is no user {owner!r}: add it with `crm-mail user add`")
        details = account_details(given)
        owner_id = own.id if own else None
        added = add_account(session, SHELL, company.id, details, secret, home.encrypt, owner_id)
        keep_mailbox_secret(session, SHELL, added, imap_secret, home.encrypt)
        return {
            "account": added.id,
            "name": added.name,
            "kind": added.kind.value,
            "default": added.is_default,
            "mailbox_is_read": added.mailbox_is_read,
        }


account.add_command(connect)
COMMANDS = {"account": account}
