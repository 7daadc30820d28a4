"""``crm-mail mailbox``: read the accounts' mailboxes for receipts and bounces, now."""

from typing import Any

import click
from sqlalchemy import select

from crm_mail.cli.frame import Answer, Failure, Interrupted, command, find_company
from crm_mail.delivery.models import SenderAccount
from crm_mail.evidence.reading import ReadingReport, read_mailbox
from crm_mail.installation import Installation


@click.group()
def mailbox() -> None:
    """Receipts and bounces in the accounts' mailboxes, which are only looked at."""


@mailbox.command()
@click.option("--account", "account_id", type=int, help="One account, by its number.")
@click.option("--company", "company_code", default="", help="Every account of one company.")
@command()
def check(home: Installation, account_id: int | None, company_code: str) -> Answer:
    """Read what is new now, whether it is due or not; the worker and `serve` do so by themselves.

    Without options: the mailboxes of every company. Nothing in a mailbox is changed. Exit status 1: one cannot be read.
    """
    chosen = _chosen(home, account_id, company_code)
    found = [(name, read_mailbox(home, id_)) for id_, name in chosen]
    reports = [_told(name, report) for name, report in found]
    answer = {
        "taken": sum(report["taken"] for report in reports),
        "failed": sum(bool(report["failure"]) for report in reports),
        "mailboxes": reports,
    }
    if unread := [name for name, report in found if report.failure is not None]:
        raise Interrupted(answer) from Failure(f"these cannot be read: {', '.join(unread)}")
    return answer


def _chosen(home: Installation, account_id: int | None, company_code: str) -> list[tuple[int, str]]:
    """The accounts to read. Raises Failure when one that is named is not read at all."""
    with home.database.read() as session:
        query = select(SenderAccount).where(SenderAccount.mailbox_is_read, SenderAccount.mailbox_host != "")
        if company_code:
            query = query.where(SenderAccount.company_id == find_company(session, company_code).id)
        if account_id is not None:
            query = query.where(SenderAccount.id == account_id)
        accounts = session.scalars(query.order_by(SenderAccount.id)).all()
    if account_id is not None and not accounts:
        raise Failure(
            f"there is no account {account_id} whose mailbox is read: switch it on on the account's page, "
            "or add it with `crm-mail account add --imap-host`"
        )
    return [(account.id, account.name) for account in accounts]


def _told(name: str, report: ReadingReport) -> dict[str, Any]:
    failure = "another worker reads it now" if report.is_taken_by_another else str(report.failure or "")
    return {
        "account": report.account_id,
        "name": name,
        "looked_at": report.looked_at,
        "taken": report.taken,
        "known": report.known,
        "unreadable": report.unreadable,
        "too_large": report.too_large,
        "folders": report.folders,
        "missing_folders": report.missing_folders,
        "failure": failure,
    }


COMMANDS = {"mailbox": mailbox}
