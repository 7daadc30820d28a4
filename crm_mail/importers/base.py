"""What every importer returns: frozen dataclasses, errors as values, and the one exception to refuse a file.

`None` in a field of a party or contact means "the file says nothing": applying it leaves the stored value as
it is. An empty cell is such a None; an import never clears a field.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from crm_mail.contacts.birthdays import Birthday
from crm_mail.contacts.consents.rules import ConsentEntry
from crm_mail.delivery.routing import AddressKind
from crm_mail.document_types import DocumentType
from crm_mail.importers.messages import render_message
from crm_mail.refusals import Refusal

__all__ = ["AddressKind"]

DOCUMENT_TYPES: Final[tuple[str, ...]] = tuple(item.value for item in DocumentType)
"""The document type ids that an import file may name (ledger IT-2, IT-9)."""


class PartyKind(StrEnum):
    """Whether the party buys, sells or does both."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    BOTH = "both"


class RecipientKind(StrEnum):
    """The header line on which a subscribed contact stands."""

    TO = "to"
    CC = "cc"


class Direction(StrEnum):
    """Which way a document goes: to a customer of ours, or from a supplier of ours."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    INTERNAL = "internal"  # for the own staff; canonical documents only


class ImportRefused(Refusal):
    """The whole file is refused; the message says what is wrong, where, and what to do.

    `code` is a key of `messages.REFUSALS`, `params` its parameters, so that the web layer can translate.
    """

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params: Mapping[str, object] = params
        self.message = render_message(code, params)
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that stops nothing: a code, its parameters, and where it was seen."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    row: int | None = None
    column: str | None = None

    @property
    def message(self) -> str:
        """The English sentence."""
        return render_message(self.code, self.params)


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row cannot be applied. `row` counts from 1 as the user sees it; `column` is the file's header."""

    row: int
    column: str | None
    code: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The English sentence, without row and column."""
        return render_message(self.code, self.params)


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """One e-mail address, already normalised, and what it is known to be."""

    email: str
    kind: AddressKind = AddressKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class ParsedSubscription:
    """This contact receives documents of this type, as To or Cc (IT-9)."""

    document_type: str
    recipient_kind: RecipientKind = RecipientKind.TO


@dataclass(frozen=True, slots=True)
class ParsedParty:
    """A customer or supplier as the file describes it."""

    code: str | None = None
    name: str | None = None
    kind: PartyKind | None = None
    vat_number: str | None = None
    tax_code: str | None = None
    address: str | None = None
    postcode: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    zone: str | None = None
    agent: str | None = None
    category: str | None = None
    credit_days: int | None = None
    language: str | None = None
    emails: tuple[str, ...] = ()
    """The master e-mail (several where the cell held several)."""
    billing_emails: tuple[str, ...] = ()
    """The billing override: when set it alone receives (PM-15)."""
    packaging: str | None = None
    packaging_emails: tuple[str, ...] | None = None
    """Addresses behind the packaging; None: the file does not say, empty: there are none."""

    @property
    def match_key(self) -> tuple[str, str] | None:
        """How to recognise the party: ("code" | "vat_number" | "tax_code" | "name", value), or None."""
        for name in ("code", "vat_number", "tax_code"):
            value = getattr(self, name)
            if value:
                return name, value
        return ("name", " ".join(self.name.split()).casefold()) if self.name else None


@dataclass(frozen=True, slots=True)
class ParsedContact:
    """A person or office of a party. Several rows of one party are several contacts (IT-8)."""

    name: str
    roles: tuple[str, ...] = ()
    addresses: tuple[ParsedAddress, ...] = ()
    phones: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()
    language: str | None = None
    privacy_level: int | None = None
    characteristics: tuple[tuple[str, str | None], ...] = ()
    subscriptions: tuple[ParsedSubscription, ...] = ()
    consents: tuple[ConsentEntry, ...] = ()
    birthday: Birthday | None = None
    not_subscribed: tuple[str, ...] = ()
    """Document types that the file says this contact does not receive (a flag column holding N)."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One row of a contact file. With errors it must not be applied; the other rows are not touched by it."""

    row: int
    party: ParsedParty | None
    contact: ParsedContact | None = None
    errors: tuple[RowError, ...] = ()
    warnings: tuple[Notice, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the row may be applied."""
        return not self.errors and self.party is not None


@dataclass(frozen=True, slots=True)
class DocumentParty:
    """Seller or buyer as a document states it."""

    name: str | None = None
    vat_number: str | None = None
    """Country and number together, as written: IT01234567890."""
    tax_code: str | None = None
    address: str | None = None
    postcode: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None
    pec: str | None = None


@dataclass(frozen=True, slots=True)
class DueDate:
    """One instalment; `date` is None when the document neither states nor implies it."""

    date: dt.date | None
    amount: Decimal | None
    method: str | None = None
    iban: str | None = None
    computed: bool = False


@dataclass(frozen=True, slots=True)
class DocumentReference:
    """Another document that this one names; `kind` is order, contract, agreement, invoice, delivery_note…"""

    kind: str
    number: str
    date: dt.date | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line of a document; amounts as written, never recomputed."""

    number: str | None
    description: str
    code: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    price: Decimal | None = None
    discount: str | None = None
    net: Decimal | None = None
    tax_rate: Decimal | None = None
    tax_nature: str | None = None


@dataclass(frozen=True, slots=True)
class TaxSummary:
    """One row of the VAT summary."""

    rate: Decimal | None
    nature: str | None
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a document in its currency. `gross` is the document total, `payable` what is asked for."""

    net: Decimal | None = None
    tax: Decimal | None = None
    gross: Decimal | None = None
    withholding: Decimal | None = None
    stamp: Decimal | None = None
    payable: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A file found inside a document; the name is the sender's: clean it before any use as a path."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file that came with a document, not inside it; `role` is that of `documents.service.FileRole`."""

    role: str
    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """One document. The caller builds the natural key from company, type, year, number and seller."""

    type: str
    number: str
    date: dt.date
    currency: str
    seller: DocumentParty
    buyer: DocumentParty
    totals: Totals
    series: str | None = None
    direction: Direction | None = None
    """None while neither side is known to be ours (see `fatturapa.orient_document`)."""
    due_dates: tuple[DueDate, ...] = ()
    references: tuple[DocumentReference, ...] = ()
    lines: tuple[DocumentLine, ...] = ()
    tax_summary: tuple[TaxSummary, ...] = ()
    notes: tuple[str, ...] = ()
    ibans: tuple[str, ...] = ()
    attachments: tuple[ParsedAttachment, ...] = ()
    legal_file: bytes = b""
    """The file exactly as it arrived, never rewritten (signed envelope included)."""
    legal_file_kind: str = "xml"
    legal_xml: bytes = b""
    """The XML of the file: the same bytes, or what the signed envelope enclosed."""
    body_index: int = 1
    body_count: int = 1
    sdi_type: str | None = None
    sdi_format: str | None = None
    recipient_code: str | None = None
    transmission_id: str | None = None
    mailable: bool = True
    not_mailable_reason: str | None = None
    source: str = "fatturapa"
    """The format it was read from (`detect.FileFormat`); the first part of the stored document's source."""
    is_legal_sent: bool = False
    """Whether the legal file goes with the mail: yes for a CFDI (PM-6), no for a FatturaPA."""
    party_code: str | None = None
    """Our code of the other party, where the file tells it."""
    identity: str | None = None
    """What stands for the number in the natural key, where there is none yet or it is shared."""
    uuid: str | None = None
    """What the law knows the document by where numbers may repeat (CFDI); None also while it is not stamped."""
    generic_tax_id: str | None = None
    """The buyer's tax id when it means nobody in particular (CFDI: the general public, foreigners)."""
    privacy_level: int = 0
    """For whom the document exists: clearance 0 to 3, as with contacts."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the type or the format has beyond the envelope; its keys are added to the canonical data."""
    suggested_pec: str | None = None
    """The buyer's PEC stated for the SdI, only when we are the seller: to be confirmed by a person."""
    suggested_email: str | None = None
    """The buyer's ordinary e-mail as the document states it, to be confirmed by a person too."""
    warnings: tuple[Notice, ...] = ()
    files: tuple[ParsedFile, ...] = ()
    """Files beside the legal one: those that a canonical document names, or that a side-car stands for."""
    canonical: Mapping[str, Any] | None = None
    """The whole document, checked, where the file was canonical itself."""
    replaces: str | None = None
    """Number or external id of the document that this one takes the place of."""

    @property
    def year(self) -> int:
        """The year of the natural key."""
        return self.date.year

    @property
    def party(self) -> DocumentParty | None:
        """The other side: the buyer of what we sell, the seller of what we buy; None without a direction."""
        if self.direction is None:
            return None
        return self.buyer if self.direction is Direction.CUSTOMER else self.seller
