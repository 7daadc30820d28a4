"""What a room says of its tables: which columns hold personal data, how a contact's rows are found, what erasing does.

Each room has a `personal_data.py` beside its models; `crm_mail.privacy` works by these declarations alone. A column
that is a key, a truth value, a member of a closed set or a moment says nothing of a person by itself and needs no
declaration; each other one (text, JSON, bytes, numbers, days) must be named: `tests/privacy` fails otherwise. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Link(StrEnum):
    """How the rows that concern a contact are found."""

    CONTACT = "contact"  # the column names the contact
    MESSAGE = "message"  # the column names a message written to the contact, or copied to it
    ADDRESS = "address"  # the column holds one of its addresses
    PARTY = "party"  # the column names its party: part of the export of a sole trader, not of a contact
    DOCUMENT = "document"  # the column names a document of its party
    AUDIT = "audit"  # the audit's own way
    NONE = "none"  # no row concerns a contact


class Fate(StrEnum):
    """What erasing a contact does to the rows found."""

    DELETE = "delete"
    REDACT = "redact"  # the personal columns are emptied, the row stays
    KEEP = "keep"  # `why` says the reason


class Why(StrEnum):
    """Why rows stay when a contact is erased."""

    FISCAL = "fiscal"  # accounting documents and letters: art. 2220 of the Italian civil code, ten years
    PARTY = "party"  # data of the firm that is customer or supplier, not of the contact
    STAFF = "staff"  # data of our own people
    OWN = "own"  # our own firm's settings and texts
    PUBLIC = "public"  # from a public register


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Args:
        personal: columns with personal data.
        free: columns without.
        link, by: how a contact's rows are found: by the column ``by``.
        is_proof: what proves a delivery: stays as long as the message itself has to be kept.
        why: for `Fate.KEEP`.
    """

    name: str
    personal: Sequence[str]
    free: Sequence[str] = ()
    link: Link = Link.NONE
    by: str = ""
    fate: Fate = Fate.KEEP
    is_proof: bool = False
    why: Why | None = None


def table(
    name: str,
    personal: str = "",
    free: str = "",
    link: Link = Link.NONE,
    by: str = "",
    fate: Fate = Fate.KEEP,
    *,
    is_proof: bool = False,
    why: Why | None = None,
) -> Table:
    """A declaration; columns are separated by blanks."""
    return Table(name, personal.split(), free.split(), link, by, fate, is_proof, why)
