"""Rows of a list of open items or movements as entries; what is wrong with a row stands beside it. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final, TypeVar

from crm_mail.importers.base import Notice, RowError
from crm_mail.importers.tables.amount_cells import CellInvalid, decimal_sign, read_amount, read_date
from crm_mail.importers.tables.cell_values import read_tax_id, read_yes_no
from crm_mail.importers.tables.table_rows import TableRow
from crm_mail.receivables.columns import Field
from crm_mail.receivables.ledger import ZERO, Entry, Kind

T = TypeVar("T")

_CREDIT_NOTES: Final = frozenset(
    ["nc", "nac", "td04", "nota credito", "nota di credito", "nota de credito", "credit note", "cn"]
)
_OPENING: Final = frozenset(["sal", "saldo", "apertura", "ap", "opening", "saldo inicial", "saldo iniziale"])
_OPENING_TEXT: Final = re.compile(
    r"saldo (precedente|iniziale|inicial|anterior)|riporto|opening balance|brought forward", re.IGNORECASE
)
_UNPAID_TYPES: Final = frozenset({"ins", "insoluto", "impagado", "unpaid"})
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_CURRENCY_WORDS: Final = {"€": "EUR", "EURO": "EUR", "$": "", "PESOS": "MXN", "MN": "MXN", "DLS": "USD"}
_STORED: Final = tuple(one.name for one in fields(Entry))
_LENGTHS: Final = {Field.ID: 110, Field.DOC_TYPE: 20, Field.NUMBER: 60, Field.METHOD: 60}


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One row. With errors it must not be applied, and the lines of its party stay as they are."""

    row: int
    party_code: str
    vat_number: str
    entry: Entry | None
    errors: tuple[RowError, ...] = ()
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class RowReader:
    """How the rows of one list are read.

    Args:
        kind: what the list holds.
        headers: as they are in the file, to name a column in a message.
        places: field → place of its column.
        currency: of rows that name none.
        company_code: rows of another company are refused.
    """

    kind: Kind
    headers: Sequence[str]
    places: Mapping[Field, int]
    currency: str
    company_code: str = ""
    decimals: str = "."
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def read(self, row: TableRow) -> ParsedLine:
        """One row as an entry, or what is wrong with it."""
        return _Row(self, row).read()


def find_decimals(rows: Sequence[TableRow], places: Mapping[Field, int], otherwise: str) -> str:
    """The sign of the decimals in the columns of amounts."""
    wanted = [places[f] for f in (Field.DEBIT, Field.CREDIT, Field.AMOUNT, Field.OPEN) if f in places]
    cells = (row.cells[place] for row in rows for place in wanted if place < len(row.cells))
    return decimal_sign(cells, otherwise)


