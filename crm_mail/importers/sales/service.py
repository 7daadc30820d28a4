"""Sales lists become sales lines: what the ERP sold, line by line; the same list twice changes nothing.

A row is known again by its own key, where the list has such a column, else by everything it says. Invoices that are
kept here as documents count by their own lines, so rows that name the number of one are passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel.numbers import get_territory_currencies
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.importers.base import ImportRefused, Notice, RowError
from crm_mail.importers.contacts.import_result import KEPT_ERRORS
from crm_mail.importers.party_codes import parties_named
from crm_mail.importers.sales.columns import COLUMNS, Field, check_columns
from crm_mail.importers.sales.rows import ParsedSale, Sale, SaleReader, find_decimals
from crm_mail.importers.tables.amount_cells import DECIMAL_COMMA_COUNTRIES
from crm_mail.importers.tables.mappings import SALES, load_mapping
from crm_mail.importers.tables.object_tables import OBJECTS, open_list
from crm_mail.importers.tables.tabular import Table
from crm_mail.many_rows import among, chunks, insert_many
from crm_mail.permissions import Actor, Permission
from crm_mail.purchases.models import PurchaseLine
from crm_mail.purchases.recording import product_ids, work_out_totals

AT_ONCE = 5000
_TOLD = ("party_id", "product_id", "bought_on", "quantity", "amount", "currency", "number")
_LINES = PurchaseLine.__table__
_UPDATE = (
    update(_LINES)  # type: ignore[arg-type]
    .where(_LINES.c.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}", type_=_LINES.c[name].type) for name in (*_TOLD, "source")})
)


@dataclass(slots=True)
class SalesResult:
    """What an import did, or would do; each row is counted once.

    Args:
        invoiced: known from the invoice itself.
        products: new, or with another name or group.
    """

    dry_run: bool = False
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    invoiced: int = 0
    products: int = 0
    error_rows: int = 0
    errors: list[RowError] = field(default_factory=list)
    notes: tuple[Notice, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What the command line prints."""
        counts = ("rows", "created", "updated", "unchanged", "invoiced", "products", "error_rows")
        return {
            "dry_run": self.dry_run,
            **{name: getattr(self, name) for name in counts},
            "errors": [
                {"row": e.row, "column": e.column, "code": e.code, "message": e.message} for e in self.errors
            ],
            "notes": [{"code": n.code, "message": n.message} for n in self.notes],
            "columns": self.columns,
        }


def open_sales(source: bytes | Path, sheet: str | None = None) -> Table:
    """A sales list as a table.

    Raises:
        ImportRefused: it is none.
    """
    return open_list(source, COLUMNS.score_header, sheet)


def import_sales(
    session: Session,
    actor: Actor,
    company: Company,
    source: bytes | Path,
    *,
    columns: Mapping[str, str] | None = None,
    mapping: str = "",
    dry_run: bool = False,
    sheet: str | None = None,
    name: str = "",
) -> SalesResult:
    """Read a sales list and apply it, or say what applying it would do. The door commits.

    Args:
        columns: header → field; None: by ``mapping``, the name of a saved one, else as the headers say.

    Raises:
        PermissionDenied: the actor may not bring documents in.
        ImportRefused: the list cannot be read, or none of its rows can be used.
        MappingUnknown: the company has no mapping of that name.
    """
    actor.require(Permission.DOCUMENTS_MANAGE, company.id)
    if columns is None and mapping:
        columns = load_mapping(session, actor, company.id, mapping, SALES)
    table = open_sales(source, sheet)
    used = dict(columns) if columns is not None else COLUMNS.guess(table.header)
    lines = _read(table, company, check_columns(table.header, used))
    result = SalesResult(dry_run, notes=tuple(table.notes), columns=used)
    unused = [header for header in table.header if header and header not in used]
    if unused:
        result.notes += (Notice("columns_ignored", {"headers": ", ".join(unused)}),)
    label = (name or (source.name if isinstance(source, Path) else ""))[:120]
    accepted = _accept(session, actor, company, lines, result)
    if not accepted and result.error_rows and not dry_run:
        raise ImportRefused("ledger_all_wrong")
    with session.begin_nested() as savepoint:
        touched: set[int] = set()
        for part in chunks(accepted, AT_ONCE):
            touched |= _apply(session, company.id, part, result, label)
        work_out_totals(session, company.id, touched)
        if dry_run:
            savepoint.rollback()
    if not dry_run and (result.created or result.updated or result.products):
        audit.record(
            session, actor, "importers.sales.imported", company_id=company.id, label=label,
            created=result.created, updated=result.updated, error_rows=result.error_rows,
        )  # fmt: skip
    return result


