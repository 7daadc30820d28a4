"""Reports by mail (GA-3): lists of the product and queries, at given times, to people of the office."""

import email
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
import time_machine
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select, text
from sqlalchemy.pool import NullPool

from crm_mail.audit import AuditEvent
from crm_mail.cli import cli, frame
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.importers.databases.foreign_databases import DatabaseRefused, answering
from crm_mail.importers.databases.service import save_source
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Permission, PermissionDenied
from crm_mail.reports.saved import issuing as saved_issuing
from crm_mail.reports.saved.issues import ask_for
from crm_mail.reports.saved.listing_registry import register_listings
from crm_mail.reports.saved.listings import Filters, all_listings
from crm_mail.reports.saved.models import IssueState, ReportIssue, ReportMailState, SavedReport
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.reports.saved.reading import Asked, read_report
from crm_mail.reports.saved.service import ReportValues, save_report
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.schedules.models import Firing, FiringState
from crm_mail.schedules.periods import Period
from crm_mail.schedules.recurrence import parse_times
from crm_mail.schedules.service import ScheduleInput, save_schedule
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user

BOSS, TYPED = "boss@office.example", "board@office.example"
MONDAY = datetime(2026, 11, 30, 7, 30, tzinfo=UTC)
AREAS = (
    Permission.REPORTS_SEE,
    Permission.REPORTS_EXPORT,
    Permission.SCHEDULES_SEE,
    Permission.SCHEDULES_MANAGE,
    Permission.CONTACTS_SEE,
    Permission.CONTACTS_EXPORT,
)
DOCUMENTS = [(Permission.DOCUMENTS_SEE, ANY, None), (Permission.DOCUMENTS_EXPORT, ANY, None)]
WEEKLY = ReportValues(
    "Weekly documents",
    "documents",
    Filters(Period.LAST_WEEK),
    order_by="party",
    formats=("html", "pdf", "xlsx"),
    language="it",
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    with SandboxServers(tmp_path_factory.mktemp("mail")) as info:
        yield info


class Office:
    """A company with documents, contacts of levels 0 and 2, an owner who may report, and a real mail server."""

    def __init__(self, home: Installation, servers: SandboxInfo) -> None:
        self.home, self.drop = home, servers.ordinary.maildrop
        for path in self.drop.paths():
            path.unlink()
        register_scheduled_kinds()
        with home.database.write() as session:
            company = make_company(session, name="Officine Rossi", error_address="errors@office.example")
            account = make_account(session, company)
            server = servers.ordinary
            account.host, account.port, account.security = server.host, server.port, server.security
            account.username = account.from_address = server.username
            account.secret, account.ca_file = home.encrypt(server.password), str(server.ca_file)
            owner = make_user(session, name="Olga Owner", areas=AREAS, grants=DOCUMENTS, clearance=2)
            boss = make_user(
                session, email=BOSS, name="Bruno Boss", language="es", areas=[Permission.CONTACTS_SEE]
            )
            self.party = make_party(session, company, name="=HYPERLINK(1)", code="000017", agent="A1")
            other = make_party(session, company, name="Bianchi & Figli", code="000002")
            for party, number, day in (
                (self.party, "101", date(2026, 11, 24)),
                (other, "102", date(2026, 11, 29)),
                (other, "103", date(2026, 11, 30)),
            ):
                make_document(session, party, number=number, dated_on=day, gross_total="1234.5")
            make_contact(session, other, (("open@bianchi.example", "ordinary"),), name="Paola Public")
            make_contact(
                session,
                other,
                (("secret@bianchi.example", "ordinary"),),
                name="Rita Reserved",
                privacy_level=2,
            )
            self.company_id, self.owner_id, self.boss_id = company.id, owner.id, boss.id

    def save(self, values: ReportValues, **changes: Any) -> int:
        with self.home.database.write() as session:
            owner = session.get_one(User, self.owner_id)
            company = session.get_one(Company, self.company_id)
            given = replace(values, **({"user_ids": (self.boss_id,)} | changes))
            return save_report(session, build_actor(session, owner), company, None, given).id

    def ask(self, report_id: int, key: str = "hand:1") -> int:
        with self.home.database.write() as session:
            return ask_for(session, session.get_one(SavedReport, report_id), key).id

    def issue(self, issue_id: int) -> ReportIssue:
        with self.home.database.read() as session:
            found = session.get_one(ReportIssue, issue_id)
            assert found.mails is not None
            session.expunge_all()
            return found

    def mails(self) -> list[tuple[str, EmailMessage]]:
        """Recipient and message of what arrived."""
        return [
            (
                ", ".join(mail.recipients),
                email.message_from_bytes(self.drop.content(mail), policy=policy.default),
            )
            for mail in self.drop.messages()
        ]


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def file_of(message: EmailMessage, ending: str) -> bytes:
    (found,) = [one for one in message.iter_attachments() if str(one.get_filename()).endswith(ending)]
    return bytes(found.get_content())


def test_ga_3_a_list_is_mailed_every_monday_as_table_pdf_and_workbook_and_once(
    home: Installation, servers: SandboxInfo
) -> None:
    """GA-3, from the schedule to the mailbox: the week before, in order, in the language asked for; each date once."""
    office = Office(home, servers)
    with time_machine.travel(MONDAY - timedelta(days=3), tick=False):
        report_id = office.save(WEEKLY)
        with home.database.write() as session:
            owner = build_actor(session, session.get_one(User, office.owner_id))
            given = ScheduleInput(
                "Every Monday",
                "report",
                {"report": report_id},
                "FREQ=WEEKLY;BYDAY=MO",
                parse_times("08:30"),
                "Europe/Rome",
                date(2026, 11, 27),
            )
            save_schedule(session, owner, session.get_one(Company, office.company_id), given)
    with time_machine.travel(MONDAY + timedelta(seconds=5), tick=False):
        firing.fire_due(home)
        with home.database.write() as session:  # a worker died: the firing is done once more
            done = session.scalars(select(Firing)).one()
            assert done.state is FiringState.DONE
            done.state, done.lease_until = FiringState.RUNNING, MONDAY
        firing.fire_due(home)
        saved_issuing.issue_due(home)
        saved_issuing.issue_due(home)
    ((to, message),) = office.mails()
    assert to == BOSS
    assert str(message["Subject"]) == "Officine Rossi: Weekly documents (2)"
    html, plain = part(message, "html"), part(message, "plain")
    assert 0 < html.index("=HYPERLINK(1)") < html.index("Bianchi &amp; Figli")
    assert "103" not in plain, "of this week"
    assert "29/11/2026" in plain
    assert "1.234,50" in plain
    assert "max-width: 480px" in html
    printed = "".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file_of(message, ".pdf"))).pages
    )
    assert "Bianchi & Figli" in printed
    sheet = openpyxl.load_workbook(io.BytesIO(file_of(message, ".xlsx"))).active
    rows = list(sheet.iter_rows())
    assert [row[4].value for row in rows[1:]] == ["=HYPERLINK(1)", "Bianchi & Figli"]
    assert rows[1][4].data_type == "s", "no formula"
    assert rows[1][3].value == "000017"
    assert rows[1][6].value == 1234.5
    with home.database.read() as session:
        issue = session.scalars(select(ReportIssue)).one()
        assert (issue.state, issue.row_count, issue.mails[0].state) == (
            IssueState.SENT,
            2,
            ReportMailState.SENT,
        )


