"""The comparisons of a rule's conditions, and the fields that they read."""

from typing import Any

import pytest

from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.message_context import build_context, share_context
from crm_mail.documents.templating import compile_text
from crm_mail.events.builtin_texts import builtin_texts
from crm_mail.events.conditions import Condition, ConditionWrong, Operator, first_unmet, read_conditions
from crm_mail.events.kinds import KINDS
from crm_mail.events.values import Fields, fields_of


@pytest.mark.parametrize(
    ("found", "operator", "value", "holds"),
    [
        (100, "equals", "100.00", True),
        ("Diesel", "equals", "diesel", True),
        ("Diesel", "differs", "petrol", True),
        (True, "equals", "true", True),
        ("99.5", "at_least", "100", False),
        ("100", "at_least", "99.5", True),  # as text it would be less
        (9, "at_most", "10", True),
        ("2026-11-22", "at_least", "2026-11-01", True),
        ("", "at_most", "10", False),
        ("many", "at_least", "10", False),
        ("Via Roma 1", "contains", "ROMA", True),
        ("MX", "one_of", "it, mx", True),
        ("ES", "one_of", "it, mx", False),
        ("x", "is_set", "", True),
        (0, "is_set", "", True),
        (None, "is_empty", "", True),
        ("NaN", "at_least", "1", False),
    ],
)
def test_a_field_is_compared(found: Any, operator: str, value: str, holds: bool) -> None:
    fields = fields_of({"field": found})
    assert Condition("field", Operator(operator), value).holds(fields) is holds


def test_the_first_condition_that_does_not_hold_is_named() -> None:
    conditions = read_conditions(
        [("amount", "at_least", "100"), ("", "equals", "x"), ("shop", "equals", "Roma")]
    )
    assert first_unmet(conditions, fields_of({"amount": 150, "shop": "Milano"})) == conditions[1]
    assert first_unmet(conditions, fields_of({"amount": 150, "shop": "roma"})) is None


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("a.b", "equals", "1"), "field"),
        (("__class__", "runs", "1"), "operator"),
        (("amount", "equals", ""), "value"),
    ],
)
def test_what_is_no_condition_is_refused(row: tuple[str, str, str], code: str) -> None:
    with pytest.raises(ConditionWrong) as refused:
        read_conditions([row])
    assert refused.value.code == code


def test_changes_are_a_line_for_each_field_that_differs() -> None:
    fields = fields_of(
        {"before": {"email": "a@x", "city": "Roma"}, "after": {"email": "b@x", "city": "Roma"}}
    )
    assert fields["changes"] == "email: a@x → b@x"
    assert (fields["after_email"], fields["never_sent"]) == ("b@x", "")


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_built_in_text_names_only_fields_of_its_kind_and_can_be_filled(kind: Any) -> None:
    """A misspelt placeholder would leave a hole in the customer's mail."""
    known = {*kind.fields, "changes"}
    shared = share_context({"name": "Ditta"}, {}, "2026-11-22")
    for language in TEXT_LANGUAGES:
        for part, source in builtin_texts(kind.id)[language].items():
            compiled = compile_text(source, "subject" if part == "subject" else "text", "event")
            named = {one.removeprefix("event.") for one in compiled.placeholders if one.startswith("event.")}
            assert named <= known
            context = build_context(shared, {"name": "Rossi"}, None, (), language)
            for fields in (Fields(), Fields(amount="12.5", currency="EUR", litres="40", date="2026-11-22")):
                assert compiled.render({**context, "event": fields})
