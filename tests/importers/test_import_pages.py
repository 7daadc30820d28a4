"""The pages of the import: from a file to applied rows, for whom it may be, and nothing before it is asked for."""

import importlib.util
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from crm_mail.contacts.models import Contact, Party, SavedMapping
from crm_mail.documents.models import Document
from crm_mail.importers.formats.detect import FORMAT_NAMES, REMEDIES
from crm_mail.importers.messages import MESSAGES
from crm_mail.importers.uploads import Draft, Uploads
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.users.models import User
from tests.factories import make_company, make_contact, make_party, make_user, outbox_grants

ROOT = Path(__file__).resolve().parents[2]
LoginAs = Callable[[User], FlaskClient]
PAGES = ("/import/", "/import/documents", "/import/pdf", "/import/parties?party=ro")
TABLE = (
    "Codice;Ragione sociale;Contatto;E-mail contatto;Colore\n"
    "000123;Rossi <b>S.r.l.</b>;Laura;laura@rossi.example;rosso\n"
    "=1+2;Verdi;Ugo;senza-arroba;verde\n"
    "C3;Bianchi;Ada;ada@bianchi.example;blu\n"
)
MINIMAL_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


class Office:
    """A company and one of each kind of person."""

    def __init__(self, home: Installation, login_as: LoginAs, app: Flask) -> None:
        self.home = home
        with home.database.write() as session:
            self.company = make_company(session, code="SM02")
            self.party = make_party(
                session, self.company, code="000777", name="Neri S.p.A.", vat_number="01879020517"
            )
            clerk = make_user(session, grants=list(outbox_grants(self.company.id)))
            keeper = make_user(session, areas=[Permission.CONTACTS_MANAGE], language="en", clearance=1)
            second = make_user(session, areas=[Permission.CONTACTS_MANAGE], language="en")
            admin = make_user(session, is_admin=True, language="it", clearance=3)
        self.keeper = keeper
        self.browsers = {
            "guest": app.test_client(),
            "clerk": login_as(clerk),
            "keeper": login_as(keeper),
            "second": login_as(second),
            "admin": login_as(admin),
        }

    def count(self, model: Any) -> int:
        with self.home.database.read() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def upload(self, table: str | bytes = TABLE, who: str = "keeper") -> TestResponse:
        data = table.encode() if isinstance(table, str) else table
        return self.browsers[who].post("/import/contacts", data={"file": (io.BytesIO(data), "clienti.csv")})


@pytest.fixture
def office(sqlite_home: Installation, login_as: LoginAs, app: Flask) -> Office:
    return Office(sqlite_home, login_as, app)


def chosen(page: str) -> dict[str, str]:
    """The fields that the page of columns offers as chosen."""
    fields = {}
    for name, options in re.findall(r'<select[^>]* name="(column-\d+)".*?>(.*?)</select>', page, re.DOTALL):
        selected = re.search(r'value="([^"]*)" selected', options)
        fields[name] = selected.group(1) if selected else ""
    return fields


def checked(office: Office, table: str = TABLE, **changes: str) -> str:
    """The address of the preview."""
    keeper = office.browsers["keeper"]
    columns_url = office.upload(table).location
    fields = chosen(keeper.get(columns_url).get_data(as_text=True))
    answer = keeper.post(columns_url, data=fields | changes)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.location)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("who", "status"), [("guest", 302), ("clerk", 403), ("keeper", 200), ("admin", 200)])
def test_only_who_manages_contacts_opens_the_import(office: Office, path: str, who: str, status: int) -> None:
    answer = office.browsers[who].get(path)
    assert answer.status_code in ((302, 303) if status == 302 else (status,))


@pytest.mark.parametrize("who", ["guest", "clerk"])
def test_nobody_else_uploads_or_applies(office: Office, who: str) -> None:
    address = checked(office).replace("/preview", "/apply")
    for path in ("/import/contacts", "/import/contacts/paste", "/import/documents", "/import/pdf", address):
        assert office.browsers[who].post(path).status_code in (302, 303, 403)
    assert office.count(Contact) == 0


