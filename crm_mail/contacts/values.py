"""What a person types about a party or a contact, and the same cleaned and judged (pure)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from crm_mail.companies.addenda import MAX_LENGTH, AddendaInvalid, check_addenda
from crm_mail.companies.packaging_rules import (
    DEFAULT_PACKAGING,
    MAX_EMAILS,
    PackagingChoiceInvalid,
    parse_packaging,
)
from crm_mail.companies.tax_numbers import clean_number
from crm_mail.contacts.birthdays import BirthdayInvalid, parse_birthday
from crm_mail.contacts.finding.party_filter import split_characteristic
from crm_mail.contacts.letters import plain
from crm_mail.contacts.models import ContactState, RecipientKind
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.db import today
from crm_mail.delivery.addresses import AddressInvalid, address_key, normalise_address
from crm_mail.delivery.routing import AddressKind

LEVELS: Final = (0, 1, 2, 3)
_TWO_LETTERS = re.compile(r"[A-Za-z]{2}")
_DAYS = re.compile(r"[0-9]{1,3}")

_LENGTHS: Final[Mapping[str, int]] = {
    "code": 60,
    "name": 250,
    "vat_number": 30,
    "tax_code": 30,
    "address": 200,
    "postcode": 20,
    "city": 100,
    "province": 50,
    "zone": 60,
    "agent": 60,
    "category": 60,
}


@dataclass(frozen=True, slots=True)
class PartyValues:
    """A customer or supplier as typed; names of fields are those of the `Party` model."""

    code: str
    name: str
    is_customer: bool = True
    is_supplier: bool = False
    vat_number: str = ""
    tax_code: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    province: str = ""
    country: str = ""
    zone: str = ""
    agent: str = ""
    category: str = ""
    credit_days: str = ""
    language: str = ""
    email: str = ""
    email_kind: AddressKind = AddressKind.UNKNOWN
    billing_email: str = ""
    billing_email_kind: AddressKind = AddressKind.UNKNOWN
    addenda: str = ""
    packaging: str = DEFAULT_PACKAGING  # with addresses behind it: GRAL,a@x,b@x

    def as_columns(self) -> dict[str, Any]:
        """Column → value, with the key that the list is ordered by."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        days = int(self.credit_days) if self.credit_days else None
        code, _comma, emails = self.packaging.partition(",")
        return columns | {
            "name_key": name_key(self.name),
            "credit_days": days,
            "packaging": code,
            "packaging_emails": emails,
        }


@dataclass(frozen=True, slots=True)
class AddressValues:
    """One address and what is known of it."""

    email: str
    kind: AddressKind = AddressKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class SubscriptionValues:
    """How a document type is received; ``email`` empty: by the contact's usual address."""

    kind: RecipientKind = RecipientKind.TO
    email: str = ""


@dataclass(frozen=True, slots=True)
class ContactValues:
    """A person or an office as typed.

    Args:
        role_ids: roles of the company's list.
        characteristics: ``key`` or ``key=value``, one each.
        subscriptions: document type → how; a type that is missing is not received. None: leave them as they
            are.
    """

    name: str
    role_ids: tuple[int, ...] = ()
    phone: str = ""
    mobile: str = ""
    language: str = ""
    privacy_level: int = 0
    state: ContactState = ContactState.ACTIVE
    notes: str = ""
    birthday: str = ""
    addresses: tuple[AddressValues, ...] = ()
    characteristics: tuple[str, ...] = ()
    subscriptions: Mapping[str, SubscriptionValues] | None = field(default=None)


def one_line(text: str) -> str:
    """Without outer blanks, and with single ones inside."""
    return " ".join(text.split())


def name_key(name: str) -> str:
    """What a name is found and ordered by: on one line, in plain letters."""
    return plain(one_line(name))


def clean_email(text: str, field_name: str = "email") -> str:
    """One address as it is kept, or empty.

    Raises:
        ContactRefused: it is not an address.
    """
    if not text.strip():
        return ""
    try:
        return normalise_address(text)
    except AddressInvalid as refusal:
        raise ContactRefused(
            Problem.EMAIL_INVALID, field_name, email=text.strip(), detail=str(refusal)
        ) from None


