"""What the Sistema di Interscambio answered about an invoice: kinds of receipt, and what several say together.

Source: technical specifications of the SdI, 1.8 and later: the kinds by their two letters, the names
`IT01234567890_00001_NS_001.xml` (the invoice's own name, the kind, a progressive number). Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final


class SdiKind(StrEnum):
    """The kinds of receipt and notice."""

    RC = "RC"  # delivered to the recipient
    NS = "NS"  # rejected: the invoice counts as never issued
    MC = "MC"  # could not be delivered; it waits in the customer's area of the tax office
    NE = "NE"  # the public body's answer: accepted or refused
    DT = "DT"  # the public body let its term pass
    AT = "AT"  # sent, and impossible to deliver: the public body must be told
    EC = "EC"  # the answer as the public body sent it
    SE = "SE"  # that answer was rejected
    MT = "MT"  # metadata that come with a received invoice


_ACCEPTED: Final = frozenset({SdiKind.RC, SdiKind.MC, SdiKind.NE, SdiKind.DT, SdiKind.AT})
_SAY_NOTHING: Final = frozenset({SdiKind.EC, SdiKind.SE, SdiKind.MT})
_SUFFIXES: Final = re.compile(r"(?:\.(?:xml|p7m|zip|pdf))+\Z", re.IGNORECASE)
_INVOICE_NAME: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{2,28}_[A-Z0-9]{1,5}\Z")
_RECEIPT_NAME: Final = re.compile(
    r"([A-Z]{2}[A-Z0-9]{2,28}_[A-Z0-9]{1,5})_(RC|NS|MC|NE|DT|AT|EC|SE|MT)_[A-Z0-9]{1,5}\Z"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One receipt, as far as the state goes."""

    kind: SdiKind
    sdi_id: str = ""
    told_at: datetime | None = None


def file_key(name: str) -> str:
    """The name of an invoice file without folder and endings, in capitals: it stays the same signed or not."""
    base = name.replace("\\", "/").rpartition("/")[2].strip()
    return _SUFFIXES.sub("", base).upper()[:100]


def is_invoice_name(key: str) -> bool:
    """Whether a key is a name that the SdI accepts: country and number, `_`, up to five characters."""
    return _INVOICE_NAME.match(key) is not None


def read_receipt_name(name: str) -> tuple[str, SdiKind] | None:
    """The invoice's key and the kind that a receipt's file name tells, or None."""
    match = _RECEIPT_NAME.match(file_key(name))
    return (match[1], SdiKind(match[2])) if match else None


def state_of(told: Iterable[Told]) -> SdiKind | None:
    """What the receipts of one file say together, in whatever order they arrived.

    A rejection is final, but for a second transmission of a file that the SdI had already accepted (errors
    00002 and 00404, duplicates): that rejection has an identifier of its own and leaves the first one standing.
    """
    speaking = [item for item in told if item.kind not in _SAY_NOTHING]
    rejected = {item.sdi_id for item in speaking if item.kind is SdiKind.NS}
    standing = [item for item in speaking if item.kind in _ACCEPTED and item.sdi_id not in rejected]
    if standing:
        return max(standing, key=_weight).kind
    return SdiKind.NS if rejected else None


def _weight(item: Told) -> tuple[bool, datetime, int]:
    """Later receipts win; without a time, what follows in the course of an invoice wins."""
    order = (SdiKind.MC, SdiKind.AT, SdiKind.RC, SdiKind.DT, SdiKind.NE)
    return item.told_at is not None, item.told_at or datetime.min.replace(tzinfo=UTC), order.index(item.kind)