def test_a_reader_sees_no_contact_above_the_own_clearance_or_the_owners(
    home: Installation, servers: SandboxInfo
) -> None:
    """The owner sees up to 2, the reader 0, the typed address what the report says: nobody sees more than both."""
    office = Office(home, servers)
    with home.database.write() as session:
        office_admin = make_user(session, name="Ada", is_admin=True, clearance=3)
        reserved = make_user(
            session, email="reserved@office.example", clearance=2, agents=["A1"], areas=AREAS
        )
        company = session.get_one(Company, office.company_id)
        ids = (office.boss_id, office_admin.id, reserved.id)
        values = ReportValues("Contacts", "contacts", user_ids=ids, addresses=(TYPED,), clearance=2)
        report = save_report(session, build_actor(session, office_admin), company, None, values)
        report.owner_id = office.owner_id
        ask_for(session, report, "hand:1")
    saved_issuing.issue_due(home)
    texts = {to: part(message, "plain") for to, message in office.mails()}
    assert len(texts) == 4
    assert "Paola" in texts[BOSS]
    assert "Rita" not in texts[BOSS]
    assert "Rita" in texts[TYPED]
    assert "Paola" not in texts["reserved@office.example"], "a customer of nobody's agent"
    with home.database.write() as session:
        session.get_one(User, office.owner_id).clearance = 1
        ask_for(session, session.scalars(select(SavedReport)).one(), "hand:2")
    for path in office.drop.paths():
        path.unlink()
    saved_issuing.issue_due(home)
    assert not any("Rita" in part(message, "plain") for _to, message in office.mails())


