"""What an import of contacts did, or would do: counts of rows, and what is said about single rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crm_mail.importers.base import Notice, RowError
from crm_mail.importers.contacts.changes import Change

KEPT_ERRORS: Final = 20_000
KEPT_WARNINGS: Final = 2_000
KEPT_CHANGES: Final = 2_000
"""Messages and changes that are kept word by word; beyond that they are only counted, so that memory stays bounded."""


@dataclass(slots=True)
class ContactImportResult:
    """Counts of the rows of a file, each counted once, and of what they changed.

    A row is *created* when it made a new contact (or, where it describes only the party, a new party), *updated*
    when it changed something stored or something an earlier row had made, *unchanged* when everything it says was
    known, and an error otherwise.
    """

    dry_run: bool = False
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    error_rows: int = 0
    parties_created: int = 0
    parties_updated: int = 0
    contacts_created: int = 0
    contacts_updated: int = 0
    consents: int = 0  # words that the ledger did not know
    roles_created: list[str] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    notes: tuple[Notice, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    warning_count: int = 0
    warning_codes: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    change_count: int = 0

    def add_errors(self, errors: tuple[RowError, ...]) -> None:
        """Count a row that is not applied, and keep why."""
        self.error_rows += 1
        if len(self.errors) < KEPT_ERRORS:
            self.errors.extend(errors)

    def add_warnings(self, warnings: tuple[Notice, ...]) -> None:
        """Count, and keep the first ones."""
        self.warning_count += len(warnings)
        for warning in warnings:
            self.warning_codes[warning.code] += 1
        if len(self.warnings) < KEPT_WARNINGS:
            self.warnings.extend(warnings)

    def add_changes(self, changes: Sequence[Change]) -> None:
        """Count, and keep those of the first rows."""
        self.change_count += len(changes)
        room = KEPT_CHANGES - len(self.changes)
        if room > 0:
            self.changes += sorted(changes, key=lambda change: change.row)[:room]

    def as_json(self) -> dict[str, Any]:
        """What the command line prints."""
        return {
            "dry_run": self.dry_run,
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "error_rows": self.error_rows,
            "parties_created": self.parties_created,
            "parties_updated": self.parties_updated,
            "contacts_created": self.contacts_created,
            "contacts_updated": self.contacts_updated,
            "consents": self.consents,
            "roles_created": self.roles_created,
            "errors": [
                {"row": e.row, "column": e.column, "code": e.code, "message": e.message} for e in self.errors
            ],
            "warnings": [
                {"row": w.row, "column": w.column, "code": w.code, "message": w.message}
                for w in self.warnings
            ],
            "warning_count": self.warning_count,
            "changes": [entry for change in self.changes for entry in change.as_json()],
            "change_count": self.change_count,
            "notes": [{"code": n.code, "message": n.message} for n in self.notes],
            "columns": self.columns,
        }
