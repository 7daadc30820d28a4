"""From a table and a mapping to parties and contacts, one `ParsedRow` per row; a bad row never stops the others.

Nothing is invented in silence: a party recognised by its name, or named after its contact, says so in the
warnings of the row.
"""

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crm_mail.companies.packaging_rules import (
    DEFAULT_PACKAGING,
    MAX_EMAILS,
    PackagingChoiceInvalid,
    clean_code,
)
from crm_mail.importers.base import (
    DOCUMENT_TYPES,
    Notice,
    ParsedContact,
    ParsedParty,
    ParsedRow,
    PartyKind,
)
from crm_mail.importers.contacts.cells import ColumnPlan, RowCells
from crm_mail.importers.contacts.columns import (
    Mapping,
    guess_mapping,
    require_contacts,
    score_header,
    use_mapping,
)
from crm_mail.importers.contacts.parts import build_contact
from crm_mail.importers.tables.cell_values import read_kind, read_tax_id, read_yes_no
from crm_mail.importers.tables.column_names import Field
from crm_mail.importers.tables.table_rows import TableLimits, TableRow
from crm_mail.importers.tables.tabular import Table, read_table

_DELETIONS = frozenset({"delete", "elimina", "cancella", "borrar", "eliminar"})
_PLAIN_FIELDS = (
    Field.ADDRESS,
    Field.POSTCODE,
    Field.CITY,
    Field.PROVINCE,
    Field.ZONE,
    Field.AGENT,
    Field.CATEGORY,
)


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the rows are read for: the company imported into and the document types that exist.

    Args:
        packagings: the company's, by code, with the code of the only customer who may name it, or empty; None: any.
    """

    company_code: str | None = None
    document_types: frozenset[str] = frozenset(DOCUMENT_TYPES)
    default_kind: PartyKind | None = None
    packagings: MappingType[str, str] | None = None

    def usable_packagings(self, party_code: str) -> list[str] | None:
        """The codes that a party may name; None: any."""
        if self.packagings is None:
            return None
        return sorted(
            {DEFAULT_PACKAGING, *(c for c, own in self.packagings.items() if own in ("", party_code))}
        )


@dataclass(slots=True)
class ContactFile:
    """A contact file ready to be read once: show `mapping`, then take `rows()`."""

    table: Table
    mapping: Mapping
    context: RowContext

    def rows(self) -> Iterator[ParsedRow]:
        """Stream the parsed rows; `table.notes` is complete afterwards."""
        return parse_contact_rows(self.table, self.mapping, self.context)

    def notes(self) -> tuple[Notice, ...]:
        """What to tell about the file as a whole, so far."""
        unknown = Notice("columns_ignored", {"headers": ", ".join(self.mapping.unknown)})
        return (*self.table.notes, *((unknown,) if self.mapping.unknown else ()))


def open_contact_file(
    source: bytes | Path,
    *,
    columns: MappingType[str, str] | None = None,
    context: RowContext | None = None,
    limits: TableLimits | None = None,
    sheet: str | None = None,
) -> ContactFile:
    """Open a contact file and recognise its columns, or take the mapping `columns` (header → field).

    Raises ImportRefused when the file is no table, or holds no contacts.
    """
    table = read_table(source, limits=limits, header_score=score_header, sheet=sheet)
    mapping = guess_mapping(table.header) if columns is None else use_mapping(table.header, columns)
    require_contacts(table.header, mapping)
    return ContactFile(table, mapping, context or RowContext())


def parse_contact_rows(table: Table, mapping: Mapping, context: RowContext) -> Iterator[ParsedRow]:
    """Read every row of `table` under `mapping`."""
    plan = ColumnPlan(table.header, mapping.columns)
    memory = _Memory()
    for row in table.rows():
        yield _parse_row(row, RowCells(row, plan), context, memory)


@dataclass(slots=True)
class _Memory:
    """What earlier rows said, to warn about likely slips: one entry for each party code."""

    codes: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # digits → code, name, row
    companies: dict[str, ParsedParty] = field(default_factory=dict)  # name → party, in files with both


def _parse_row(row: TableRow, cells: RowCells, context: RowContext, memory: _Memory) -> ParsedRow:
    cells.take_problems(row)
    _check_scope(cells, context)
    party = _build_party(cells, context, memory)
    contact: ParsedContact | None = None
    if party is not None:
        contact = build_contact(cells, party, context.document_types)
        party = _name_party(cells, party, contact)
    if party is None or party.match_key is None:
        party = None
        if not cells.errors:
            _report_missing(cells)
    else:
        _compare(cells, party, memory)
    return ParsedRow(row.number, party, contact, tuple(cells.errors), tuple(cells.warnings))


def _check_scope(cells: RowCells, context: RowContext) -> None:
    company = cells.first(Field.COMPANY_CODE)
    if company and context.company_code and company.casefold() != context.company_code.casefold():
        cells.fail("other_company", Field.COMPANY_CODE, value=company, company=context.company_code)
    action = cells.first(Field.ROW_ACTION)
    if action and action.casefold() in _DELETIONS:
        cells.fail("row_asks_deletion", Field.ROW_ACTION, value=action)


def _report_missing(cells: RowCells) -> None:
    columns = [
        header
        for _, header, target in cells.plan.columns
        if target in (Field.PARTY_CODE, Field.CUSTOMER_CODE, Field.PARTY_NAME, Field.VAT_NUMBER)
    ]
    cells.fail("party_missing", Field.PARTY_CODE, columns=" / ".join(columns) or "party_code")


def _build_party(cells: RowCells, context: RowContext, memory: _Memory) -> ParsedParty | None:
    """The party of the row; its name may still be missing. None when a code column is there and empty."""
    if cells.has_column(Field.IS_COMPANY) and not read_yes_no(cells.first(Field.IS_COMPANY) or ""):
        return _find_parent(cells, memory)
    code = cells.first(Field.PARTY_CODE) or cells.first(Field.CUSTOMER_CODE)
    supplier_code = cells.first(Field.SUPPLIER_CODE)
    if code and supplier_code:
        cells.warn("second_code_ignored", Field.SUPPLIER_CODE, value=supplier_code)
    plain: dict[str, Any] = {item.value: cells.first(item) for item in _PLAIN_FIELDS}
    party = ParsedParty(
        code=code or supplier_code,
        name=cells.first(Field.EITHER_NAME) or cells.first(Field.PARTY_NAME),
        kind=_read_party_kind(cells, bool(code), bool(supplier_code)) or context.default_kind,
        vat_number=_read_tax(cells, Field.VAT_NUMBER),
        tax_code=_read_tax(cells, Field.TAX_CODE),
        country=cells.country(),
        credit_days=cells.credit_days(),
        language=cells.language(),
        emails=tuple(item.email for item in cells.addresses(Field.EMAIL)),
        billing_emails=tuple(item.email for item in cells.addresses(Field.BILLING_EMAIL)),
        **plain,
    )
    party = _with_packaging(cells, party, context)
    coded = cells.has_column(Field.PARTY_CODE) and not cells.has_column(Field.IS_COMPANY)
    if coded and not code and not (party.vat_number or party.tax_code):
        return None
    if cells.has_column(Field.IS_COMPANY) and party.name:
        memory.companies[party.name.casefold()] = party
        party = replace(party, emails=tuple(item.email for item in cells.addresses(Field.CONTACT_EMAIL)))
    return party


def _find_parent(cells: RowCells, memory: _Memory) -> ParsedParty:
    """The party of a person in a file that lists companies and persons together (Odoo)."""
    name = cells.first(Field.PARTY_NAME)
    if name is not None and (known := memory.companies.get(name.casefold())) is not None:
        return ParsedParty(code=known.code, name=known.name, vat_number=known.vat_number)
    return ParsedParty(name=name)


def _read_party_kind(cells: RowCells, customer: bool, supplier: bool) -> PartyKind | None:
    cell = cells.first(Field.KIND)
    if cell:
        kind = read_kind(cell)
        if kind is None:
            cells.fail("bad_kind", Field.KIND, value=cell)
        return kind
    if not cells.has_column(Field.SUPPLIER_CODE):
        return None
    if customer and supplier:
        return PartyKind.BOTH
    return PartyKind.SUPPLIER if supplier else PartyKind.CUSTOMER if customer else None


def _read_tax(cells: RowCells, target: Field) -> str | None:
    cell = cells.first(target)
    if not cell:
        return None
    value = read_tax_id(cell)
    if value is None:
        cells.warn("generic_tax_code", target, value=cell)
    return value


def _with_packaging(cells: RowCells, party: ParsedParty, context: RowContext) -> ParsedParty:
    """The packaging and the addresses behind it (PM-15: ``GRAL,a@x,b@x``); a code that is none is a warning."""
    cell = cells.first(Field.PACKAGING)
    if not cell:
        return party
    code, _comma, rest = cell.partition(",")
    if "@" in code:
        code, rest = "", cell
    found = cells.read_addresses(rest, Field.PACKAGING) if rest.strip() else []
    emails = tuple(dict.fromkeys(item.email for item in found))
    while len(",".join(emails)) > MAX_EMAILS:
        cells.warn("too_many_packaging_emails", Field.PACKAGING, value=emails[-1])
        emails = emails[:-1]
    try:
        wanted = clean_code(code)
    except PackagingChoiceInvalid:
        cells.warn("bad_packaging", Field.PACKAGING, value=code.strip()[:60])
        return replace(party, packaging_emails=emails or None)
    usable = context.usable_packagings(party.code or "")
    if usable is not None and wanted not in usable:
        cells.warn("unknown_packaging", Field.PACKAGING, value=wanted, known=", ".join(usable))
        return replace(party, packaging_emails=emails or None)
    return replace(party, packaging=wanted, packaging_emails=emails)


def _name_party(cells: RowCells, party: ParsedParty, contact: ParsedContact | None) -> ParsedParty | None:
    """Say how a party without a code is recognised, and by which name when it has none."""
    if party.name is None and party.code is None:
        first = (
            contact.addresses[0].email if contact and contact.addresses else next(iter(party.emails), None)
        )
        if contact is not None and contact.name and contact.name != first:
            cells.warn("party_named_as_contact", Field.PARTY_NAME, name=contact.name)
            return replace(party, name=contact.name)
        if first is None or cells.has_column(Field.PARTY_CODE):
            return party if party.match_key else None
        cells.warn("party_named_as_address", Field.PARTY_NAME, name=first)
        return replace(party, name=first)
    key = party.match_key
    if key is not None and key[0] == "name":
        cells.warn("matched_by_name", Field.PARTY_NAME, name=party.name)
    return party


def _compare(cells: RowCells, party: ParsedParty, memory: _Memory) -> None:
    """Warn about a code that differs only by leading zeros from an earlier one, or that changed its name."""
    if not party.code:
        return
    key = party.code.lstrip("0").casefold()
    seen = memory.codes.get(key)
    if seen is None:
        memory.codes[key] = (party.code, party.name or "", cells.number)
        return
    code, name, row = seen
    if code != party.code:
        cells.warn("code_like_another", Field.PARTY_CODE, value=party.code, other=code, other_row=row)
    elif name and party.name and name.casefold() != party.name.casefold():
        cells.warn("several_names_one_code", Field.PARTY_NAME, value=code, other=name, other_row=row)
