"""A large run for measuring the review page: written by bulk inserts, the same rows every time."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.delivery.models import AccountKind, Security, SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.models import Message, MessageContent, MessageFile, MessageIssue, Run
from crm_mail.outbox.reviewing.review_filter import search_key
from crm_mail.outbox.states import MessageState, RunState

PARTIES = 5_000
AT_ONCE = 5_000
CITIES = (
    "Milano",
    "Torino",
    "Brescia",
    "Bergamo",
    "Verona",
    "Modena",
    "Napoli",
    "Bari",
    "Valencia",
    "Sevilla",
)
TRADES = ("Officine", "Ferramenta", "Carpenteria", "Ristorante", "Idraulica", "Panificio", "Autotrasporti")
ISSUES = (
    Issue.NO_ADDRESS,
    Issue.MISSING_FILE,
    Issue.NO_PEC_ACCOUNT,
    Issue.ALREADY_SENT,
    Issue.SHARED_ADDRESS,
    Issue.ADDRESS_KIND_UNKNOWN,
)
BODY = (
    "Gentile cliente,\n\nin allegato la fattura del mese.\n\nCordiali saluti\nUfficio amministrazione\n" * 4
)


def build_run(session: Session, messages: int) -> Run:
    """Write a company, its accounts and parties, and one run of so many messages under review."""
    company = Company(code="SM02", name="Officine San Marco S.p.A.", vat_number="IT01234567890")
    session.add(company)
    session.flush()
    accounts = [_account(company, kind) for kind in AccountKind]
    session.add_all(accounts)
    run = Run(
        company_id=company.id,
        title="Invoices of October",
        state=RunState.REVIEW,
        document_types=["invoice", "credit_note"],
        hidden_recipients=3,
    )
    session.add(run)
    session.flush()
    dice = random.Random(7)
    parties = [_party(company, number, dice) for number in range(PARTIES)]
    session.connection().execute(insert(Party), parties)
    by_kind = {account.kind: account.id for account in accounts}
    for start in range(0, messages, AT_ONCE):
        _write(session, run, by_kind, parties, range(start, min(start + AT_ONCE, messages)), dice)
    return run


def _account(company: Company, kind: AccountKind) -> SenderAccount:
    return SenderAccount(
        company_id=company.id,
        name=kind.value.upper(),
        kind=kind,
        host="127.0.0.1",
        port=25,
        security=Security.NONE,
        from_address=f"{kind.value}@office.example",
        is_default=True,
    )


def _party(company: Company, number: int, dice: random.Random) -> dict[str, Any]:
    name = f"{dice.choice(TRADES)} {dice.choice(('Núñez', 'Rossi', 'Bianchi', 'Ferrari'))} {number} S.r.l."
    return {
        "id": number + 1,
        "company_id": company.id,
        "code": f"{number:06}",
        "name": name,
        "name_key": name.lower(),
        "city": CITIES[number % len(CITIES)],
        "agent": f"A{number % 40:02}",
        "zone": f"Z{number % 12:02}",
    }


def _write(
    session: Session,
    run: Run,
    accounts: dict[AccountKind, int],
    parties: list[dict[str, Any]],
    numbers: range,
    dice: random.Random,
) -> None:
    rows: dict[type, list[dict[str, Any]]] = {
        Message: [],
        MessageContent: [],
        MessageFile: [],
        MessageIssue: [],
    }
    for number in numbers:
        found = [issue for issue in ISSUES if dice.random() < 0.06]
        row = _message(run, accounts, parties[number % PARTIES], number, found, dice)
        rows[Message].append(row)
        rows[MessageContent].append(
            {"message_id": row["id"], "body_text": BODY, "body_html": f"<p>{BODY}</p>"}
        )
        rows[MessageFile].append(_file(number))
        rows[MessageIssue] += list(_issues(run, row["id"], found))
    for model, values in rows.items():
        session.connection().execute(insert(model), values)


def _message(
    run: Run,
    accounts: dict[AccountKind, int],
    party: dict[str, Any],
    number: int,
    found: list[Issue],
    dice: random.Random,
) -> dict[str, Any]:
    kind = AccountKind.PEC if number % 3 == 0 else AccountKind.SMTP
    blocking = [issue for issue in found if issue in BLOCKERS]
    address = "" if Issue.NO_ADDRESS in found else f"amministrazione{number % PARTIES}@customer.example"
    subject = f"Fattura n. {number} del 31/10/2026"
    return {
        "id": number + 1,
        "run_id": run.id,
        "company_id": run.company_id,
        "party_id": party["id"],
        "state": MessageState.WITHHELD if number % 97 == 0 else MessageState.PENDING,
        "privacy_level": number % 50 == 0,
        "party_code": party["code"],
        "party_name": party["name"],
        "recipient_name": "Ufficio amministrazione",
        "agent": party["agent"],
        "zone": party["zone"],
        "city": party["city"],
        "language": ("it", "es", "en")[number % 3],
        "to_address": address,
        "to_kind": AddressKind(kind.value if kind is AccountKind.PEC else "ordinary"),
        "cc": [],
        "bcc": [],
        "channel": Channel(kind.value),
        "account_id": accounts[kind],
        "subject": subject,
        "search_key": search_key(party["code"], party["name"], "Ufficio amministrazione", address, subject),
        "document_types": "invoice" if number % 5 else "credit_note",
        "first_documents": [["invoice", str(number)]],
        "document_count": 1,
        "file_count": 1,
        "size": 40_000 + dice.randrange(300_000),
        "blockers": len(blocking),
        "warnings": len(found) - len(blocking),
        "first_issue": (blocking or found or [Issue("no_address")])[0].value if found else "",
        "last_sent_at": datetime(2026, 10, 3, tzinfo=UTC) if Issue.ALREADY_SENT in found else None,
        "why": {"rule": "master_address", "types": ["invoice"], "route": "only_address"},
    }


def _file(number: int) -> dict[str, Any]:
    return {
        "message_id": number + 1,
        "position": 0,
        "name": f"fattura-{number}.pdf",
        "mime": "application/pdf",
        "sha256": f"{number:064x}",
        "size": 60_000,
    }


def _issues(run: Run, message_id: int, found: list[Issue]) -> Iterator[dict[str, Any]]:
    for issue in found:
        yield {
            "run_id": run.id,
            "message_id": message_id,
            "code": issue.value,
            "is_blocker": issue in BLOCKERS,
            "params": {},
        }
