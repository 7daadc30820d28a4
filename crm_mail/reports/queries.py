"""What became of a run, read from its rows: totals, failures by cause, who was left out, tables per agent and account.

Read-only. Every query carries the actor's clearance and document types (`visibility`); the counts of a run of 100,000
rows come from the covering index ``ix_messages_run_state``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm_mail.delivery.models import SenderAccount
from crm_mail.outbox.models import LeftOut, Message, Run
from crm_mail.outbox.sight import left_out_in_sight
from crm_mail.outbox.states import QUEUED, MessageState
from crm_mail.permissions import Actor
from crm_mail.reports.visibility import visible_messages

REACHED = (MessageState.SENT, MessageState.DELIVERED)
NOT_REACHED = (MessageState.FAILED, MessageState.BOUNCED)
EXAMPLES = 3
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
"""RFC 3463, as it stands in an answer: ``a@b.example: 550 5.1.1 No such user``."""


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Rows by state, as far as the actor may know them."""

    states: dict[str, int] = field(default_factory=dict)

    def of(self, *states: MessageState) -> int:
        """How many rows are in one of the states."""
        return sum(self.states.get(state.value, 0) for state in states)

    @property
    def total(self) -> int:
        """Every row."""
        return sum(self.states.values())

    @property
    def sent(self) -> int:
        """The server took them, or a receipt proves it."""
        return self.of(*REACHED)

    @property
    def failed(self) -> int:
        """Refused, out of attempts, or bounced."""
        return self.of(*NOT_REACHED)

    @property
    def uncertain(self) -> int:
        """May or may not have left."""
        return self.of(MessageState.UNCERTAIN)

    @property
    def not_sent(self) -> int:
        """Excluded by a person, dropped out at commit, or called back."""
        return self.of(MessageState.WITHHELD, MessageState.CANCELLED)

    @property
    def waiting(self) -> int:
        """Not settled yet."""
        return self.of(MessageState.PENDING, *QUEUED)


def run_totals(session: Session, actor: Actor, run: Run) -> RunTotals:
    """Rows of a run by state."""
    query = select(Message.state, func.count()).where(*visible_messages(actor, run)).group_by(Message.state)
    return RunTotals({state.value: count for state, count in session.execute(query)})


@dataclass(frozen=True, slots=True)
class Example:
    """One message that stands for a group."""

    id: int
    party_code: str
    party_name: str
    to: str


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures with one cause, one reply code and one enhanced status.

    ``answer`` is the server's own most frequent answer, the recipient's address replaced by ``…``.
    """

    cause: str
    code: int | None
    enhanced: str
    count: int
    answer: str
    examples: tuple[Example, ...] = ()

    @property
    def key(self) -> str:
        """Names the group in an address: ``recipient~550~5.1.1``."""
        return f"{self.cause}~{self.code or ''}~{self.enhanced}"


def enhanced_of(detail: str) -> str:
    """The enhanced status in a server's answer, or nothing."""
    found = _ENHANCED.search(detail)
    return found.group(1) if found else ""


def failure_groups(session: Session, actor: Actor, run: Run) -> list[FailureGroup]:
    """The failures of a run by cause, the most frequent first."""
    answer = func.replace(Message.last_detail, Message.to_address, "…").label("answer")
    query = (
        select(Message.last_cause, Message.last_code, answer, func.count(), func.min(Message.id))
        .where(*visible_messages(actor, run), Message.state.in_(NOT_REACHED))
        .group_by(Message.last_cause, Message.last_code, answer)
    )
    merged: dict[tuple[str, int | None, str], list[tuple[int, int, str]]] = {}
    for cause, code, text, count, first in session.execute(query):
        merged.setdefault((cause, code, enhanced_of(text)), []).append((count, first, text))
    examples = _examples(session, [p for parts in merged.values() for p in _biggest(parts)])
    groups = [
        FailureGroup(
            cause,
            code,
            enhanced,
            sum(count for count, _id, _text in parts),
            max(parts, key=lambda part: part[0])[2],
            tuple(examples[first] for _count, first, _text in _biggest(parts) if first in examples),
        )
        for (cause, code, enhanced), parts in merged.items()
    ]
    return sorted(groups, key=lambda group: (-group.count, group.key))


