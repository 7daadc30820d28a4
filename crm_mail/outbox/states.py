"""States of a run and of a message, and the one table of allowed transitions (pure).

The sender's in-memory picture may be lost at any moment; these states, kept per row, are the truth.
"""

from enum import StrEnum

from crm_mail.refusals import Refusal


class MessageState(StrEnum):
    """Where one message stands."""

    PENDING = "pending"  # prepared, waits for review and commit
    WITHHELD = "withheld"  # excluded by a person, or dropped out at commit (the reason is on the row)
    COMMITTED = "committed"  # frozen, waits for its turn
    SENDING = "sending"  # claimed by a worker until its lease expires
    RETRYING = "retrying"  # the server said 4xx, or could not be reached; waits for its next attempt
    SENT = "sent"  # the server took responsibility (250 after DATA)
    DELIVERED = "delivered"  # a receipt proves it
    BOUNCED = "bounced"  # a bounce or a PEC receipt says it did not arrive
    FAILED = "failed"  # refused for good (5xx), or out of attempts
    UNCERTAIN = "uncertain"  # may or may not have left; never sent again by itself
    CANCELLED = "cancelled"  # called back before it left


class RunState(StrEnum):
    """Where a run stands."""

    PREPARING = "preparing"  # the outbox is being worked out
    REVIEW = "review"  # waits for a person
    APPROVAL = "approval"  # committed by one person, waits for a second one
    COMMITTED = "committed"  # frozen; its undo window or its start time has not passed
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"  # every row is settled
    CANCELLED = "cancelled"


S = MessageState

TRANSITIONS: dict[MessageState, frozenset[MessageState]] = {
    S.PENDING: frozenset({S.WITHHELD, S.COMMITTED, S.CANCELLED}),
    S.WITHHELD: frozenset({S.PENDING}),
    S.COMMITTED: frozenset(
        {S.SENDING, S.PENDING, S.CANCELLED, S.FAILED, S.SENT, S.DELIVERED}
    ),  # pending: the commit was undone; sent, delivered: waited to be sent again, and evidence says it had left
    S.SENDING: frozenset(
        {S.SENT, S.RETRYING, S.FAILED, S.UNCERTAIN, S.COMMITTED}
    ),  # committed: given back unsent
    S.RETRYING: frozenset({S.SENDING, S.CANCELLED, S.FAILED, S.SENT, S.DELIVERED}),  # the same
    S.SENT: frozenset({S.DELIVERED, S.BOUNCED}),
    S.DELIVERED: frozenset(),  # a genuine delivery receipt outranks every failure notice
    S.BOUNCED: frozenset({S.DELIVERED, S.COMMITTED}),
    S.FAILED: frozenset({S.COMMITTED, S.SENT, S.DELIVERED}),  # a person retries; evidence of an earlier try
    S.UNCERTAIN: frozenset({S.SENT, S.DELIVERED, S.BOUNCED, S.COMMITTED, S.FAILED}),  # evidence, or a person
    S.CANCELLED: frozenset(),
}

QUEUED = frozenset({S.COMMITTED, S.SENDING, S.RETRYING})
"""States in which the worker still has something to do."""

SETTLED = frozenset(S) - QUEUED - {S.PENDING}
"""States in which nothing more happens by itself; a run is finished when every row is in one of them."""

LEFT = frozenset({S.SENT, S.DELIVERED, S.BOUNCED, S.UNCERTAIN})
"""States in which the message may have reached somebody: the document counts as sent."""


class TransitionRefused(Refusal):
    """A message cannot go from its state to the one asked for."""

    def __init__(self, before: MessageState, after: MessageState) -> None:
        super().__init__(f"a message that is {before.value} cannot become {after.value}")


def check_transition(before: MessageState, after: MessageState) -> None:
    """Raise unless the table allows the step.

    Raises:
        TransitionRefused: naming both states.
    """
    if after not in TRANSITIONS[before]:
        raise TransitionRefused(before, after)


def sources_of(after: MessageState) -> list[MessageState]:
    """The states from which a message may become ``after``: the WHERE of a set-based change."""
    return [before for before, targets in TRANSITIONS.items() if after in targets]
