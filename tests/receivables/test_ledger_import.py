"""Lists of open items and movements: what a row may hold, what is refused and why, and what is settled."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.tables.amount_cells import CellInvalid, decimal_sign, read_amount, read_date
from crm_mail.permissions import PermissionDenied
from crm_mail.receivables.columns import guess_columns, guess_kind
from crm_mail.receivables.importing import LedgerResult, import_ledger
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.models import LedgerLine
from crm_mail.receivables.reading import as_entry
from crm_mail.receivables.statements import Account, Layout, make_blocks
from tests.conftest import samples_dir
from tests.factories import make_actor, make_company, make_party, outbox_grants

ITEMS = (
    "Codice cliente;N. doc.;Data doc.;Scadenza;Importo;Residuo;Contestato\n"
    "000123;1/A;15/01/2026;28/02/2026;2.440,00;1.440,00;\n"
    "000123;2/A;16/01/2026;28/02/2026;100,00;100,00;S\n"
    "7;9;16/01/2026;31/12/2026;50;50;\n"
)


@pytest.mark.parametrize(
    ("cell", "sign", "amount"),
    [
        ("1.200,00", ".", "1200.00"),
        ("1,200.00", ",", "1200.00"),
        ("1.200", ",", "1200"),
        ("1.200", ".", "1.200"),
        ("1200", ",", "1200"),
        ("-244,00", ",", "-244.00"),
        ("(244.00)", ".", "-244.00"),
        ("244,00-", ",", "-244.00"),
        ("€ 1 234,50", ",", "1234.50"),
        ("1.234.567", ",", "1234567"),
        ("", ",", None),
    ],
)
def test_amounts_as_people_write_them(cell: str, sign: str, amount: str | None) -> None:
    assert read_amount(cell, sign) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("cell", ["abc", "1,2,3.4.5", "12/3", "1e5", "9" * 14, "1.00001"])
def test_what_is_no_amount_is_refused(cell: str) -> None:
    with pytest.raises(CellInvalid):
        read_amount(cell, ".")


def test_the_amounts_that_leave_no_doubt_decide_for_those_that_do() -> None:
    assert decimal_sign(["1.200", "35,50", "7"], ".") == ","
    assert decimal_sign(["1.200", "7"], ".") == "."


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("31/12/2024", date(2024, 12, 31)),
        ("1.2.26", date(2026, 2, 1)),
        ("2026-02-28 00:00:00", date(2026, 2, 28)),
        ("20260228", date(2026, 2, 28)),
        ("46081", date(2026, 2, 28)),
        ("0/0/00", None),
    ],
)
def test_dates_as_programs_write_them(cell: str, day: date | None) -> None:
    assert read_date(cell) == day


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("Cod.cliente;Data reg.;N. doc.;Scadenza;Dare;Avere", Kind.MOVEMENTS),
        ("Cliente;Fecha;Cargo;Abono;Saldo", Kind.MOVEMENTS),
        ("No. Cliente;Folio;Vencimiento;Importe;Saldo pendiente", Kind.OPEN_ITEMS),
        ("customer no;invoice;due date;open amount", Kind.OPEN_ITEMS),
    ],
)
def test_the_columns_say_what_a_list_holds(headers: str, kind: Kind) -> None:
    assert guess_kind(guess_columns(headers.split(";"))) is kind


class Books:
    """A company with two customers, and its lists."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.company: Company = make_company(session, code="SM02", country="IT")
        self.rossi = make_party(session, self.company, code="000123", name="Rossi Impianti S.r.l.")
        self.other = make_party(session, self.company, code="7")

    def take(self, text: str | bytes, **options: Any) -> LedgerResult:
        data = text.encode() if isinstance(text, str) else text
        return import_ledger(self.session, make_actor(), self.company, data, **options)

    def open(self) -> dict[str, Decimal | None]:
        query = (
            select(LedgerLine)
            .where(LedgerLine.settled_on.is_(None))
            .execution_options(populate_existing=True)
        )
        return {line.number: line.open_amount for line in self.session.scalars(query)}


@pytest.fixture
def books(session: Session) -> Books:
    return Books(session)


def counts(result: LedgerResult) -> tuple[int, int, int, int, int]:
    return result.created, result.updated, result.unchanged, result.settled, result.error_rows


