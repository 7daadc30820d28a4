"""Delivery notes of the sample company: PDFs drawn here, kept as if they had been uploaded with their fields."""

from datetime import date

from sqlalchemy import select

from crm_mail.contacts.models import Party
from crm_mail.document_types import DocumentType
from crm_mail.documents.pdf_jobs import RenderJob
from crm_mail.documents.pdf_layouts import LAYOUTS
from crm_mail.documents.pdf_pool import PdfPool
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.rendering import pdf_available
from crm_mail.importers.documents.service import add_uploaded_pdf
from crm_mail.installation import Installation
from crm_mail.permissions import Actor

NOTES = (
    ("000101", "884", date(2026, 11, 3), "Pompa centrifuga CM 50-160", 2),
    ("000105", "891", date(2026, 11, 5), "Valvole a sfera, assortimento", 45),
    ("000110", "903", date(2026, 11, 18), "Kit tenuta meccanica", 6),
    ("000101", "907", date(2026, 11, 19), "Flange DN65 PN16", 12),
    ("000107", "908", date(2026, 11, 19), "Bomba centrífuga CM 50-160", 1),
    ("000103", "911", date(2026, 11, 20), "Girante in bronzo", 1),
)


def add_delivery_notes(home: Installation, actor: Actor, company_id: int) -> int:
    """Draw and keep the notes; how many. None where PDFs cannot be drawn."""
    if not pdf_available()[0]:
        return 0
    with home.database.read() as session:
        query = select(Party.code, Party.id, Party.name, Party.city).where(Party.company_id == company_id)
        parties = {code: (id_, name, city) for code, id_, name, city in session.execute(query)}
    jobs = [_job(note, parties[note[0]][1], parties[note[0]][2]) for note in NOTES if note[0] in parties]
    with PdfPool() as pool:
        drawn = {result.key: result.content for result in pool.render_many(jobs) if result.content}
    with home.database.write() as session:
        for code, number, dated_on, _what, _count in NOTES:
            content = drawn.get(number)
            if content is not None:
                party = session.get_one(Party, parties[code][0])
                name = f"DDT {number}.pdf"
                note = DocumentType.DELIVERY_NOTE
                add_uploaded_pdf(session, home.store, actor, party, note, number, dated_on, name, content)
    return len(drawn)


def _job(note: tuple[str, str, date, str, int], name: str, city: str) -> RenderJob:
    code, number, dated_on, what, count = note
    data = {
        "type": "delivery_note",
        "number": number,
        "date": dated_on.isoformat(),
        "company": {
            "name": "Officine Meccaniche Bassi S.p.A.",
            "city": "Modena",
            "vat_number": "IT03482910365",
        },
        "party": {"code": code, "name": name, "city": city},
        "lines": [{"code": "ART", "description": what, "qty": str(count), "uom": "PZ"}],
    }
    return RenderJob(number, LAYOUTS[DocumentType.DELIVERY_NOTE], data, "it", Theme())
