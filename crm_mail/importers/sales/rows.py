"""Rows of a sales list as sales lines; what is wrong with a row stands beside it. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from crm_mail.importers.base import RowError
from crm_mail.importers.sales.columns import Field
from crm_mail.importers.tables.amount_cells import CellInvalid, decimal_sign, read_amount, read_date
from crm_mail.importers.tables.cell_values import read_tax_id
from crm_mail.importers.tables.table_rows import TableRow
from crm_mail.purchases.sold import Sold

_CREDIT_NOTES: Final = frozenset(
    {
        *("nc", "nac", "td04", "cn", "nota credito", "nota di credito", "nota de credito", "nota de crédito"),
        *("credit note", "credit_note", "reso", "devolucion", "devolución", "return", "egreso"),
    }
)
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_SIGNS: Final = {"€": "EUR", "EURO": "EUR", "PESOS": "MXN", "MN": "MXN", "DLS": "USD", "$": ""}
_ZERO: Final = Decimal(0)
LENGTHS: Final = {Field.ID: 100, Field.NUMBER: 60}
AMOUNTS: Final = (Field.QUANTITY, Field.PRICE, Field.AMOUNT)


@dataclass(frozen=True, slots=True)
class Sale:
    """What a row says was sold. ``key`` knows the same row again."""

    bought_on: date
    product: Sold
    quantity: Decimal
    amount: Decimal
    currency: str
    number: str
    key: str


@dataclass(frozen=True, slots=True)
class ParsedSale:
    """One row; with errors it is not applied."""

    row: int
    party_code: str
    vat_number: str
    sale: Sale | None
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class SaleReader:
    """How the rows of one list are read.

    Args:
        places: field → place of its column.
        currency: of rows that name none.
        company_code: rows of another company are refused.
        decimals: field → sign of its decimals in this list.
    """

    headers: Sequence[str]
    places: Mapping[Field, int]
    currency: str
    company_code: str = ""
    decimals: Mapping[Field, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def read(self, row: TableRow) -> ParsedSale:
        """One row as a sale, or what is wrong with it."""
        return _Row(self, row).read()


def find_decimals(rows: Sequence[TableRow], places: Mapping[Field, int], otherwise: str) -> dict[Field, str]:
    """The sign of the decimals of each column of numbers: those of money together, quantities by themselves."""

    def sign(*fields: Field) -> str:
        wanted = [places[one] for one in fields if one in places]
        cells = (row.cells[place] for row in rows for place in wanted if place < len(row.cells))
        return decimal_sign(cells, otherwise)

    money = sign(Field.PRICE, Field.AMOUNT)
    return {Field.PRICE: money, Field.AMOUNT: money, Field.QUANTITY: sign(Field.QUANTITY)}


class _Row:
    """One row while it is read."""

    def __init__(self, reader: SaleReader, row: TableRow) -> None:
        self.reader, self.row = reader, row
        self.errors = [self._error(one.column, one.code, dict(one.params)) for one in row.errors]

    def read(self) -> ParsedSale:
        code, vat = self.cell(Field.PARTY_CODE), read_tax_id(self.cell(Field.VAT_NUMBER)) or ""
        if not code and not vat:
            self.wrong(Field.PARTY_CODE, "party_missing", columns=self._header(Field.PARTY_CODE))
        named, own = self.cell(Field.COMPANY_CODE), self.reader.company_code
        if named and own and named.casefold() != own.casefold():
            self.wrong(Field.COMPANY_CODE, "other_company", value=named, company=own)
        sale = self._sale(code or vat)
        return ParsedSale(self.row.number, code, vat, None if self.errors else sale, tuple(self.errors))

    def _sale(self, owner: str) -> Sale | None:
        bought_on = self._day()
        product = Sold.of(
            self.cell(Field.PRODUCT_CODE), self.cell(Field.PRODUCT_NAME), self.cell(Field.PRODUCT_GROUP)
        )
        if not product.code:
            self.wrong(Field.PRODUCT_CODE, "sale_product_missing")
        quantity, amount = self._numbers()
        number, currency = self.short(Field.NUMBER), self._currency()
        given = self.short(Field.ID)
        if bought_on is None or self.errors:
            return None
        parts = [owner, bought_on.isoformat(), number, product.code, f"{quantity:f}", f"{amount:f}", currency]
        key = (
            f"id:{given}"
            if given
            else hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
        )
        self.reader.seen[key] += 1
        times = self.reader.seen[key]
        if given and times > 1:
            self.wrong(Field.ID, "sale_id_twice", value=given)
            return None
        return Sale(
            bought_on, product, quantity, amount, currency, number, key if times == 1 else f"{key}#{times}"
        )

    def _numbers(self) -> tuple[Decimal, Decimal]:
        """Quantity and amount; one alone gives the other where it can. Returns are negative."""
        quantity, price, amount = (self._number(one) for one in AMOUNTS)
        if amount is None and price is not None:
            amount = price * (quantity if quantity is not None else 1)
        if quantity is None and amount is None:
            if not self.errors:
                self.wrong(Field.AMOUNT, "sale_amount_missing")
            return _ZERO, _ZERO
        amount = (amount or _ZERO).quantize(Decimal("0.0001"))
        quantity = quantity if quantity is not None else Decimal(1 if amount > 0 else -1 if amount else 0)
        kind = " ".join(self.cell(Field.DOC_TYPE).lower().split())
        if kind in _CREDIT_NOTES:
            return -abs(quantity), -abs(amount)
        return quantity, amount

    def _number(self, target: Field) -> Decimal | None:
        cell = self.cell(target)
        try:
            return read_amount(cell, self.reader.decimals.get(target, "."))
        except CellInvalid:
            self.wrong(target, "ledger_bad_amount", value=cell[:40])
            return None

    def _day(self) -> date | None:
        cell = self.cell(Field.DATE)
        try:
            found = read_date(cell)
        except CellInvalid:
            self.wrong(Field.DATE, "ledger_bad_date", value=cell[:40])
            return None
        if found is None:
            self.wrong(Field.DATE, "sale_date_missing")
        return found

    def _currency(self) -> str:
        cell = self.cell(Field.CURRENCY).upper().rstrip(".")
        currency = _SIGNS.get(cell, cell) or self.reader.currency
        if not _CURRENCY.match(currency):
            self.wrong(Field.CURRENCY, "ledger_bad_currency", value=cell[:40])
        return currency

    def cell(self, target: Field) -> str:
        place = self.reader.places.get(target)
        return self.row.cells[place] if place is not None and place < len(self.row.cells) else ""

    def short(self, target: Field) -> str:
        text, maximum = self.cell(target), LENGTHS[target]
        if len(text) > maximum:
            self.wrong(target, "too_long", value=f"{text[:30]}…", maximum=maximum)
        return text

    def _header(self, target: Field) -> str:
        place = self.reader.places.get(target)
        return self.reader.headers[place] if place is not None else target.value

    def wrong(self, target: Field, code: str, **params: object) -> None:
        self.errors.append(self._error(self.reader.places.get(target), code, params))

    def _error(self, place: int | None, code: str, params: Mapping[str, object]) -> RowError:
        header = (
            self.reader.headers[place] if place is not None and place < len(self.reader.headers) else None
        )
        return RowError(self.row.number, header or None, code, params)