def test_a_complete_list_twice_changes_nothing_and_what_it_no_longer_names_is_settled(books: Books) -> None:
    assert counts(books.take(ITEMS, dry_run=True)) == (3, 0, 0, 0, 0)
    assert books.open() == {}
    assert counts(books.take(ITEMS)) == (3, 0, 0, 0, 0)
    assert counts(books.take(ITEMS)) == (0, 0, 3, 0, 0)
    header, first, *_rest = ITEMS.splitlines()
    paid = f"{header}\n{first.replace('1.440,00', '440,00')}\n"
    assert counts(books.take(paid, is_complete=False)) == (0, 1, 0, 0, 0)
    assert counts(books.take(paid)) == (0, 0, 1, 2, 0)
    assert books.open() == {"1/A": Decimal("440.00")}
    assert counts(books.take(ITEMS)) == (0, 3, 0, 0, 0), "they came back"


def test_each_wrong_row_says_why_and_its_customer_keeps_what_was_there(books: Books) -> None:
    books.take(ITEMS)
    wrong = ITEMS.splitlines()[0] + (
        "\n7;9;16/01/2026;31/02/2026;50;50;\n999;1;1/1/2026;;5;5;\n;1;1/1/2026;;5;5;\n000123;3/A;;;7;x;forse\n"
        "000123;1/A;15/01/2026;28/02/2026;2.440,00;1.440,00;\n"
    )
    result = books.take(wrong)
    told = [(error.row, error.column, error.code) for error in result.errors]
    assert told == [
        (2, "Scadenza", "ledger_bad_date"),
        (3, "Codice cliente", "ledger_unknown_party"),
        (4, "Codice cliente", "party_missing"),
        (5, "Residuo", "ledger_bad_amount"),
        (5, "Contestato", "bad_yes_no"),
    ]
    assert all(error.message for error in result.errors)
    assert (result.unchanged, result.settled) == (1, 0)
    with pytest.raises(ImportRefused):
        books.take("Codice cliente;Residuo;Data doc.\n999;5;1/1/2026\n")
    assert len(books.open()) == 3


def test_json_and_pasted_cells_are_read_like_files(books: Books) -> None:
    items = [
        {"party_code": "000123", "id": "A1", "number": "1", "doc_date": "2026-01-15", "open_amount": 10.50},
        {
            "party_code": "7",
            "id": "A2",
            "number": "2",
            "due_date": "2026-03-01",
            "open_amount": "7.00",
            "currency": "USD",
        },
    ]
    assert counts(books.take(json.dumps({"items": items}))) == (2, 0, 0, 0, 0)
    assert books.open() == {"1": Decimal("10.50"), "2": Decimal("7.00")}
    pasted = "party_code\tid\tnumber\tdue_date\topen_amount\n7\tA2\t2\t01/03/2026\t3,5\n"
    assert counts(books.take(pasted, is_complete=False)) == (0, 1, 0, 0, 0)
    with pytest.raises(ImportRefused):
        books.take('{"a": 1}')


def test_only_who_may_bring_documents_in_may_import(books: Books) -> None:
    clerk = make_actor(is_admin=False, grants=outbox_grants(books.company.id))
    with pytest.raises(PermissionDenied):
        import_ledger(books.session, clerk, books.company, ITEMS.encode())


@pytest.mark.skipif(samples_dir() is None, reason="SAMPLES_DIR is not set")
def test_the_sample_list_becomes_a_statement_of_movements(books: Books) -> None:
    folder = samples_dir()
    assert folder is not None
    data = (folder / "tables" / "synthetic__scadenzario_estratto_conto.csv").read_bytes()
    result = books.take(data)
    assert (result.kind, result.created, result.error_rows) == (Kind.MOVEMENTS, 5, 0)
    assert [notice.code for notice in result.warnings] == ["ledger_negative_credit"]
    lines = [as_entry(line) for line in books.session.scalars(select(LedgerLine).order_by(LedgerLine.id))]
    [block] = make_blocks(Account(movements=lines), Layout.MOVEMENTS, date(2025, 3, 31))
    assert block.opening == Decimal("1200.00")
    assert [line.balance for line in block.lines] == [
        Decimal("3640.00"),
        Decimal("3396.00"),
        Decimal("5836.00"),
        Decimal("4636.00"),
    ]
    assert block.lines[2].entry.is_unpaid
    ages = {bucket.value: amount for bucket, amount in block.aging if amount}
    assert ages == {"31-60": Decimal("4636.00")}
