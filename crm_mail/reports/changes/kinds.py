"""Which lines of the audit tell of a changed record: its kind, and what was done to it (GA-6). Pure.

A new action is told of as soon as it is named like the others: ``room.object.past_tense``.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum


class ChangeKind(StrEnum):
    """The records that somebody may want to be told of."""

    PARTIES = "parties"
    CONTACTS = "contacts"
    DOCUMENTS = "documents"
    TEXTS = "texts"
    ACCOUNTS = "accounts"
    RIGHTS = "rights"
    SETTINGS = "settings"


class ChangeWay(StrEnum):
    """What was done to a record."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


_KINDS: dict[str, ChangeKind | None] = {
    "contacts.party.": ChangeKind.PARTIES,
    "contacts.parties.": ChangeKind.PARTIES,
    "catalogue.": ChangeKind.PARTIES,
    "importers.contacts.": ChangeKind.CONTACTS,
    "contacts.contact.": ChangeKind.CONTACTS,
    "contacts.consent.": ChangeKind.CONTACTS,
    "contacts.subscriptions.": ChangeKind.CONTACTS,
    "contacts.suggestion.": ChangeKind.CONTACTS,
    "privacy.contact.": ChangeKind.CONTACTS,
    "delivery.suppression.": ChangeKind.CONTACTS,
    "documents.document.": ChangeKind.DOCUMENTS,
    "importers.documents.": ChangeKind.DOCUMENTS,
    "documents.text.": ChangeKind.TEXTS,
    "documents.layout.": ChangeKind.TEXTS,
    "documents.look.": ChangeKind.TEXTS,
    "delivery.account.": ChangeKind.ACCOUNTS,
    "delivery.": ChangeKind.SETTINGS,
    "users.login.": None,
    "users.session.": None,
    "users.seeing.": None,
    "users.keys.": ChangeKind.SETTINGS,
    "users.": ChangeKind.RIGHTS,
    "companies.": ChangeKind.SETTINGS,
    "contacts.": ChangeKind.SETTINGS,  # roles, names of the levels
    "privacy.": ChangeKind.SETTINGS,
    "importers.": ChangeKind.SETTINGS,
    "schedules.": ChangeKind.SETTINGS,
    "events.": ChangeKind.SETTINGS,
    "webhooks.": ChangeKind.SETTINGS,
    "send_orders.": ChangeKind.SETTINGS,
    "receivables.": ChangeKind.SETTINGS,
    "reports.change_rule.": ChangeKind.SETTINGS,
    "reports.saved_report.": ChangeKind.SETTINGS,
    "outbox.standing.": ChangeKind.SETTINGS,
}
"""By the beginning of the action; the longest one counts. None: no record is changed."""

_WAYS = {
    ChangeWay.ADDED: "added created received imported given made bound",
    ChangeWay.CHANGED: (
        "changed updated saved restored replaced blocked unblocked activated enabled named renamed "
        "mailable not_mailable merged unmerged confirmed dismissed change_undone reset renewed on required "
        "not_required unbound lifted restricted stopped restarted made_default signed_in signed_out "
        "sign_in_registered dkim_key_made dkim_started dkim_ended new_secret paused resumed undone rotated till "
        "switched_on"
    ),
    ChangeWay.DELETED: (
        "deleted removed deactivated disabled switched_off voided erased revoked withdrawn off dkim_key_deleted "
        "ended discarded"
    ),
}
_WAY_OF = {word: way for way, words in _WAYS.items() for word in words.split()}


def classify(action: str) -> tuple[ChangeKind, ChangeWay] | None:
    """What a line of the audit tells of; None: of no changed record (a sign-in, a reading, a sending)."""
    prefix = max((one for one in _KINDS if action.startswith(one)), key=len, default="")
    kind = _KINDS.get(prefix)
    way = _WAY_OF.get(action.rpartition(".")[2])
    if kind is None or way is None:
        return None
    return kind, way


def actions_of(actions: Iterable[str], kinds: Collection[str], ways: Collection[str]) -> list[str]:
    """The actions that a rule asks for, out of those that exist."""
    found = []
    for action in actions:
        told = classify(action)
        if told is not None and told[0] in kinds and told[1] in ways:
            found.append(action)
    return found