class _Row:
    """One row while it is read."""

    def __init__(self, reader: RowReader, row: TableRow) -> None:
        self.reader, self.row = reader, row
        self.errors: list[RowError] = [
            self._error_at(problem.column, problem.code, dict(problem.params)) for problem in row.errors
        ]
        self.warnings: list[Notice] = list(row.warnings)

    def read(self) -> ParsedLine:
        code, vat = self.cell(Field.PARTY_CODE), read_tax_id(self.cell(Field.VAT_NUMBER)) or ""
        if not code and not vat:
            self.wrong(Field.PARTY_CODE, "party_missing", columns=self.header(Field.PARTY_CODE))
        self._check_company()
        entry = self._entry(code or vat)
        return ParsedLine(
            self.row.number,
            code,
            vat,
            None if self.errors else entry,
            tuple(self.errors),
            tuple(self.warnings),
        )

    def _entry(self, owner: str) -> Entry:
        doc_type, number = self.short(Field.DOC_TYPE), self.short(Field.NUMBER)
        description = self.cell(Field.DESCRIPTION)[:300]
        debit, credit, left = self._amounts(doc_type)
        folded = " ".join(doc_type.lower().split())
        is_opening = folded in _OPENING or (not number and bool(_OPENING_TEXT.search(description)))
        entry = Entry(
            key="",
            currency=self._currency(),
            doc_type=doc_type,
            number=number,
            posted_on=self.day(Field.POSTED_ON),
            doc_on=self.day(Field.DOC_ON),
            due_on=self.day(Field.DUE_ON),
            description=description,
            debit=debit,
            credit=credit,
            open_amount=left,
            method=self.short(Field.METHOD),
            is_disputed=self.flag(Field.DISPUTED),
            is_unpaid=self.flag(Field.UNPAID) or folded in _UNPAID_TYPES,
            is_opening=is_opening,
            level=self._level(),
            reminded_on=self.day(Field.REMINDED_ON),
        )
        if entry.day == date.min and not self.errors:
            self.wrong(Field.DOC_ON, "ledger_date_missing")
        return replace(entry, key=self._key(owner, entry))

    def _amounts(self, doc_type: str) -> tuple[Decimal, Decimal, Decimal | None]:
        """Debit, credit, and what is open, signs put right: both columns hold positive amounts afterwards."""
        debit, credit = self.amount(Field.DEBIT), self.amount(Field.CREDIT)
        amount, left = self.amount(Field.AMOUNT), self.amount(Field.OPEN)
        if debit is None and credit is None and amount is None and left is None:
            if not self.errors:
                self.wrong(Field.OPEN, "ledger_amount_missing")
            return ZERO, ZERO, None
        is_credit_note = " ".join(doc_type.lower().split()) in _CREDIT_NOTES
        if credit is not None and credit < 0 and is_credit_note and not debit:
            self._warn("ledger_negative_credit", value=str(-credit))
            credit = -credit
        if self.reader.kind is Kind.MOVEMENTS:
            left = None  # such a column is the running balance
        net = (debit or ZERO) - (credit or ZERO)
        if debit is None and credit is None:
            whole = amount if amount is not None else left or ZERO
            net = -whole if is_credit_note and whole > 0 else whole
            if is_credit_note and left is not None and left > 0:
                left = -left
        if self.reader.kind is Kind.OPEN_ITEMS and left is None:
            left = net
        if debit is not None and credit is not None and debit >= 0 and credit >= 0:
            return debit, credit, left
        return max(net, ZERO), max(-net, ZERO), left

    def _currency(self) -> str:
        cell = self.cell(Field.CURRENCY).upper().rstrip(".")
        currency = (_CURRENCY_WORDS.get(cell, cell) if cell else "") or self.reader.currency
        if not _CURRENCY.match(currency):
            self.wrong(Field.CURRENCY, "ledger_bad_currency", value=cell)
        return currency

    def _level(self) -> int | None:
        cell = self.cell(Field.LEVEL)
        if not cell:
            return None
        if cell not in {"0", "1", "2", "3", "4"}:
            self.wrong(Field.LEVEL, "ledger_bad_level", value=cell)
            return None
        return int(cell)

    def _key(self, owner: str, entry: Entry) -> str:
        """Which line this is: the ERP's id, else what does not change when a part is paid; equal ones are counted."""
        given = self.short(Field.ID)
        if given:
            base = f"id:{given}"
        else:
            parts = [entry.doc_type, entry.number, entry.currency]
            parts += [day.isoformat() if day else "" for day in (entry.doc_on, entry.due_on)]
            if self.reader.kind is Kind.MOVEMENTS:
                parts += [entry.day.isoformat(), str(entry.net), entry.description]
            base = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
        self.reader.seen[owner, base] += 1
        times = self.reader.seen[owner, base]
        return base if times == 1 else f"{base}#{times}"

    def _check_company(self) -> None:
        named = self.cell(Field.COMPANY_CODE)
        own = self.reader.company_code
        if named and own and named.casefold() != own.casefold():
            self.wrong(Field.COMPANY_CODE, "other_company", value=named, company=own)

    def cell(self, target: Field) -> str:
        place = self.reader.places.get(target)
        return self.row.cells[place] if place is not None and place < len(self.row.cells) else ""

    def short(self, target: Field) -> str:
        text, maximum = self.cell(target), _LENGTHS[target]
        if len(text) > maximum:
            self.wrong(target, "too_long", value=f"{text[:30]}…", maximum=maximum)
        return text[:maximum]

    def amount(self, target: Field) -> Decimal | None:
        return self._as(target, "ledger_bad_amount", partial(read_amount, sign=self.reader.decimals))

    def day(self, target: Field) -> date | None:
        return self._as(target, "ledger_bad_date", read_date)

    def _as(self, target: Field, code: str, read: Callable[[str], T | None]) -> T | None:
        cell = self.cell(target)
        try:
            return read(cell)
        except CellInvalid:
            self.wrong(target, code, value=cell[:40])
            return None

    def flag(self, target: Field) -> bool:
        cell = self.cell(target)
        answer = read_yes_no(cell) if cell else False
        if answer is None:
            self.wrong(target, "bad_yes_no", value=cell[:40])
        return bool(answer)

    def header(self, target: Field) -> str:
        place = self.reader.places.get(target)
        return self.reader.headers[place] if place is not None else target.value

    def wrong(self, target: Field, code: str, **params: object) -> None:
        place = self.reader.places.get(target)
        self.errors.append(self._error_at(place, code, params))

    def _error_at(self, place: int | None, code: str, params: Mapping[str, object]) -> RowError:
        named = place is not None and place < len(self.reader.headers)
        header = self.reader.headers[place] if named and place is not None else None
        return RowError(self.row.number, header or None, code, params)

    def _warn(self, code: str, **params: object) -> None:
        self.warnings.append(Notice(code, params, self.row.number))


def fingerprint(entry: Entry) -> str:
    """A digest of everything that is stored of an entry: equal digests need no writing."""
    values = "\x1f".join(str(getattr(entry, name)) for name in _STORED)
    return hashlib.blake2b(values.encode(), digest_size=16).hexdigest()


def read_rows(reader: RowReader, rows: Sequence[TableRow]) -> Iterator[ParsedLine]:
    """Every row, in order."""
    return (reader.read(row) for row in rows)
