"""The form of the *Prepare* page: it lives in the address, so that back, reload and a shared link keep it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    DateField,
    Form,
    RadioField,
    SelectChoice,
    SelectMultipleField,
)
from wtforms.validators import Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.contacts.finding.party_filter import ARGUMENTS, FilterInvalid, PartyFilter
from crm_mail.outbox.preparing.criteria import Criteria

TAGS = ("characteristic", "all_characteristic", "any_characteristic", "without_characteristic")
LISTS = ("agent", "zone", "city", "category", "role", *TAGS)
PARTY_ARGUMENTS = ("kind", "code_from", "code_to", "address_kind", "bounced", "written", *LISTS)
"""The part of the contacts' filter that this page offers; others that stand in the address are kept."""

FIRST, SECOND, LAST = 1, 2, 3


class WhatForm(Form):
    """Which documents. Read from the address, hence without a token."""

    types = SelectMultipleField(
        _l("Document types"),
        description=_l("None ticked means all of them."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        choices=[],
    )
    from_on = DateField(lazy_pgettext("date", "From"), [Optional()])
    to_on = DateField(lazy_pgettext("date", "To"), [Optional()])
    sent = RadioField(
        _l("Sent before"),
        default="never",
        choices=[
            SelectChoice("never", _l("Only what a recipient was never sent")),
            SelectChoice("all", _l("Also what was sent before; each such message carries a warning")),
        ],
    )

    @classmethod
    def of_address(cls, types: Iterable[tuple[str, str]]) -> "WhatForm":
        """The form as the address has it.

        Args:
            types: (id, name) of what the person may prepare.
        """
        form = cls(request.args if set(request.args) & _WHAT else None)
        form.types.choices = [SelectChoice(value, label) for value, label in types]
        if not form.sent.data:
            form.sent.data = "never"
        return form

    def validate_to_on(self, field: Any) -> None:
        """The period must not end before it begins."""
        if self.from_on.data and field.data and field.data < self.from_on.data:
            raise ValidationError(_("The last day lies before the first one."))


_WHAT = {"types", "from_on", "to_on", "sent"}


def read_parties(company_id: int) -> PartyFilter:
    """Which parties and contacts the address means; other values than ours are 400.

    Raises:
        FilterInvalid: a value that does not exist.
    """
    return PartyFilter.from_arguments(company_id, _values)


def _values(name: str) -> list[str]:
    values = request.args.getlist(name)
    if name not in TAGS:
        return values
    return [value.replace(" = ", "=") for value in values]


def read_criteria(form: WhatForm, company_id: int, allowed: Iterable[str]) -> Criteria:
    """The criteria of a valid form, with its types spelt out.

    Raises:
        FilterInvalid: see `read_parties`.
    """
    types = tuple(form.types.data or ()) or tuple(allowed)
    parties = read_parties(company_id)
    criteria = Criteria(parties, types, form.from_on.data, form.to_on.data, form.sent.data != "all")
    documents = request.args.getlist("document", type=int)
    if documents:
        return replace(criteria, document_ids=tuple(documents[:1000]), only_unsent=form.sent.data == "never")
    return criteria


def current_step() -> int:
    """The step that the address asks for."""
    step = request.args.get("step", FIRST, type=int)
    return step if step in (FIRST, SECOND, LAST) else FIRST


def carried(step: int) -> list[tuple[str, str]]:
    """Arguments of the other steps, which the form of this one carries along."""
    shown = {FIRST: _WHAT | {"company"}, SECOND: set(PARTY_ARGUMENTS), LAST: set()}[step] | {"step"}
    known = _WHAT | {"company", "document"} | set(ARGUMENTS)
    return [
        (name, value) for name, value in request.args.items(multi=True) if name in known - shown and value
    ]


def arguments(**changes: Any) -> list[tuple[str, str]]:
    """What the address says, with some arguments changed; for links between the steps."""
    known = _WHAT | {"company", "document", "step"} | set(ARGUMENTS)
    kept = [(n, v) for n, v in request.args.items(multi=True) if n in known and v and n not in changes]
    return kept + [(name, str(value)) for name, value in changes.items()]


__all__ = [
    "FilterInvalid",
    "WhatForm",
    "arguments",
    "carried",
    "current_step",
    "read_criteria",
    "read_parties",
]
