"""The kinds of events that the product knows (GA-4 to GA-6), and what a rule for each begins with. Pure.

Other kinds are welcome too: any name may be sent, and a rule be made for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from crm_mail.document_types import DocumentType


class Target(StrEnum):
    """Who a rule writes to."""

    SUBSCRIBED = (
        "subscribed"  # of the party: whoever receives the document type; without anybody, its own address
    )
    ROLE = "role"  # contacts of the party that have a role
    EVENT_ADDRESS = "event_address"  # the address that the event names
    STAFF = "staff"  # addresses of the office's own people


class RuleChannel(StrEnum):
    """By which way a rule writes."""

    EMAIL = "email"
    SMS = "sms"
    BOTH = "both"

    @property
    def sends_mail(self) -> bool:
        return self is not RuleChannel.SMS

    @property
    def sends_text(self) -> bool:
        return self is not RuleChannel.EMAIL


PARTY_FIELDS: Final = ("party_code", "vat_number", "tax_code")
"""Fields by which an event names its customer or supplier; the first one that is given counts."""
ADDRESS_FIELD: Final = "email"
_PARTY = ("party_code", "party_name")
_DOCUMENT = ("number", "series", "date", "amount", "currency")


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event.

    Args:
        fields: what another program is asked to send; more may come.
        document_type: the type that rights, account, channel and subscriptions of its messages follow.
        names_document: the event may name a stored document, which is then sent in the normal way.
        characteristic: only parties with a contact that has it.
    """

    id: str
    fields: tuple[str, ...]
    document_type: DocumentType
    target: Target = Target.SUBSCRIBED
    names_document: bool = False
    characteristic: str = ""


VEHICLE_CONTROL: Final = "vehicle control"
_KINDS: Final = (
    EventKind(
        "purchase_order.saved",
        (*_PARTY, *_DOCUMENT, "delivery_date"),
        DocumentType.PURCHASE_ORDER,
        names_document=True,
    ),
    EventKind("quote.saved", (*_PARTY, *_DOCUMENT, "valid_until"), DocumentType.QUOTE, names_document=True),
    EventKind(
        "payment_order.saved", (*_PARTY, *_DOCUMENT, "payment_date", "place"), DocumentType.PAYMENT_ORDER
    ),
    EventKind(
        "collection.recorded",
        (*_PARTY, *_DOCUMENT, "method", "invoices"),
        DocumentType.RECEIPT,
    ),
    EventKind(
        "cash_close.done",
        ("date", "shop", "cashier", "amount", "difference", "currency"),
        DocumentType.CASH_CLOSE,
        Target.STAFF,
    ),
    EventKind(
        "sales_close.done",
        ("date", "shop", "amount", "tickets", "currency"),
        DocumentType.SALES_CLOSE,
        Target.STAFF,
    ),
    EventKind(
        "fuel.sold",
        (*_PARTY, "vehicle", "plate", "litres", "product", "amount", "currency", "station", "date"),
        DocumentType.GENERIC,
        characteristic=VEHICLE_CONTROL,
    ),
    EventKind(
        "record.changed",
        ("record", "code", "name", "user", "at", "before", "after"),
        DocumentType.GENERIC,
        Target.STAFF,
    ),
    EventKind(
        "record.deleted",
        ("record", "code", "name", "user", "at", "before"),
        DocumentType.GENERIC,
        Target.STAFF,
    ),
    EventKind("invoice.stamped", (*_PARTY, *_DOCUMENT, "uuid"), DocumentType.INVOICE, names_document=True),
)
KINDS: Final[Mapping[str, EventKind]] = MappingProxyType({one.id: one for one in _KINDS})


def kind_of(kind_id: str) -> EventKind:
    """A built-in kind, or one of another program's that nothing is known of."""
    return KINDS.get(kind_id) or EventKind(kind_id, (), DocumentType.GENERIC)
