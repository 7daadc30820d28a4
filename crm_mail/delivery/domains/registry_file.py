"""A list of PEC addresses as a file: IndicePA's open data, INI-PEC-like tables, or one address a line (pure).

IndicePA: tab-separated, a column `Mail` with its `Tipo Mail` (pec, cec, altro), or pairs `mail1`/`tipo_mail1`… of which
only the certified ones count; an absent value is `null`. INI-PEC-like: CSV with an address and a tax code. Columns are
recognised by their names; a file without any is one whose cells hold addresses.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from crm_mail.delivery.addresses import MAX_ADDRESS_LENGTH, address_key, domain_of, is_address
from crm_mail.refusals import Refusal

MAX_BYTES = 200 * 1024 * 1024
_CERTIFIED = frozenset(
    {"pec", "cec", "cecpac", "cec-pac", "posta certificata", "certificata", "sercq", "rem"}
)
_ADDRESS = frozenset(
    {"mail", "email", "e-mail", "pec", "indirizzo pec", "pec address", "address", "domicilio digitale"}
    | {"casella pec", "posta elettronica certificata", "mail pec", "e-mail pec", "email pec", "indirizzo"}
    | {"indirizzo di posta elettronica certificata", "pec impresa", "indirizzo mail"}
)
_TAX_CODE = frozenset(
    {
        "cf",
        "codice fiscale",
        "partita iva",
        "p iva",
        "piva",
        "tax code",
        "vat",
        "vat number",
        "codice fiscale ente",
    }
    | {"codice fiscale partita iva", "cf piva", "cod fiscale", "codice fiscale impresa", "cf validato ente"}
)
_HOLDER = frozenset(
    {
        "descrizione",
        "des amm",
        "denominazione",
        "denominazione ente",
        "ragione sociale",
        "name",
        "nome",
        "holder",
    }
    | {"company", "ente", "denominazione impresa", "des ou", "des aoo"}
)
_KIND = re.compile(r"tipo ?(?:e ?)?mail ?(\d*)|tipo casella|tipo indirizzo mail")
_NUMBERED = re.compile(r"(?:e ?)?mail ?(\d+)")


class Fault(StrEnum):
    """Why a file cannot be read as a registry."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    BINARY = "binary"
    NO_ADDRESS = "no_address"


_WORDS = {
    Fault.EMPTY: "the file is empty",
    Fault.TOO_LARGE: f"the file is larger than {MAX_BYTES // 1024 // 1024} MB: divide it",
    Fault.BINARY: "the file is no text: save it as CSV",
    Fault.NO_ADDRESS: "no column of the file holds e-mail addresses: choose a list of PEC addresses",
}


class RegistryUnreadable(Refusal):
    """The file is no list of PEC addresses."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(_WORDS[fault])
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Entry:
    """A certified address, with whose it is."""

    address: str
    tax_code: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """What a file holds. ``lines`` without headings; ``not_certified``: addresses of another kind, left alone."""

    entries: tuple[Entry, ...]
    lines: int
    not_certified: int
    invalid: tuple[tuple[int, str], ...]  # (line, text), the first hundred
    invalid_count: int
    columns: tuple[str, ...]

    @property
    def domains(self) -> int:
        """How many different domains the addresses have."""
        return len({domain_of(entry.address) for entry in self.entries})


@dataclass(frozen=True, slots=True)
class _Columns:
    addresses: tuple[tuple[int, int | None], ...]  # (address, its kind)
    tax_code: int | None
    holder: int | None
    has_heading: bool
    names: tuple[str, ...]


def read_registry(data: bytes) -> RegistryFile:
    """Read a list; an address that occurs twice counts once.

    Raises:
        RegistryUnreadable: it is no text, or has no addresses.
    """
    if not data.strip():
        raise RegistryUnreadable(Fault.EMPTY)
    if len(data) > MAX_BYTES:
        raise RegistryUnreadable(Fault.TOO_LARGE)
    text = _decode(data)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), quotechar='"')
    return _collect(rows)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:4096]:
        raise RegistryUnreadable(Fault.BINARY)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    counts = {one: first.count(one) for one in "\t;|,"}
    best = max(counts, key=lambda one: counts[one])
    return best if counts[best] else ","


def _name(cell: str) -> str:
    return " ".join(re.sub(r"[_\-./()]+", " ", cell).lower().split())


_ADDRESS_NAMES = frozenset(_name(one) for one in _ADDRESS)


def _columns(row: list[str]) -> _Columns:
    """The columns by the names of the first row; without names, every cell that holds an address."""
    names = [_name(cell) for cell in row]
    kinds = {
        (match[1] or "") if match.lastindex else "": i
        for i, n in enumerate(names)
        if (match := _KIND.fullmatch(n))
    }
    addresses: list[tuple[int, int | None]] = []
    for i, name in enumerate(names):
        if name in _ADDRESS_NAMES:
            addresses.append((i, kinds.get("") if name != "indirizzo" or "" in kinds else None))
        elif match := _NUMBERED.fullmatch(name):
            addresses.append((i, kinds.get(match[1])))
    if len(addresses) > 1 and "indirizzo" in names:  # a street, beside a column that is surely an address
        addresses = [one for one in addresses if names[one[0]] != "indirizzo"]
    if not addresses:
        cells = tuple((i, None) for i, cell in enumerate(row) if is_address(cell.strip()))
        return _Columns(cells, None, None, False, ())
    tax = next((i for i, name in enumerate(names) if name in _TAX_CODE), None)
    holder = next((i for i, name in enumerate(names) if name in _HOLDER), None)
    used = [i for i in (*(one for one, _ in addresses), tax, holder) if i is not None]
    return _Columns(tuple(addresses), tax, holder, True, tuple(row[i].strip() for i in used))


def _collect(rows: Iterator[list[str]]) -> RegistryFile:
    columns: _Columns | None = None
    found: dict[str, Entry] = {}
    invalid: list[tuple[int, str]] = []
    lines = others = bad = 0
    for number, row in enumerate(_safe(rows), start=1):
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = _columns(row)
            if columns.has_heading:
                continue
            if not columns.addresses:
                raise RegistryUnreadable(Fault.NO_ADDRESS)
        lines += 1
        for i, kind_at in columns.addresses:
            cell = row[i].strip() if i < len(row) else ""
            if cell.lower() in ("", "null", "-", "n/a"):
                continue
            if kind_at is not None and not _is_certified(row, kind_at):
                others += 1
            elif len(cell) > MAX_ADDRESS_LENGTH or not is_address(cell):
                bad += 1
                if len(invalid) < 100:
                    invalid.append((number, cell[:100]))
            else:
                entry = Entry(
                    address_key(cell), _cell(row, columns.tax_code, 30), _cell(row, columns.holder, 200)
                )
                found.setdefault(entry.address, entry)
    if columns is None or not (found or others):
        raise RegistryUnreadable(Fault.NO_ADDRESS)
    return RegistryFile(tuple(found.values()), lines, others, tuple(invalid), bad, columns.names)


def _safe(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error:
        raise RegistryUnreadable(Fault.BINARY) from None


def _is_certified(row: list[str], at: int) -> bool:
    return at < len(row) and row[at].strip().lower() in _CERTIFIED


def _cell(row: list[str], at: int | None, longest: int) -> str:
    text = row[at].strip() if at is not None and at < len(row) else ""
    return "" if text.lower() == "null" else text[:longest]
