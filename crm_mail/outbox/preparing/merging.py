"""Merge per contact: rows of a run for the same recipient become one message, where the company bundles their types.

The first row of each group takes the documents over and gets the text for several documents; the others are left out
with a reason that names it. Everything can be taken apart again: what each row brought is kept in ``Message.why``.
Only rows of one party meet (law 7), and none in which a person wrote.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.delivery.service import accounts_for
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message, ReviewAction, Run
from crm_mail.outbox.preparing.drafts import BASE64_DENOMINATOR, BASE64_NUMERATOR
from crm_mail.outbox.preparing.merged_rows import Merger
from crm_mail.outbox.preparing.refilling import is_by_hand
from crm_mail.outbox.preparing.rules import MEGABYTE, ROOM_FOR_TEXT, load_decisions
from crm_mail.outbox.reasons import WithheldReason
from crm_mail.outbox.reviewing.review import Chosen, require_open
from crm_mail.outbox.reviewing.review_changes import as_ranges, keep_action
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor

KIND = "merged"
GROUPS_AT_ONCE = 200
_SAME = (
    "party_id",
    "contact_id",
    "to_address",
    "to_kind",
    "channel",
    "account_id",
    "cc",
    "bcc",
    "reply_to",
    "language",
    "purpose",
)


@dataclass(slots=True)
class MergePlan:
    """Which rows would take which others over, and why the remaining ones stay alone."""

    groups: list[list[int]] = field(default_factory=list)  # the first id of each takes the others over
    by_hand: int = 0
    too_large: int = 0

    @property
    def merged(self) -> int:
        """Rows that would go into another one."""
        return sum(len(group) - 1 for group in self.groups)


def plan_merge(session: Session, actor: Actor, run: Run, chosen: Chosen) -> MergePlan:
    """Find the rows that can travel together; one light query, nothing is changed."""
    open_rows = [*chosen.conditions(run, actor), Message.state == MessageState.PENDING]
    ready = [*open_rows, Message.blockers == 0, Message.to_address != ""]
    several = (
        select(Message.to_address)
        .where(*ready)
        .group_by(Message.party_id, Message.to_address)
        .having(func.count() > 1)
    )
    ready.append(
        Message.to_address.in_(several)
    )  # most runs have one row for each recipient: nothing more is read
    columns = [getattr(Message, name) for name in _SAME]
    written = is_by_hand().label("by_hand")
    query = select(Message.id, Message.size, Message.document_types, Message.why, written, *columns)
    bundled = {t for t, d in load_decisions(session, run.company_id).items() if d.is_bundled}
    candidates: dict[tuple[Any, ...], list[tuple[bool, int, int]]] = {}
    plan, written_rows = MergePlan(), []
    for id_, size, types, why, by_hand, *same in session.execute(query.where(*ready).order_by(Message.id)):
        if not types or "link" in why or not bundled.issuperset(types.split(" ")):
            continue  # a link offers the files of one message, and stands in its text
        key = tuple(tuple(one) if isinstance(one, list) else one for one in same)
        if by_hand:
            written_rows.append(key)
            continue
        candidates.setdefault(key, []).append((not why.get("merged"), id_, size))
    limits = _limits(session, actor, run)
    for key, rows in candidates.items():
        limit = limits.get(key[_SAME.index("account_id")], limits[None])
        groups = list(_fitting(sorted(rows), limit))
        plan.too_large += sum(1 for group in groups if len(groups) > 1 and len(group) == 1)
        plan.groups += [group for group in groups if len(group) > 1]
    plan.by_hand = sum(1 for key in written_rows if key in candidates)
    return plan


def _limits(session: Session, actor: Actor, run: Run) -> dict[int | None, int]:
    """The most bytes of files, encoded, in a message of each account; None: whatever the account."""
    company_mb = session.get_one(Company, run.company_id).max_message_mb
    book = accounts_for(session, run.company_id, actor.user_id)
    found: dict[int | None, int] = {None: company_mb * MEGABYTE - ROOM_FOR_TEXT}
    for id_, account in book.by_id.items():
        found[id_] = min(company_mb, account.max_message_mb or company_mb) * MEGABYTE - ROOM_FOR_TEXT
    return found


def _fitting(rows: Sequence[tuple[bool, int, int]], limit: int) -> Iterator[list[int]]:
    """Divide the rows of one recipient into messages that are not too large; rows that took others over come first
    and are never taken over themselves."""
    group: list[int] = []
    room = limit
    for is_free, id_, size in rows:
        encoded = size * BASE64_NUMERATOR // BASE64_DENOMINATOR
        if group and (encoded > room or not is_free):
            yield group
            group, room = [], limit
        group.append(id_)
        room -= encoded
    if group:
        yield group


def merge_messages(session: Session, actor: Actor, run: Run, chosen: Chosen) -> ReviewAction | None:
    """Merge the chosen rows per contact; None when no two of them can travel together.

    Raises:
        PermissionDenied, RunNotOpen
    """
    require_open(session, actor, run)
    plan = plan_merge(session, actor, run, chosen)
    if not plan.groups:
        return None
    merger = Merger.of(session, actor, run)
    for groups in chunks(plan.groups, GROUPS_AT_ONCE):
        merger.merge(groups)
    session.expire_all()
    into = sorted((id_, group[0]) for group in plan.groups for id_ in group[1:])
    detail = {"into": len(plan.groups), "by_hand": plan.by_hand}
    return keep_action(session, actor, run, KIND, plan.merged, detail, as_ranges(into))


def take_apart(session: Session, actor: Actor, run: Run, chosen: Chosen) -> ReviewAction | None:
    """Have chosen rows that went into others stand for themselves again.

    Raises:
        PermissionDenied, RunNotOpen
    """
    require_open(session, actor, run)
    rows = _merged_rows(session, actor, run, chosen)
    if not rows:
        return None
    count = Merger.of(session, actor, run).take_apart(rows)
    session.expire_all()
    return keep_action(session, actor, run, "taken_apart", count, {}, as_ranges((id_, None) for id_ in rows))


def undo_merge(session: Session, actor: Actor, run: Run, action: ReviewAction) -> int:
    """Take apart what an action merged and what still is; how many rows stand for themselves again."""
    ids: Iterable[int] = (id_ for first, last, _into in action.before for id_ in range(first, last + 1))
    rows = [
        id_
        for part in chunks(list(ids))
        for id_ in _merged_rows(session, actor, run, Chosen(ids=tuple(part)))
    ]
    return Merger.of(session, actor, run).take_apart(rows)


def _merged_rows(session: Session, actor: Actor, run: Run, chosen: Chosen) -> list[int]:
    merged = [Message.state == MessageState.WITHHELD, Message.withheld_reason == WithheldReason.MERGED]
    query = select(Message.id).where(*chosen.conditions(run, actor), *merged)
    return list(session.scalars(query.order_by(Message.id)))
