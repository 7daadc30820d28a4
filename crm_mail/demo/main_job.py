"""The whole main job on a sample company: import, prepare, commit, send to two local mail servers, report.

Nothing leaves the machine: the accounts of the sample company point at servers of this very process.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.company_rules import CompanyDetails
from crm_mail.companies.models import Company
from crm_mail.companies.service import add_company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.service import add_account
from crm_mail.demo.delivery_notes import add_delivery_notes
from crm_mail.demo.servers import SampleAccount, SampleServers
from crm_mail.document_types import type_label
from crm_mail.evidence.reading import read_mailbox
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.importers.documents.service import import_document_file
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.outbox.preparing.prepare import Prepared
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.reviewing.review_changes import approve_messages
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.outbox.sending.finishing import on_run_finished
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import RunState
from crm_mail.permissions import HIGHEST_CLEARANCE, INSTALLATION, Actor
from crm_mail.reports.mailing import mail_run_report
from crm_mail.reports.queries import failure_groups
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from crm_mail.users.passwords import Passwords, one_time_password
from crm_mail.users.service import UserDraft, create_user

SAMPLES = Path(__file__).parent / "samples"
LOGIN = "admin@officine-bassi.example"
HASTE = 20.0
"""How much sooner receipts come while nobody watches."""
RECEIPT_SECONDS = 5.0
FIRST_RUN_ENDS = date(2026, 11, 10)


@dataclass(slots=True)
class DemoResult:
    """What the main job gave; ``password`` is empty when the installation was not empty."""

    login: str = ""
    password: str = ""
    run_id: int | None = None
    waiting_run_id: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    is_good: bool = True
    is_new: bool = False
    imported: list[str] = field(default_factory=list)
    missing_receipts: str = ""  # why there are none


def load_demo(home: Installation) -> DemoResult:
    """Load the sample company into an empty database and run its main job once; else change nothing."""
    with home.database.read() as session:
        if session.scalar(select(Company.id).limit(1)) or session.scalar(select(User.id).limit(1)):
            return DemoResult()
    result = DemoResult(LOGIN, one_time_password(), is_new=True)
    with SampleServers(home, haste=HASTE) as servers:
        result.missing_receipts = servers.missing_receipts
        with home.database.write() as session:
            company_id, actor = _found_company(session, home, result)
            _add_accounts(session, home, company_id, servers.accounts())
        _bring_in(home, company_id, actor, result)
        first = prepare_run(
            home, actor, Criteria(PartyFilter(company_id), to_on=FIRST_RUN_ENDS), "1–10/11/2026"
        )
        _commit(home, actor, first)
        on_run_finished(mail_run_report)
        run_worker(home, until_idle=True, is_alone=True)
        _read_receipts(home, servers)
        second = prepare_run(home, actor, Criteria(PartyFilter(company_id)), "11–30/11/2026")
    result.run_id, result.waiting_run_id = first.run_id, second.run_id
    _judge(home, result)
    return result


def _found_company(session: Session, home: Installation, result: DemoResult) -> tuple[int, Actor]:
    details = CompanyDetails(
        code="OMB",
        name="Officine Meccaniche Bassi S.p.A.",
        vat_number="IT03482910365",
        address="Via Emilia Est 1180",
        postcode="41122",
        city="Modena",
        province="MO",
        email="amministrazione@officine-bassi.example",
        phone="+39 059 280011",
        website="https://www.officine-bassi.example",
        error_address="errori@officine-bassi.example",
    )
    company = add_company(session, INSTALLATION, details)
    user = create_user(
        session,
        INSTALLATION,
        UserDraft(LOGIN, "Anna Bassi", is_admin=True, clearance=HIGHEST_CLEARANCE, language="en"),
        result.password,
        Passwords(home.settings.argon2_memory_kib),
        must_change_password=True,
    )
    return company.id, build_actor(session, user)


def _add_accounts(
    session: Session, home: Installation, company_id: int, accounts: Sequence[SampleAccount]
) -> None:
    for account in accounts:
        add_account(session, INSTALLATION, company_id, account.details, account.password, home.encrypt)


def _read_receipts(home: Installation, servers: SampleServers) -> None:
    """Reads the mailboxes once the receipts that come at once have come."""
    if servers.missing_receipts:
        return
    until = time.monotonic() + RECEIPT_SECONDS
    while time.monotonic() < until and servers.awaits_receipts():
        time.sleep(0.05)
    with home.database.read() as session:
        accounts = session.scalars(select(SenderAccount.id).where(SenderAccount.mailbox_is_read)).all()
    for account_id in accounts:
        read_mailbox(home, account_id)


def _bring_in(home: Installation, company_id: int, actor: Actor, result: DemoResult) -> None:
    with home.database.write() as session:
        company = session.get_one(Company, company_id)
        contacts = import_contacts(session, actor, company, SAMPLES / "contacts.csv")
    result.imported.append(f"{contacts.created} contact rows, {len(contacts.errors)} errors")
    created = 0
    for path in sorted((SAMPLES / "invoices").iterdir()):
        try:
            with home.database.write() as session:
                company = session.get_one(Company, company_id)
                file = import_document_file(session, home.store, actor, company, path.name, path.read_bytes())
            created += file.created
        except ImportRefused as refused:
            result.imported.append(f"{path.name}: {refused.message}")
            result.is_good = False
    result.imported.append(f"{created} electronic invoices")
    notes = add_delivery_notes(home, actor, company_id)
    if notes:
        result.imported.append(f"{notes} delivery notes")


def _commit(home: Installation, actor: Actor, prepared: Prepared) -> None:
    with home.database.write() as session:
        run = session.get_one(Run, prepared.run_id)
        approve_messages(session, actor, run, Chosen(ReviewFilter(), is_all=True))
        commit_run(session, actor, run, skip_undo=True, unknown_is_ordinary=True)


def _judge(home: Installation, result: DemoResult) -> None:
    with home.database.read() as session:
        run = session.get_one(Run, result.run_id)
        for state in session.scalars(select(Message.state).where(Message.run_id == run.id)):
            result.counts[state.value] = result.counts.get(state.value, 0) + 1
    settled = {
        "sent",
        "delivered",
        "bounced",
        "withheld",
    }  # bounced: the full mailbox among the sample parties
    unsent = set(result.counts) - settled
    if (
        run.state is not RunState.FINISHED
        or unsent
        or not (result.counts.get("sent") or result.counts.get("delivered"))
    ):
        result.is_good = False


def print_report(home: Installation, result: DemoResult) -> None:
    """Tell on the terminal what happened and how to go on."""
    console = Console(highlight=False, soft_wrap=True)
    if not result.is_new:
        console.print("This installation has data already: nothing was loaded.")
        return
    console.print(f"[bold]Sample company loaded[/bold]: {'; '.join(result.imported)}.")
    with home.database.read() as session:
        run = session.get_one(Run, result.run_id)
        table = Table(title=f"Run {run.id}: end report", title_justify="left")
        for name in ("State", "Party", "To", "By", "Documents"):
            table.add_column(name, overflow="fold")
        for message in session.scalars(select(Message).where(Message.run_id == run.id).order_by(Message.id)):
            documents = ", ".join(
                f"{type_label(type_, 'en')} {number}" for type_, number in message.first_documents
            )
            to = message.to_address or "-"
            table.add_row(
                message.state.value, message.party_name, to, message.channel.value.upper(), documents
            )
        console.print(table)
        totals = ", ".join(f"{count} {state}" for state, count in sorted(result.counts.items()))
        console.print(f"Run {run.id} is {run.state.value}: {totals}.")
        for failed in failure_groups(session, INSTALLATION, run):
            what, remedy = cause_words(failed.cause, failed.code, failed.enhanced, str)
            whose = ", ".join(example.party_name for example in failed.examples)
            console.print(f"  {what} ({whose}): {remedy}", markup=False)
        console.print(f"Run {result.waiting_run_id} is prepared and waits for review.")
    if result.missing_receipts:
        console.print(f"PEC messages get no receipts here: {result.missing_receipts}.")
    console.print(
        f"Sign in as [bold]{result.login}[/bold] with the one-time password [bold]{result.password}[/bold]"
    )
    console.print("[green]All went well.[/green]" if result.is_good else "[red]Not all went well.[/red]")