def test_a_file_goes_from_columns_to_preview_to_result(office: Office) -> None:
    keeper = office.browsers["keeper"]
    answer = office.upload()
    assert answer.status_code == 303
    page = keeper.get(answer.location).get_data(as_text=True)
    assert list(chosen(page).values()) == ["party_code", "party_name", "contact_name", "contact_email", ""]
    assert "laura@rossi.example" in page
    assert "Rossi &lt;b&gt;" in page
    preview_url = keeper.post(answer.location, data=chosen(page)).location
    preview = keeper.get(preview_url).get_data(as_text=True)
    assert "2 rows will be applied" in preview
    assert "“senza-arroba” is not an e-mail address" in preview
    assert office.count(Contact) == 0
    done = keeper.post(preview_url.replace("/preview", "/apply"))
    assert done.status_code == 303
    result = keeper.get(done.location).get_data(as_text=True)
    assert "The good rows were applied" in result
    with office.home.database.read() as session:
        assert set(session.scalars(select(Party.code))) == {"000123", "000777", "C3"}
    again = keeper.post(preview_url.replace("/preview", "/apply"))
    assert again.status_code == 303
    assert office.count(Contact) == 2


def test_cells_are_pasted(office: Office) -> None:
    keeper = office.browsers["keeper"]
    answer = keeper.post("/import/contacts/paste", data={"cells": TABLE.replace(";", "\t")})
    assert answer.status_code == 303
    assert "laura@rossi.example" in keeper.get(answer.location).get_data(as_text=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"%PDF-1.4 x", "This is a PDF"), (b"<FatturaElettronica/>", "under documents")],
)
def test_what_is_no_table_is_refused_at_the_field(office: Office, data: bytes, said: str) -> None:
    answer = office.upload(data)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert office.browsers["keeper"].post("/import/contacts").status_code == 422
    assert office.browsers["keeper"].post("/import/contacts/paste").status_code == 422


def test_columns_that_name_nobody_are_refused_and_can_be_chosen_again(office: Office) -> None:
    keeper = office.browsers["keeper"]
    columns_url = office.upload("Farbe;Kunde;Post\nrot;K1;eva@wien.example\n").location
    answer = keeper.post(columns_url, data={"column-0": "", "column-1": "", "column-2": "contact_email"})
    assert answer.status_code == 422
    assert chosen(answer.get_data(as_text=True))["column-2"] == "contact_email"
    assert "The column for Code / Company name is missing" in answer.get_data(as_text=True)
    fields = {"column-0": "characteristic:Farbe", "column-1": "party_code", "column-2": "contact_email"}
    assert keeper.post(columns_url, data=fields).status_code == 303
    assert keeper.post(columns_url, data={"column-1": "nonsense"}).status_code == 422


def test_choices_are_saved_under_a_name_and_offered_for_the_next_file(office: Office) -> None:
    table = "Farbe;Kunde;Post\nrot;K1;eva@wien.example\n"
    columns = {"column-0": "zone", "column-1": "party_code", "column-2": "contact_email"}
    checked(office, table, **columns, name="Aus Wien")
    assert office.count(SavedMapping) == 1
    keeper = office.browsers["keeper"]
    columns_url = office.upload(table).location
    assert chosen(keeper.get(columns_url).get_data(as_text=True)) == columns
    other = office.upload("Farbe;Kunde;Post;Neu\nrot;K1;eva@wien.example;x\n").location
    with office.home.database.read() as session:
        mapping_id = session.scalar(select(SavedMapping.id))
    offered = chosen(keeper.get(f"{other}?mapping={mapping_id}").get_data(as_text=True))
    assert offered == columns | {"column-3": ""}
    assert keeper.post(f"/import/mappings/{mapping_id}/delete").status_code == 303
    assert keeper.post(f"/import/mappings/{mapping_id}/delete").status_code == 404


