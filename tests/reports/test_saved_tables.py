"""What a report's table looks like, and that nothing is cut without a word (pure)."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from crm_mail.reports.saved.files import BODY_ROWS, Heading, write_report
from crm_mail.reports.saved.parameters import ParameterInvalid, read_value
from crm_mail.reports.saved.tables import CellKind, Column, Reader, ReportTable, cell_text, shape

READER = Reader("en", "Europe/Rome", lambda message: message)
HEADING = Heading(
    "Numbers", "Rossi", "Olga", date(2026, 11, 30), datetime(2026, 11, 30, 8, tzinfo=UTC), "https://x/1"
)
COLUMNS = (Column("name", "Name"), Column("number", "Number", CellKind.NUMBER))


def test_rows_beyond_the_body_are_in_the_file_and_what_was_cut_is_said_everywhere() -> None:
    rows = tuple((f"row {number}", number) for number in range(BODY_ROWS + 50))
    printed: list[str] = []

    def keep(html: str) -> bytes:
        printed.append(html)
        return b"%PDF"

    whole = write_report(ReportTable(COLUMNS, rows), HEADING, ("html", "xlsx"), READER, keep)
    assert "The first 200 of 250 rows stand here; all of them are in the attached file." in whole.html
    assert "row 199" in whole.text
    assert "row 200" not in whole.text
    cut = write_report(
        ReportTable(COLUMNS, rows[:10], is_cut=True), HEADING, ("html", "pdf", "xlsx"), READER, keep
    )
    for form in (cut.html, cut.text, printed[0]):
        assert "limited to the first 10." in form
    assert cut.subject == "Rossi: Numbers (10+)"
    sheet = openpyxl.load_workbook(io.BytesIO(cut.files[1][1])).active
    assert "limited to the first 10." in [row[0].value for row in sheet.iter_rows()][-1]


def test_a_list_too_long_to_be_ordered_whole_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_mail.reports.saved.tables.MOST_READ", 100)
    rows = [(str(number), number) for number in range(150)]
    table = shape(COLUMNS, rows, limit=5, order_by="number", is_descending=True)
    assert [row[1] for row in table.rows] == [99, 98, 97, 96, 95]
    assert (table.is_cut, table.is_beyond) == (True, True)
    assert not shape(COLUMNS, rows[:50], limit=50, order_by="number").is_cut


def test_rows_without_a_value_come_last_in_either_order() -> None:
    rows = [("b", None), ("A", 2), ("", 1)]
    for is_descending, names in ((False, ["A", "b", ""]), (True, ["b", "A", ""])):
        table = shape(COLUMNS, rows, limit=9, shown=["name"], order_by="name", is_descending=is_descending)
        assert [row[0] for row in table.rows] == names


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("number", "-7", -7),
        ("number", "1,5", Decimal("1.5")),
        ("day", "2024-02-29", date(2024, 2, 29)),
        ("list", "a, b\n c,,", ["a", "b", "c"]),
        ("yesterday", "", date(2026, 2, 28)),
        ("first_of_last_month", "", date(2026, 2, 1)),
        ("last_of_last_month", "", date(2026, 2, 28)),
        ("first_of_last_week", "", date(2026, 2, 16)),
        ("last_of_last_year", "", date(2025, 12, 31)),
    ],
)
def test_values_are_typed_and_days_move(kind: str, value: str, expected: object) -> None:
    """Counted from Sunday, 1 March 2026."""
    assert read_value("p", kind, value, date(2026, 3, 1)) == expected


@pytest.mark.parametrize(
    ("kind", "value"), [("number", "NaN"), ("day", "31/12/2026"), ("list", " , "), ("x", "1")]
)
def test_a_value_that_does_not_fit_its_kind_is_refused(kind: str, value: str) -> None:
    with pytest.raises(ParameterInvalid):
        read_value("p", kind, value, date(2026, 3, 1))


def test_cells_are_written_as_the_reader_writes_them() -> None:
    italian = Reader("it", "Europe/Rome", {"yes": "sì"}.__getitem__)
    assert cell_text((Decimal("1234.5"), "EUR"), Column("a", "A", CellKind.MONEY), italian) == "1.234,50\xa0€"
    assert cell_text(True, Column("a", "A", CellKind.YES), italian) == "sì"
    assert cell_text(2026, Column("a", "A", CellKind.NUMBER), italian) == "2026", "a year is not grouped"
    assert cell_text(1234.5, Column("a", "A", CellKind.NUMBER, 2), italian) == "1.234,50"
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert cell_text(moment, Column("a", "A", CellKind.MOMENT), italian) == "02/07/2026 00:30"
