"""``crm-mail receivables``: open items in, statements and reminders out into a run that waits for review."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from crm_mail.cli.frame import Answer, Failure, command, find_actor, find_company
from crm_mail.cli.progress import show_preparation, tell_preparation
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import today
from crm_mail.document_types import DocumentType
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.importing import import_ledger
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.mappings import load_mapping
from crm_mail.receivables.reading import PARTIES_AT_ONCE, count_customers, reachable
from crm_mail.receivables.reminding import make_letters, propose_reminders
from crm_mail.receivables.service import (
    LARGEST_RUN,
    LETTER,
    STATEMENT,
    Made,
    StatementChoice,
    TooMany,
    make_statements,
    run_criteria,
)
from crm_mail.receivables.sources import import_from_source
from crm_mail.receivables.statements import Layout

T = TypeVar("T")
DAY = click.DateTime(["%Y-%m-%d", "%Y%m%d"])


@click.group(name="receivables")
def receivables() -> None:
    """Open items, account statements and reminders."""


@receivables.command("import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--company", "company_code", required=True)
@click.option("--source", default="", help="Name of a saved database source, in place of a file.")
@click.option(
    "--kind", type=click.Choice([k.value for k in Kind]), help="What the list holds; else its columns say."
)
@click.option("--mapping", default="", help="Name of a saved mapping of columns.")
@click.option("--partial", is_flag=True, help="The list is not complete: nothing is settled.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--as", "email", default=None, metavar="EMAIL")
@command()
def import_items(
    home: Installation,
    file: Path | None,
    company_code: str,
    source: str,
    kind: str | None,
    mapping: str,
    partial: bool,
    dry_run: bool,
    email: str | None,
) -> Answer:
    """Open items or movements from CSV, TSV, XLSX, ODS, JSON, or from a database."""
    if (file is None) == (not source):
        raise Failure("name either a file or --source, and not both")
    with home.database.write() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        if file is None:
            return _from_source(home, session, actor, company, source, dry_run)
        columns = load_mapping(session, actor, company.id, mapping) if mapping else None
        result = import_ledger(
            session,
            actor,
            company,
            file,
            kind=Kind(kind) if kind else None,
            columns=columns,
            is_complete=not partial,
            dry_run=dry_run,
        )
    return result.as_json()


def _from_source(
    home: Installation, session: Any, actor: Actor, company: Company, name: str, dry_run: bool
) -> Answer:
    return import_from_source(session, actor, home, company, name, dry_run=dry_run).as_json()


def _parties(body: Any) -> Any:
    """The options that choose customers."""
    for option in reversed(
        (
            click.option("--company", "company_code", required=True),
            click.option("--as-of", type=DAY, help="Cut-off date; today unless given."),
            click.option("--code", "codes", multiple=True, help="This customer; may be repeated."),
            click.option("--code-from", default=""),
            click.option("--code-to", default=""),
            click.option("--agent", "agents", multiple=True),
            click.option("--zone", "zones", multiple=True),
            click.option("--city", "cities", multiple=True),
            click.option("--category", "categories", multiple=True),
            click.option("--title", default=""),
            click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing."),
            click.option("--as", "email", required=True, metavar="EMAIL", help="The user who prepares."),
        )
    ):
        body = option(body)
    return body


def _begin(
    home: Installation, company_code: str, email: str, as_of: datetime | None, chosen: dict[str, Any]
) -> tuple[int, Actor, PartyFilter, date]:
    with home.database.read() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
    return company.id, actor, PartyFilter(company.id, **chosen), as_of.date() if as_of else today()


@receivables.command("statements")
@_parties
@click.option("--layout", type=click.Choice([one.value for one in Layout]), default=Layout.OPEN_ITEMS.value)
@click.option("--from", "from_on", type=DAY, help="First day of the period, for the layout movements.")
@click.option("--everybody", is_flag=True, help="Needed when nothing narrows the customers.")
@click.option("--again", is_flag=True, help="Also statements that were sent already.")
@command()
def statements(
    home: Installation,
    company_code: str,
    as_of: datetime | None,
    title: str,
    dry_run: bool,
    email: str,
    layout: str,
    from_on: datetime | None,
    everybody: bool,
    again: bool,
    **chosen: Any,
) -> Answer:
    """Make account statements and a run of them, for review. Nothing is sent."""
    company_id, actor, parties, day = _begin(home, company_code, email, as_of, chosen)
    with home.database.read() as session:
        able, without = count_customers(session, parties, actor.sight)
    counts = {"customers": able, "without_address": without}
    if dry_run:
        actor.require(Permission.OUTBOX_PREPARE, company_id, STATEMENT.value)
        return {"dry_run": True, **counts}
    if parties.is_empty and not everybody:
        raise Failure(
            f"nothing narrows the customers, which means all {able}: repeat with --everybody, or choose"
        )
    choice = StatementChoice(parties, day, Layout(layout), from_on.date() if from_on else None)
    with home.database.read() as session:
        ids = list(session.scalars(reachable(parties, actor.sight)))
    made = Made()
    for part in chunks(ids, PARTIES_AT_ONCE):
        with home.database.write() as session:
            company = session.get_one(Company, company_id)
            made.join(make_statements(session, actor, home.store, company, choice, part))
        if len(made.documents) > LARGEST_RUN:
            raise TooMany
    return counts | _prepare(home, actor, company_id, STATEMENT, made, title, only_unsent=not again)


@receivables.command("dunning")
@_parties
@click.option(
    "--level", "levels", multiple=True, type=click.IntRange(0, 4), help="Only letters of this level."
)
@command()
def dunning(
    home: Installation,
    company_code: str,
    as_of: datetime | None,
    title: str,
    dry_run: bool,
    email: str,
    levels: tuple[int, ...],
    **chosen: Any,
) -> Answer:
    """Propose reminders and make a run of them, for review. Nothing is sent."""
    company_id, actor, parties, day = _begin(home, company_code, email, as_of, chosen)
    with home.database.read() as session:
        proposed = propose_reminders(session, actor, parties, day)
        reasons = Counter(refusal.reason.value for one in proposed for refusal in one.proposal.refusals)
        wanted = [one.only(levels) if levels else one for one in proposed]
        letters = [
            {
                "code": one.party.code,
                "level": letter.level,
                "currency": letter.currency,
                "due": str(letter.due_total),
                "interest": str(letter.interest),
                "lump_sum": str(letter.lump_sum),
                "total": str(letter.total),
            }
            for one in wanted
            for letter in one.letters
        ]
        answer: dict[str, Any] = {"letters": letters, "not_reminded": dict(reasons)}
        if dry_run:
            return {"dry_run": True, **answer}
    made = Made()
    for part in chunks(wanted, PARTIES_AT_ONCE):
        with home.database.write() as session:
            company = session.get_one(Company, company_id)
            made.join(make_letters(session, actor, home.store, company, part, day))
        if len(made.documents) > LARGEST_RUN:
            raise TooMany
    return answer | _prepare(home, actor, company_id, LETTER, made, title)


def _prepare(
    home: Installation,
    actor: Actor,
    company_id: int,
    document_type: DocumentType,
    made: Made,
    title: str,
    *,
    only_unsent: bool = True,
) -> dict[str, Any]:
    criteria = run_criteria(company_id, document_type, made, only_unsent=only_unsent)
    with show_preparation() as progress:
        prepared = prepare_run(home, actor, criteria, title, progress)
    return tell_preparation(
        prepared, documents=len(made.documents), as_before=made.unchanged, nothing_to_tell=made.empty
    )


COMMANDS = {"receivables": receivables}
