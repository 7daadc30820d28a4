"""``crm-mail account``: the mailboxes that messages leave from."""

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, command, find_company, read_password
from crm_mail.delivery.account_rules import AccountDetails
from crm_mail.delivery.models import DEFAULT_TIMEOUT_SECONDS, AccountKind
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
@click.option("--kind", type=click.Choice([k.value for k in AccountKind]), required=True)
@click.option("--host", required=True)
@click.option("--port", type=click.IntRange(1, 65535), required=True)
@click.option("--security", type=click.Choice([s.value for s in Security]), required=True)
@click.option("--user", "username", default="", help="Empty: the server asks for no login.")
@click.option("--from", "from_address", required=True)
@click.option("--from-name", default="")
@click.option("--reply-to", default="")
@click.option("--ca-file", default="", help="Certificates of a private authority.")
@click.option("--timeout", type=click.IntRange(1, 600), default=DEFAULT_TIMEOUT_SECONDS, help="Seconds.")
@click.option("--per-minute", type=click.IntRange(0), default=0)
@click.option("--per-hour", type=click.IntRange(0), default=0)
@click.option("--per-day", type=click.IntRange(0), default=0)
@click.option("--connections", type=click.IntRange(1, 50), default=2, help="Parallel connections.")
@click.option("--messages-per-connection", type=click.IntRange(1), default=100)
@click.option("--owner", default="", metavar="EMAIL", help="The user whose own account it is.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@command()
def add(
    home: Installation,
    company_code: str,
    kind: str,
    security: str,
    owner: str,
    timeout: int,
    connections: int,
    password_stdin: bool,
    username: str,
    **details: object,
) -> Answer:
    """Add a sender account; it is enabled at once."""
    if username and not password_stdin:
        raise Failure("the account logs in: give its password on standard input with --password-stdin")
    secret = read_password() if username and password_stdin else ""
    with home.database.write() as session:
        company = find_company(session, company_code)
        details["from_name"] = details["from_name"] or company.name
        own = find_user(session, owner) if owner else None
        if owner and own is None:
            raise Failure(f"there is no user {owner!r}: add it with `crm-mail user add`")
        added = add_account(
            session,
            SHELL,
            company.id,
            AccountDetails(
                kind=AccountKind(kind),
                security=Security(security),
                username=username,
                timeout_seconds=timeout,
                max_connections=connections,
                allows_unencrypted=security == Security.NONE,
                **details,  # type: ignore[arg-type]
            ),
            secret,
            home.encrypt,
            own.id if own else None,
        )
        return {
            "account": added.id,
            "name": added.name,
            "kind": added.kind.value,
            "default": added.is_default,
        }


COMMANDS = {"account": account}
