"""An office with a run under review."""

from typing import Any

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.delivery.models import AccountKind
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.outbox.models import Run
from crm_mail.permissions import OUTBOX_PERMISSIONS, Actor, Permission
from crm_mail.storage import BlobStore
from crm_mail.users.models import User
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user
from tests.outbox.preparing import prepare


def reviewer(session: Session, clearance: int = 3, company: Company | None = None, **overrides: Any) -> User:
    """A user who may prepare, review and commit every type, in one company or in all."""
    company_id = company.id if company else None
    rights = [
        (permission, "*", company_id) for permission in (*OUTBOX_PERMISSIONS, Permission.DOCUMENTS_EXPORT)
    ]
    return make_user(session, grants=rights, clearance=clearance, **({"language": "en"} | overrides))


def actor_of(user: User) -> Actor:
    """The actor that a signed-in user is."""
    grants = frozenset((g.permission, g.document_type, g.company_id) for g in user.grants)
    return Actor(user.id, user.name, user.email, user.clearance, user.is_admin, grants)


def small_pdf(text: str) -> bytes:
    """A real PDF of one page."""
    stream = f"BT /F1 18 Tf 60 760 Td ({text}) Tj ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


def document_with_pdf(session: Session, store: BlobStore, party: Any, number: str, **values: Any) -> Document:
    """A document whose PDF is really in the store."""
    data = small_pdf(f"Fattura {number} - {party.name}")
    sha256 = store.put(data)
    name = f"Fattura_{number.replace('/', '-')}.pdf"
    return make_document(session, party, ((name, sha256, len(data)),), number=number, **values)


NAMES = (
    "Officine Meccaniche Fratelli Bianchi & Figli S.n.c. di Bianchi Giovanni e C.",
    "Ferretería Núñez y Compañía, S.L.",
    "Rossi Mario S.r.l.",
    "L'Angolo del Caffè di D'Amico Nicolò",
    "Società Agricola Perù Però Così S.S.",
    "Construcciones Ibáñez-Peñalver e Hijos, S.A.",
    "Comune di San Donà di Piave",
    "Studio Associato Müller-Lüdenscheidt",
    "Carrozzeria Gatti",
    "Żółć Trading Sp. z o.o.",
)
CITIES = ("Milano", "Torino", "Sevilla", "San Donà di Piave", "Valencia", "Bari")


def office_with_run(session: Session, store: BlobStore, count: int = 60) -> Run:
    """A company with real documents and all kinds of difficulties, and a run over them."""
    company = make_company(session, code="SM02", name="Officine San Marco S.p.A.", city="Milano")
    make_account(
        session,
        company,
        name="Amministrazione",
        from_name="Officine San Marco",
        from_address="fatture@sanmarco.example",
    )
    make_account(
        session,
        company,
        name="PEC aziendale",
        kind=AccountKind.PEC,
        from_address="sanmarco@pec.sanmarco.example",
    )
    for number in range(count):
        _party(session, store, company, number)
    session.flush()
    run = prepare(
        session,
        Actor(None, "Anna Neri", clearance=3, is_admin=True),
        company,
        store.has,
        document_types=("invoice", "credit_note", "account_statement"),
    )
    run.title = "Fatture di ottobre"
    run.hidden_recipients = 3
    session.flush()
    return run


def _party(session: Session, store: BlobStore, company: Company, number: int) -> None:
    name = NAMES[number % len(NAMES)] if number < len(NAMES) else f"{NAMES[number % len(NAMES)]} {number}"
    has_address = number % 9 != 4
    party = make_party(
        session,
        company,
        code=f"{number + 101:06}",
        name=name,
        language=("it", "es")[number % 2],
        agent=f"A{number % 4 + 1}",
        zone=("Nord", "Sur")[number % 2],
        city=CITIES[number % len(CITIES)],
        email=f"contabilidad.y.administracion{number}@cliente-{number}.example" if has_address else "",
    )
    if number % 3 == 0:
        kind = "pec" if number % 2 else "unknown" if number % 4 else "ordinary"
        make_contact(
            session,
            party,
            ((f"amministrazione@cliente{number}.example", kind),),
            ("invoice", "credit_note"),
            name="Dott.ssa Chiara D'Alessandro",
        )
        make_contact(
            session,
            party,
            ((f"direzione@cliente{number}.example", "ordinary"),),
            ("invoice:cc",),
            name="Direzione",
        )
    document_with_pdf(session, store, party, f"FE/2026/{number + 1:04}")
    if number % 5 == 0:
        document_with_pdf(session, store, party, f"FE/2026/{number + 1001:04}")
        document_with_pdf(session, store, party, f"NC/{number:03}", type=DocumentType.CREDIT_NOTE)
    if number % 11 == 7:
        make_document(session, party, files=(), number=f"FE/2026/9{number:03}")
    if number % 13 == 6:
        make_document(session, party, number=f"X{number}", is_mailable=False, not_mailable_reason="TD17")


def add_file(
    session: Session, document: Document, store: BlobStore, name: str, data: bytes, mime: str
) -> None:
    """One more file that is sent with a document."""
    document.files.append(
        DocumentFile(
            position=len(document.files),
            role="main",
            name=name,
            mime=mime,
            sha256=store.put(data),
            size=len(data),
        )
    )
    session.flush()
