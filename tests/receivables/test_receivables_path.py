"""From a list of open items to statements and reminders in the one gate, on the pages and in the services."""

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.cli.receivables import receivables
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import now, today
from crm_mail.documents.models import Document
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageFile, Run
from crm_mail.outbox.preparing.preparation import finish_preparation
from crm_mail.outbox.preparing.prepare import create_run
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Permission, PermissionDenied
from crm_mail.receivables.dunning import Reason
from crm_mail.receivables.importing import import_ledger
from crm_mail.receivables.models import Reminder
from crm_mail.receivables.reminding import Proposed, make_letters, propose_reminders
from crm_mail.receivables.service import (
    LETTER,
    STATEMENT,
    Made,
    StatementChoice,
    make_statements,
    run_criteria,
)
from crm_mail.receivables.settings import Choices, save_choices
from crm_mail.schema import alembic_config
from crm_mail.users.models import User
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_party,
    make_user,
    outbox_grants,
)

LoginAs = Callable[[User], FlaskClient]
CLERK = make_actor()


def ledger(days: int = 40, extra: str = "") -> bytes:
    due = today() - timedelta(days=days)
    lines = [
        "party_code;number;doc_date;due_date;open_amount;currency",
        f"000100;1/A;{due - timedelta(days=30)};{due};1000.00;EUR",
        f"000100;2/A;{due - timedelta(days=30)};{today() + timedelta(days=60)};500.00;EUR",
        f"000200;7;{due - timedelta(days=30)};{due};200.00;USD",
        f"000300;8;{due - timedelta(days=30)};{due};300.00;EUR",
    ]
    return "\n".join([*lines, extra]).encode()


class Books:
    """A company with three customers: an ordinary one, one in dollars, one without an address."""

    def __init__(self, session: Session) -> None:
        self.company = make_company(session, code="SM02", language="it")
        make_account(session, self.company)
        self.rossi = make_party(
            session, self.company, code="000100", email="rossi@example.it", vat_number="IT1"
        )
        self.bianchi = make_party(session, self.company, code="000200", email="b@example.it")
        self.nobody = make_party(session, self.company, code="000300")
        import_ledger(session, CLERK, self.company, ledger())

    def choice(self, **values: Any) -> StatementChoice:
        return StatementChoice(PartyFilter(self.company.id), today(), **values)


def numbers(session: Session, made: Made) -> list[tuple[str, int]]:
    found = session.scalars(select(Document).where(Document.id.in_(made.documents)).order_by(Document.number))
    return [(document.number, document.version) for document in found]


def test_the_same_statement_is_made_once_and_other_data_make_a_new_version(home: Installation) -> None:
    with home.database.write() as session:
        books = Books(session)
        first = make_statements(session, CLERK, home.store, books.company, books.choice())
        day = f"{today():%Y%m%d}"
        assert numbers(session, first) == [(f"000100-{day}", 1), (f"000200-{day}", 1)], (
            "PD-12: 000300 has no address"
        )
        again = make_statements(session, CLERK, home.store, books.company, books.choice())
        assert (again.unchanged, again.documents) == (2, first.documents)
        import_ledger(session, CLERK, books.company, ledger(days=41))
        assert (
            numbers(session, make_statements(session, CLERK, home.store, books.company, books.choice()))[0][1]
            == 2
        )
        narrow = StatementChoice(PartyFilter(books.company.id, code_from="000150", code_to="000250"), today())
        assert len(make_statements(session, CLERK, home.store, books.company, narrow).documents) == 1
        tomorrow = StatementChoice(PartyFilter(books.company.id), today() + timedelta(days=1))
        make_statements(session, CLERK, home.store, books.company, tomorrow)
        unsent = select(Document.dated_on).where(Document.is_current, Document.is_mailable).distinct()
        assert list(session.scalars(unsent)) == [tomorrow.as_of], "what was not sent is overtaken"
        make_statements(session, CLERK, home.store, books.company, books.choice())
        assert set(session.scalars(unsent)) == {tomorrow.as_of, today()}, "asked for again, it may be sent"
        foreign = make_actor(is_admin=False, grants=outbox_grants(books.company.id, "invoice"))
        with pytest.raises(PermissionDenied):
            make_statements(session, foreign, home.store, books.company, narrow)


def test_an_address_above_the_clearance_is_none(session: Session, home: Installation) -> None:
    books = Books(session)
    make_contact(session, books.nobody, privacy_level=2)
    for clearance, count in ((1, 2), (2, 3)):
        actor = make_actor(clearance=clearance)
        made = make_statements(session, actor, home.store, books.company, books.choice())
        assert len(made.documents) == count


