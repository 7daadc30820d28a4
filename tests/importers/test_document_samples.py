"""The public CFDI, SIFEN and pain.001 samples (SAMPLES_DIR): each reads as the table says, or is refused.

`expected_documents.csv` was written with another parser (minidom) and by eye. A row is a document: the tax id is the
buyer's; `not_mailed` says why it must not go; a refused file has the code and the element that the refusal names.
"""

import csv
import os
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pytest

from crm_mail.importers.base import ImportRefused, ParsedDocument
from crm_mail.importers.readers import read_documents

SAMPLES = Path(os.environ.get("SAMPLES_DIR", ""))
pytestmark = pytest.mark.skipif(not os.environ.get("SAMPLES_DIR"), reason="SAMPLES_DIR is not set")

with Path(__file__).with_name("expected_documents.csv").open(encoding="utf-8", newline="") as table:
    TABLE = {
        name: [row[1:] for row in rows]
        for name, rows in groupby(list(csv.reader(table))[1:], key=lambda row: row[0])
    }


@pytest.mark.parametrize(("name", "rows"), TABLE.items(), ids=TABLE)
def test_a_sample_reads_as_the_table_says(name: str, rows: list[list[str]]) -> None:
    data = (SAMPLES / name).read_bytes()
    if rows[0][0] == "refused":
        with pytest.raises(ImportRefused) as caught:
            read_documents(data)
        assert [caught.value.code, caught.value.params["element"]] == rows[0][1:3]
        return
    found = read_documents(data)
    assert [_row(document) for document in found] == rows
    if "pain.001" not in name:  # of a payment order each advice keeps its own piece alone
        assert all(document.legal_file == data for document in found)


def _row(document: ParsedDocument) -> list[str]:
    other = document.seller if document.type == "transfer_advice" else document.buyer
    assert (document.not_mailable_reason is None) is document.mailable
    return [
        document.type,
        document.series or "",
        document.number,
        document.date.isoformat(),
        other.vat_number or "",
        document.currency,
        "" if document.totals.gross is None else str(document.totals.gross),
        " ".join(due.date.isoformat() for due in document.due_dates if due.date),
        document.not_mailable_reason or "",
    ]


def test_every_cfdi_sample_stands_in_the_table() -> None:
    found = {f"cfdi/{path.name}" for path in (SAMPLES / "cfdi").glob("*.xml")}
    assert found == {name for name in TABLE if name.startswith("cfdi/")}


def test_the_stamp_of_a_sample_is_ready_for_the_printed_form() -> None:
    """Cadena original and QR of `cfdi33-valid`, put together by hand from the file."""
    found = read_documents((SAMPLES / "cfdi" / "cfdiutils__cfdi33-valid.xml").read_bytes())[0]
    stamp = found.extra["stamp"]
    head = f"||1.1|9FB6ED1A-5F37-4FEF-980A-7F8C83B51894|{stamp['stamped_at']}|{stamp['provider_rfc']}|"
    assert stamp["original_string"] == f"{head}{stamp['issuer_seal']}|{stamp['sat_certificate']}||"
    assert stamp["qr"] == (
        "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx"
        "?id=9FB6ED1A-5F37-4FEF-980A-7F8C83B51894&re=EKU9003173C9&rr=COSC8001137NA&tt=2382870"
        f"&fe={stamp['issuer_seal'][-8:]}"
    )


def test_a_payment_names_the_documents_it_settles_with_instalment_and_balances() -> None:
    found = read_documents((SAMPLES / "cfdi" / "cfdiutils-pagos20__001.xml").read_bytes())[0]
    first = found.extra["items"][0]
    assert len(found.extra["items"]) == 5
    assert first == {
        "document": "PACIE-2",
        "uuid": "6DE9442D-ED57-5320-B2BA-F73E15079FA3",
        "currency": "MXN",
        "instalment": "3",
        "balance_before": Decimal("6591.64"),
        "paid": Decimal(850),
        "balance_after": Decimal("5741.64"),
    }


def test_a_transfer_names_the_invoices_of_its_free_text() -> None:
    first, second = read_documents((SAMPLES / "other" / "synthetic__pain.001.001.03.xml").read_bytes())
    assert [(item["document"], str(item["date"])) for item in first.extra["items"]] == [
        ("12", "2025-01-02"),
        ("15", "2025-01-10"),
    ]
    assert first.extra["beneficiary_iban"] == "DE89370400440532013000"
    assert b"Fornitore Due" not in first.legal_file
    assert [item["document"] for item in second.extra["items"]] == ["2025/77"]