def _biggest(parts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    return sorted(parts, key=lambda part: (-part[0], part[1]))[:EXAMPLES]


def _examples(session: Session, parts: list[tuple[int, int, str]]) -> dict[int, Example]:
    query = select(Message.id, Message.party_code, Message.party_name, Message.to_address).where(
        Message.id.in_([first for _count, first, _text in parts])
    )
    return {row[0]: Example(*row) for row in session.execute(query)}


def ids_of_group(session: Session, actor: Actor, run: Run, key: str) -> list[int]:
    """The failed messages of one group; empty for a group that does not exist."""
    cause, _, rest = key.partition("~")
    code, _, enhanced = rest.partition("~")
    query = select(Message.id, Message.last_detail).where(
        *visible_messages(actor, run), *_of_cause(cause, code), Message.state.in_(NOT_REACHED)
    )
    return [id_ for id_, detail in session.execute(query) if enhanced_of(detail) == enhanced]


def _of_cause(cause: str, code: str) -> list[ColumnElement[bool]]:
    same_code = Message.last_code == int(code) if code.isdigit() else Message.last_code.is_(None)
    return [Message.last_cause == cause, same_code]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table of totals."""

    name: str
    total: int
    sent: int
    failed: int
    uncertain: int
    other: int
    id: int | None = None


def per_agent(session: Session, actor: Actor, run: Run) -> list[Line]:
    """Totals per agent; reads every row of the run, so it has a page of its own."""
    query = select(Message.agent, Message.state, func.count()).where(*visible_messages(actor, run))
    agents: dict[str, dict[str, int]] = {}
    for agent, state, count in session.execute(query.group_by(Message.agent, Message.state)):
        agents.setdefault(agent, {})[state.value] = count
    return sorted((_line(name, states) for name, states in agents.items()), key=_order)


def per_account(session: Session, actor: Actor, run: Run) -> list[Line]:
    """Totals per sender account, from the covering index."""
    query = select(Message.account_id, Message.state, func.count()).where(*visible_messages(actor, run))
    accounts: dict[int | None, dict[str, int]] = {}
    for account_id, state, count in session.execute(query.group_by(Message.account_id, Message.state)):
        accounts.setdefault(account_id, {})[state.value] = count
    names = account_names(session, [id_ for id_ in accounts if id_ is not None])
    return sorted(
        (_line(names.get(id_ or 0, ""), states, id_) for id_, states in accounts.items()), key=_order
    )


def _line(name: str, states: dict[str, int], id_: int | None = None) -> Line:
    totals = RunTotals(states)
    other = totals.total - totals.sent - totals.failed - totals.uncertain
    return Line(name, totals.total, totals.sent, totals.failed, totals.uncertain, other, id_)


def _order(line: Line) -> tuple[int, str]:
    return -line.total, line.name


def account_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """What accounts are called, with their address."""
    query = select(SenderAccount.id, SenderAccount.name, SenderAccount.from_address)
    rows = session.execute(query.where(SenderAccount.id.in_(list(ids))))
    return {id_: f"{name} <{address}>" for id_, name, address in rows}


def withheld_reasons(session: Session, actor: Actor, run: Run) -> list[tuple[str, int]]:
    """(reason, rows) of what was prepared and not sent, the most frequent first; a person's reason is its text."""
    query = (
        select(Message.withheld_reason, func.count())
        .where(*visible_messages(actor, run), Message.state == MessageState.WITHHELD)
        .group_by(Message.withheld_reason)
    )
    return sorted(((r, n) for r, n in session.execute(query)), key=lambda pair: (-pair[1], pair[0]))


def left_out_reasons(session: Session, actor: Actor, run: Run) -> list[tuple[str, int]]:
    """(reason, documents or contacts) that the preparation left out, the most frequent first."""
    query = (
        select(LeftOut.reason, func.count())
        .where(LeftOut.run_id == run.id, left_out_in_sight(actor.sight))
        .group_by(LeftOut.reason)
    )
    return sorted(((r, n) for r, n in session.execute(query)), key=lambda pair: (-pair[1], pair[0]))
