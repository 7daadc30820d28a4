"""``crm-mail catalogue``: which customers get account statements, and at which addresses (RP-2 to RP-8)."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.catalogue.checking import CheckedRow, check_lines
from crm_mail.catalogue.lines import read_lines, typed
from crm_mail.catalogue.listing import list_rows
from crm_mail.catalogue.removing import MOST, remove_rows
from crm_mail.catalogue.saving import save_lines, save_one
from crm_mail.catalogue.verdicts import Outcome
from crm_mail.cli.frame import Answer, Failure, command, find_actor, find_company
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.installation import Installation
from crm_mail.permissions import Actor

COMPANY = click.option("--company", "company_code", required=True)
AS = click.option("--as", "email", default=None, metavar="EMAIL")


@click.group()
def catalogue() -> None:
    """The mass-mailing catalogue: a view on contacts and their subscriptions to account statements."""


@catalogue.command("list")
@COMPANY
@AS
@click.option("--search", default="", help="Customer numbers, or part of a number or name.")
@click.option("--limit", default=1000, show_default=True, help="At most so many, by number.")
@command()
def list_(home: Installation, company_code: str, email: str | None, search: str, limit: int) -> Answer:
    """The customers, and who receives."""
    with home.database.read() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        page = list_rows(session, actor, company.id, search, size=limit)
        return {
            "total": page.total,
            "rows": [
                {
                    "company": row.company_code,
                    "customer": row.party.code,
                    "name": row.party.name,
                    "emails": "; ".join(one.email for one in row.receivers),
                    "receives": row.receives.value,
                }
                for row in page.rows
            ],
        }


@catalogue.command("add")
@click.argument("number")
@click.argument("emails", required=False, default="")
@COMPANY
@AS
@command()
def add(home: Installation, number: str, emails: str, company_code: str, email: str | None) -> Answer:
    """Enter one customer; EMAILS with ; between them, none for the customer's own address."""
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        row = save_one(session, actor, typed(company.code, number, emails))
        if row.outcome is Outcome.REFUSED:
            raise Failure(row.said.in_words(str))
        return {"outcome": row.outcome.value, "message": _words(row)}


@catalogue.command("remove")
@click.argument("numbers", nargs=-1, required=True)
@COMPANY
@AS
@command()
def remove(home: Installation, numbers: tuple[str, ...], company_code: str, email: str | None) -> Answer:
    """Take customers out: their visible subscriptions to account statements end."""
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        changes = remove_rows(session, actor, _ids(session, actor, company, numbers))
        return {"removed": sum(change.count for change in changes)}


def _ids(session: Session, actor: Actor, company: Company, numbers: tuple[str, ...]) -> list[int]:
    if len(numbers) > MOST:
        raise Failure(f"at most {MOST} customers at once: repeat the command with the rest")
    query = select(Party.code, Party.id).where(Party.company_id == company.id, Party.code.in_(numbers))
    found = {code: id_ for code, id_ in session.execute(query)}
    if missing := [number for number in numbers if number not in found]:
        raise Failure(f"customer {missing[0]} is not in company {company.code}: nothing was removed")
    return list(found.values())


@catalogue.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", "company_code", required=True, help="Of rows that name none.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@AS
@command()
def import_(home: Installation, file: Path, company_code: str, dry_run: bool, email: str | None) -> Answer:
    """Company, number, e-mails from CSV, TSV, XLSX or ODS: the rows that can be entered are."""
    lines = read_lines(file.read_bytes())
    if dry_run:
        with home.database.read() as session:
            company, actor = find_company(session, company_code), find_actor(session, email)
            return _report(check_lines(session, actor, lines, company))
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        return _report(save_lines(session, actor, lines, company))


def _report(rows: list[CheckedRow]) -> dict[str, Any]:
    counts = {one.value: sum(row.outcome is one for row in rows) for one in Outcome}
    messages = [
        {
            "row": row.line.number,
            "company": row.line.company,
            "customer": row.line.code,
            "outcome": row.outcome.value,
            "message": _words(row),
        }
        for row in rows
    ]
    return counts | {"rows": messages}


def _words(row: CheckedRow) -> str:
    return " ".join(said.in_words(str) for said in (row.said, *row.notes))


COMMANDS = {"catalogue": catalogue}
