"""``crm-mail prepare`` and ``crm-mail run``: the way of a run, from the shell."""

import io
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.cli.frame import Answer, Failure, check_types, command, find_actor, find_company
from crm_mail.cli.progress import show_preparation, tell_preparation
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.finding.party_filter import PartyFilter, PartyKind
from crm_mail.delivery.models import SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import CommitRefused, commit_run
from crm_mail.outbox.models import Message, MessageFile, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.outbox.reviewing.review import can_see_run, count_run, find_run
from crm_mail.outbox.sending.control import cancel_run, pause_run, read_progress, resume_run, retry_failed
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.why_words import describe_why
from crm_mail.permissions import Actor
from crm_mail.reports.export import ReportFormat, csv_chunks, report_json, text_chunks, write_xlsx

DAY = click.DateTime(["%Y-%m-%d", "%Y%m%d"])
MESSAGES_AT_ONCE = 1000


@click.command()
@click.option("--company", "company_code", required=True)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="A type such as invoice, or an own one.")
@click.option("--from", "from_on", type=DAY, help="First day of the documents' date.")
@click.option("--to", "to_on", type=DAY, help="Last day of the documents' date.")
@click.option("--kind", type=click.Choice([k.value for k in PartyKind]), help="Customers or suppliers only.")
@click.option("--code-from", default="")
@click.option("--code-to", default="")
@click.option("--agent", "agents", multiple=True)
@click.option("--zone", "zones", multiple=True)
@click.option("--city", "cities", multiple=True)
@click.option("--category", "categories", multiple=True)
@click.option("--role", "roles", multiple=True)
@click.option("--characteristic", "all_characteristics", multiple=True, metavar="K[=V]", help="All of them.")
@click.option("--any-characteristic", "any_characteristics", multiple=True, metavar="K[=V]")
@click.option("--without-characteristic", "no_characteristics", multiple=True, metavar="K[=V]")
@click.option("--again", is_flag=True, help="Also what was sent already.")
@click.option("--title", default="")
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who prepares.")
@command()
def prepare(
    home: Installation,
    company_code: str,
    types: tuple[str, ...],
    from_on: datetime | None,
    to_on: datetime | None,
    kind: str | None,
    again: bool,
    title: str,
    email: str,
    **parties: Any,
) -> Answer:
    """Work out every message that is due, for review. Nothing is sent."""
    if from_on and to_on and from_on > to_on:
        raise Failure(f"--from {from_on:%Y-%m-%d} is after --to {to_on:%Y-%m-%d}: no day lies between them")
    with home.database.read() as session:
        company, actor = find_company(session, company_code), find_actor(session, email)
        check_types(company_types(session, company.id).ids, types)
    criteria = Criteria(
        PartyFilter(company.id, kind=PartyKind(kind) if kind else None, **parties),
        types,
        from_on.date() if from_on else None,
        to_on.date() if to_on else None,
        only_unsent=not again,
    )
    with show_preparation() as progress:
        prepared = prepare_run(home, actor, criteria, title, progress)
    return tell_preparation(prepared)


@click.group()
def run() -> None:
    """Prepared runs: look, commit, steer, report."""


AS_USER = click.option("--as", "email", default=None, metavar="EMAIL", help="The user on whose behalf.")
RUN = click.argument("run_id", type=int, metavar="RUN")


def _find(session: Session, actor: Actor, run_id: int) -> Run:
    found = find_run(session, actor, run_id)
    if found is None:
        raise Failure(
            f"there is no run {run_id} for {actor.name}: `crm-mail run list` shows the runs there are"
        )
    return found


@run.command("list")
@AS_USER
@command()
def list_runs(home: Installation, email: str | None) -> Answer:
    """The latest runs."""
    with home.database.read() as session:
        actor = find_actor(session, email)
        newest = select(Run, Company.code).join(Company).order_by(Run.id.desc()).limit(200)
        runs = [
            {
                "run": one.id,
                "company": code,
                "title": one.title,
                "state": one.state.value,
                "created_at": one.created_at.isoformat(),
                "counts": count_run(session, actor, one).states,
            }
            for one, code in session.execute(newest)
            if can_see_run(actor, one)
        ]
    return {"runs": runs}


@run.command("show")
@RUN
@AS_USER
@command()
def show_run(home: Installation, run_id: int, email: str | None) -> Answer:
    """A run with its messages."""
    with home.database.read() as session:
        actor = find_actor(session, email)
        found = _find(session, actor, run_id)
        counts = count_run(session, actor, found)
        return {
            "run": found.id,
            "state": found.state.value,
            "counts": counts.states,
            "blocked": counts.blocked,
            "warnings": counts.warned,
            "left_for_colleague": found.hidden_recipients,
            "stopped_accounts": [
                {
                    "name": account.name,
                    "reason": account.reason,
                    "opens_at": account.opens_at.isoformat() if account.opens_at else None,
                }
                for account in read_progress(session, found, actor.sight).waiting_accounts
            ],
            "messages": list(_messages(session, actor, found)),
        }


