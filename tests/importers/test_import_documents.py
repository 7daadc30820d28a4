"""The whole way in: files of every European kind become documents of their parties, with the files that go out."""

import io
import zipfile
from pathlib import Path

from pypdf import PdfWriter
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.importers.documents.bundles import ImportedFile, import_files
from crm_mail.installation import Installation
from tests.factories import make_actor, make_company, make_party

SAMPLES = Path(__file__).parent.parent / "samples"
UBL = (SAMPLES / "ubl" / "invoice.xml").read_bytes()
EXPORT = (SAMPLES / "easyfatt" / "export.xml").read_bytes()


def hybrid() -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(200, 200)
    writer.add_attachment("factur-x.xml", UBL.replace(b"2026-117", b"2026-118"))
    writer.add_attachment("xrechnung.xml", UBL.replace(b"2026-117", b"2026-118"))
    writer.write(out)
    return out.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_an_archive_of_every_kind_becomes_documents_and_again_changes_nothing(
    session: Session, home: Installation
) -> None:
    """Wrong endings do not matter; a file that is refused stops no other."""
    company, actor = make_company(session, vat_number="IT01879020517"), make_actor()
    supplier = make_party(session, company, code="F010", name="Acciai", vat_number="IT01234567897")
    files = {
        "invoice.pdf": UBL,
        "hybrid.xml": hybrid(),
        "sub/export.txt": EXPORT,
        "notes.xml": b"remember the milk",
    }
    data = packed(files)

    def bring() -> dict[str, ImportedFile]:
        found = import_files(session, home.store, actor, company, "all.zip", data)
        return {file.name.removeprefix("all.zip/"): file for file in found}

    done = bring()
    refused = done["notes.xml"].refused
    assert refused is not None
    assert refused.code == "wrong_format"
    results = {name: file.result for name, file in done.items() if file.result is not None}
    assert {name: result.created for name, result in results.items()} == {
        "invoice.pdf": 1,
        "hybrid.xml": 1,
        "sub/export.txt": 8,
    }
    [plain], [whole] = results["invoice.pdf"].documents, results["hybrid.xml"].documents
    assert [(f.role, f.mime, f.is_sent) for f in plain.files] == [("legal_xml", "application/xml", True)]
    assert [(f.role, f.mime, f.is_sent) for f in whole.files] == [("main", "application/pdf", True)]
    assert plain.party_id == whole.party_id
    assert session.get_one(Party, plain.party_id).vat_number == "DE811111118"

    exported = results["sub/export.txt"].documents
    assert {d.party_id for d in exported if d.type in ("purchase_order", "goods_receipt")} == {supplier.id}
    assert [d.number for d in exported if not d.is_mailable] == ["3"]
    assert not any(file.is_sent for document in exported for file in document.files)
    note = next(d for d in exported if d.type == "delivery_note")
    assert note.data["carrier"] == {"name": "Corriere Veloce"}

    suggested = session.scalars(select(Contact).where(Contact.state == ContactState.SUGGESTED)).all()
    assert sorted(address.email for contact in suggested for address in contact.addresses) == [
        "buchhaltung@bergmann.example",
        "rossi@pec.example",
    ]
    again = [file.result for file in bring().values() if file.result is not None]
    assert sum(result.unchanged for result in again) == 10
    assert sum(result.created + result.versions + result.suggested for result in again) == 0
