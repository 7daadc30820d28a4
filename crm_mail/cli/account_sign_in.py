"""``crm-mail account connect``: an account signs in at its provider, for offices without an address on the internet."""

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, command
from crm_mail.db import now
from crm_mail.delivery import oauth_client, oauth_consent
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.oauth import client_of, tokens_of
from crm_mail.delivery.oauth_client import StillWaiting
from crm_mail.delivery.oauth_tokens import ends_at
from crm_mail.installation import Installation

LOOPBACK = "http://localhost/accounts/sign-in/callback"
"""Where the browser ends: nobody listens there, the address itself is what is wanted (RFC 8252 7.3)."""


@click.command("connect")
@click.argument("account_id", type=int)
@click.option("--device", is_flag=True, help="Type a code on any device instead (Microsoft 365 only).")
@click.option("--redirect", default=LOOPBACK, show_default=True, help="As registered at the provider.")
@command()
def connect(home: Installation, account_id: int, device: bool, redirect: str) -> Answer:
    """Sign an account in at its provider (OAuth2). Its application is entered on the account's page first."""
    with home.database.read() as session:
        account = session.get(SenderAccount, account_id)
        if account is None:
            raise Failure(f"there is no account {account_id}: its number is in the address of its page")
        if not account.oauth_client_id:
            raise Failure(f"{account.name} has no application at a provider: enter it on the account's page")
    if device:
        _by_device(home, account)
    else:
        _by_address(home, account, redirect)
    with home.database.read() as session:
        account = session.get_one(SenderAccount, account_id)
        end = ends_at(account)
        return {
            "account": account.id,
            "signed_in_as": tokens_of(home, account).subject,
            "until": end.date().isoformat() if end else "",
        }


def _by_address(home: Installation, account: SenderAccount, redirect: str) -> None:
    begun = oauth_consent.begin_sign_in(home, SHELL, account, redirect)
    click.echo("Open this address in a browser, sign in and agree:\n", err=True)
    click.echo(begun.url, err=True)
    click.echo("\nThe browser then ends at an address that it may not be able to show.", err=True)
    pasted = click.prompt("Paste that address here", err=True).strip()
    query = parse_qs(urlsplit(pasted).query)
    if query.get("state", [""])[0] != begun.state:
        raise Failure("this is not the address that the browser ended at: begin again")
    if "code" not in query:
        raise Failure(
            f"the provider gave no code ({query.get('error', ['no reason given'])[0]}): begin again"
        )
    oauth_consent.finish_sign_in(home, SHELL, begun.state, query["code"][0])


def _by_device(home: Installation, account: SenderAccount) -> None:
    client = client_of(home, account)
    if not client.provider.device_url:
        raise Failure("this provider has no device codes for mail: leave out --device")
    code = oauth_client.begin_device(client)
    click.echo(f"Open {code.url} on any device and type {code.user_code}", err=True)
    pause, until = code.interval, now() + timedelta(seconds=code.expires_in)
    while now() < until:
        time.sleep(pause)
        try:
            answer = oauth_client.poll_device(client, code.code)
        except StillWaiting as waiting:
            pause += 5 * waiting.is_slower  # RFC 8628 3.5
            continue
        oauth_consent.keep_sign_in(home, SHELL, account.id, answer)
        return
    raise Failure("nobody typed the code in time: begin again")
