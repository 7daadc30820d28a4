"""What a person asks for when choosing parties and contacts: a frozen value, readable from a URL, options or
JSON.

Pure: no session, no Flask. `crm_mail.contacts.finding.selection` turns it into one query.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from crm_mail.contacts.consents.wishes import CONSENT_WORDS
from crm_mail.delivery.routing import AddressKind
from crm_mail.purchases.asked import PREFIX, PurchaseInvalid, read_fields, read_word
from crm_mail.refusals import Refusal


class PartyKind(StrEnum):
    """Which side of the business; a party that is both answers to either."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"


class FilterInvalid(Refusal, ValueError):
    """A filter holds a name or a value that does not exist; the message names it."""

    def __init__(self, name: str, value: object = None) -> None:
        said = f"{name}={value!r}" if value is not None else name
        super().__init__(f"the filter {said} is not understood: remove it or correct it")
        self.name = name
        self.value = value


Words = tuple[str, ...]

ARGUMENTS: Final[Mapping[str, str]] = {
    "kind": "kind",
    "code_from": "code_from",
    "code_to": "code_to",
    "code": "codes",
    "agent": "agents",
    "zone": "zones",
    "city": "cities",
    "province": "provinces",
    "category": "categories",
    "language": "languages",
    "role": "roles",
    "characteristic": "characteristics",
    "all_characteristic": "all_characteristics",
    "any_characteristic": "any_characteristics",
    "without_characteristic": "no_characteristics",
    "type": "subscribed_to",
    "q": "text",
    "blocked": "blocked",
    "address": "has_address",
    "address_kind": "address_kinds",
    "bounced": "has_bounced",
    "written": "was_written_to",
    "birthday": "birthday_within",
    "consent": "consents",
    "purchase": "purchases",
}
"""Name of the query argument (and of the command line option) → field. Lists are given by repeating the
name.
"""

MOST_DAYS: Final = 366
"""The longest look ahead for birthdays."""

FLAGS: Final = frozenset({"blocked", "has_address", "has_bounced", "was_written_to"})
"""Fields that are yes, no, or not asked."""

_FLAGS: Final[Mapping[str, bool | None]] = {"": None, "yes": True, "1": True, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class PartyFilter:
    """Parties of one company. Values of one field are alternatives; different fields must all hold (PD-12,
    IT-14).

    Args:
        company_id: the company whose parties are meant; never empty, so that no filter crosses companies
            (RP-16).
        kind: customers or suppliers; None: both.
        code_from, code_to: first and last code, both included; see `selection.code_range`.
        codes: exactly these codes (leading zeros count).
        agents, zones, cities, provinces, categories: as the ERP names them; case and outer blanks do not
            matter.
        languages: two letters; a party without one has its company's.
        roles: names of roles; only contacts that hold one of them count (IT-10).
        characteristics: ``key`` or ``key=value``; alternatives within a key, all keys must hold, on one
            contact.
        all_characteristics: every one of them, on one contact.
        any_characteristics: at least one of them.
        no_characteristics: none of them; a party goes only when all its active contacts hold one.
        subscribed_to: ids of document types; only contacts subscribed to one of them count (IT-9).
        text: words, each of which must be found in code, name, VAT or tax code, an address or a contact's
            name.
        blocked: only the blocked ones (True), only the others (False).
        has_address: with (True) or without (False) any address that this actor may see.
        address_kinds: values of `AddressKind`; with an address of one of these kinds, own or of a contact.
        has_bounced: with (True) or without (False) an address that is not written to any more.
        was_written_to: something (True) or nothing (False) was ever sent, as far as this actor may know.
        birthday_within: only contacts whose birthday is today or in these many days.
        consents: only contacts whose last word on a subject is one of these; see `consent_conditions.CONSENT_WORDS`.
        purchases: what must hold of their purchases, all of it; words of `purchases.asked`.
    """

    company_id: int
    kind: PartyKind | None = None
    code_from: str = ""
    code_to: str = ""
    codes: Words = ()
    agents: Words = ()
    zones: Words = ()
    cities: Words = ()
    provinces: Words = ()
    categories: Words = ()
    languages: Words = ()
    roles: Words = ()
    characteristics: Words = ()
    subscribed_to: Words = ()
    text: str = ""
    blocked: bool | None = None
    has_address: bool | None = None
    all_characteristics: Words = ()
    any_characteristics: Words = ()
    no_characteristics: Words = ()
    address_kinds: Words = ()
    has_bounced: bool | None = None
    was_written_to: bool | None = None
    birthday_within: int | None = None
    consents: Words = ()
    purchases: Words = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows the choice: it means everybody, and a person must be asked (PD-13)."""
        return self == PartyFilter(self.company_id)

    @property
    def asks_contacts(self) -> bool:
        """Whether not every contact of the parties is meant."""
        return self.needs_contact or bool(self.no_characteristics)

    @property
    def needs_contact(self) -> bool:
        """Whether only parties that have a certain contact are meant."""
        tags = self.characteristics or self.all_characteristics or self.any_characteristics
        asked = self.roles or tags or self.subscribed_to or self.consents
        return bool(asked) or self.birthday_within is not None

    @property
    def is_by_column(self) -> bool:
        """Whether something is asked that the parties' own indexes find."""
        named = self.agents or self.zones or self.cities or self.provinces or self.categories
        return bool(named or self.codes or self.code_from or self.code_to or self.blocked)

    def without(self, name: str, value: str | None = None) -> "PartyFilter":
        """The same filter without one field, or without one of its values."""
        current = getattr(self, name)
        if value is not None and isinstance(current, tuple):
            kept: Any = tuple(v for v in current if v != value)
        else:
            kept = _DEFAULTS[name]
        changes: dict[str, Any] = {name: kept}
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """JSON values of every field that narrows the choice, and the company."""
        kept: dict[str, Any] = {"company_id": self.company_id}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                kept[name] = list(value) if isinstance(value, tuple) else value
        return kept

    def to_arguments(self) -> list[tuple[str, str]]:
        """Query arguments (name, value), names repeated for lists; the company is not among them."""
        return [
            (argument, text)
            for argument, name in ARGUMENTS.items()
            for text in _as_texts(getattr(self, name))
        ]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], company_id: int | None = None) -> "PartyFilter":
        """Read what `to_dict` wrote; a single text is accepted where a list is meant.

        Raises:
            FilterInvalid: an unknown name or value.
        """
        company = company_id if company_id is not None else values.get("company_id")
        if not isinstance(company, int) or isinstance(company, bool):
            raise FilterInvalid("company_id", company)
        read = {name: _read(name, value) for name, value in values.items() if name != "company_id"}
        return cls(company, **read)

    @classmethod
    def from_arguments(cls, company_id: int, getlist: Callable[[str], Iterable[str]]) -> "PartyFilter":
        """Read query arguments, e.g. ``PartyFilter.from_arguments(7, request.args.getlist)``; empty ones are
        nothing. The fields of a question on purchases (`purchases.asked.FIELDS`) become one more of them.

        Raises:
            FilterInvalid: a value that does not exist (`kind=other`).
        """
        values = {name: [v for v in getlist(argument) if v.strip()] for argument, name in ARGUMENTS.items()}
        values["purchases"] += _typed_purchase(getlist)
        return cls.from_dict({name: value for name, value in values.items() if value}, company_id)


