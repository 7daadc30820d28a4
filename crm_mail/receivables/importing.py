"""Bring open items or movements in: read the list, say what would happen row by row, then apply it.

A *complete* list is all there is: lines of the company that it no longer names are settled. Customers named in a row
with an error keep their lines, so that a typing error settles nothing. The same list twice changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now, today
from crm_mail.importers.base import ImportRefused, Notice, RowError
from crm_mail.importers.contacts.import_result import KEPT_ERRORS, KEPT_WARNINGS
from crm_mail.importers.party_codes import parties_named
from crm_mail.importers.tables.amount_cells import DECIMAL_COMMA_COUNTRIES
from crm_mail.importers.tables.object_tables import OBJECTS
from crm_mail.importers.tables.table_rows import TableRow
from crm_mail.importers.tables.tabular import Table
from crm_mail.many_rows import chunks, insert_many
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.columns import Field, check_columns, guess_columns, guess_kind
from crm_mail.receivables.ledger import Entry, Kind
from crm_mail.receivables.lists import open_ledger
from crm_mail.receivables.models import LedgerLine
from crm_mail.receivables.rows import ParsedLine, RowReader, find_decimals, fingerprint, read_rows

AT_ONCE = 5000
CURRENCY_OF = {"IT": "EUR", "ES": "EUR", "FR": "EUR", "DE": "EUR", "MX": "MXN", "PY": "PYG", "AR": "ARS",
               "US": "USD", "GB": "GBP", "CH": "CHF"}  # fmt: skip
"""What rows without a currency are in, by the country of the company; euro elsewhere."""

_VALUES = (
    *("currency", "doc_type", "number", "posted_on", "doc_on", "due_on", "description", "debit", "credit"),
    *("open_amount", "method", "is_disputed", "is_unpaid", "is_opening", "level", "reminded_on"),
)
_LINES = LedgerLine.__table__
_UPDATE = (
    update(_LINES)  # type: ignore[arg-type]
    .where(_LINES.c.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}", type_=_LINES.c[name].type) for name in
             (*_VALUES, "fingerprint", "source", "updated_at", "settled_on")})
)  # fmt: skip


@dataclass(slots=True)
class LedgerResult:
    """What an import did, or would do; each row is counted once. ``settled``: lines that the list no longer names."""

    dry_run: bool = False
    kind: Kind = Kind.OPEN_ITEMS
    is_complete: bool = True
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    settled: int = 0
    error_rows: int = 0
    errors: list[RowError] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    warning_count: int = 0
    notes: tuple[Notice, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)

    def tell(self, line: ParsedLine, errors: Sequence[RowError]) -> None:
        """Count a row and keep what is said about it."""
        self.rows += 1
        self.warning_count += len(line.warnings)
        self.warnings += line.warnings[: max(0, KEPT_WARNINGS - len(self.warnings))]
        if errors:
            self.error_rows += 1
            self.errors += errors[: max(0, KEPT_ERRORS - len(self.errors))]

    def as_json(self) -> dict[str, Any]:
        """What the command line prints."""
        counts = ("rows", "created", "updated", "unchanged", "settled", "error_rows", "warning_count")
        return {
            "dry_run": self.dry_run,
            "kind": self.kind.value,
            "is_complete": self.is_complete,
            **{name: getattr(self, name) for name in counts},
            "errors": [
                {"row": e.row, "column": e.column, "code": e.code, "message": e.message} for e in self.errors
            ],
            "warnings": [{"row": w.row, "code": w.code, "message": w.message} for w in self.warnings],
            "notes": [{"code": n.code, "message": n.message} for n in self.notes],
            "columns": self.columns,
        }


def import_ledger(
    session: Session,
    actor: Actor,
    company: Company,
    source: bytes | Path,
    *,
    kind: Kind | None = None,
    columns: Mapping[str, str] | None = None,
    is_complete: bool = True,
    dry_run: bool = False,
    sheet: str | None = None,
    name: str = "",
) -> LedgerResult:
    """Read a list and apply it, or say what applying it would do.

    Args:
        kind: what it holds; None: as its columns say.
        columns: header → field; None: as the headers say.
        is_complete: what it does not name is settled.

    Raises:
        PermissionDenied: the actor may not bring documents in.
        ImportRefused: the list cannot be read, or none of its rows can be used.
    """
    actor.require(Permission.DOCUMENTS_MANAGE, company.id)
    table = open_ledger(source, sheet)
    used = dict(columns) if columns is not None else guess_columns(table.header)
    places = check_columns(table.header, used)
    chosen = kind or guess_kind(used)
    rows = list(table.rows())
    if not rows:
        raise ImportRefused("no_rows")
    reader = RowReader(
        chosen,
        table.header,
        places,
        CURRENCY_OF.get(company.country, "EUR"),
        company.code,
        find_decimals(rows, places, _usual_sign(table, company)),
    )
    result = LedgerResult(dry_run, chosen, is_complete, notes=tuple(table.notes), columns=used)
    unused = [header for header in table.header if header and header not in used]
    if unused:
        result.notes += (Notice("columns_ignored", {"headers": ", ".join(unused)}),)
    accepted, kept_parties = _accept(session, company, reader, rows, result)
    if not accepted and result.error_rows and not dry_run:
        raise ImportRefused("ledger_all_wrong")
    label = (name or (source.name if isinstance(source, Path) else ""))[:120]
    _apply(session, company, result, accepted, kept_parties, label)
    if not dry_run:
        audit.record(
            session, actor, "receivables.ledger.imported", company_id=company.id, label=label, kind=chosen.value,
            created=result.created, updated=result.updated, settled=result.settled, error_rows=result.error_rows,
        )  # fmt: skip
    return result


def _usual_sign(table: Table, company: Company) -> str:
    """The sign of decimals where the amounts leave doubt: numbers of a spreadsheet come with a point."""
    if table.sheet is not None:
        return "."
    if table.delimiter in (OBJECTS, ","):
        return "."
    if table.delimiter == ";":
        return ","
    return "," if company.country in DECIMAL_COMMA_COUNTRIES else "."


def _accept(
    session: Session, company: Company, reader: RowReader, rows: Sequence[TableRow], result: LedgerResult
) -> tuple[list[tuple[int, Entry]], set[int]]:
    """The entries with their parties, and the parties whose lines must stay because a row of theirs is wrong."""
    lines = list(read_rows(reader, rows))
    codes = (line.party_code for line in lines)
    numbers = (line.vat_number for line in lines if not line.party_code)
    by_code, by_vat = parties_named(session, company.id, codes, numbers)
    accepted: list[tuple[int, Entry]] = []
    kept: set[int] = set()
    for line in lines:
        party = by_code.get(line.party_code) if line.party_code else by_vat.get(line.vat_number)
        errors = list(line.errors)
        if party is None and (line.party_code or line.vat_number):
            errors.append(_party_error(reader, line, "ledger_unknown_party"))
        elif party is not None and not party[1]:
            errors.append(_party_error(reader, line, "ledger_not_customer"))
        result.tell(line, errors)
        if party is not None and errors:
            kept.add(party[0])
        elif party is not None and line.entry is not None:
            accepted.append((party[0], line.entry))
    return accepted, kept


def _party_error(reader: RowReader, line: ParsedLine, code: str) -> RowError:
    target = Field.PARTY_CODE if line.party_code else Field.VAT_NUMBER
    place = reader.places.get(target)
    header = reader.headers[place] if place is not None else None
    return RowError(line.row, header, code, {"value": line.party_code or line.vat_number})


def _apply(
    session: Session,
    company: Company,
    result: LedgerResult,
    accepted: Sequence[tuple[int, Entry]],
    kept_parties: set[int],
    label: str,
) -> None:
    """Compare with what is stored, count, and write unless it is a dry run."""
    stored = _stored(session, company.id, result.kind)
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    named: set[int] = set()
    moment = now()
    for party_id, entry in accepted:
        mark = fingerprint(entry)
        known = stored.get((party_id, entry.key))
        if known is not None:
            named.add(known[0])
        if known is not None and known[1] == mark and known[2]:
            result.unchanged += 1
            continue
        values = {name: getattr(entry, name) for name in _VALUES} | {
            "fingerprint": mark, "source": label, "updated_at": moment, "settled_on": None
        }  # fmt: skip
        if known is None:
            fixed = {
                "company_id": company.id,
                "party_id": party_id,
                "kind": result.kind,
                "source_key": entry.key,
            }
            fresh.append(fixed | values)
        else:
            changed.append({"row_id": known[0]} | {f"new_{name}": value for name, value in values.items()})
    result.created, result.updated = len(fresh), len(changed)
    gone = [
        id_
        for (party_id, _key), (id_, _mark, is_open) in stored.items()
        if result.is_complete and is_open and id_ not in named and party_id not in kept_parties
    ]
    result.settled = len(gone)
    if not result.dry_run:
        _write(session, fresh, changed, gone)


def _stored(session: Session, company_id: int, kind: Kind) -> dict[tuple[int, str], tuple[int, str, bool]]:
    query = select(
        LedgerLine.party_id,
        LedgerLine.source_key,
        LedgerLine.id,
        LedgerLine.fingerprint,
        LedgerLine.settled_on,
    ).where(LedgerLine.company_id == company_id, LedgerLine.kind == kind)
    return {
        (party_id, key): (id_, mark, settled is None)
        for party_id, key, id_, mark, settled in session.execute(query)
    }


def _write(
    session: Session, fresh: list[dict[str, Any]], changed: list[dict[str, Any]], gone: list[int]
) -> None:
    for part in chunks(fresh, AT_ONCE):
        insert_many(session, LedgerLine, part)
    if changed:
        session.connection().execute(_UPDATE, changed)
    for settled in chunks(gone, AT_ONCE):
        session.connection().execute(
            update(LedgerLine).where(LedgerLine.id.in_(settled)).values(settled_on=today())
        )