def test_a_mapping_name_that_is_too_long_saves_nothing(office: Office) -> None:
    columns_url = office.upload().location
    answer = office.browsers["keeper"].post(columns_url, data={"column-0": "party_code", "name": "x" * 81})
    assert answer.status_code == 422
    assert office.count(SavedMapping) == 0


def test_the_step_of_a_person_exists_for_nobody_else(office: Office) -> None:
    address = checked(office)
    for path in (address, address.replace("preview", "columns"), address.replace("preview", "errors.csv")):
        assert office.browsers["second"].get(path).status_code == 404
        assert office.browsers["keeper"].get(path).status_code == 200
    assert office.browsers["second"].post(address.replace("preview", "apply")).status_code == 404
    forged = re.sub(r"contacts/[^/]+", "contacts/" + "0" * 64, address)
    assert office.browsers["keeper"].get(forged).status_code == 404


def test_the_rows_left_out_are_downloaded_without_becoming_formulas(office: Office) -> None:
    address = checked(office).replace("preview", "errors.csv")
    answer = office.browsers["keeper"].get(address)
    lines = answer.get_data().decode("utf-8-sig").splitlines()
    assert answer.mimetype == "text/csv"
    assert lines[0].startswith("Row,What is wrong,Codice")
    assert len(lines) == 2
    assert lines[1].startswith("3,")
    assert ",'=1+2,Verdi," in lines[1]


def test_every_sentence_of_the_importers_is_collected_for_translation() -> None:
    spec = importlib.util.spec_from_file_location("translate", ROOT / "scripts" / "translate.py")
    assert spec is not None
    assert spec.loader is not None
    translate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(translate)
    collected = set()
    for name in ("messages.py", "ledger_messages.py", "file_messages.py", "formats/detect.py"):
        with (ROOT / "crm_mail" / "importers" / name).open("rb") as file:
            collected |= {found[1] for found in extract("python", file, translate.KEYWORDS)}
    assert not (set(MESSAGES.values()) | set(FORMAT_NAMES.values()) | set(REMEDIES.values())) - collected


def test_hidden_contacts_leave_no_trace_in_the_preview(office: Office) -> None:
    """IT-17: the preview is the same whether the hidden contact exists or not."""
    table = "party_code;contact_name;contact_email\n000777;Laura;laura@neri.example\n"
    keeper = office.browsers["keeper"]
    pages = []
    for hidden in (False, True):
        if hidden:
            with office.home.database.write() as session:
                party = session.get_one(Party, office.party.id)
                make_contact(
                    session, party, name="Laura", addresses=(("laura@neri.example", "pec"),), privacy_level=2
                )
        page = keeper.get(checked(office, table)).get_data(as_text=True)
        pages.append(re.sub(r"contacts/[^/]+/|csrf[-_]token\" (?:value|content)=\"[^\"]+", "", page))
    assert pages[0] == pages[1]


def test_uploads_are_swept_after_a_day_and_then_say_so(office: Office) -> None:
    address = checked(office)
    uploads = Uploads(office.home)
    assert uploads.sweep() == 0
    assert uploads.sweep(-timedelta(minutes=1).total_seconds()) >= 3
    assert office.browsers["keeper"].get(address).status_code == 404


def test_a_kept_step_is_bound_to_its_user(office: Office) -> None:
    uploads = Uploads(office.home)
    draft = Draft(7, 1, "x.csv", uploads.keep_file(b"a;b"))
    token = uploads.keep(draft)
    assert uploads.find(token, 7) == draft
    assert uploads.find(token, 8) is None
    assert uploads.find(token + "x", 7) is None