def test_every_listing_can_be_read_and_asks_for_its_right(home: Installation, servers: SandboxInfo) -> None:
    office = Office(home, servers)
    register_listings()
    with home.database.write() as session:
        admin = build_actor(session, make_user(session, is_admin=True, clearance=3))
        nobody = build_actor(session, make_user(session, areas=[Permission.REPORTS_EXPORT]))
        company = session.get_one(Company, office.company_id)
        ids = {}
        for listing in all_listings():
            values = ReportValues(listing.id, listing.id, user_ids=(office.boss_id,))
            ids[listing.id] = save_report(session, admin, company, None, values).id
            with pytest.raises(PermissionDenied):
                save_report(session, nobody, company, None, replace(values, name=f"{listing.id} 2"))
    for language in ("it", "es", "en"):
        asked = Asked(admin, date(2026, 11, 30), language)
        tables = {name: read_report(home, report_id, asked) for name, report_id in ids.items()}
    assert [len(tables[name].rows) for name in ("documents", "customers", "contacts")] == [3, 2, 2]
    assert tables["audit"].rows
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)
    with home.database.write() as session:
        cut = session.get_one(SavedReport, ids["documents"])
        cut.row_limit, cut.columns, cut.order_by, cut.is_descending = 2, ["number"], "number", True
    table = read_report(home, ids["documents"], asked)
    assert (table.rows, table.is_cut) == ((("103",), ("102",)), True)