def _read(table: Table, company: Company, places: Mapping[Field, int]) -> list[ParsedSale]:
    rows = list(table.rows())
    if not rows:
        raise ImportRefused("no_rows")
    currency = next(iter(get_territory_currencies(company.country.upper())), "EUR")
    decimals = find_decimals(rows, places, _usual_sign(table, company))
    reader = SaleReader(table.header, places, currency, company.code, decimals)
    return [reader.read(row) for row in rows]


def _usual_sign(table: Table, company: Company) -> str:
    """The sign of decimals where the amounts leave doubt: numbers of a spreadsheet come with a point."""
    if table.sheet is not None or table.delimiter in (OBJECTS, ","):
        return "."
    return "," if table.delimiter == ";" or company.country in DECIMAL_COMMA_COUNTRIES else "."


def _accept(
    session: Session, actor: Actor, company: Company, lines: Sequence[ParsedSale], result: SalesResult
) -> list[tuple[int, Sale]]:
    """The sales with their customers; the other rows are counted with what is wrong with them."""
    codes = (line.party_code for line in lines)
    numbers = (line.vat_number for line in lines if not line.party_code)
    by_code, by_vat = parties_named(session, company.id, codes, numbers, actor.sight)
    columns = {field: header for header, field in result.columns.items()}
    accepted = []
    for line in lines:
        party = by_code.get(line.party_code) if line.party_code else by_vat.get(line.vat_number)
        errors = list(line.errors)
        if party is None and (line.party_code or line.vat_number):
            target = Field.PARTY_CODE if line.party_code else Field.VAT_NUMBER
            value = {"value": line.party_code or line.vat_number}
            errors.append(RowError(line.row, columns.get(target), "ledger_unknown_party", value))
        result.rows += 1
        if errors:
            result.error_rows += 1
            result.errors += errors[: max(0, KEPT_ERRORS - len(result.errors))]
        elif party is not None and line.sale is not None:
            accepted.append((party[0], line.sale))
    return accepted


def _apply(
    session: Session, company_id: int, sales: Sequence[tuple[int, Sale]], result: SalesResult, label: str
) -> set[int]:
    """Write what is new or different; the parties that it concerns."""
    invoices = _invoices(session, {party_id for party_id, _sale in sales})
    known = _known(session, company_id, [sale.key for _party_id, sale in sales])
    counted = [one for one in sales if (one[0], one[1].bought_on, one[1].number) not in invoices]
    result.invoiced += len(sales) - len(counted)
    products, changed_products = product_ids(
        session, company_id, [sale.product for _party_id, sale in counted]
    )
    result.products += changed_products
    fresh, changed, touched = [], [], set()
    for party_id, sale in counted:
        values: dict[str, Any] = {"party_id": party_id, "product_id": products[sale.product.code]}
        values |= {name: getattr(sale, name) for name in _TOLD[2:]}
        before = known.get(sale.key)
        if before is not None and before[1] == tuple(values[name] for name in _TOLD):
            result.unchanged += 1
            continue
        touched |= {party_id} if before is None else {party_id, before[1][0]}
        if before is None:
            fresh.append(values | {"company_id": company_id, "source": label, "source_key": sale.key})
        else:
            row = {f"new_{name}": value for name, value in values.items()}
            changed.append(row | {"row_id": before[0], "new_source": label})
    result.created += len(fresh)
    result.updated += len(changed)
    insert_many(session, PurchaseLine, fresh)
    if changed:
        session.connection().execute(_UPDATE, changed)
    return touched


def _known(session: Session, company_id: int, keys: Sequence[str]) -> dict[str, tuple[int, tuple[Any, ...]]]:
    columns = [getattr(PurchaseLine, name) for name in _TOLD]
    query = select(PurchaseLine.source_key, PurchaseLine.id, *columns).where(
        PurchaseLine.company_id == company_id, among(session, PurchaseLine.source_key, keys)
    )
    return {key: (id_, tuple(values)) for key, id_, *values in session.execute(query)}


def _invoices(session: Session, party_ids: set[int]) -> set[tuple[int, Any, str]]:
    """The invoices of these customers that are kept as documents: (party, day, number)."""
    query = select(PurchaseLine.party_id, PurchaseLine.bought_on, PurchaseLine.number).where(
        among(session, PurchaseLine.party_id, party_ids),
        PurchaseLine.document_id.is_not(None),
        PurchaseLine.number != "",
    )
    return {(party_id, on, number) for party_id, on, number in session.execute(query.distinct())}
