"""Which rows of a run a reviewer looks at: a value that lives in the address bar, and its conditions."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from sqlalchemy import ColumnElement, and_, select, true

from crm_mail.delivery.routing import Channel
from crm_mail.outbox.models import SHORTLISTS, Message, MessageIssue
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Sight

BLOCKED = "blocked"
ANY_WARNING = "any"


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Every field empty means every row. All are texts, as they stand in the address.

    Args:
        state: a message state, or ``blocked`` (pending with a blocker) or ``ready`` (pending without).
        issue: code of a blocker or warning; ``any`` for rows with a warning.
        document_type, agent, zone, city, language, channel: exact values.
        edited, approved, sent_before: ``yes`` or ``no``.
        text: words found in party code, party name, recipient, address, subject or document number.
        larger_than: megabytes of files (a million bytes each).
    """

    state: str = ""
    issue: str = ""
    document_type: str = ""
    agent: str = ""
    zone: str = ""
    city: str = ""
    language: str = ""
    channel: str = ""
    account: str = ""
    edited: str = ""
    approved: str = ""
    sent_before: str = ""
    larger_than: str = ""
    text: str = ""

    @classmethod
    def from_arguments(cls, get: Callable[[str], str | None]) -> Self:
        """Read query arguments of the same names (``q`` for the text)."""
        return cls(**{f.name: _clean(get(_argument(f.name))) for f in fields(cls)})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**{f.name: str(values.get(f.name, "")) for f in fields(cls)})

    def to_dict(self) -> dict[str, str]:
        """The fields that narrow the choice."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    def to_arguments(self) -> dict[str, str]:
        """Query arguments that give this filter back."""
        return {_argument(name): value for name, value in self.to_dict().items()}

    @property
    def is_empty(self) -> bool:
        """Whether every row is meant."""
        return not self.to_dict()

    @property
    def is_of_few(self) -> bool:
        """Whether the state alone says that few rows are meant: they are found by state, then put in order."""
        return self.state in {state.value for state in MessageState} - {MessageState.PENDING.value}

    def conditions(self, run_id: int, sight: Sight) -> list[ColumnElement[bool]]:
        """What a row must fulfil; run and clearance are always among it."""
        found: list[ColumnElement[bool]] = [Message.run_id == run_id, messages_in_sight(sight)]
        values = self.to_dict()
        if (values.get("state"), values.get("issue")) == (MessageState.PENDING, ANY_WARNING):
            del values["state"], values["issue"]
            found.append(SHORTLISTS["warned"])
        found += [build(values[name], run_id) for name, build in _BUILDERS.items() if name in values]
        return found


def _clean(value: str | None) -> str:
    return "".join(char for char in value or "" if char.isprintable()).strip()[:200]


def _argument(name: str) -> str:
    return "q" if name == "text" else name


def _state(value: str, _run: int) -> ColumnElement[bool]:
    if value == BLOCKED:
        return SHORTLISTS["blocked"]
    if value == "ready":
        return (Message.state == MessageState.PENDING) & (Message.blockers == 0)
    if value not in {state.value for state in MessageState}:
        return Message.id == -1
    return Message.state == MessageState(value)


def _issue(value: str, run_id: int) -> ColumnElement[bool]:
    if value == ANY_WARNING:
        return Message.warnings > 0
    with_issue = select(MessageIssue.message_id).where(
        MessageIssue.run_id == run_id, MessageIssue.code == value
    )
    return Message.id.in_(with_issue)


def search_key(*parts: str) -> str:
    """What a text search looks through: lower case, without accents, so that `nunez` finds `Núñez`."""
    text = "\n".join(parts)
    if text.isascii():
        return text.lower()
    flat = unicodedata.normalize("NFKD", text.casefold())
    return _BEYOND_LATIN.sub(_without_mark, flat)


_BEYOND_LATIN = re.compile(r"[^\x00-\u02ff]")  # the first combining mark is U+0300


def _without_mark(found: re.Match[str]) -> str:
    return "" if unicodedata.combining(found[0]) else found[0]


def _text(value: str, _run: int) -> ColumnElement[bool]:
    words = search_key(value).split()
    return and_(true(), *(Message.search_key.contains(word, autoescape=True) for word in words))


def _size(value: str, _run: int) -> ColumnElement[bool]:
    return Message.size > _number(value) * 1_000_000 if _number(value) >= 0 else Message.id == -1


def _type(value: str, _run: int) -> ColumnElement[bool]:
    return (" " + Message.document_types + " ").contains(f" {value} ", autoescape=True)


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1


_BUILDERS: dict[str, Callable[[str, int], ColumnElement[bool]]] = {
    "state": _state,
    "issue": _issue,
    "document_type": _type,
    "agent": lambda value, _run: Message.agent == value,
    "zone": lambda value, _run: Message.zone == value,
    "city": lambda value, _run: Message.city == value,
    "language": lambda value, _run: Message.language == value,
    "channel": lambda value, _run: Message.channel == value if value in set(Channel) else Message.id == -1,
    "account": lambda value, _run: Message.account_id == _number(value),
    "edited": lambda value, _run: SHORTLISTS["edited"] if value == "yes" else Message.is_edited.is_(False),
    "approved": lambda value, _run: (
        SHORTLISTS["approved"] if value == "yes" else Message.is_approved.is_(False)
    ),
    "sent_before": lambda value, _run: (
        Message.last_sent_at.is_not(None) if value == "yes" else Message.last_sent_at.is_(None)
    ),
    "larger_than": _size,
    "text": _text,
}


def with_ids(conditions: Iterable[ColumnElement[bool]], ids: Iterable[int]) -> list[ColumnElement[bool]]:
    """The same rows, narrowed to these ids."""
    return [*conditions, Message.id.in_(list(ids))]