def test_statements_reach_the_review_with_the_name_the_archive_expects(sqlite_home: Installation) -> None:
    """RP-13: customer number and day of sending; drawn once, by the ordinary way of a run."""
    home = sqlite_home
    with home.database.write() as session:
        books = Books(session)
        choice = StatementChoice(PartyFilter(books.company.id, codes=("000100",)), today())
        save_choices(session, CLERK, books.company.id, Choices(comment="Sportello chiuso in agosto"))
        made = make_statements(session, CLERK, home.store, books.company, choice)
        run_id = create_run(session, CLERK, run_criteria(books.company.id, STATEMENT, made)).id
    prepared = finish_preparation(home, CLERK, run_id)
    assert (prepared.messages, prepared.blocked) == (1, 0)
    with home.database.read() as session:
        assert session.get_one(Run, run_id).state is RunState.REVIEW
        [file] = session.scalars(select(MessageFile))
        assert file.name == f"000100{today():%Y%m%d}.pdf"


def proposals(session: Session, books: Books) -> dict[str, Proposed]:
    found = propose_reminders(session, CLERK, PartyFilter(books.company.id), today())
    return {one.party.code: one for one in found}


def test_a_reminder_counts_when_it_has_left_and_not_before(home: Installation) -> None:
    with home.database.write() as session:
        books = Books(session)
        found = proposals(session, books)
        assert {code: [letter.level for letter in one.letters] for code, one in found.items()} == {
            "000100": [1],
            "000200": [1],
            "000300": [],
        }
        assert found["000300"].proposal.refusals[0].reason is Reason.NO_ADDRESS
        made = make_letters(session, CLERK, home.store, books.company, [found["000100"]], today())
        assert [(row.source_key, row.level) for row in session.scalars(select(Reminder))] != []
        assert proposals(session, books)["000100"].letters, "a letter that nobody sent is no reminder"
        document = session.get_one(Document, made.documents[0])
        run = Run(company_id=books.company.id, title="", document_types=[LETTER.value], state=RunState.REVIEW)
        session.add(run)
        session.flush()
        message = _message(session, run, books, document)
        assert proposals(session, books)["000100"].proposal.refusals[0].reason is Reason.WAITING
        message.state, message.sent_at = MessageState.SENT, now()
        session.flush()
        assert proposals(session, books)["000100"].proposal.refusals[0].reason is Reason.RECENTLY
        message.sent_at = now() - timedelta(days=20)
        session.flush()
        [letter] = proposals(session, books)["000100"].letters
        assert letter.level == 2
        assert (str(letter.interest), str(letter.lump_sum)) == ("11.12", "40.00")
        message.state = MessageState.BOUNCED
        session.flush()
        assert proposals(session, books)["000100"].letters[0].level == 1, "it did not arrive"


def _message(session: Session, run: Run, books: Books, document: Document) -> Message:
    from crm_mail.delivery.routing import Channel
    from crm_mail.outbox.models import MessageDocument

    message = Message(
        run_id=run.id,
        company_id=books.company.id,
        party_id=books.rossi.id,
        party_code="000100",
        party_name="Rossi",
        language="it",
        channel=Channel.SMTP,
        state=MessageState.PENDING,
    )
    session.add(message)
    session.flush()
    session.add(MessageDocument(message_id=message.id, document_id=document.id))
    session.flush()
    return message


@pytest.fixture
def office(sqlite_home: Installation, login_as: LoginAs) -> tuple[Books, FlaskClient, LoginAs]:
    with sqlite_home.database.write() as session:
        books = Books(session)
        admin = make_user(session, is_admin=True, clearance=3, language="en")
    return books, login_as(admin), login_as


def test_the_list_is_imported_on_the_pages_and_shown(office: tuple[Books, FlaskClient, LoginAs]) -> None:
    _books, admin, _login = office
    upload = {"file": (io.BytesIO(ledger(50, "999;9;2026-01-01;2026-02-01;5;EUR")), "items.csv")}
    columns = admin.post("/receivables/import", data=upload, content_type="multipart/form-data")
    assert columns.status_code == 303, columns.text
    page = admin.get(columns.location).text
    assert 'value="open_items" checked' in page
    chosen = {
        f"column-{n}": name
        for n, name in enumerate(("party_code", "number", "doc_date", "due_date", "open_amount", "currency"))
    }
    checked = admin.post(
        columns.location, data=chosen | {"kind": "open_items", "complete": "yes", "name": "ERP"}
    )
    preview = admin.get(checked.location).text
    assert "no customer “999”" in preview
    assert "Nothing is written yet" in preview
    [apply_url] = re.findall(r'action="(/receivables/import/[^"]+/apply)"', preview)
    done = admin.post(apply_url)
    assert "What was done" in admin.get(done.location).text
    listed = admin.get("/receivables/?q=000100&state=overdue").text
    assert "1/A" in listed
    assert "2/A" not in listed
    assert admin.get("/receivables/?kind=movements").status_code == 200
    assert admin.post("/receivables/import", data={"cells": ""}).status_code == 422


