"""What may be stored of a row that was read without errors: lengths of the columns, and the actor's clearance."""

from collections.abc import Iterator, Sequence
from typing import Final

from crm_mail.contacts.models import Characteristic, Contact, Party, Role
from crm_mail.importers.base import Notice, ParsedContact, ParsedParty, ParsedRow, RowError
from crm_mail.importers.tables.column_names import Field
from crm_mail.permissions import Sight

_PHONE_SEPARATOR: Final = ", "


def _length(model: type[Party] | type[Contact] | type[Role] | type[Characteristic], name: str) -> int:
    length: int = model.__table__.c[name].type.length  # type: ignore[attr-defined]
    return length


_PARTY_LENGTHS: Final = tuple(
    (name, _length(Party, name))
    for name in (
        "code",
        "name",
        "vat_number",
        "tax_code",
        "address",
        "postcode",
        "city",
        "province",
        "zone",
        "agent",
        "category",
    )
)
_NAME, _PHONE, _ROLE = _length(Contact, "name"), _length(Contact, "phone"), _length(Role, "name")
_KEY, _VALUE = _length(Characteristic, "key"), _length(Characteristic, "value")
_COLUMNS: Final = {"code": Field.PARTY_CODE, "name": Field.PARTY_NAME}


def find_row_errors(row: ParsedRow, sight: Sight, headers: dict[str, str]) -> tuple[RowError, ...]:
    """Why a valid row can still not be stored; empty when it can.

    Args:
        clearance: of the actor: nobody makes what he would then not see (IT-17).
        headers: field → header of the file, to name the column.
    """
    if row.party is None:
        return ()
    found = list(_party_errors(row.party))
    if row.contact is not None:
        found += _contact_errors(row.contact, sight)
    return tuple(RowError(row.row, headers.get(target), code, params) for target, code, params in found)


def join_phones(numbers: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The numbers as they are kept in one column, and those that find no room there."""
    for count in range(len(numbers), 1, -1):
        text = _PHONE_SEPARATOR.join(numbers[:count])
        if len(text) <= _PHONE:
            return text, numbers[count:]
    return numbers[0] if numbers else "", numbers[1:]


def warn_of_phones(row: ParsedRow, notices: list[Notice]) -> None:
    """Name the numbers that cannot be kept."""
    if row.contact is None:
        return
    left = [
        number
        for numbers in (row.contact.phones, row.contact.mobiles)
        if len(numbers) > 1
        for number in join_phones(numbers)[1]
    ]
    if left:
        notices.append(Notice("phones_left_out", {"numbers": _PHONE_SEPARATOR.join(left)}, row.row))


_Found = tuple[str, str, dict[str, object]]


def _party_errors(party: ParsedParty) -> Iterator[_Found]:
    for name, maximum in _PARTY_LENGTHS:
        text = getattr(party, name)
        if text is not None and len(text) > maximum:
            yield _too_long(_COLUMNS.get(name, name), text, maximum)


def _contact_errors(contact: ParsedContact, sight: Sight) -> Iterator[_Found]:
    if contact.privacy_level is not None and contact.privacy_level > sight.clearance:
        params: dict[str, object] = {"value": contact.privacy_level, "own": sight.clearance}
        yield Field.PRIVACY_LEVEL, "level_above_own", params
    if len(contact.name) > _NAME:
        yield _too_long(Field.CONTACT_NAME, contact.name, _NAME)
    for target, numbers in ((Field.PHONE, contact.phones), (Field.MOBILE, contact.mobiles)):
        if numbers and len(numbers[0]) > _PHONE:
            yield _too_long(target, numbers[0], _PHONE)
    for role in contact.roles:
        if len(role) > _ROLE:
            yield _too_long(Field.ROLES, role, _ROLE)
    for key, value in contact.characteristics:
        if len(key) > _KEY:
            yield _too_long(Field.CHARACTERISTICS, key, _KEY)
        elif value is not None and len(value) > _VALUE:
            yield _too_long(Field.CHARACTERISTICS, value, _VALUE)


def _too_long(target: str, text: str, maximum: int) -> _Found:
    return target, "too_long", {"value": f"{text[:30]}…", "maximum": maximum}
