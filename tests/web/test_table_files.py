"""Lists as files: nothing in them becomes a formula."""

import pytest

from crm_mail.web.table_files import csv_chunks


@pytest.mark.parametrize("text", ["=1+2", "+39 011", "-1", "@SUM(A1)", "\t=1"])
def test_a_cell_that_could_be_a_formula_is_made_harmless(text: str) -> None:
    head, row = (
        b"".join(csv_chunks([text], [[text], ["Rossi = Verdi"]][:1], "it")).decode("utf-8-sig").splitlines()
    )
    assert head.strip('"').startswith("'")
    assert row.strip('"') == f"'{text}"


def test_other_cells_stay_as_they_are() -> None:
    lines = (
        b"".join(csv_chunks(["Name"], [["Rossi = Verdi"], [7], [None]], "en"))
        .decode("utf-8-sig")
        .splitlines()
    )
    assert lines == ["Name", "Rossi = Verdi", "7", '""']
