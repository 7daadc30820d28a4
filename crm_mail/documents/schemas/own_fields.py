"""The fields that a company's own type adds to the schema of its base type. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from crm_mail.document_types import FieldKind, OwnSchema
from crm_mail.documents.schemas.problems import Problem, problems_of
from crm_mail.documents.schemas.scalars import Amount, Day, Text

_ADAPTERS: Final[Mapping[FieldKind, TypeAdapter[Any]]] = {
    FieldKind.TEXT: TypeAdapter(Text),
    FieldKind.AMOUNT: TypeAdapter(Amount),
    FieldKind.DATE: TypeAdapter(Day),
    FieldKind.INTEGER: TypeAdapter(int),
    FieldKind.FLAG: TypeAdapter(bool),
}


def read_own_fields(
    schema: OwnSchema, offered: Mapping[str, Any], known: Collection[str], *, has_main_pdf: bool
) -> tuple[dict[str, Any], list[Problem]]:
    """The own fields' values as JSON holds them, and what is wrong with them.

    Like the others, a required field may be absent when the PDF came with the document. An own field that is
    called like one of the base schema only makes that one required.

    Args:
        offered: values by name that the base schema does not know.
        known: fields of the base schema that hold something.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in schema.fields:
        found = offered.get(field.name)
        if field.name in known:
            continue
        if found in (None, ""):
            if field.is_required and not has_main_pdf:
                problems.append(Problem("missing_own", field.name, {"type": schema.type_id}))
            continue
        adapter = _ADAPTERS[field.kind]
        try:
            values[field.name] = adapter.dump_python(adapter.validate_python(found), mode="json")
        except ValidationError as error:
            problems += problems_of(error, (field.name,))
    return values, problems
