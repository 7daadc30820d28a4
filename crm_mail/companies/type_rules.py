"""What a company's own type and its names must look like. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from crm_mail.companies.company_rules import CompanyInvalid, CompanyProblem, Problem, problem
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.document_types import (
    OWN_PREFIX,
    TEXT_LANGUAGES,
    Direction,
    DocumentType,
    FieldKind,
    OwnField,
    TypeFacts,
)

E = TypeVar("E", bound=StrEnum)

TYPE_ID = re.compile(OWN_PREFIX + r"[a-z0-9][a-z0-9_]{0,29}")  # no hyphen: pages write cell-CONTACT-TYPE
FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
NAME_LENGTH = 60
MAX_FIELDS = 30
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class TypeName:
    """What a company calls a type: one name and one for several, by language; missing ones stay built in."""

    labels: Mapping[str, str] = field(default_factory=dict)
    plurals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnType:
    """Everything a person enters about an own type. ``base`` gives the schema, ``layout`` the printed form."""

    id: str
    name: TypeName
    base: str = DocumentType.GENERIC.value
    layout: str = ""
    direction: Direction = Direction.CUSTOMER
    role: str = ""
    is_bundled: bool = True
    channel: ChannelPreference = ChannelPreference.PEC_FIRST
    fields: tuple[OwnField, ...] = ()


def check_name(name: TypeName, built_in: TypeFacts | None = None) -> TypeName:
    """The names as they are kept: outer blanks removed, and those that are the built-in ones left out.

    Raises:
        CompanyInvalid: a name is too long, or holds a line break.
    """
    found: list[CompanyProblem] = []
    labels = _checked("label", name.labels, found)
    plurals = _checked("plural", name.plurals, found)
    if found:
        raise CompanyInvalid(found)
    if built_in is not None:
        labels = {lang: text for lang, text in labels.items() if text != built_in.label(lang)}
        plurals = {lang: text for lang, text in plurals.items() if text != built_in.plural(lang)}
    return TypeName(labels, plurals)


def _checked(part: str, names: Mapping[str, str], found: list[CompanyProblem]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for language in TEXT_LANGUAGES:
        text = " ".join(names.get(language, "").split(" ")).strip()
        if len(text) > NAME_LENGTH:
            found.append(problem(f"{part}_{language}", Problem.TOO_LONG, limit=NAME_LENGTH))
        elif _CONTROLS.search(text):
            found.append(problem(f"{part}_{language}", Problem.CONTROL))
        elif text:
            kept[language] = text
    return kept


def check_own_type(own: OwnType, default_language: str) -> OwnType:
    """The type as it is kept; a name that is missing in a language is that of the company's language.

    Raises:
        CompanyInvalid: with every problem.
    """
    found: list[CompanyProblem] = []
    if not TYPE_ID.fullmatch(own.id):
        found.append(problem("id", Problem.BAD_TYPE_ID))
    for part, value in (("base", own.base), ("layout", own.layout or own.base)):
        if value not in set(DocumentType):
            found.append(problem(part, Problem.UNKNOWN_TYPE, value=value))
    if len(own.role) > 100:
        found.append(problem("role", Problem.TOO_LONG, limit=100))
    found += _field_problems(own.fields)
    try:
        name = check_name(own.name)
    except CompanyInvalid as refused:
        raise CompanyInvalid([*found, *refused.problems]) from None
    first = name.labels.get(default_language) or next(iter(name.labels.values()), "")
    if not first:
        found.append(problem(f"label_{default_language}", Problem.REQUIRED))
    if found:
        raise CompanyInvalid(found)
    labels: dict[str, str] = {language: name.labels.get(language, first) for language in TEXT_LANGUAGES}
    plurals: dict[str, str] = {
        language: name.plurals.get(language, labels[language]) for language in TEXT_LANGUAGES
    }
    return replace(own, name=TypeName(labels, plurals), layout=own.layout or own.base, role=own.role.strip())


def _field_problems(fields: Iterable[OwnField]) -> list[CompanyProblem]:
    found: list[CompanyProblem] = []
    seen: set[str] = set()
    for count, one in enumerate(fields, start=1):
        if count > MAX_FIELDS:
            return [*found, problem("fields", Problem.TOO_MANY, limit=MAX_FIELDS)]
        if not FIELD_NAME.fullmatch(one.name):
            found.append(problem("fields", Problem.BAD_FIELD_NAME, value=one.name[:60]))
        elif one.name in seen:
            found.append(problem("fields", Problem.FIELD_TWICE, value=one.name))
        seen.add(one.name)
    return found


def read_own_type(data: Any) -> OwnType:
    """An own type from a JSON object: id, labels, plurals, base, layout, direction, role, bundled, channel, fields.

    `fields` is a list of objects with name, type, required and label; `schema` a small JSON schema instead.

    Raises:
        CompanyInvalid: the object cannot be read; what it says is checked by `check_own_type`.
    """
    if not isinstance(data, Mapping):
        raise CompanyInvalid([problem("id", Problem.REQUIRED)])
    schema = data.get("schema")
    fields = (
        fields_of_schema(schema) if isinstance(schema, Mapping) else _listed_fields(data.get("fields", []))
    )
    base = str(data.get("base") or DocumentType.GENERIC.value)
    return OwnType(
        id=str(data.get("id", "")),
        name=TypeName(_texts(data.get("labels")), _texts(data.get("plurals"))),
        base=base,
        layout=str(data.get("layout") or base),
        direction=_member(Direction, "direction", data.get("direction", Direction.CUSTOMER)),
        role=str(data.get("role", "")),
        is_bundled=data.get("bundled") is not False,
        channel=_member(ChannelPreference, "channel", data.get("channel", ChannelPreference.PEC_FIRST)),
        fields=fields,
    )


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, Mapping) else {}


def _member(kinds: type[E], field: str, value: Any) -> E:
    if value not in set(kinds):
        raise CompanyInvalid(
            [problem(field, Problem.UNKNOWN_VALUE, value=str(value)[:60], valid=", ".join(kinds))]
        )
    return kinds(value)


def _listed_fields(value: Any) -> tuple[OwnField, ...]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise CompanyInvalid([problem("fields", Problem.BAD_FIELD_NAME, value=str(value)[:60])])
    return tuple(
        OwnField(
            str(one.get("name", "")),
            _member(FieldKind, "fields", one.get("type", FieldKind.TEXT)),
            one.get("required") is True,
            str(one.get("label", ""))[:NAME_LENGTH],
        )
        for one in value
    )


_JSON_KINDS = {
    ("string", ""): FieldKind.TEXT,
    ("string", "date"): FieldKind.DATE,
    ("string", "decimal"): FieldKind.AMOUNT,
    ("number", ""): FieldKind.AMOUNT,
    ("integer", ""): FieldKind.INTEGER,
    ("boolean", ""): FieldKind.FLAG,
}


def fields_of_schema(schema: Mapping[str, Any]) -> tuple[OwnField, ...]:
    """The fields of a small JSON schema: an object with plain properties (`title` is the printed label).

    Raises:
        CompanyInvalid: a property is of a kind that an own field cannot be.
    """
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        raise CompanyInvalid([problem("fields", Problem.BAD_FIELD_NAME, value="properties")])
    fields = []
    for name, one in properties.items():
        key = (one.get("type"), one.get("format", "")) if isinstance(one, Mapping) else ("", "")
        if key not in _JSON_KINDS:
            raise CompanyInvalid([problem("fields", Problem.BAD_FIELD_KIND, value=str(name)[:60])])
        fields.append(OwnField(str(name), _JSON_KINDS[key], name in required, str(one.get("title", ""))[:60]))
    return tuple(fields)
