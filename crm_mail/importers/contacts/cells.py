"""The cells of one row by field, and the errors and warnings found while reading them."""

from collections.abc import Mapping, Sequence
from typing import Final

from crm_mail.delivery.addresses import AddressInvalid, address_key, normalise_address, split_addresses
from crm_mail.importers.base import AddressKind, Notice, ParsedAddress, RowError
from crm_mail.importers.tables.cell_values import read_country, read_credit_days, read_language
from crm_mail.importers.tables.column_names import Field
from crm_mail.importers.tables.table_rows import TableRow

_EXCHANGE: Final = ("/o=", "/cn=", "cn=")


class ColumnPlan:
    """Which columns hold which field, worked out once for all rows of a file."""

    def __init__(self, headers: Sequence[str], columns: Mapping[str, str]) -> None:
        self.width = len(headers)
        self.columns = [(i, header, columns[header]) for i, header in enumerate(headers) if header in columns]
        self.by_field: dict[str, list[tuple[int, str]]] = {}
        self.headers = {index: header for index, header, _ in self.columns}
        self.labels: dict[int, int] = {}
        self._like: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        label: int | None = None
        for index, header, held in self.columns:
            self.by_field.setdefault(held, []).append((index, header))
            if held == Field.EMAIL_LABEL:
                label = index
            elif held == Field.CONTACT_EMAIL and label is not None:
                self.labels[index], label = label, None

    def columns_like(self, *prefixes: str) -> list[tuple[str, str]]:
        """(header, field) of the columns whose field begins with one of `prefixes`."""
        found = self._like.get(prefixes)
        if found is None:
            found = [(header, held) for _, header, held in self.columns if held.startswith(prefixes)]
            self._like[prefixes] = found
        return found


class RowCells:
    """One row under a plan; reading a bad cell adds to `errors` or `warnings` and gives nothing back."""

    def __init__(self, row: TableRow, plan: ColumnPlan) -> None:
        self.number = row.number
        self.plan = plan
        self.errors: list[RowError] = []
        self.warnings: list[Notice] = list(row.warnings)
        self._cells = row.cells

    def take_problems(self, row: TableRow) -> None:
        """Take over what was wrong with the cells as such; an unused column may hold anything."""
        headers = self.plan.headers
        for problem in row.errors:
            if problem.column is not None and problem.column not in headers:
                continue
            column = headers.get(problem.column) if problem.column is not None else None
            self.errors.append(RowError(self.number, column, problem.code, problem.params))
        if len(row.cells) > self.plan.width and any(row.cells[self.plan.width :]):
            used = max(index for index, cell in enumerate(row.cells) if cell) + 1
            self.errors.append(
                RowError(self.number, None, "too_many_cells", {"cells": used, "columns": self.plan.width})
            )

    def columns(self, target: str) -> list[tuple[str, str]]:
        """(cell, header) of the columns that hold `target` and are not empty in this row."""
        held = self.plan.by_field.get(target)
        if held is None:
            return []
        cells = self._cells
        return [(cells[index], header) for index, header in held if index < len(cells) and cells[index]]

    def first(self, target: str) -> str | None:
        """The first filled cell that holds `target`, on one line."""
        held = self.plan.by_field.get(target)
        if held is not None:
            cells = self._cells
            for index, _header in held:
                if index < len(cells) and (cell := cells[index]):
                    return " ".join(cell.split()) if "\n" in cell or "\r" in cell else cell
        return None

    def has_column(self, target: str) -> bool:
        """Whether the file has a column for `target`, empty or not."""
        return target in self.plan.by_field

    def header_of(self, target: str) -> str | None:
        """The header of the first column that holds `target`."""
        held = self.plan.by_field.get(target)
        return held[0][1] if held else None

    def fail(self, code: str, target: str, *, header: str | None = None, **params: object) -> None:
        """Add an error on the column of `target`."""
        self.errors.append(RowError(self.number, header or self.header_of(target), code, params))

    def warn(self, code: str, target: str, *, header: str | None = None, **params: object) -> None:
        """Add a warning on the column of `target`."""
        column = header or self.header_of(target)
        self.warnings.append(Notice(code, params, row=self.number, column=column))

    def country(self) -> str | None:
        """The country as a two-letter code; an unknown name is a warning."""
        cell = self.first(Field.COUNTRY)
        found = read_country(cell) if cell else None
        if cell and found is None:
            self.warn("bad_country", Field.COUNTRY, value=cell)
        return found

    def language(self) -> str | None:
        """The language as a two-letter code; an unknown one is an error."""
        cell = self.first(Field.LANGUAGE)
        found = read_language(cell) if cell else None
        if cell and found is None:
            self.fail("bad_language", Field.LANGUAGE, value=cell)
        return found

    def credit_days(self) -> int | None:
        """Days of credit; what is no number of days is a warning."""
        cell = self.first(Field.CREDIT_DAYS)
        found = read_credit_days(cell) if cell else None
        if cell and found is None:
            self.warn("bad_credit_days", Field.CREDIT_DAYS, value=cell)
        return found

    def addresses(self, target: str, kind: AddressKind = AddressKind.UNKNOWN) -> list[ParsedAddress]:
        """Every address of the columns that hold `target`, each once, PEC where a label column says so."""
        held = self.plan.by_field.get(target)
        if held is None:
            return []
        found: list[ParsedAddress] = []
        cells = self._cells
        for index, header in held:
            cell = cells[index] if index < len(cells) else ""
            if cell:
                label = self.plan.labels.get(index)
                is_pec = label is not None and label < len(cells) and cells[label].casefold() == "pec"
                labelled = AddressKind.PEC if is_pec else kind
                found += self.read_addresses(cell, target, kind=labelled, header=header)
        return self._without_repeats(found, target) if len(found) > 1 else found

    def read_addresses(
        self,
        cell: str,
        target: str,
        *,
        kind: AddressKind = AddressKind.UNKNOWN,
        header: str | None = None,
    ) -> list[ParsedAddress]:
        """The addresses of one cell; an invalid one is an error, an Exchange one a warning."""
        if cell.casefold().startswith(_EXCHANGE):
            self.warn("exchange_address_ignored", target, header=header, value=cell)
            return []
        found = []
        for text in split_addresses(cell):
            try:
                found.append(ParsedAddress(normalise_address(text), kind))
            except AddressInvalid as invalid:
                reason = str(invalid).rstrip(".")
                self.fail("address_invalid", target, header=header, value=text, reason=reason)
        return found

    def _without_repeats(self, found: list[ParsedAddress], target: str) -> list[ParsedAddress]:
        kept: dict[str, ParsedAddress] = {}
        for item in found:
            key = address_key(item.email)
            if key in kept:
                self.warn("duplicate_address", target, value=item.email)
            else:
                kept[key] = item
        return list(kept.values())
