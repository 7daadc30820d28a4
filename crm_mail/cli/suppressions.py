"""``crm-mail suppression``: addresses that a company does not write to any more (CO-5)."""

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, command, find_company
from crm_mail.contacts import suppressions
from crm_mail.contacts.suppressions import Wanted
from crm_mail.delivery.addresses import AddressInvalid
from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.installation import Installation


@click.group()
def suppression() -> None:
    """Addresses that are not written to any more, why, and the way out."""


@suppression.command("list")
@click.option("--company", "company_code", required=True)
@click.option("--search", default="", help="Part of the address.")
@click.option("--lifted", is_flag=True, help="Those that were lifted instead.")
@click.option("--limit", default=1000, show_default=True, help="At most so many, the newest first.")
@command()
def list_(home: Installation, company_code: str, search: str, lifted: bool, limit: int) -> Answer:
    """The addresses with their reasons."""
    with home.database.read() as session:
        company = find_company(session, company_code)
        page = suppressions.list_page(session, SHELL, company.id, Wanted(search, "", lifted), size=limit)
        return {
            "total": page.total,
            "addresses": [
                {
                    "address": line.row.address,
                    "reason": line.row.reason,
                    "words": reason_words(line.row.reason, line.row.status, str)[0],
                    "status": line.row.status,
                    "answer": line.row.detail,
                    "since": line.row.since_at.isoformat(timespec="seconds"),
                }
                for line in page.lines
            ],
        }


@suppression.command("add")
@click.argument("address")
@click.option("--company", "company_code", required=True)
@click.option("--why", default="", help="Kept with the address.")
@command()
def add(home: Installation, address: str, company_code: str, why: str) -> Answer:
    """Put an address on the list."""
    with home.database.write() as session:
        company = find_company(session, company_code)
        try:
            added = suppressions.add(session, SHELL, company.id, address, why)
        except AddressInvalid as invalid:
            raise Failure(f"{address} is not an e-mail address: {invalid}") from None
        return {"added": added}


@suppression.command("lift")
@click.argument("address")
@click.option("--company", "company_code", required=True)
@click.option("--why", required=True, help="Why it may be written to again; kept in the audit.")
@command()
def lift(home: Installation, address: str, company_code: str, why: str) -> Answer:
    """Write to an address again."""
    with home.database.write() as session:
        company = find_company(session, company_code)
        row = suppressions.find_address(session, SHELL, company.id, address)
        if row is None or not row.is_active:
            raise Failure(
                f"{address} is not on the suppression list of {company.code}: look at `suppression list`"
            )
        suppressions.lift(session, SHELL, row, why)
        return {"lifted": row.address}


COMMANDS = {"suppression": suppression}
