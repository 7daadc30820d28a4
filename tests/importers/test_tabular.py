"""Tables of every kind as text: encodings, separators, headers, totals, codes, formulas, limits."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.columns import score_header
from crm_mail.importers.formats.detect import FileFormat
from crm_mail.importers.tables.table_rows import TableLimits
from crm_mail.importers.tables.tabular import Table, read_pasted_table, read_table
from crm_mail.importers.tables.zip_limits import ZipLimits


def make_xlsx(*sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(table: Table) -> list[tuple[str, ...]]:
    return [row.cells for row in table.rows()]


def refusal(data: bytes, **options: object) -> ImportRefused:
    with pytest.raises(ImportRefused) as refused:
        list(read_table(data, **options).rows())  # type: ignore[arg-type]
    return refused.value


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_separator_is_found_and_a_quoted_cell_keeps_its_line_break(delimiter: str) -> None:
    text = f'code{delimiter}note\n001{delimiter}"line one\nline two"\n002{delimiter}x\n'
    table = read_table(text.encode())
    assert table.delimiter == delimiter
    assert [(row.number, row.cells) for row in table.rows()] == [
        (2, ("001", "line one\nline two")),
        (3, ("002", "x")),
    ]


def test_lists_separated_by_bars_do_not_make_the_bar_the_separator() -> None:
    table = read_table(b"party_code;subscriptions\n1;invoice|quote\n2;invoice|quote|receipt\n")
    assert table.delimiter == ";"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_accents_come_out_right_in_every_encoding(encoding: str) -> None:
    data = "codice;nome\n1;Città Ñandú\n2;perché\n".encode(encoding)
    assert cells(read_table(data)) == [("1", "Città Ñandú"), ("2", "perché")]


def test_mixed_encodings_are_read_line_by_line_and_the_odd_row_is_named() -> None:
    data = "codice;nome\n1;Città\n".encode() + "2;Forlì\n".encode("cp1252") + "3;Però\n".encode()
    rows = list(read_table(data).rows())
    assert [row.cells[1] for row in rows] == ["Città", "Forlì", "Però"]
    assert [[(note.code, note.row) for note in row.warnings] for row in rows] == [
        [],
        [("mixed_encoding", 3)],
        [],
    ]


def test_title_rows_and_totals_are_skipped_with_a_note() -> None:
    data = "ELENCO CLIENTI;;;\nData:;15/01/2026;;\n\nCodice;Nome;Città;Zona\n7;Rossi;Roma;SUD\n;;Totale clienti: 1;\n"
    table = read_table(data.encode(), header_score=score_header)
    assert (table.header_row, table.header[0]) == (4, "Codice")
    assert cells(table) == [("7", "Rossi", "Roma", "SUD")]
    assert [note.code for note in table.notes] == ["title_rows_skipped", "totals_row_skipped"]


def test_a_company_called_total_is_not_a_total() -> None:
    data = b"name,city,email\nTotal Energie,Roma,a@total.example\nTotal Wine,Milano,\n"
    assert len(cells(read_table(data))) == 2


def test_codes_stay_text_and_dates_become_iso() -> None:
    data = make_xlsx([["code", "text code", "date", "flag"], [123.0, "000123", dt.date(2026, 2, 1), True]])
    table = read_table(data)
    assert table.format is FileFormat.XLSX
    assert cells(table) == [("123", "000123", "2026-02-01", "true")]


@pytest.mark.parametrize("value", ["1.00621E+06", 1.5e17])
def test_a_code_in_scientific_notation_is_an_error_on_its_row(value: object) -> None:
    rows = list(read_table(make_xlsx([["code", "name"], [value, "a"], ["2", "b"]])).rows())
    assert [[problem.code for problem in row.errors] for row in rows] == [["scientific_code"], []]


def test_a_formula_without_its_value_is_reported_and_one_with_a_value_is_read() -> None:
    data = make_xlsx([["code", "name"], ["1", "=A2"], ["2", "b"]])  # openpyxl writes no cached values
    rows = list(read_table(data).rows())
    assert [(problem.column, problem.code) for problem in rows[0].errors] == [(1, "formula_without_value")]
    assert rows[1].errors == ()
    cached = _rewrite(data, b"<f>A2</f><v></v>", b"<f>A2</f><v>7</v>")
    cached = _rewrite(cached, b"<f>A2</f><v />", b"<f>A2</f><v>7</v>")
    assert next(iter(read_table(cached).rows())).cells == ("1", "7")


def _rewrite(data: bytes, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info).replace(old, new))
    return out.getvalue()


def test_one_stray_cell_in_the_last_corner_is_refused_before_the_sheet_is_opened() -> None:
    data = make_xlsx([["code", "name"], ["1", "a"]])
    data = _rewrite(data, b'r="B2"', b'r="XFD1048576"')
    refused = refusal(data)
    assert refused.code == "sheet_too_wide"
    assert refused.params["rows"] == 1048576


def test_a_zip_bomb_is_refused_by_its_directory() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 3_000_000)
    limits = TableLimits(zip=ZipLimits(unpacked_bytes=1_000_000))
    assert refusal(out.getvalue(), limits=limits).code == "zip_bomb"


def test_a_damaged_spreadsheet_is_refused_with_the_remedy() -> None:
    refused = refusal(make_xlsx([["a", "b"]])[:-300])
    assert refused.code in {"unreadable_table", "wrong_format"}


def test_other_sheets_are_named() -> None:
    table = read_table(make_xlsx([["code", "name"], ["1", "a"]], [["x"], ["y"]]))
    assert cells(table) == [("1", "a")]
    assert "Sheet 2" in table.notes[0].message


def test_the_content_decides_and_not_the_extension(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(make_xlsx([["code", "name"], ["1", "a"]]))
    assert cells(read_table(path)) == [("1", "a")]


def test_a_quote_that_is_never_closed_is_refused_with_its_row() -> None:
    data = 'code;name\n1;"Rossi\n' + "2;x\n" * 500
    refused = refusal(data.encode())
    assert (refused.code, refused.params["row"]) == ("quote_never_closed", 2)


def test_pasted_cells_with_non_breaking_blanks_are_cleaned() -> None:
    table = read_pasted_table("No. Cliente\tCorreo\n\u00a001 \t a\u00a0b \n")
    assert cells(table) == [("01", "a b")]


@pytest.mark.parametrize(("data", "code"), [(b"", "empty_file"), (b"%PDF-1.4", "wrong_format")])
def test_what_is_no_table_is_refused(data: bytes, code: str) -> None:
    assert refusal(data).code == code


def test_more_rows_than_allowed_are_refused() -> None:
    data = b"code;name\n" + b"1;x\n" * 20
    assert refusal(data, limits=TableLimits(rows=10)).code == "too_many_rows"


def test_an_endless_line_is_refused() -> None:
    assert refusal(b"code;name\n" + b"x" * 2_000_000).code == "line_too_long"
