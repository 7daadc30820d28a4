"""What pages say of events: kinds, comparisons, recipients, and what became of each event."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from crm_mail.events.conditions import WITHOUT_VALUE, Condition, Operator, read_conditions
from crm_mail.events.kinds import Target
from crm_mail.events.models import ActionState, EventAction

KINDS: Mapping[str, Any] = {
    "purchase_order.saved": _l("Purchase order saved"),
    "quote.saved": _l("Quotation saved"),
    "payment_order.saved": _l("Payment order saved"),
    "collection.recorded": _l("Collection recorded"),
    "cash_close.done": _l("Cash closed"),
    "sales_close.done": _l("Sales closed"),
    "fuel.sold": _l("Fuel sold"),
    "record.changed": _l("Record changed"),
    "record.deleted": _l("Record deleted"),
    "invoice.stamped": _l("Invoice stamped"),
}
WHAT: Mapping[str, Any] = {
    "purchase_order.saved": _l("The supplier receives the order, or its data."),
    "quote.saved": _l("The customer receives the quotation, or its data."),
    "payment_order.saved": _l("The supplier is told, and asked to bring the order printed and signed."),
    "collection.recorded": _l("The customer is thanked for the payment."),
    "cash_close.done": _l("The interested people of the office read the figures."),
    "sales_close.done": _l("The interested people of the office read the figures."),
    "fuel.sold": _l("Customers with vehicle control read vehicle, plate, litres and amount."),
    "record.changed": _l("The people of the office read who changed what, and when."),
    "record.deleted": _l("The people of the office read who deleted what, and when."),
    "invoice.stamped": _l("The invoice leaves with its packaging, unless it has left before."),
}
OPERATORS: Mapping[Operator, Any] = {
    Operator.EQUALS: _l("is"),
    Operator.DIFFERS: _l("is not"),
    Operator.AT_LEAST: _l("is at least"),
    Operator.AT_MOST: _l("is at most"),
    Operator.CONTAINS: _l("contains"),
    Operator.ONE_OF: _l("is one of (with commas)"),
    Operator.IS_SET: _l("is given"),
    Operator.IS_EMPTY: _l("is empty"),
}
TARGETS: Mapping[Target, Any] = {
    Target.SUBSCRIBED: _l(
        "The event's customer or supplier: whoever receives the document type, else its own address"
    ),
    Target.ROLE: _l("The event's customer or supplier: its contacts with a role"),
    Target.EVENT_ADDRESS: _l("The event's customer or supplier: at the address in the event's field “email”"),
    Target.STAFF: _l("People of the office, at fixed addresses"),
}
TONES: Mapping[ActionState, str] = {
    ActionState.PENDING: "info",
    ActionState.PREPARING: "info",
    ActionState.WAITING: "warning",
    ActionState.COMMITTED: "success",
    ActionState.TELLING: "info",
    ActionState.TOLD: "success",
    ActionState.SKIPPED: "neutral",
    ActionState.NOTHING: "neutral",
    ActionState.REFUSED: "danger",
    ActionState.FAILED: "danger",
}


def kind_name(kind_id: str) -> str:
    """What people call a kind; those of other programs by their own name."""
    return str(KINDS.get(kind_id, kind_id))


def state_name(state: ActionState) -> str:
    """What a rule made of an event, in a word or two."""
    words: dict[ActionState, str] = {
        ActionState.PENDING: _("waits for the worker"),
        ActionState.PREPARING: _("being prepared"),
        ActionState.WAITING: _("waits for a person"),
        ActionState.COMMITTED: _("committed"),
        ActionState.TELLING: _("is leaving"),
        ActionState.TOLD: _("staff told"),
        ActionState.SKIPPED: _("condition not met"),
        ActionState.NOTHING: _("nobody to write to"),
        ActionState.REFUSED: _("refused"),
        ActionState.FAILED: _("did not succeed"),
    }
    return words[state]


def condition_words(condition: Condition) -> str:
    """A condition as a sentence."""
    value = "" if condition.operator in WITHOUT_VALUE else f" {condition.value}"
    return f"{condition.field} {OPERATORS[condition.operator]}{value}"


def conditions_words(rows: Sequence[Sequence[str]]) -> str:
    """All conditions of a rule; empty when it asks none."""
    return "; ".join(condition_words(one) for one in read_conditions(rows))


def reason_words(reason: str, detail: Mapping[str, Any]) -> str:
    """Why, and what to do; empty when there is nothing to add."""
    if reason == "condition":
        (condition,) = read_conditions([detail["condition"]])
        found = detail.get("found") or _("nothing")
        return str(
            _("Asked: %(condition)s. Found: %(found)s.", condition=condition_words(condition), found=found)
        )
    values = {"why": "", "owner": "", "right": "", **detail}
    words: dict[str, str] = {
        "no_party": _("The event names no known customer or supplier (field party_code, vat_number or tax_code)."),
        "several_parties": _("Several customers or suppliers have this number: send party_code."),
        "not_marked": _("None of its contacts has the characteristic that the rule asks for."),
        "no_reader": _("Nobody receives this there: no contact with the subscription or role, and no address."),
        "no_address": _("The field “email” holds no address."),
        "no_document": _("The stored document that it names is not here: bring it in, then have the event told again."),
        "text": _("The text cannot be filled with these values: correct the text, or what the program sends."),
        "left_out": _("Everybody was left out: privacy, consent, suppression, or sent before. The run says why."),
        "owner_inactive": _("%(owner)s is no longer active: somebody else must save the rule.", **values),
        "right_missing": _("The owner lacks the right %(right)s: somebody who has it must save the rule.", **values),
        "run_failed": _("The run could not be prepared: %(why)s", **values),
        "refused": str(values["why"]),
        "not_delivered": str(values["why"]),
        "by_person": _("A person committed the run."),
        "for_person": _("The run is prepared: look at it, then commit it."),
        "authorisation": _("Committed by the standing authorisation."),
        "authorisation_refused": _("The standing authorisation does not cover it: the run says why. Look at it."),
        "second_person": _("Committed by the standing authorisation; a second person must approve it."),
    }  # fmt: skip
    return words.get(reason, "")


def outcome_words(action: EventAction) -> tuple[str, str]:
    """State and reason."""
    return state_name(action.state), reason_words(action.reason, action.detail)
