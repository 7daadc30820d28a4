"""The columns that one kind of list may have: their names in three languages, and where they stand. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Generic, TypeVar

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts.columns import list_headers
from crm_mail.importers.tables.column_names import fold_header

F = TypeVar("F", bound=StrEnum)
LONGEST: Final = 60
"""Characters of a cell that may still be the name of a column."""


class ColumnSet(Generic[F]):
    """The fields of a list.

    Args:
        fields: the values are the canonical headers.
        synonyms: other names of each, folded, separated by ``|``.
    """

    def __init__(self, fields: type[F], synonyms: Mapping[F, str]) -> None:
        self.fields = fields
        self._names = {fold_header(item): item for item in fields} | {
            name: item for item, names in synonyms.items() for name in names.split("|")
        }

    def recognise(self, header: str) -> F | None:
        """The field of a header; None for an unknown one."""
        return self._names.get(fold_header(header))

    def score_header(self, cells: Sequence[str]) -> int:
        """How many cells of a row are known column names: the row with the most is the header."""
        return len(
            {found for cell in cells if cell and len(cell) <= LONGEST and (found := self.recognise(cell))}
        )

    def guess(self, headers: Sequence[str]) -> dict[str, str]:
        """Header → field as the names say; of two columns with one meaning the first is used."""
        taken: set[F] = set()
        columns: dict[str, str] = {}
        for header in headers:
            found = self.recognise(header) if header else None
            if found is not None and found not in taken:
                taken.add(found)
                columns[header] = found.value
        return columns

    def places(self, headers: Sequence[str], columns: Mapping[str, str]) -> dict[F, int]:
        """Field → place of its column.

        Raises:
            ImportRefused: a field or a column does not exist.
        """
        by_fold = {
            fold_header(header): place for place, header in reversed(list(enumerate(headers))) if header
        }
        places: dict[F, int] = {}
        for header, target in columns.items():
            if not target:
                continue
            if target not in set(self.fields):
                raise ImportRefused("unknown_mapping_field", header=header, field=target)
            place = by_fold.get(fold_header(header))
            if place is None:
                raise ImportRefused("mapping_column_absent", header=header, headers=list_headers(headers))
            places.setdefault(self.fields(target), place)
        return places