INVOICE = """<?xml version="1.0" encoding="UTF-8"?><p:FatturaElettronica versione="FPR12"
xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"><FatturaElettronicaHeader>
<DatiTrasmissione><IdTrasmittente><IdPaese>IT</IdPaese><IdCodice>01879020517</IdCodice></IdTrasmittente>
<ProgressivoInvio>1</ProgressivoInvio><FormatoTrasmissione>FPR12</FormatoTrasmissione>
<CodiceDestinatario>0000000</CodiceDestinatario><PECDestinatario>rossi@pec.example</PECDestinatario></DatiTrasmissione>
<CedentePrestatore><DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>{vat}</IdCodice></IdFiscaleIVA>
<Anagrafica><Denominazione>Noi</Denominazione></Anagrafica></DatiAnagrafici></CedentePrestatore>
<CessionarioCommittente><DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>01234567890</IdCodice>
</IdFiscaleIVA><Anagrafica><Denominazione>Rossi S.r.l.</Denominazione></Anagrafica></DatiAnagrafici>
</CessionarioCommittente></FatturaElettronicaHeader><FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento>
<TipoDocumento>TD01</TipoDocumento><Divisa>EUR</Divisa><Data>2026-11-02</Data><Numero>12</Numero>
<ImportoTotaleDocumento>122.00</ImportoTotaleDocumento></DatiGeneraliDocumento></DatiGenerali><DatiBeniServizi>
<DettaglioLinee><NumeroLinea>1</NumeroLinea><Descrizione>Viti</Descrizione><PrezzoUnitario>100.00</PrezzoUnitario>
<PrezzoTotale>100.00</PrezzoTotale><AliquotaIVA>22.00</AliquotaIVA></DettaglioLinee><DatiRiepilogo>
<AliquotaIVA>22.00</AliquotaIVA><ImponibileImporto>100.00</ImponibileImporto><Imposta>22.00</Imposta></DatiRiepilogo>
</DatiBeniServizi></FatturaElettronicaBody></p:FatturaElettronica>"""


def test_each_invoice_file_is_kept_or_refused_by_itself(office: Office) -> None:
    good = INVOICE.replace("{vat}", office.company.vat_number.removeprefix("IT")).encode()
    files = [
        (io.BytesIO(good), "good.xml"),
        (io.BytesIO(b"<broken"), "bad.xml"),
        (io.BytesIO(b"a;b"), "c.csv"),
    ]
    keeper = office.browsers["keeper"]
    answer = keeper.post("/import/documents", data={"files": files})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert page.count("Refused") == 2
    assert office.count(Document) == 1
    assert "waits for confirmation" in page
    again = keeper.post("/import/documents", data={"files": [(io.BytesIO(good), "good.xml")]})
    assert again.status_code == 200
    assert "Already known" in again.get_data(as_text=True)
    assert keeper.post("/import/documents").status_code == 422


def pdf_fields(**overrides: Any) -> dict[str, Any]:
    return {
        "file": (io.BytesIO(MINIMAL_PDF), "offerta.pdf"),
        "type": "quote",
        "number": "7",
        "date": "2026-11-02",
        "party": "000777 · Neri S.p.A.",
    } | overrides


@pytest.mark.parametrize("party", ["000777 · Neri S.p.A.", "000777", "neri s.p.a.", "IT01879020517"])
def test_a_pdf_is_added_with_a_few_typed_fields(office: Office, party: str) -> None:
    answer = office.browsers["keeper"].post("/import/pdf", data=pdf_fields(party=party))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    with office.home.database.read() as session:
        document = session.scalars(select(Document)).one()
        assert (document.type, document.number, document.party_id) == ("quote", "7", office.party.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("party", "nobody"),
        ("number", ""),
        ("date", ""),
        ("type", "poem"),
        ("file", b"just text"),
        ("file", b"%PDF-1.4 damaged"),
        ("file", b""),
    ],
)
def test_what_is_missing_or_wrong_stands_at_its_field(office: Office, field: str, value: str | bytes) -> None:
    given: Any = (io.BytesIO(value), "x.pdf") if isinstance(value, bytes) else value
    answer = office.browsers["keeper"].post("/import/pdf", data=pdf_fields(**{field: given}))
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert office.count(Document) == 0


