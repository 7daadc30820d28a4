"""Receipts of the SdI: recognised, matched to their invoice in either order, and what each brings about."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.documents.models import Document
from crm_mail.documents.sdi import SdiKind, Told, file_key, read_receipt_name, state_of
from crm_mail.documents.service import NeverMailed, set_mailable
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.documents.service import DocumentFileResult, import_document_file
from crm_mail.importers.formats.sdi_receipts import ROOTS, read_sdi_receipt
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import ListChanged, commit_run, fingerprint
from crm_mail.outbox.states import MessageState
from tests.factories import make_account, make_actor, make_company, make_contact, make_party, make_user
from tests.outbox.preparing import prepare, rows

INVOICE = (Path(__file__).parent.parent / "samples" / "fatturapa" / "two-bodies.xml").read_bytes()
NAME = "IT01879020517_00002.xml"
ERROR = "<Errore><Codice>00404</Codice><Descrizione>Fattura duplicata</Descrizione></Errore>"
DUPLICATE = f"<ListaErrori>{ERROR}</ListaErrori>"
K = SdiKind


def receipt(root: str, sdi_id: str = "111", more: str = "", name: str = f"{NAME}.p7m") -> bytes:
    file = f"<NomeFile>{name}</NomeFile>" if name else ""
    return (
        f'<t:{root} xmlns:t="http://www.fatturapa.gov.it/sdi/messaggi/v1.0">'
        f"<IdentificativoSdI>{sdi_id}</IdentificativoSdI>{file}{more}</t:{root}>"
    ).encode()


@pytest.mark.parametrize(("root", "kind"), sorted(ROOTS.items()))
def test_every_receipt_is_known_by_its_root(root: str, kind: SdiKind) -> None:
    read = read_sdi_receipt(receipt(root), "whatever.xml")
    assert (read.kind, read.file_key, read.sdi_id) == (kind, "IT01879020517_00002", "111")


def test_a_receipt_says_when_why_and_with_which_outcome() -> None:
    times = "<DataOraRicezione>2026-07-01T08:00:00</DataOraRicezione>"
    read = read_sdi_receipt(receipt("NotificaScarto", more=times + DUPLICATE), "x.xml")
    assert (read.detail, read.told_at) == ("00404 · Fattura duplicata", datetime(2026, 7, 1, 6, tzinfo=UTC))
    outcome = (
        "<EsitoCommittente><Esito>EC02</Esito><Descrizione>Prezzi errati</Descrizione></EsitoCommittente>"
    )
    answered = read_sdi_receipt(receipt("NotificaEsito", more=outcome), "x.xml")
    assert (answered.outcome, answered.detail) == ("EC02", "Prezzi errati")


def test_what_the_content_does_not_say_comes_from_the_file_name() -> None:
    assert read_receipt_name("in/IT01879020517_00002_NS_001.XML") == ("IT01879020517_00002", K.NS)
    read = read_sdi_receipt(receipt("ScartoEsitoCommittente", name=""), "IT01879020517_00002_SE_001.xml")
    assert read.file_key == "IT01879020517_00002"
    assert file_key("C:\\sdi\\it01879020517_00002.xml.p7m") == "IT01879020517_00002"
    with pytest.raises(ImportRefused):
        read_sdi_receipt(receipt("RicevutaConsegna", sdi_id="", name=""), "ricevuta.xml")


T0 = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], None),
        ([Told(K.MT, "1")], None),
        ([Told(K.RC, "1")], K.RC),
        ([Told(K.NS, "1")], K.NS),
        ([Told(K.RC, "1"), Told(K.NS, "2")], K.RC),  # sent a second time, rejected as a duplicate
        ([Told(K.RC, "1"), Told(K.NS, "1")], K.NS),
        ([Told(K.MC, "1", T0), Told(K.RC, "1", T0 + timedelta(days=1))], K.RC),
        ([Told(K.RC, "1", T0), Told(K.NE, "1", T0 + timedelta(days=9)), Told(K.EC, "1")], K.NE),
        ([Told(K.AT, "1"), Told(K.MC, "1")], K.AT),
    ],
)
def test_several_receipts_say_one_thing_in_any_order(told: list[Told], state: SdiKind | None) -> None:
    assert state_of(told) == state_of(reversed(told)) == state


class Desk:
    """A company that imports files."""

    def __init__(self, session: Session, home: Installation, company: Company) -> None:
        self.session, self.home, self.company = session, home, company
        self.actor = make_actor()

    def bring(self, name: str, data: bytes) -> DocumentFileResult:
        return import_document_file(self.session, self.home.store, self.actor, self.company, name, data)


@pytest.fixture
def desk(session: Session, home: Installation) -> Desk:
    return Desk(session, home, make_company(session, vat_number="IT01879020517", undo_seconds=30))


def state(document: Document) -> tuple[bool, str]:
    return document.is_mailable, document.not_mailable_reason


@pytest.mark.parametrize("receipt_first", [False, True])
def test_a_rejected_invoice_is_not_mailed_in_whichever_order_the_files_arrive(
    desk: Desk, receipt_first: bool
) -> None:
    """Both bodies of the file; the very same receipt again changes nothing; nobody overrules it."""
    rejection = receipt("NotificaScarto", more=DUPLICATE)
    files = [(NAME, INVOICE), ("IT01879020517_00002_NS_001.xml", rejection)]
    results = [desk.bring(*file) for file in (reversed(files) if receipt_first else files)]
    documents = next(result for result in results if result.created).documents
    assert [state(document) for document in documents] == [(False, "sdi_rejected")] * 2
    assert [result.receipts for result in results] == ([1, 0] if receipt_first else [0, 1])
    code = "receipt_waits" if receipt_first else "receipt_rejected"
    assert code in {notice.code for result in results for notice in result.warnings}
    again = desk.bring("copy.xml", rejection)
    assert (again.receipts, again.unchanged, len(again.documents)) == (0, 1, 2)
    with pytest.raises(NeverMailed):
        set_mailable(desk.session, desk.actor, documents[0], True)


def test_a_second_transmission_rejected_as_duplicate_leaves_the_first_standing(desk: Desk) -> None:
    [first, _second] = desk.bring(NAME, INVOICE).documents
    desk.bring("a.xml", receipt("NotificaScarto", "222", DUPLICATE))
    assert state(first) == (False, "sdi_rejected")
    desk.bring("b.xml", receipt("RicevutaConsegna", "111"))
    assert state(first) == (True, "")
    other = desk.bring(
        "IT99999999999_1_AT_1.xml", receipt("AttestazioneTrasmissioneFattura", "111", name="IT1_9.xml")
    )
    assert first in other.documents  # by the identifier, when the name is another


def test_a_rejection_drops_the_message_at_commit_and_says_why(desk: Desk) -> None:
    """BX-3: prepared before the receipt arrived."""
    session = desk.session
    make_account(session, desk.company)
    party = make_party(session, desk.company, vat_number="IT00743110157")
    make_contact(session, party, subscriptions=("invoice",))
    desk.bring(NAME, INVOICE)
    run = prepare(session, desk.actor, desk.company)
    [message] = rows(session, run)
    seen = fingerprint(session, run.id, desk.actor.sight)
    desk.bring("ns.xml", receipt("NotificaScarto", more=DUPLICATE))
    with pytest.raises(ListChanged):
        commit_run(session, desk.actor, run, seen=seen)
    session.refresh(message)
    assert (message.state, message.withheld_reason) == (MessageState.WITHHELD, "rejected_meanwhile")


def test_the_pages_show_and_filter_what_the_sdi_said(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    """Invoice and receipts in one ZIP; the courtesy copy is proposed."""
    with sqlite_home.database.write() as session:
        make_company(session, vat_number="IT01879020517")
        admin = make_user(session, is_admin=True, language="en", clearance=3)
    browser = login_as(admin)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("IT01879020517_00002_MC_001.xml", receipt("RicevutaImpossibilitaRecapito"))
        archive.writestr(NAME, INVOICE)
        archive.writestr("notes.txt", b"hello")
    files = {"files": [(io.BytesIO(packed.getvalue()), "sdi.zip")]}
    page = browser.post("/import/documents", data=files).get_data(as_text=True)
    assert page.count("Refused") == 1
    assert "sdi.zip/notes.txt" in page
    with sqlite_home.database.read() as session:
        [number] = session.scalars(select(Document.id).where(Document.type == "invoice"))
    shown = browser.get(f"/documents/{number}").get_data(as_text=True)
    assert "could not deliver this invoice" in shown
    assert f"/outbox/prepare?document={number}" in shown or f"document={number}" in shown
    link = f"/documents/{number}/receipts/1"
    assert link in shown
    assert browser.get(link).data == receipt("RicevutaImpossibilitaRecapito")
    assert browser.get(f"/documents/{number}/receipts/2").status_code == 404
    assert f"/documents/{number}" in browser.get("/documents?sdi=MC").get_data(as_text=True)
    assert f"/documents/{number}" not in browser.get("/documents?sdi=RC").get_data(as_text=True)
