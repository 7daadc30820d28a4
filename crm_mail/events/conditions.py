"""Conditions of a rule on the fields of an event: a closed list of comparisons, nothing that can be run. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from crm_mail.refusals import Refusal

MOST: Final = 10
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,59}", re.IGNORECASE)


class Operator(StrEnum):
    """How a field is compared; numbers as numbers, all else as text without regard to case."""

    EQUALS = "equals"
    DIFFERS = "differs"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    CONTAINS = "contains"
    ONE_OF = "one_of"  # values with commas between them
    IS_SET = "is_set"
    IS_EMPTY = "is_empty"


WITHOUT_VALUE: Final = frozenset({Operator.IS_SET, Operator.IS_EMPTY})


class ConditionWrong(Refusal):
    """A condition cannot be asked; ``code`` is field, operator, value or many."""

    def __init__(self, code: str, what: str = "") -> None:
        super().__init__(f"a condition cannot be asked ({code} {what[:60]!r}): correct it")
        self.code, self.what = code, what


@dataclass(frozen=True, slots=True)
class Condition:
    """A field, a comparison, and what it is compared with."""

    field: str
    operator: Operator
    value: str = ""

    def to_list(self) -> list[str]:
        """As JSON."""
        return [self.field, self.operator.value, self.value]

    def holds(self, fields: Mapping[str, Any]) -> bool:
        """Whether it is true of an event; a field that was not sent is empty."""
        return _TESTS[self.operator](_text(fields.get(self.field, "")), self.value.strip())


def read_conditions(rows: Iterable[Sequence[str]]) -> tuple[Condition, ...]:
    """Conditions from JSON or a form; rows without a field are left out.

    Raises:
        ConditionWrong
    """
    found = []
    for name, operator, value in rows:
        name, value = name.strip(), value.strip()
        if not name:
            continue
        if not _NAME.fullmatch(name):
            raise ConditionWrong("field", name)
        if operator not in tuple(Operator):
            raise ConditionWrong("operator", operator)
        if not value and Operator(operator) not in WITHOUT_VALUE:
            raise ConditionWrong("value", name)
        found.append(Condition(name, Operator(operator), value[:200]))
    if len(found) > MOST:
        raise ConditionWrong("many")
    return tuple(found)


def first_unmet(conditions: Iterable[Condition], fields: Mapping[str, Any]) -> Condition | None:
    """The condition that keeps a rule from acting; None: all hold."""
    return next((one for one in conditions if not one.holds(fields)), None)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _same(left: str, right: str) -> bool:
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        return one == other
    return left.casefold() == right.casefold()


def _at_least(left: str, right: str) -> bool:
    """Numbers as numbers; days (ISO 8601) as text, which is the same order. What is empty is never at least."""
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        return one >= other
    return bool(left) and one is None and other is None and left >= right


def _at_most(left: str, right: str) -> bool:
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        return one <= other
    return bool(left) and one is None and other is None and left <= right


_TESTS: Final[Mapping[Operator, Callable[[str, str], bool]]] = MappingProxyType(
    {
        Operator.EQUALS: _same,
        Operator.DIFFERS: lambda left, right: not _same(left, right),
        Operator.AT_LEAST: _at_least,
        Operator.AT_MOST: _at_most,
        Operator.CONTAINS: lambda left, right: right.casefold() in left.casefold(),
        Operator.ONE_OF: lambda left, right: any(_same(left, one.strip()) for one in right.split(",")),
        Operator.IS_SET: lambda left, _right: bool(left),
        Operator.IS_EMPTY: lambda left, _right: not left,
    }
)
