"""The public sample tables (SAMPLES_DIR): every one yields rows or is refused with the reason."""

import os
from pathlib import Path

import pytest

from crm_mail.importers.base import ImportRefused, ParsedRow
from crm_mail.importers.contacts.rows import RowContext, open_contact_file

SAMPLES = Path(os.environ.get("SAMPLES_DIR", "")) / "tables"
pytestmark = pytest.mark.skipif(not os.environ.get("SAMPLES_DIR"), reason="SAMPLES_DIR is not set")

# file: (valid rows, code of the error of each other row by its number)
EXPECTED: dict[str, tuple[int, dict[int, str]]] = {
    "gpc__outlook.csv": (2, {3: "row_asks_deletion"}),
    "synthetic__dolibarr_contacts.csv": (2, {}),
    "synthetic__erp_it_contatti_cp1252.csv": (3, {6: "bad_privacy_level"}),
    "synthetic__gasparini_clientes.csv": (3, {}),
    "synthetic__google_contacts.csv": (3, {}),
    "synthetic__hubspot_all_contacts.csv": (2, {}),
    "synthetic__odoo_res_partner.xlsx": (3, {}),
    "synthetic__outlook_cp1252.csv": (2, {}),
    "synthetic__proscai_clientes.xlsx": (4, {}),
    "synthetic__rotoplas_alta_masiva_paste.tsv": (
        3,
        {5: "address_invalid", 6: "party_missing", 7: "other_company", 9: "scientific_code"},
    ),
}


def rows_of(name: str) -> list[ParsedRow]:
    return list(open_contact_file(SAMPLES / name, context=RowContext(company_code="SM02")).rows())


def addresses(row: ParsedRow) -> list[tuple[str, str]]:
    assert row.contact is not None
    return [(item.email, item.kind.value) for item in row.contact.addresses]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_table_gives_the_expected_rows_and_errors(name: str) -> None:
    rows = rows_of(name)
    valid, bad = EXPECTED[name]
    assert sum(row.is_valid for row in rows) == valid
    assert {row.row: row.errors[0].code for row in rows if not row.is_valid} == bad


def test_the_list_of_open_items_is_refused_by_its_name() -> None:
    with pytest.raises(ImportRefused) as refused:
        rows_of("synthetic__scadenzario_estratto_conto.csv")
    assert refused.value.code == "open_items_not_contacts"


def test_every_sample_is_in_the_table() -> None:
    names = {path.name for path in SAMPLES.iterdir()}
    assert names == set(EXPECTED) | {"synthetic__scadenzario_estratto_conto.csv"}


def test_google_addresses_in_one_cell_are_split_and_the_label_tells_the_pec() -> None:
    assert addresses(rows_of("synthetic__google_contacts.csv")[0]) == [
        ("amministrazione@rossi-impianti.example", "unknown"),
        ("laura.bianchi@rossi-impianti.example", "unknown"),
        ("rossi-impianti@pec.example", "pec"),
    ]


def test_odoo_persons_are_contacts_of_the_company_row() -> None:
    rows = rows_of("synthetic__odoo_res_partner.xlsx")
    assert {row.party.code for row in rows if row.party} == {"C00041"}
    assert [row.contact.name for row in rows[1:] if row.contact] == ["Carla Neri", "Magazzino Gamma"]


def test_proscai_packaging_and_the_addresses_behind_it_are_read() -> None:
    """PM-15: ``GRAL,a@x,b@x``; they come after the billing address, and before the contacts."""
    party = rows_of("synthetic__proscai_clientes.xlsx")[1].party
    assert party is not None
    assert party.packaging == "GRAL"
    assert party.packaging_emails == ("a@almgar.example", "b@almgar.example")
    assert party.billing_emails == ()
    assert party.vat_number is None  # the generic RFC identifies nobody


def test_an_exchange_address_is_left_out_with_a_warning() -> None:
    row = rows_of("synthetic__outlook_cp1252.csv")[1]
    assert addresses(row) == []
    assert "exchange_address_ignored" in {note.code for note in row.warnings}
