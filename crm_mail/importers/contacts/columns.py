"""From the headers of a contact file to a mapping: which column is which field.

The mapping is guessed, can be corrected, and is saved under a name as a plain dictionary header → field, where
a field is one of `column_names.Field`, `subscription:TYPE`, `no_subscription:TYPE` or `characteristic:NAME`
(columns that are flags or single values), or empty for a column that is not used.
"""

from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from crm_mail.document_types import OWN_PREFIX
from crm_mail.importers.base import DOCUMENT_TYPES, ImportRefused
from crm_mail.importers.tables.column_names import (
    AMBIGUOUS_EMAIL,
    AMBIGUOUS_NAME,
    CANONICAL,
    CHARACTERISTIC,
    NO_SUBSCRIPTION,
    OPEN_ITEMS,
    SUBSCRIPTION,
    Field,
    fold_header,
    is_known_header,
    recognise_header,
)

_PERSON: Final = frozenset({Field.CONTACT_NAME, Field.FIRST_NAME, Field.LAST_NAME})
_PERSON_OR_ROLE: Final = _PERSON | {Field.ROLES, Field.JOB_TITLE}
_IDENTIFYING: Final = frozenset(
    {
        Field.PARTY_CODE,
        Field.CUSTOMER_CODE,
        Field.SUPPLIER_CODE,
        Field.VAT_NUMBER,
        Field.TAX_CODE,
        Field.PARTY_NAME,
        Field.EITHER_NAME,
    }
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which header holds which field; `unknown` headers are not used, `missing` fields make a refusal."""

    columns: MappingType[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, str]:
        """What is saved under a name: header → field, JSON as it stands."""
        return dict(self.columns)

    def fields(self) -> frozenset[str]:
        """The fields that some column holds."""
        return frozenset(self.columns.values())


def score_header(cells: Sequence[str]) -> int:
    """How many cells of a row are known headers: the row with the most is the header (see read_table)."""
    return len({fold_header(cell) for cell in cells if cell and len(cell) <= 60 and is_known_header(cell)})


def guess_mapping(headers: Sequence[str]) -> Mapping:
    """Recognise the columns of a contact file by their headers."""
    named = [header for header in headers if header]
    found = {header: known for header in named if (known := recognise_header(header)) is not None}
    if _is_canonical(named):
        found.update({header: header.strip() for header in named if header.strip() in CANONICAL})
    _resolve_names(named, found)
    _resolve_emails(named, found)
    return _complete(named, found)


def use_mapping(headers: Sequence[str], columns: MappingType[str, str]) -> Mapping:
    """Apply a mapping that the user chose; columns it does not name are not used.

    Raises ImportRefused when it names a field that does not exist or a column that the file does not have.
    """
    by_fold = {fold_header(header): header for header in headers if header}
    found: dict[str, str] = {}
    for header, target in columns.items():
        if not target:
            continue
        if not is_field(target):
            raise ImportRefused("unknown_mapping_field", header=header, field=target)
        actual = header if header in headers else by_fold.get(fold_header(header))
        if actual is None:
            raise ImportRefused("mapping_column_absent", header=header, headers=list_headers(headers))
        found[actual] = target
    return _complete([header for header in headers if header], found)


def is_field(target: str) -> bool:
    """Whether a mapping may send a column to `target`."""
    for prefix in (SUBSCRIPTION, NO_SUBSCRIPTION):
        if target.startswith(prefix):
            name = target.removeprefix(prefix).removesuffix(":cc")
            return name in DOCUMENT_TYPES or name.startswith(OWN_PREFIX)
    if target.startswith(CHARACTERISTIC):
        return len(target) > len(CHARACTERISTIC)
    return target in set(Field)


def require_contacts(headers: Sequence[str], mapping: Mapping) -> None:
    """Refuse a table that holds no contacts: open items, or columns that identify nobody."""
    names = {fold_header(header) for header in headers if header}
    ledger = [header for header in headers if fold_header(header) in OPEN_ITEMS]
    has_address = bool(mapping.fields() & {Field.EMAIL, Field.CONTACT_EMAIL, Field.PEC, Field.BILLING_EMAIL})
    if len(names & OPEN_ITEMS) >= 3 and not has_address:
        raise ImportRefused("open_items_not_contacts", headers=", ".join(ledger))
    if mapping.missing:
        if not mapping.columns and not any(is_known_header(header) for header in headers):
            raise ImportRefused("no_header", rows=30)
        raise ImportRefused(
            "missing_columns", missing=", ".join(mapping.missing), headers=list_headers(headers)
        )


def list_headers(headers: Sequence[str], limit: int = 40) -> str:
    """The headers in one line for a message."""
    named = [header for header in headers if header]
    return ", ".join(named[:limit]) + ("…" if len(named) > limit else "")


def _is_canonical(named: Sequence[str]) -> bool:
    exact = {header.strip() for header in named}
    return bool(exact & {"party_code", "party_name", "vat_number"})


def _resolve_names(named: Sequence[str], found: dict[str, str]) -> None:
    present = set(found.values())
    for header in named:
        if fold_header(header) not in AMBIGUOUS_NAME or header in found:
            continue
        if Field.IS_COMPANY in present:
            found[header] = Field.EITHER_NAME
        elif Field.LAST_NAME in present and Field.FIRST_NAME not in present:
            found[header] = Field.FIRST_NAME
        elif Field.PARTY_NAME in present and not present & _PERSON:
            found[header] = Field.CONTACT_NAME
        elif Field.PARTY_NAME not in present:
            found[header] = Field.PARTY_NAME
        present = set(found.values())


def _resolve_emails(named: Sequence[str], found: dict[str, str]) -> None:
    present = set(found.values())
    persons = bool(present & (_PERSON_OR_ROLE | {Field.EITHER_NAME}))
    has_own = any(
        target == Field.CONTACT_EMAIL and "cont" in fold_header(header) for header, target in found.items()
    )
    for header in named:
        if header in found or fold_header(header) not in AMBIGUOUS_EMAIL:
            continue
        found[header] = Field.CONTACT_EMAIL if persons and not has_own else Field.EMAIL


def _complete(named: Sequence[str], found: dict[str, str]) -> Mapping:
    present = set(found.values())
    missing: tuple[str, ...] = ()
    if not present & (_IDENTIFYING | _PERSON):
        missing = (f"{Field.PARTY_CODE.value} / {Field.PARTY_NAME.value}",)
    return Mapping(
        columns={header: str(found[header]) for header in named if header in found},
        unknown=tuple(dict.fromkeys(header for header in named if header not in found)),
        missing=missing,
    )
