"""Types that ask for money or promise it: invoices, credit notes, quotes, declarations of intent."""

from typing import Literal

from pydantic import Field

from crm_mail.documents.schemas.envelope import Envelope, Part, Place, also
from crm_mail.documents.schemas.goods import PricedLine
from crm_mail.documents.schemas.problems import example_of
from crm_mail.documents.schemas.scalars import Amount, Code, Day, Text, Texts

_PROTOCOL = example_of(r"^\d{17}[-/]\d{6}$", "08060120341234567-000001")


class TaxRow(Part):
    """One rate, or one reason for no tax."""

    rate: Amount | None = None
    nature: Code | None = Field(None, description="N1 to N7 in Italy; the country's own code elsewhere")
    law: Text | None = Field(None, description="Why no tax, in words")
    base: Amount | None = None
    tax: Amount | None = None


class LegalId(Part):
    """What the tax office knows the document by."""

    sdi_id: Code | None = None
    uuid: Code | None = Field(None, description="CFDI")
    cdc: Code | None = Field(None, description="SIFEN")


class Invoice(Envelope):
    """An invoice (UBL Invoice); the printed form is a courtesy copy where the XML is the original."""

    minimum = ("lines|tax_summary|totals",)
    lines: list[PricedLine] = []
    tax_summary: list[TaxRow] = []
    seller: Place | None = None
    ship_to: Place | None = None
    legal: LegalId | None = also("legal", "legal_id")
    stamp: dict[str, str] | None = Field(None, description="Certificates, seals and QR of a printed CFDI")
    sdi_type: Code | None = Field(None, description="TD01 to TD29")
    recipient_code: Code | None = None


class CreditNote(Invoice):
    """A credit note (UBL CreditNote)."""

    reason: Text | None = None


class Quote(Envelope):
    """A quote (UBL Quotation)."""

    minimum = ("lines|totals",)
    lines: list[PricedLine] = []
    tax_summary: list[TaxRow] = []
    valid_until: Day | None = None
    delivery_time: Text | None = None
    terms: Text | None = None
    ship_to: Place | None = None
    has_acceptance: bool = Field(False, description="Print a block to sign and send back")
    introduction: Texts = []


class DeclarationOfIntent(Envelope):
    """Dichiarazione d'intento: what an exporter tells a supplier, with the tax office's protocol."""

    minimum = ("year", "protocol", "kind")
    year: int | None = Field(None, ge=1990, le=2999)
    progressive_number: Code | None = None
    kind: Literal["single", "up_to_amount", "customs"] | None = None
    amount: Amount | None = None
    protocol: str | None = Field(None, pattern=_PROTOCOL, description="17 digits, hyphen or slash, 6 digits")
    received_on: Day | None = also(
        "received_on", "receipt_date", description="Date of the tax office's receipt"
    )
    paragraphs: Texts = also("paragraphs", "legal_text", default=[])
    closing_paragraphs: Texts = []
    signatory: Text | None = None