def clean_party(values: PartyValues) -> PartyValues:
    """The values as they are kept.

    Raises:
        ContactRefused: the first thing that is wrong, with its field.
    """
    texts = {name: one_line(getattr(values, name)) for name in _LENGTHS}
    for name, maximum in _LENGTHS.items():
        _check_length(texts[name], maximum, name)
    for name, problem in (("code", Problem.CODE_MISSING), ("name", Problem.NAME_MISSING)):
        if not texts[name]:
            raise ContactRefused(problem, name)
    if not (values.is_customer or values.is_supplier):
        raise ContactRefused(Problem.NEITHER_KIND, "is_customer")
    texts |= {name: clean_number(texts[name]) for name in ("vat_number", "tax_code")}
    texts["country"] = _two_letters(values.country, "country", Problem.COUNTRY_INVALID).upper()
    texts["language"] = clean_language(values.language)
    texts["credit_days"] = values.credit_days.strip()
    if texts["credit_days"] and not _DAYS.fullmatch(texts["credit_days"]):
        raise ContactRefused(Problem.CREDIT_DAYS_INVALID, "credit_days", days=texts["credit_days"][:30])
    for name in ("email", "billing_email"):
        texts[name] = clean_email(getattr(values, name), name)
    texts["packaging"] = clean_packaging(values.packaging)
    texts["addenda"] = _clean_addenda(values.addenda)
    changes: dict[str, Any] = texts
    return replace(values, **changes)


def clean_packaging(text: str) -> str:
    """A packaging and the addresses behind it as they are kept (PM-15).

    Raises:
        ContactRefused: it cannot be read.
    """
    try:
        return parse_packaging(text).text
    except PackagingChoiceInvalid as refused:
        if refused.part == "email":
            raise ContactRefused(
                Problem.EMAIL_INVALID, "packaging", email=refused.value, detail=str(refused)
            ) from None
        if refused.part == "length":
            raise ContactRefused(
                Problem.TOO_LONG, "packaging", value=f"{text[:30]}…", maximum=MAX_EMAILS
            ) from None
        raise ContactRefused(Problem.PACKAGING_INVALID, "packaging", code=refused.value) from None


def _clean_addenda(text: str) -> str:
    try:
        clean = check_addenda(text)
    except AddendaInvalid as refused:
        raise ContactRefused(Problem.ADDENDA_INVALID, "addenda", reason=refused.detail) from None
    _check_length(clean, MAX_LENGTH, "addenda")
    return clean


def clean_contact(values: ContactValues) -> ContactValues:
    """The values as they are kept; addresses left empty are dropped.

    Raises:
        ContactRefused: the first thing that is wrong, with its field.
    """
    name = one_line(values.name)
    if not name:
        raise ContactRefused(Problem.NAME_MISSING, "name")
    _check_length(name, 200, "name")
    phone, mobile = one_line(values.phone), one_line(values.mobile)
    _check_length(phone, 60, "phone")
    _check_length(mobile, 60, "mobile")
    if values.privacy_level not in LEVELS:
        raise ContactRefused(Problem.LEVEL_INVALID, "privacy_level", level=values.privacy_level)
    return replace(
        values,
        name=name,
        phone=phone,
        mobile=mobile,
        language=clean_language(values.language),
        notes=values.notes.strip(),
        birthday=_clean_birthday(values.birthday),
        addresses=_clean_addresses(values.addresses),
        characteristics=_clean_characteristics(values.characteristics),
    )


def _clean_birthday(text: str) -> str:
    try:
        found = parse_birthday(text, today())
    except BirthdayInvalid:
        raise ContactRefused(Problem.BIRTHDAY_INVALID, "birthday", text=one_line(text)[:30]) from None
    return found.as_text() if found else ""


def clean_language(text: str) -> str:
    """Two letters in lower case, or empty."""
    return _two_letters(text, "language", Problem.LANGUAGE_INVALID).lower()


def _two_letters(text: str, name: str, problem: Problem) -> str:
    clean = text.strip()
    if clean and not _TWO_LETTERS.fullmatch(clean):
        raise ContactRefused(problem, name, **{name: clean})
    return clean


def _check_length(text: str, maximum: int, name: str) -> None:
    if len(text) > maximum:
        raise ContactRefused(Problem.TOO_LONG, name, value=f"{text[:30]}…", maximum=maximum)


def _clean_addresses(given: Iterable[AddressValues]) -> tuple[AddressValues, ...]:
    kept: dict[str, AddressValues] = {}
    for address in given:
        email = clean_email(address.email, "addresses")
        if not email:
            continue
        if address_key(email) in kept:
            raise ContactRefused(Problem.ADDRESS_REPEATED, "addresses", email=email)
        kept[address_key(email)] = AddressValues(email, address.kind)
    return tuple(kept.values())


def _clean_characteristics(given: Iterable[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for text in given:
        clean = one_line(text)
        if not clean:
            continue
        key, value = split_characteristic(clean)
        if not key:
            raise ContactRefused(Problem.CHARACTERISTIC_INVALID, "characteristics", text=clean)
        _check_length(key, 60, "characteristics")
        _check_length(value or "", 200, "characteristics")
        kept.setdefault(f"{key.lower()}={(value or '').lower()}", f"{key}={value}" if value else key)
    return tuple(kept.values())