def test_parties_are_offered_by_code_name_and_vat_number_of_the_company_only(office: Office) -> None:
    with office.home.database.write() as session:
        make_party(session, make_company(session), code="X1", name="Neri d'altri")
        make_party(session, office.company, code="A1", name="Officine <Neri>")
    for typed in ("neri", "000777", "01879020517", "ner"):
        page = office.browsers["keeper"].get(f"/import/parties?party={typed}").get_data(as_text=True)
        assert "000777 · Neri S.p.A." in page
        assert "altri" not in page
    assert "A1 · Officine &lt;Neri&gt;" in office.browsers["keeper"].get(
        "/import/parties?party=neri"
    ).get_data(as_text=True)


CHANGED = "Codice;Contatto;E-mail contatto;Telefono;Riceve\n"
HELD = f"{CHANGED}C1;Laura;laura@rossi.example;{{}};{{}}\n"


def bring(office: Office, table: str) -> str:
    """Apply a table; the page of its result."""
    keeper = office.browsers["keeper"]
    done = keeper.post(checked(office, table, **RECEIVES).replace("/preview", "/apply"))
    return keeper.get(done.location).get_data(as_text=True)


RECEIVES = {"column-4": "subscriptions"}


def plain(page: str) -> str:
    """What stands on a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_check_shows_what_each_row_would_change(office: Office) -> None:
    bring(office, HELD.format("051 1", "invoice"))
    keeper = office.browsers["keeper"]
    address = checked(office, HELD.format("<b>2", "invoice:cc|price_list"), **RECEIVES)
    page = keeper.get(address).get_data(as_text=True)
    assert "What would be different" in page
    assert "Phone: 051 1 → &lt;b&gt;2" in plain(page)
    assert "Receives: Invoice → Invoice (Cc), Price list" in plain(page)
    done = keeper.post(address.replace("/preview", "/apply"))
    assert "What is different now" in keeper.get(done.location).get_data(as_text=True)
    assert "What would be different" not in keeper.get(checked(office, HELD.format("<b>2", ""))).get_data(
        as_text=True
    )


def test_the_history_of_the_card_tells_the_row_of_the_file(office: Office) -> None:
    for phone in ("051 1", "051 2"):
        bring(office, HELD.format(phone, ""))
    with office.home.database.read() as session:
        party_id = session.scalars(select(Party.id).where(Party.code == "C1")).one()
    page = plain(office.browsers["keeper"].get(f"/contacts/{party_id}/timeline").get_data(as_text=True))
    assert "Contact changed: Laura Row 2 of the imported file clienti.csv Phone: 051 1 → 051 2" in page


@pytest.mark.parametrize("changed", ["contact", "clerk"])
def test_a_check_forgets_what_has_risen_above_the_clearance(office: Office, changed: str) -> None:
    bring(office, HELD.format("051 1", ""))
    with office.home.database.write() as session:
        session.scalars(select(Contact)).one().privacy_level = 1
    address = checked(office, HELD.format("051 2", ""))
    keeper = office.browsers["keeper"]
    assert "051 1" in keeper.get(address).get_data(as_text=True)
    with office.home.database.write() as session:
        if changed == "contact":
            session.scalars(select(Contact)).one().privacy_level = 2
        else:
            session.get_one(User, office.keeper.id).clearance = 0
    assert "051 1" not in keeper.get(address).get_data(as_text=True)


def test_a_long_list_of_changes_is_cut_and_says_so(office: Office) -> None:
    rows = "".join(f"C{n};Laura;l@r{n}.example;{{0}};\n" for n in range(120))
    bring(office, CHANGED + rows.format("1"))
    page = office.browsers["keeper"].get(checked(office, CHANGED + rows.format("2"))).get_data(as_text=True)
    assert "The first 100 changes are shown, of 120." in page
    assert plain(page).count("Phone: 1 → 2") == 100


@pytest.mark.parametrize(("who", "name"), [("keeper", "Invoice"), ("admin", "Fattura")])
def test_the_codes_of_document_types_stand_with_their_names(office: Office, who: str, name: str) -> None:
    page = office.browsers[who].get("/import/").get_data(as_text=True)
    assert f"<dt><code>invoice</code></dt><dd>{name}</dd>" in page
