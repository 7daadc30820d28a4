"""The envelope that all document types share: who, when, how much, which files.

The other type's fields stand in the neighbouring files. A field that is absent prints nothing; what is needed
to draw a PDF is in each type's `minimum`. Names that older data and other programs use are taken as aliases
(`vat` for `vat_number`, `iban` for `payment.iban`), and written back under the names here.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from crm_mail.documents.schemas.scalars import Amount, Code, Country, Currency, Day, Number, Text, Texts


def also(*names: str, default: Any = None, description: str | None = None) -> Any:
    """An optional field that other names fill as well."""
    return Field(default, validation_alias=AliasChoices(*names), description=description)


class Part(BaseModel):
    """A piece of a document. What it does not know is kept: `canonical.py` moves it under `extra`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:
        """A field that is null or an empty text says nothing."""
        if not isinstance(value, dict):
            return value
        return {key: inner for key, inner in value.items() if inner is not None and inner != ""}


class Company(Part):
    """The firm that issues the document; a text alone is its code."""

    code: Code | None = None
    name: Text | None = None
    vat_number: Code | None = also("vat_number", "vat")
    tax_code: Code | None = None
    address: Text | None = None
    postcode: Code | None = None
    city: Text | None = None
    province: Text | None = None
    country: Country | None = None
    email: Code | None = None
    pec: Code | None = None
    phone: Code | None = None
    website: Code | None = None
    registration: Text | None = Field(None, description="Company register, share capital: the printed foot")


class Party(Part):
    """The customer or supplier; it is found by code, else by VAT number, tax code or name."""

    code: Code | None = None
    name: Text | None = None
    vat_number: Code | None = also("vat_number", "vat")
    tax_code: Code | None = None
    address: Text | None = None
    postcode: Code | None = None
    city: Text | None = None
    province: Text | None = None
    country: Country | None = None
    email: Code | None = None
    pec: Code | None = None
    phone: Code | None = None

    @model_validator(mode="after")
    def _is_named(self) -> "Party":
        if not (self.code or self.name or self.vat_number or self.tax_code):
            raise PydanticCustomError("party_unnamed", "nothing names the party")
        return self


class Place(Part):
    """A name and an address: where goods go, who carries them."""

    code: Code | None = None
    name: Text | None = None
    address: Text | None = None
    postcode: Code | None = None
    city: Text | None = None
    province: Text | None = None
    country: Country | None = None
    vat_number: Code | None = also("vat_number", "vat")
    tax_code: Code | None = None
    phone: Code | None = None


class Person(Part):
    """Whom to ask."""

    name: Text | None = None
    role: Text | None = None
    email: Code | None = None
    phone: Code | None = None


class DueDate(Part):
    """One instalment."""

    date: Day | None = None
    amount: Amount | None = None
    method: Text | None = None
    status: Code | None = Field(None, description="open, paid, unpaid, or the ERP's own word")


class Totals(Part):
    """Sums in the document's currency: `gross` is its total, `payable` what is asked for."""

    net: Amount | None = None
    tax: Amount | None = None
    gross: Amount | None = None
    withholding: Amount | None = None
    stamp: Amount | None = None
    rounding: Amount | None = None
    payable: Amount | None = None


class Payment(Part):
    """How to pay: terms in words and the bank."""

    terms: Text | None = None
    method: Text | None = None
    bank: Text | None = None
    iban: Code | None = None
    bic: Code | None = None


class Reference(Part):
    """Another document that this one names."""

    type: Code | None = Field(None, description="A document type id, or a word such as contract")
    number: Code | None = None
    date: Day | None = None


class Fact(Part):
    """A label and its value, printed in the head."""

    label: Text
    value: Text | None = None


class FileEntry(Part):
    """A file of the document: its bytes in Base64 (`content`), or where it lies (`path`)."""

    name: Code
    role: Literal["main", "legal_xml", "attachment"] = "attachment"
    mime: Code | None = None
    sha256: Code | None = None
    content: str | None = Field(None, description="Base64")
    path: Text | None = Field(None, description="Beside the JSON, inside an allowed folder")


def _company(value: Any) -> Any:
    return {"code": value} if isinstance(value, str | int) else value


# other names of fields that stand one level down: their place
_LIFTED = {
    "iban": ("payment", "iban"),
    "payment_terms": ("payment", "terms"),
    "bank": ("payment", "bank"),
    "bank_details": ("payment", None),
    "contact_person": ("contact", None),
    "buyer_contact": ("contact", None),
}


class Envelope(Part):
    """Fields of every type."""

    minimum: ClassVar[tuple[str, ...]] = ()
    """Paths that must hold something before a PDF can be drawn; `a|b` asks for one of the two."""

    schema_: Code | None = Field(None, alias="schema", description="crm-mail/1")
    source: Code | None = Field(None, description="The program that made it")
    company: Annotated[Company | None, BeforeValidator(_company)] = None
    external_id: Code | None = Field(
        None, description="Its key in the source: the same again is a new version"
    )
    type: Code = Field(description="A document type id")
    number: Number
    series: Code | None = None
    date: Day
    title: Text | None = Field(None, description="Replaces the printed heading")
    currency: Currency | None = None
    language: Code | None = Field(None, description="it, es, en; else the party's")
    party: Party
    direction: Literal["customer", "supplier", "internal"] | None = None
    agent: Text | None = None
    zone: Text | None = None
    contact: Person | None = None
    due_dates: list[DueDate] = []
    totals: Totals | None = None
    payment: Payment | None = None
    references: list[Reference] = []
    notes: Texts = []
    facts: list[Fact] = Field([], description="More rows for the printed head")
    files: list[FileEntry] = []
    confidential: bool = False
    replaces: Code | None = Field(None, description="The external_id or number of what this corrects")
    extra: dict[str, Any] = Field(default_factory=dict, description="Anything else, kept as it came")

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, value: Any) -> Any:
        """Put `iban`, `payment_terms` and the like where they belong; what is there already wins."""
        if not isinstance(value, dict) or not (_LIFTED.keys() & value.keys()):
            return value
        moved = {key: inner for key, inner in value.items() if key not in _LIFTED or key in cls.model_fields}
        for name, (group, field) in _LIFTED.items():
            if name not in value or name in moved:
                continue
            found = value[name]
            if field is None and isinstance(found, str):
                found = {"bank": found} if group == "payment" else {"name": found}
            there = moved.get(group) or {}
            if isinstance(there, dict):
                offered = found if field is None and isinstance(found, dict) else {field: found}
                moved[group] = {**offered, **there}
        return moved
