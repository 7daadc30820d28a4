"""What a text is tried on before it is saved, and shown with in the editor: one party, two documents. Pure.

The names carry accents, ñ and `& < > " '` on purpose: an author sees at once that they come out right (PM-12).
"""

from datetime import date
from decimal import Decimal
from typing import Any

from crm_mail.document_types import NO_NAMES, DocumentType, TypeNames
from crm_mail.documents.builtin_texts import BUNDLE
from crm_mail.documents.message_context import (
    CompanyFields,
    DocumentFields,
    SenderFields,
    build_context,
    share_context,
)

TODAY = date(2026, 11, 21)


def sample_documents(name: str) -> list[DocumentFields]:
    """Two documents of the text's type; a bundle has an invoice and a delivery note."""
    types = (DocumentType.INVOICE.value, DocumentType.DELIVERY_NOTE.value) if name == BUNDLE else (name, name)
    return [
        DocumentFields(
            type=document_type,
            number=f"{1024 + place}",
            date=date(2026, 11, 2 + place),
            total=Decimal("1234.50") * (place + 1),
            currency="EUR",
            due_date=date(2026, 12, 31),
            reference="A/77",
        )
        for place, document_type in enumerate(types)
    ]


def sample_context(
    company: CompanyFields,
    sender: SenderFields,
    name: str,
    language: str,
    documents: int = 1,
    named: TypeNames = NO_NAMES,
) -> dict[str, Any]:
    """The mapping that a text is rendered with; `documents` 1 or 2, a bundle always has two."""
    all_documents = sample_documents(name)
    count = 2 if name == BUNDLE else documents
    return build_context(
        share_context(company, sender, TODAY, named),
        {
            "code": "000427",
            "name": "Ñandú & Söhne «L'Àncora» <S.r.l.>",
            "vat_number": "IT01234567890",
            "city": "Forlì",
            "language": language,
        },
        {"name": 'José "Pepe" D\'Amico', "email": "jose@example.com", "roles": ""},
        all_documents[:count],
        language,
    )