def test_everybody_is_asked_for_and_the_run_waits_for_review(
    office: tuple[Books, FlaskClient, LoginAs], sqlite_home: Installation
) -> None:
    """PD-13, and PD-9: the button on a party's page names one customer."""
    books, admin, _login = office
    page = admin.get(f"/receivables/statements?as_of={today()}&layout=open_items").text
    assert "Yes, everybody is meant: 2 customers" in page
    assert "1 more has no address" in page
    unasked = admin.post(f"/receivables/statements?as_of={today()}&layout=open_items", data={})
    assert unasked.status_code == 422
    card = admin.get(f"/contacts/{books.rossi.id}").text
    assert "/receivables/statements?code=000100" in card
    made = admin.post("/receivables/statements?code=000100", data={"title": "Estratto"})
    assert made.status_code == 303, made.text
    reminders = admin.get("/receivables/reminders").text
    assert "There is no address to send to." in reminders
    left_out = {"shown": [books.rossi.id, books.bianchi.id], "ids": [books.bianchi.id]}
    assert admin.post("/receivables/reminders", data=left_out).status_code == 303
    assert admin.post("/receivables/reminders", data={"shown": left_out["shown"]}).status_code == 422
    with sqlite_home.database.read() as session:
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        assert (runs[0].title, runs[0].state) == ("Estratto", RunState.PREPARING)
        letters = session.scalars(select(Document).where(Document.type == LETTER)).all()
        assert [document.party_id for document in letters] == [books.bianchi.id]
        assert runs[1].criteria["document_ids"] == [letters[0].id]


def test_settings_are_checked_and_kept(office: tuple[Books, FlaskClient, LoginAs]) -> None:
    _books, admin, _login = office
    page = admin.get("/receivables/settings").text
    assert 'value="10.15"' in page
    good = {
        "business_rate": "11.00", "consumer_rate": "1.6", "lump_sum": "40", "charges_from_level": "1",
        "minimum": "25", "days_between": "10", "pay_within_days": "7", "level_1": "5", "comment": "Ciao",
    }  # fmt: skip
    assert admin.post("/receivables/settings", data=good).status_code == 303
    page = admin.get("/receivables/settings").text
    assert 'value="11.00"' in page
    assert "Ciao" in page
    for wrong in ({"days_between": "0"}, {"level_2": "5"}, {"iban": "IT00X"}, {"minimum": ""}):
        assert admin.post("/receivables/settings", data=good | wrong).status_code == 422


def test_who_may_open_which_page(
    office: tuple[Books, FlaskClient, LoginAs], sqlite_home: Installation
) -> None:
    books, _admin, login_as = office
    with sqlite_home.database.write() as session:
        stranger = make_company(session)
        clerk = make_user(
            session, grants=[(Permission.OUTBOX_PREPARE, "account_statement", books.company.id)]
        )
        invoices = make_user(session, grants=[(Permission.OUTBOX_PREPARE, "invoice", books.company.id)])
        other = make_party(session, stranger, code="X", email="x@example.it")
    pages = ("/receivables/", "/receivables/statements", "/receivables/reminders", "/receivables/import")
    assert [login_as(clerk).get(page).status_code for page in pages] == [200, 200, 403, 403]
    assert [login_as(invoices).get(page).status_code for page in pages] == [403, 403, 403, 403]
    preview = f"/receivables/statements/preview.pdf?show={other.id}"
    assert login_as(clerk).get(preview).status_code == 404


def test_the_command_line_imports_proposes_and_counts(
    sqlite_home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_home.database.write() as session:
        books = Books(session)
        make_user(session, email="anna@office.example", is_admin=True, clearance=3)
        code = books.company.code
    command.stamp(alembic_config(sqlite_home.database), "head")
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", str(sqlite_home.database.engine.url))
    path = tmp_path / "items.csv"
    path.write_bytes(ledger())

    def answer(*arguments: str, ends: int = 0) -> dict[str, Any]:
        done = CliRunner().invoke(receivables, [*arguments, "--company", code, "--json"])
        assert done.exit_code == ends, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    assert answer("import", str(path), "--dry-run")["unchanged"] == 4
    clerk = ("--as", "anna@office.example")
    proposed = answer("dunning", *clerk, "--dry-run")
    assert [(one["code"], one["level"], one["total"]) for one in proposed["letters"]] == [
        ("000100", 1, "1000.00"),
        ("000200", 1, "200.00"),
    ]
    assert proposed["not_reminded"] == {"no_address": 1}
    assert answer("statements", *clerk, "--dry-run") == {
        "dry_run": True,
        "customers": 2,
        "without_address": 1,
    }
    assert "--everybody" in answer("statements", *clerk, ends=1)["error"]
    assert "no source" in answer("import", "--source", "x", ends=1)["error"]
