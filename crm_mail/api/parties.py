"""Customers and suppliers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from crm_mail.api.operations import Answer, Given, Reply, Taken
from crm_mail.api.paging import cut, read_id_cursor, write_cursor
from crm_mail.api.problems import not_found
from crm_mail.api.resources import (
    CompanyCode,
    CompanyPageQuery,
    Page,
    actor,
    company_by_code,
    company_codes,
    dump,
    interface,
)
from crm_mail.contacts import parties
from crm_mail.contacts.access import find_party
from crm_mail.contacts.finding.party_filter import PartyFilter, PartyKind
from crm_mail.contacts.finding.selection import party_query
from crm_mail.contacts.models import Party
from crm_mail.contacts.values import PartyValues
from crm_mail.delivery.routing import AddressKind
from crm_mail.permissions import Permission
from crm_mail.web.door import db

TAG = "Parties"
Text = Annotated[str, Field(max_length=1000)]


class PartyFields(Taken):
    """What can be said of a party. Texts that are left out stay as they are, or empty for a new party."""

    code: Text = Field("", description="Text: leading zeros count.", examples=["000123"])
    name: Text = Field("", examples=["Rossi S.r.l."])
    is_customer: bool = True
    is_supplier: bool = False
    vat_number: Text = ""
    tax_code: Text = ""
    address: Text = ""
    postcode: Text = ""
    city: Text = ""
    province: Text = ""
    country: Text = Field("", description="Two letters.", examples=["IT"])
    zone: Text = ""
    agent: Text = ""
    category: Text = ""
    credit_days: int | None = Field(None, ge=0, le=999)
    language: Text = Field("", description="Two letters; empty: the company's.")
    email: Text = Field("", description="The master address.", examples=["amministrazione@rossi.example"])
    email_kind: AddressKind = AddressKind.UNKNOWN
    billing_email: Text = Field("", description="When set, it alone receives.")
    billing_email_kind: AddressKind = AddressKind.UNKNOWN
    packaging: Text = Field(
        "GRAL", description="Code of a packaging, with addresses behind it: GRAL,a@x,b@x."
    )


class NewParty(PartyFields):
    """A new customer or supplier."""

    company: CompanyCode
    code: Annotated[str, Field(min_length=1, max_length=60)]
    name: Annotated[str, Field(min_length=1, max_length=250)]


class PartyChange(PartyFields):
    """What is to be different; fields that are left out stay."""

    is_blocked: bool = Field(False, description="True stops every mail to this party.")


class PartyOut(Given):
    """A customer or supplier."""

    id: int
    company: str
    code: str
    name: str
    is_customer: bool
    is_supplier: bool
    vat_number: str
    tax_code: str
    address: str
    postcode: str
    city: str
    province: str
    country: str
    zone: str
    agent: str
    category: str
    credit_days: int | None
    language: str
    email: str
    email_kind: AddressKind
    billing_email: str
    billing_email_kind: AddressKind
    packaging: str
    is_blocked: bool
    created_at: datetime
    updated_at: datetime


class PartyQuery(CompanyPageQuery):
    """Which parties."""

    kind: Literal["", "customer", "supplier"] = ""
    code: list[str] = Field([], max_length=200, description="Exactly these codes; may be repeated.")
    agent: list[str] = Field([], max_length=50)
    zone: list[str] = Field([], max_length=50)
    city: list[str] = Field([], max_length=50)
    category: list[str] = Field([], max_length=50)
    q: str = Field("", max_length=200, description="Words to be found in code, name, numbers or addresses.")


def shown_party(party: Party, company: str) -> PartyOut:
    """A party as it is answered."""
    values = {
        name: getattr(party, name) for name in PartyOut.model_fields if name not in ("company", "packaging")
    }
    emails = f",{party.packaging_emails}" if party.packaging_emails else ""
    return PartyOut(company=company, packaging=f"{party.packaging}{emails}", **values)


def party_or_404(party_id: int) -> Party:
    """The party, if it exists for the key."""
    party = find_party(db(), actor(), party_id)
    if party is None:
        raise not_found("party", party_id)
    return party


@interface.operation(
    "GET",
    "/parties",
    tag=TAG,
    scope=Permission.CONTACTS_SEE,
    query=PartyQuery,
    answers=[Answer(200, "A page, in the order of their making.", Page[PartyOut])],
)
def list_parties(query: PartyQuery) -> Page[PartyOut]:
    """Customers and suppliers of a company."""
    company = company_by_code(query.company, Permission.CONTACTS_SEE)
    chosen = PartyFilter(
        company.id,
        kind=PartyKind(query.kind) if query.kind else None,
        codes=tuple(query.code),
        agents=tuple(query.agent),
        zones=tuple(query.zone),
        cities=tuple(query.city),
        categories=tuple(query.category),
        text=query.q,
    )
    found = party_query(chosen, actor().sight).with_only_columns(Party)
    if (last := read_id_cursor("parties", query.after)) is not None:
        found = found.where(Party.id > last)
    rows, more = cut(db().scalars(found.order_by(Party.id).limit(query.limit + 1)).all(), query.limit)
    return Page[PartyOut](
        data=[shown_party(row, company.code) for row in rows],
        next=write_cursor("parties", rows[-1].id) if more else None,
    )


@interface.operation(
    "POST",
    "/parties",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    body=NewParty,
    answers=[Answer(201, "The new party.", PartyOut, has_location=True)],
    refusals=[409],
)
def create_party(body: NewParty) -> Reply:
    """Add a customer or supplier.

    The code must be free in the company. Files of an import change parties of the same code instead.
    """
    company = company_by_code(body.company, Permission.CONTACTS_MANAGE, where="company")
    party = parties.create_party(db(), actor(), company.id, _values(body))
    return Reply(shown_party(party, company.code), 201, {"Location": f"/api/v1/parties/{party.id}"})


def _values(body: PartyFields, before: Party | None = None) -> PartyValues:
    """The values as typed: those of the request over those that are stored."""
    stored = {} if before is None else shown_party(before, "").model_dump()
    names = PartyValues.__dataclass_fields__
    values = {name: stored[name] for name in names if name in stored}
    if before is not None:
        values["addenda"] = before.addenda
    given = dump(body) if before is not None else body.model_dump()
    values |= {name: value for name, value in given.items() if name in names}
    values["credit_days"] = "" if values.get("credit_days") is None else str(values["credit_days"])
    return PartyValues(**values)


@interface.operation(
    "GET",
    "/parties/<int:party_id>",
    tag=TAG,
    scope=Permission.CONTACTS_SEE,
    answers=[Answer(200, "The party.", PartyOut)],
    refusals=[404],
)
def show_party(party_id: int) -> PartyOut:
    """One customer or supplier."""
    party = party_or_404(party_id)
    return shown_party(party, company_codes()[party.company_id])


@interface.operation(
    "PATCH",
    "/parties/<int:party_id>",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    body=PartyChange,
    answers=[Answer(200, "The party as it is now.", PartyOut)],
    refusals=[404, 409],
)
def change_party(party_id: int, body: PartyChange) -> PartyOut:
    """Change a customer or supplier, or block it.

    A party is never deleted: its documents and messages stay its own. Block it instead.
    """
    party = party_or_404(party_id)
    parties.update_party(db(), actor(), party, _values(body, party))
    if "is_blocked" in body.model_fields_set:
        parties.block_party(db(), actor(), party, blocked=body.is_blocked)
    db().flush()
    return shown_party(party, company_codes()[party.company_id])
