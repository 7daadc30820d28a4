"""What is proven of one message to one recipient: facts that only grow, and the message's state that follows (pure).

Facts are joined by a rule that does not care for order, repetition or lateness (the earliest of what proves, the
latest of what failed), so any way in which the same mails arrive ends in the same proof and the same state.
Sources: RFC 6109 3.3 and 3.4 (twelve and twenty-four hours, "interaction might complete in a different order").
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm_mail.outbox.states import MessageState


class Conflict(StrEnum):
    """Proofs that contradict each other; the stronger one counts and the other is shown."""

    DELIVERED_AND_FAILED = "delivered_and_failed"
    ACCEPTED_AND_REFUSED = "accepted_and_refused"


class Stage(StrEnum):
    """How far a message is proven to have come; in words in `timeline_words`."""

    NOTHING = "nothing"
    LEFT = "left"  # it is in the sent folder, or somebody answered; nothing certified
    ACCEPTED = "accepted"  # legal proof of sending
    WARNED = "warned"  # accepted, and after twelve hours not delivered
    DELIVERED = "delivered"  # legal proof of delivery
    NOT_CERTIFIED = "not_certified"  # accepted, but the recipient is ordinary mail: no delivery can be proven
    FAILED = "failed"


NOT_ACCEPTED = "pec_refused"
"""Prefix of the failure reasons of a non-accettazione."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message did not arrive; ordered by time, so that the latest of two counts."""

    at: datetime
    reason: str = ""
    detail: str = ""

    @property
    def key(self) -> tuple[datetime, str, str]:
        return self.at, self.reason, self.detail


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything proven so far. ``recipient_is_pec`` None: nobody said; False outranks True."""

    provider_id: str = ""
    accepted_at: datetime | None = None
    recipient_is_pec: bool | None = None
    taken_over_at: datetime | None = None
    delivered_at: datetime | None = None
    delayed_at: datetime | None = None
    failure: Failure | None = None
    replied_at: datetime | None = None
    in_sent_folder_at: datetime | None = None

    @property
    def conflict(self) -> Conflict | None:
        """What contradicts itself."""
        if self.failure is None:
            return None
        if self.delivered_at is not None:
            return Conflict.DELIVERED_AND_FAILED
        if self.accepted_at is not None and self.failure.reason.startswith(NOT_ACCEPTED):
            return Conflict.ACCEPTED_AND_REFUSED
        return None

    @property
    def has_left(self) -> bool:
        """Whether anything proves that the message left us; an answer alone settles nothing."""
        times = (
            *(self.accepted_at, self.taken_over_at, self.delivered_at, self.delayed_at),
            self.in_sent_folder_at,
        )
        return self.failure is not None or any(times)

    @property
    def stage(self) -> Stage:
        """How far it came."""
        if self.delivered_at is not None:
            return Stage.DELIVERED
        if self.failure is not None:
            return Stage.FAILED
        if self.delayed_at is not None:
            return Stage.WARNED
        if self.accepted_at is not None:
            return Stage.NOT_CERTIFIED if self.recipient_is_pec is False else Stage.ACCEPTED
        return Stage.LEFT if self.has_left or self.replied_at is not None else Stage.NOTHING


def join(one: Proof, other: Proof) -> Proof:
    """Both together: commutative, associative, idempotent."""
    values = {}
    for field in fields(Proof):
        a, b = getattr(one, field.name), getattr(other, field.name)
        values[field.name] = a if b in (None, "") else b if a in (None, "") else _JOIN[field.name](a, b)
    return Proof(**values)


def _both(a: bool, b: bool) -> bool:
    return a and b


def _latest(a: Failure, b: Failure) -> Failure:
    return max(a, b, key=lambda failure: failure.key)


_TIMES = ("accepted_at", "taken_over_at", "delivered_at", "delayed_at", "replied_at", "in_sent_folder_at")
_OTHERS: dict[str, Callable[[Any, Any], Any]] = {
    "provider_id": min,
    "recipient_is_pec": _both,
    "failure": _latest,
}
_JOIN: dict[str, Callable[[Any, Any], Any]] = {**dict.fromkeys(_TIMES, min), **_OTHERS}

_QUEUED = (MessageState.COMMITTED, MessageState.RETRYING)
_TO_DELIVERED = (
    *(MessageState.SENT, MessageState.BOUNCED, MessageState.UNCERTAIN, MessageState.FAILED),
    *_QUEUED,
)
_TO_SENT = (MessageState.UNCERTAIN, MessageState.FAILED, *_QUEUED)


def next_state(current: MessageState, proof: Proof, resent_at: datetime | None = None) -> MessageState:
    """The state of a message after its proof; the same one when nothing follows.

    Args:
        resent_at: when the message was handed over again, after an earlier try: a failure before that moment speaks
            of the earlier one. None: there was one try.

    A delivery outranks every failure, whenever it comes. A message that waits for another try is taken out of the
    queue when something proves that it left: it must not leave twice. One that is being sent is left to the sender
    (`resolving.apply_waiting` comes back to it).
    """
    if proof.delivered_at is not None:
        return MessageState.DELIVERED if current in _TO_DELIVERED else current
    if proof.failure is not None:
        is_of_this_try = resent_at is None or proof.failure.at >= resent_at
        can_bounce = current in (MessageState.SENT, MessageState.UNCERTAIN)
        return MessageState.BOUNCED if is_of_this_try and can_bounce else current
    return MessageState.SENT if proof.has_left and current in _TO_SENT else current