def _messages(session: Session, actor: Actor, found: Run) -> Iterable[dict[str, Any]]:
    accounts = dict(session.execute(select(SenderAccount.id, SenderAccount.name)).tuples().all())
    named = company_types(session, found.company_id).names
    last = 0
    while True:
        query = select(Message).where(
            Message.run_id == found.id, messages_in_sight(actor.sight), Message.id > last
        )
        rows = session.scalars(query.order_by(Message.id).limit(MESSAGES_AT_ONCE)).all()
        if not rows:
            return
        last = rows[-1].id
        names: dict[int, list[str]] = {}
        files = select(MessageFile.message_id, MessageFile.name).where(
            MessageFile.message_id.in_([row.id for row in rows])
        )
        for message_id, name in session.execute(files.order_by(MessageFile.message_id, MessageFile.position)):
            names.setdefault(message_id, []).append(name)
        for row in rows:
            yield {
                "id": row.id,
                "state": row.state.value,
                "party": row.party_code,
                "party_name": row.party_name,
                "to": row.to_address,
                "cc": row.cc,
                "channel": row.channel.value,
                "account": accounts.get(row.account_id or 0, ""),
                "subject": row.subject,
                "attachments": names.get(row.id, []),
                "blocked": bool(row.blockers),
                "issue": row.first_issue,
                "message_id": row.message_id or "",
                "answer": row.last_detail,
                "why": describe_why(row.why, named=named),
            }
        session.expunge_all()


@run.command("commit")
@RUN
@click.option("--as", "email", required=True, metavar="EMAIL", help="The user who commits.")
@click.option("--now", "skip_undo", is_flag=True, help="No undo window.")
@click.option("--at", "start_at", type=click.DateTime(), help="Not before this time (UTC).")
@click.option("--key", default=None, help="Idempotency key: a second commit with it changes nothing.")
@click.option(
    "--unknown-as-ordinary", is_flag=True, help="Addresses of unknown kind are ordinary mail, this once."
)
@command()
def commit(
    home: Installation,
    run_id: int,
    email: str,
    skip_undo: bool,
    start_at: datetime | None,
    key: str | None,
    unknown_as_ordinary: bool,
) -> Answer:
    """Let a reviewed run go."""
    refusal: CommitRefused | None = None
    with home.database.write() as session:
        actor = find_actor(session, email)
        found = _find(session, actor, run_id)
        try:
            done = commit_run(
                session,
                actor,
                found,
                key=key,
                start_at=start_at.replace(tzinfo=UTC) if start_at else None,
                skip_undo=skip_undo,
                unknown_is_ordinary=unknown_as_ordinary,
            )
        except CommitRefused as problem:  # what dropped out has dropped out, visibly
            refusal = problem
    if refusal is not None:
        raise refusal
    return {
        "run": done.run_id,
        "messages": done.messages,
        "starts_at": done.starts_at.isoformat() if done.starts_at else None,
        "dropped": done.dropped,
        "left_for_colleague": done.left_for_colleague,
        "awaits_approval": done.awaits_approval,
    }


def _steer(name: str, help_text: str, act: Any) -> None:
    @run.command(name, help=help_text)
    @RUN
    @AS_USER
    @command()
    def steer(home: Installation, run_id: int, email: str | None) -> Answer:
        with home.database.write() as session:
            actor = find_actor(session, email)
            found = _find(session, actor, run_id)
            changed = act(session, actor, found)
            return {
                "run": run_id,
                "state": found.state.value,
                "changed": changed if isinstance(changed, int) else None,
            }


_steer("pause", "Stop sending; what is under way ends.", pause_run)
_steer("resume", "Go on with a paused run.", resume_run)
_steer("cancel", "Cancel what has not left.", cancel_run)
_steer("retry", "Send the failed messages again.", retry_failed)


@run.command("report")
@RUN
@click.option(
    "--format",
    "format_",
    type=click.Choice([f.value for f in ReportFormat]),
    help="txt (the log) unless --json is given.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of standard output."
)
@click.option("--language", type=click.Choice(["it", "es", "en"]), default="en")
@AS_USER
@command()
def report(
    home: Installation,
    run_id: int,
    format_: str | None,
    output: Path | None,
    language: str,
    email: str | None,
) -> Answer | None:
    """The end report of a run, on standard output; a spreadsheet is not written to a terminal but to a file."""
    wants_json = bool(click.get_current_context().params["as_json"])
    chosen = ReportFormat(format_ or (ReportFormat.JSON if wants_json else ReportFormat.TXT))
    if chosen is ReportFormat.XLSX and output is None and (wants_json or sys.stdout.isatty()):
        output = Path(f"run-{run_id}.xlsx")
    with home.database.read() as session:
        actor = find_actor(session, email)
        found = _find(session, actor, run_id)
        if output is None:
            sys.stdout.buffer.writelines(_report_chunks(session, actor, found, chosen, language))
            sys.stdout.buffer.flush()
            return None
        with output.open("wb") as file:
            file.writelines(_report_chunks(session, actor, found, chosen, language))
    return {"run": run_id, "written": str(output)}


def _report_chunks(
    session: Session, actor: Actor, found: Run, chosen: ReportFormat, language: str
) -> Iterable[bytes]:
    if chosen is ReportFormat.JSON:
        answer = report_json(session, actor, found, language)
        return [json.dumps(answer, ensure_ascii=False, default=str).encode(), b"\n"]
    if chosen is ReportFormat.XLSX:
        book = io.BytesIO()
        write_xlsx(session, actor, found, language, book)
        return [book.getvalue()]
    if chosen is ReportFormat.CSV:
        return csv_chunks(session, actor, found, language)
    return text_chunks(session, actor, found)


COMMANDS = {"prepare": prepare, "run": run}
