"""vCards as rows of a contact table: 2.1 (quoted-printable), 3.0 (RFC 2426) and 4.0 (RFC 6350), many in one file.

Read with tolerance, as address books write them: groups, folded lines, bare parameters, wrong case. Pure.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

HEADER = (
    *("party_name", "contact_name", "job_title", "contact_email", "pec", "phone", "mobile", "birthday"),
    *("language", "characteristics", "address", "postcode", "city", "province", "country"),
)
_LINE = re.compile(r'(?:([\w-]+)\.)?([\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)', re.DOTALL)
_UNFOLD = re.compile(r"\r\n?|\n")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_WANTED = frozenset(
    {"FN", "N", "ORG", "TITLE", "EMAIL", "TEL", "BDAY", "LANG", "CATEGORIES", "ADR", "NICKNAME"}
)
_NO_PHONE = frozenset({"FAX", "PAGER", "MODEM", "TEXTPHONE", "VIDEO"})


@dataclass(slots=True)
class _Property:
    name: str
    group: str
    types: frozenset[str]
    value: str
    parts: tuple[str, ...]  # of a value divided by semicolons


@dataclass(slots=True)
class _Card:
    number: int  # the line it begins on
    properties: list[_Property] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)  # of groups: item1.X-ABLabel:PEC

    def all(self, name: str) -> list[_Property]:
        found = [one for one in self.properties if one.name == name]
        return sorted(found, key=lambda one: "PREF" not in one.types)

    def first(self, name: str) -> _Property | None:
        return next(iter(self.all(name)), None)


def vcard_rows(data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line, cells in the order of `HEADER`) of each card that names or reaches somebody."""
    for card in _cards(data):
        cells = _cells(card)
        if any(cells):
            yield card.number, cells


def _cards(data: bytes) -> Iterator[_Card]:
    card: _Card | None = None
    for number, line in _lines(_decode(data)):
        folded = line.strip().upper()
        if folded == "BEGIN:VCARD":
            card = _Card(number)
        elif folded == "END:VCARD":
            if card is not None:
                yield card
            card = None
        elif card is not None:
            _take(card, line)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Whole lines: a blank at the beginning continues the one before, `=` at the end of quoted-printable too."""
    present, begun = "", 1
    for number, line in enumerate(_UNFOLD.split(text), 1):
        if _is_quoted(present) and present.endswith("="):
            present = present[:-1] + line
        elif line[:1] in (" ", "\t") and present:
            present += line[1:]
        else:
            if present:
                yield begun, present
            present, begun = line, number
    if present:
        yield begun, present


def _is_quoted(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def _take(card: _Card, line: str) -> None:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        return
    group, name, given, value = (found[1] or "").lower(), found[2].upper(), found[3], found[4]
    if name == "X-ABLABEL":
        card.labels[group] = value
    if name not in _WANTED:
        return
    names: dict[str, list[str]] = {}
    for parameter in filter(None, re.findall(r'(?:[^;"]|"[^"]*")+', given)):
        key, equals, text = parameter.partition("=")
        if not equals:
            key, text = "TYPE", key  # 2.1: TEL;HOME;VOICE
        names.setdefault(key.upper(), []).extend(text.strip('"').upper().split(","))
    types = frozenset(names.get("TYPE", ())) | (frozenset({"PREF"}) if "PREF" in names else frozenset())
    if "QUOTED-PRINTABLE" in types | frozenset(names.get("ENCODING", ())):
        charset = names.get("CHARSET", ["UTF-8"])[0]
        value = _unquote(value, charset)
    parts = tuple(_plain(part) for part in re.split(r"(?<!\\);", value))
    card.properties.append(_Property(name, group, types, _plain(value), parts))


def _unquote(value: str, charset: str) -> str:
    raw = quopri.decodestring(value.encode("latin-1", "replace"))
    try:
        return raw.decode(charset, "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _plain(value: str) -> str:
    """Without escapes, on one line."""
    text = _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value)
    return " ".join(text.split()).strip(" ,")


def _cells(card: _Card) -> tuple[str, ...]:
    organisation, title = card.first("ORG"), card.first("TITLE")
    emails, pec = _emails(card)
    phones, mobiles = _phones(card)
    birthday, language = card.first("BDAY"), card.first("LANG")
    categories = "|".join(
        word for one in card.all("CATEGORIES") for part in one.value.split(",") if (word := part.strip())
    )
    return (
        organisation.parts[0] if organisation else "",
        _name(card),
        title.value if title else "",
        "|".join(emails),
        "|".join(pec),
        "|".join(phones),
        "|".join(mobiles),
        birthday.value if birthday else "",
        language.value[:2] if language else "",
        categories,
        *_address(card),
    )


def _name(card: _Card) -> str:
    whole = card.first("FN")
    if whole is not None and whole.value:
        return whole.value
    parts = card.first("N")
    if parts is not None:
        family, given, middle, *_rest = (*parts.parts, "", "", "")
        name = " ".join(part for part in (given, middle, family) if part)
        if name:
            return name
    nickname = card.first("NICKNAME")
    return nickname.value if nickname else ""


def _emails(card: _Card) -> tuple[list[str], list[str]]:
    emails: dict[str, None] = {}
    pec: dict[str, None] = {}
    for one in card.all("EMAIL"):
        is_pec = "PEC" in one.types or card.labels.get(one.group, "").strip().upper() == "PEC"
        address = one.value.removeprefix("mailto:")
        if address and "X400" not in one.types:
            (pec if is_pec else emails)[address] = None
    return list(emails), list(pec)


def _phones(card: _Card) -> tuple[list[str], list[str]]:
    phones: dict[str, None] = {}
    mobiles: dict[str, None] = {}
    for one in card.all("TEL"):
        number = re.sub(r"^tel:|;ext=.*$", "", one.value)
        if number and not one.types & _NO_PHONE:
            (mobiles if one.types & {"CELL", "MOBILE"} else phones)[number] = None
    return list(phones), list(mobiles)


def _address(card: _Card) -> tuple[str, str, str, str, str]:
    """Street, postcode, city, province, country: the preferred address, else that of the work, else the first."""
    found = sorted(card.all("ADR"), key=lambda one: ("PREF" not in one.types, "WORK" not in one.types))
    if not found:
        return "", "", "", "", ""
    _box, extended, street, city, province, postcode, country, *_rest = (*found[0].parts, *[""] * 7)
    return street or extended, postcode, city, province, country
