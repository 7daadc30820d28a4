"""What a company's own names and types add to the data that a layout prints. Pure."""

from collections.abc import Mapping
from typing import Any

from crm_mail.companies.type_registry import CompanyTypes
from crm_mail.document_types import FieldKind, OwnField
from crm_mail.documents.number_formats import format_date, format_number, parse_number

_FLAGS = {"it": ("no", "sì"), "es": ("no", "sí")}


def printed_type(types: CompanyTypes, type_id: str, data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The values that take the place of those in `data`: nothing for a type that the company left as it was.

    A renamed type gives its name (`type_label`); an own type also its side and its fields, as rows of the head.
    """
    if type_id not in types.names:
        return {}
    found: dict[str, Any] = {"type_label": types.label(type_id, language)}
    view = types.by_id[type_id]
    if view.is_own:
        found["direction"] = data.get("direction") or view.facts.direction.value
        extra = data.get("extra") or {}
        own = [
            {"label": one.label or one.name, "value": _written(one, extra[one.name], language)}
            for one in view.fields
            if extra.get(one.name) not in (None, "")
        ]
        if own:
            found["facts"] = [*(data.get("facts") or ()), *own]
    return found


def _written(field: OwnField, value: Any, language: str) -> str:
    if field.kind is FieldKind.DATE:
        return format_date(value, language)
    if field.kind is FieldKind.AMOUNT:
        return _amount(value, language)
    if field.kind is FieldKind.INTEGER:
        return format_number(value, language)
    if field.kind is FieldKind.FLAG:
        return _FLAGS.get(language[:2], ("no", "yes"))[bool(value)]
    return str(value)


def _amount(value: Any, language: str) -> str:
    """With two decimals at least, as amounts are written."""
    number = parse_number(value)
    own = 0 if number is None else -int(number.normalize().as_tuple().exponent)
    return format_number(value, language, max(2, own))
