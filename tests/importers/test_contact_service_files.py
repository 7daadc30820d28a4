"""Real and hostile files through the contact service: samples, formulas, mixed encodings, 200,000 rows."""

import io
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, Party
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.service import import_contacts
from tests.factories import make_actor, make_company

SAMPLES = Path(os.environ.get("SAMPLES_DIR", "")) / "tables"
needs_samples = pytest.mark.skipif(not os.environ.get("SAMPLES_DIR"), reason="SAMPLES_DIR is not set")

# file: (created, updated, unchanged, rows with errors)
EXPECTED = {
    "gpc__outlook.csv": (2, 0, 0, 1),
    "synthetic__dolibarr_contacts.csv": (2, 0, 0, 0),
    "synthetic__erp_it_contatti_cp1252.csv": (3, 0, 0, 1),
    "synthetic__gasparini_clientes.csv": (3, 0, 0, 0),
    "synthetic__google_contacts.csv": (3, 0, 0, 0),
    "synthetic__hubspot_all_contacts.csv": (2, 0, 0, 0),
    "synthetic__odoo_res_partner.xlsx": (3, 0, 0, 0),
    "synthetic__outlook_cp1252.csv": (2, 0, 0, 0),
    "synthetic__proscai_clientes.xlsx": (4, 0, 0, 0),
    "synthetic__rotoplas_alta_masiva_paste.tsv": (3, 0, 0, 4),
}


@pytest.fixture
def company(session: Session) -> Company:
    return make_company(session, code="SM02")


@needs_samples
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_table_is_applied_and_known_the_second_time(
    session: Session, company: Company, name: str
) -> None:
    for again in (False, True):
        result = import_contacts(session, make_actor(), company, SAMPLES / name)
        created, updated, unchanged, errors = EXPECTED[name]
        expected = (0, 0, created + updated + unchanged, errors) if again else EXPECTED[name]
        assert (result.created, result.updated, result.unchanged, result.error_rows) == expected


@needs_samples
def test_the_list_of_open_items_is_refused(session: Session, company: Company) -> None:
    with pytest.raises(ImportRefused):
        import_contacts(session, make_actor(), company, SAMPLES / "synthetic__scadenzario_estratto_conto.csv")
    assert session.scalar(select(Party)) is None


def test_every_sample_is_named_here() -> None:
    if SAMPLES.is_dir():
        names = {path.name for path in SAMPLES.iterdir()}
        assert names == set(EXPECTED) | {"synthetic__scadenzario_estratto_conto.csv"}


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_formula_without_a_result_is_an_error_of_its_row_only(session: Session, company: Company) -> None:
    header = ("party_code", "party_name", "contact_name", "contact_email")
    data = workbook(
        header, ("C1", "Rossi", "Ugo", "u@r.example"), ("C2", '="Ver"&"di"', "Ada", "a@v.example")
    )
    result = import_contacts(session, make_actor(), company, data)
    assert (result.created, [(e.row, e.column, e.code) for e in result.errors]) == (
        1,
        [(3, "party_name", "formula_without_value")],
    )


def test_a_text_that_looks_like_a_formula_stays_text(session: Session, company: Company) -> None:
    text = "party_code;party_name;contact_name;contact_email\nC1;=1+2;@Ugo;u@r.example\n"
    import_contacts(session, make_actor(), company, text.encode())
    assert session.scalars(select(Party.name)).all() == ["=1+2"]
    assert session.scalars(select(Contact.name)).all() == ["@Ugo"]


def test_lines_of_two_encodings_are_read_and_the_odd_ones_named(session: Session, company: Company) -> None:
    lines = [
        b"party_code;party_name;contact_name;contact_email",
        "C1;Città Nuova;Niccolò;n@c.example".encode(),
        "C2;Peña;Begoña;b@p.example".encode("cp1252"),
    ]
    result = import_contacts(session, make_actor(), company, b"\n".join(lines))
    assert session.scalars(select(Party.name).order_by(Party.code)).all() == ["Città Nuova", "Peña"]
    assert [(w.row, w.code) for w in result.warnings] == [(3, "mixed_encoding")]


ROWS = 200_000
_IMPORT = """
import sys
from pathlib import Path
from config import Settings
from crm_mail.schema import import_models
import_models()
from crm_mail.db import Base
from crm_mail.installation import Installation
from crm_mail.companies.models import Company
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.permissions import INSTALLATION
folder = Path(sys.argv[1])
home = Installation(Settings(data_dir=folder, secret_key="only for this test, long enough"))
Base.metadata.create_all(home.database.engine)
with home.database.write() as session:
    company = Company(code="SM02", name="Subalpine", vat_number="IT1")
    session.add(company)
    session.flush()
    result = import_contacts(session, INSTALLATION, company, folder / "large.csv")
# the peak of this process; getrusage would count the memory of the tests themselves
peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]
print(result.created, result.error_rows, len(result.errors), peak)
"""


def test_two_hundred_thousand_rows_are_applied_in_bounded_memory(tmp_path: Path) -> None:
    """Under 300 MB of resident memory; one row in ten thousand is bad and reported."""
    with (tmp_path / "large.csv").open("w", encoding="utf-8") as out:
        out.write("party_code;party_name;contact_name;contact_email\n")
        for number in range(ROWS):
            email = "none" if number % 10_000 == 9_999 else f"ufficio{number}@ditta.it"
            out.write(f"C{number % 50_000:06d};Ditta;Contatto {number};{email}\n")
    command = [sys.executable, "-c", _IMPORT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=580)
    created, error_rows, kept, peak_kib = map(int, done.stdout.split())
    assert (created, error_rows, kept) == (ROWS - 20, 20, 20)
    assert peak_kib < 300 * 1024