def _erp(home: Installation, folder: Path, request: pytest.FixtureRequest) -> str:
    """A foreign database of the same kind as ours; its address."""
    if home.database.is_sqlite:
        place = folder.parent / f"{folder.name}-erp"
        place.mkdir()
        url = f"sqlite:///{place / 'erp.sqlite3'}"
    else:
        base = str(request.getfixturevalue("postgres_url"))
        with create_engine(base, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS profits"))
            connection.execute(text("CREATE DATABASE profits"))
        url = base.replace("/postgres?", "/profits?")
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE profit (day DATE, firm TEXT, kind TEXT, amount NUMERIC(10,2))"))
        insert = text("INSERT INTO profit VALUES (:a, :b, :c, :d)")
        for row in (
            ("2026-10-05", "SM02", "sales", 1000),
            ("2026-10-31", "SM02", "it's; x", -20.5),
            ("2026-11-01", "SM02", "sales", 7),
            ("2026-10-05", "OTHER", "sales", 9),
        ):
            connection.execute(insert, dict(zip("abcd", row, strict=True)))
    return url


def test_a_query_is_read_with_bound_parameters_and_days_that_move(
    home: Installation, servers: SandboxInfo, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Profit and loss of the month before, from a real database; nothing can be written, nothing runs for ever."""
    office, url = Office(home, servers), _erp(home, tmp_path, request)
    with home.database.write() as session:
        company = session.get_one(Company, office.company_id)
        company.code = "SM02"
        admin_user = make_user(session, is_admin=True)
        admin = build_actor(session, admin_user)
        source = save_source(session, admin, home, company.id, "ERP", url)
        values = ReportValues(
            "Profit and loss",
            source_id=source.id,
            query="SELECT day, kind, amount FROM profit WHERE day >= :first AND day <= :last AND kind IN :kinds "
            "AND firm = :company AND amount < :most ORDER BY day",
            parameters=(
                {"name": "first", "kind": "first_of_last_month", "value": ""},
                {"name": "last", "kind": "last_of_last_month", "value": ""},
                {"name": "kinds", "kind": "list", "value": "sales, it's; x"},
                {"name": "most", "kind": "number", "value": "5000"},
            ),
            user_ids=(office.boss_id,),
        )
        report = save_report(session, admin, company, None, values)
        report_id = report.id
        with pytest.raises(PermissionDenied):
            save_report(
                session, build_actor(session, session.get_one(User, office.owner_id)), company, None, values
            )
        with pytest.raises(DatabaseRefused, match="asks for kinds"):
            save_report(session, admin, company, report, replace(values, parameters=values.parameters[:1]))
        with pytest.raises(DatabaseRefused, match="one SELECT"):
            save_report(session, admin, company, report, replace(values, query="SELECT 1; DROP TABLE profit"))
        wrong = ({"name": "most", "kind": "number", "value": "1; DROP"},)
        with pytest.raises(ReportRefused, match="does not fit"):
            save_report(session, admin, company, report, replace(values, parameters=wrong))
    table = read_report(home, report_id, Asked(admin, date(2026, 11, 15), "en"))
    assert [(str(row[0]), row[1], float(row[2])) for row in table.rows] == [
        ("2026-10-05", "sales", 1000.0),
        ("2026-10-31", "it's; x", -20.5),
    ]
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n"
    with pytest.raises(DatabaseRefused, match="longer than"), answering(home, url, endless, {}, seconds=0.3):
        pass
    writing = "WITH gone AS (DELETE FROM profit RETURNING day) SELECT day FROM gone"
    with pytest.raises(DatabaseRefused, match="did not answer"), answering(home, url, writing, {}) as answer:
        list(answer.rows)


def test_a_report_stops_and_tells_its_owner_when_the_owner_lost_a_right(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    office = Office(sqlite_home, servers)
    report_id = office.save(WEEKLY)
    with sqlite_home.database.write() as session:
        owner = session.get_one(User, office.owner_id)
        owner.grants = [one for one in owner.grants if one.permission != Permission.DOCUMENTS_EXPORT]
        email_of_owner = owner.email
    issue_id = office.ask(report_id)
    saved_issuing.issue_due(sqlite_home)
    ((to, message),) = office.mails()
    assert to == email_of_owner
    assert "Olga Owner may no longer" in part(message, "plain")
    assert office.issue(issue_id).state is IssueState.FAILED


def test_what_a_dead_worker_was_sending_is_not_sent_again_and_the_rest_is(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    office = Office(sqlite_home, servers)
    report_id = office.save(replace(WEEKLY, formats=("html",)), user_ids=(office.boss_id, office.owner_id))
    issue_id = office.ask(report_id)
    assert office.ask(report_id) == issue_id, "two clicks are one time"
    with sqlite_home.database.write() as session:
        issue = session.get_one(ReportIssue, issue_id)
        issue.attempts, issue.next_at = 1, now() + saved_issuing.LEASE
        issue.mails[0].state = ReportMailState.SENDING
    assert saved_issuing.issue_due(sqlite_home) == [], "another worker is at it"
    assert saved_issuing.issue_due(sqlite_home, now() + timedelta(hours=1)) == [issue_id]
    found = office.issue(issue_id)
    assert [one.state for one in found.mails] == [ReportMailState.UNCERTAIN, ReportMailState.SENT]
    assert found.state is IssueState.PARTLY
    reports = [to for to, message in office.mails() if "Weekly documents (" in str(message["Subject"])]
    assert reports == [found.mails[1].address]


def test_no_rows_are_told_or_not_and_a_server_that_is_down_delays(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    office = Office(sqlite_home, servers)
    nothing = replace(
        WEEKLY, name="Empty", filters=Filters(Period.LAST_YEAR), formats=("html",), language="en"
    )
    silent = office.ask(office.save(nothing, sends_empty=False))
    told = office.ask(office.save(replace(nothing, name="Told")))
    saved_issuing.issue_due(sqlite_home)
    assert office.issue(silent).state is IssueState.EMPTY
    ((_to, message),) = office.mails()
    assert "There are no rows this time." in part(message, "html")
    assert office.issue(told).state is IssueState.SENT
    with sqlite_home.database.write() as session:
        session.execute(text("UPDATE sender_accounts SET port = 9"))
    late = office.ask(told_id := office.issue(told).report_id, "hand:late")
    assert told_id
    saved_issuing.issue_due(sqlite_home)
    assert (office.issue(late).state, bool(office.issue(late).problem)) == (IssueState.WAITING, True)
    saved_issuing.issue_due(sqlite_home, now() + timedelta(days=2))
    assert office.issue(late).state is IssueState.FAILED


def test_a_person_makes_looks_at_downloads_and_mails_a_report_in_the_pages(
    sqlite_home: Installation, servers: SandboxInfo, login_as: Callable[..., FlaskClient]
) -> None:
    office = Office(sqlite_home, servers)
    with sqlite_home.database.read() as session:
        owner = session.get_one(User, office.owner_id)
        boss = session.get_one(User, office.boss_id)
    client = login_as(owner)
    assert "No report is saved yet" in client.get("/reports").text
    assert "A query on a database" not in client.get("/reports/what").text, "not without the settings"
    data = {"name": "Who", "formats": ["html"], "row_limit": "100", "columns": ["name", "code"]}
    data |= dict.fromkeys(("choice", "order_by", "language"), "") | {"clearance": "0"}
    assert client.post("/reports/new?of=customers", data=data).status_code == 422, "to nobody"
    typed = client.post("/reports/new?of=customers", data=data | {"addresses": TYPED})
    assert "change the settings" in typed.text
    saved = client.post("/reports/new?of=customers", data=data | {"user_ids": [str(boss.id)]})
    assert saved.status_code == 303
    page = client.get(saved.location)
    assert BOSS in page.text
    preview = client.get(f"{saved.location}/preview")
    assert "Bianchi &amp; Figli" in preview.text
    book = client.post(f"{saved.location}/download", data={"format": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(book.data)).active
    assert [cell.value for cell in sheet[1]] == ["Code", "Name"]
    for _twice in range(2):
        assert client.post(f"{saved.location}/run", data={"nonce": "abc"}).status_code == 303
    saved_issuing.issue_due(sqlite_home)
    assert [to for to, _message in office.mails()] == [BOSS]
    assert "sent" in client.get(f"{saved.location}/history").text
    assert login_as(boss).get(saved.location).status_code == 403
    with sqlite_home.database.write() as session:
        actions = session.scalars(select(AuditEvent.action)).all()
        told = ("added", "downloaded", "mailed")
        assert {f"reports.saved_report.{one}" for one in told} <= set(actions)
        stranger = make_user(session, areas=[Permission.REPORTS_SEE])
        other = make_company(session, code="OTHER")
        for grant in stranger.grants:
            grant.company_id = other.id
    assert login_as(stranger).get(saved.location).status_code == 404
    assert login_as(owner).post(f"{saved.location}/delete").status_code == 303
    assert "No report is saved yet" in login_as(owner).get("/reports").text


def test_reports_are_listed_mailed_and_written_from_the_shell(
    sqlite_home: Installation, servers: SandboxInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(sqlite_home, servers)
    office.save(replace(WEEKLY, formats=("html",), filters=Filters()))
    monkeypatch.setattr(frame, "Settings", lambda: sqlite_home.settings)
    monkeypatch.setattr(frame, "is_current", lambda _database: True)

    def call(*words: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli, ["report", *words, "--json"])
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    assert [one["name"] for one in call("list")["reports"]] == ["Weekly documents"]
    book = tmp_path / "book.xlsx"
    assert call("run", "weekly documents", "--to-file", str(book))["rows"] == 3
    assert openpyxl.load_workbook(book).active["B2"].value == "101"
    assert office.mails() == []
    ran = call("run", "Weekly documents")
    assert (ran["outcome"], ran["rows"], ran["mails"]) == ("sent", 3, [{"to": BOSS, "outcome": "sent"}])
    refused = CliRunner().invoke(cli, ["report", "run", "Weekly documents", "--as", BOSS])
    assert refused.exit_code == 1
