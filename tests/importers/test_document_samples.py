"""The public sample files (SAMPLES_DIR): each gives the documents of the table, or is refused with its reason.

The table was made with other programs than ours (openssl, PDFium, plain text searches) and looked through by eye.
"""

import csv
import os
from collections import defaultdict
from pathlib import Path

import pytest

from crm_mail.importers.base import ImportRefused, ParsedDocument
from crm_mail.importers.formats.readers import read_documents

SAMPLES = Path(os.environ.get("SAMPLES_DIR", ""))
TABLE = Path(__file__).with_name("expected_documents.tsv")
FOLDERS = ("fatturapa", "ubl")
pytestmark = pytest.mark.skipif(not os.environ.get("SAMPLES_DIR"), reason="SAMPLES_DIR is not set")


def expected() -> dict[str, list[list[str]]]:
    rows: dict[str, list[list[str]]] = defaultdict(list)
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for name, *rest in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if not name.startswith("#"):
                rows[name].append(rest)
    return rows


def described(document: ParsedDocument) -> list[str]:
    total = document.totals.gross
    return [
        document.type,
        document.number,
        document.date.isoformat(),
        document.buyer.name or "",
        document.currency,
        "" if total is None else f"{total:.2f}",
        " ".join("-" if due.date is None else due.date.isoformat() for due in document.due_dates),
    ]


@pytest.mark.parametrize(("name", "rows"), sorted(expected().items()))
def test_a_sample_gives_the_documents_of_the_table_or_its_refusal(name: str, rows: list[list[str]]) -> None:
    """IT-19: type, number, date, buyer, currency, total and due dates of every document of the file."""
    data = (SAMPLES / name).read_bytes()
    if rows[0][0] == "refused":
        with pytest.raises(ImportRefused) as refused:
            read_documents(data)
        assert refused.value.code == rows[0][1]
        assert rows[0][2] in refused.value.message
        assert len(refused.value.message) > 40
    else:
        assert [described(document) for document in read_documents(data)] == rows


def test_every_sample_of_these_folders_is_in_the_table() -> None:
    there = {f"{folder}/{path.name}" for folder in FOLDERS for path in (SAMPLES / folder).iterdir()}
    assert there == {name for name in expected() if name.partition("/")[0] in FOLDERS}