_DEFAULTS: Final[Mapping[str, Any]] = {
    f.name: f.default for f in fields(PartyFilter) if f.name != "company_id"
}


def _read(name: str, value: Any) -> Any:
    if name not in _DEFAULTS:
        raise FilterInvalid(name)
    if isinstance(_DEFAULTS[name], tuple):
        texts = [value] if isinstance(value, str) else list(value or ())
        clean = tuple(dict.fromkeys(word for text in texts if (word := " ".join(str(text).split()))))
        if name == "consents" and (unknown := [word for word in clean if word not in CONSENT_WORDS]):
            raise FilterInvalid(name, unknown[0])
        if name == "purchases":
            return tuple(dict.fromkeys(_read_purchase(word) for word in clean))
        return _read_kinds(clean) if name == "address_kinds" else clean
    single = value[-1] if isinstance(value, (list, tuple)) and value else value
    if name == "kind":
        return _read_kind(single)
    if name in FLAGS:
        return _read_flag(name, single)
    if name == "birthday_within":
        return _read_days(single)
    return str(single or "").strip()


def _read_kind(value: Any) -> PartyKind | None:
    try:
        return PartyKind(str(value).strip()) if value else None
    except ValueError:
        raise FilterInvalid("kind", value) from None


def _read_kinds(words: Words) -> Words:
    for word in words:
        if word not in set(AddressKind):
            raise FilterInvalid("address_kinds", word)
    return words


def _read_purchase(word: str) -> str:
    """The word as it is kept, whatever order it was written in."""
    try:
        return read_word(word).to_word()
    except PurchaseInvalid:
        raise FilterInvalid("purchases", word) from None


def _typed_purchase(getlist: Callable[[str], Iterable[str]]) -> list[str]:
    try:
        asked = read_fields(getlist)
    except PurchaseInvalid as invalid:
        raise FilterInvalid(f"{PREFIX}{invalid}") from None
    return [asked.to_word()] if asked is not None else []


def _read_days(value: Any) -> int | None:
    if value is None or value == "":
        return None
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_DAYS):
        raise FilterInvalid("birthday_within", value)
    return int(text)


def _read_flag(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    try:
        return _FLAGS[str(value).strip()]
    except KeyError:
        raise FilterInvalid(name, value) from None


def _as_texts(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [str(value)] if value not in ("", None) else []


def split_characteristic(text: str) -> tuple[str, str | None]:
    """``sector=food`` → (``sector``, ``food``); ``fair-2026`` → (``fair-2026``, None): any value."""
    key, equals, value = text.partition("=")
    return key.strip(), value.strip() if equals else None
