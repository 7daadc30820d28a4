"""The question whether addresses are PEC, as one run asks it: by domain, and what an answer does to its messages."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, selectinload

from crm_mail import audit
from crm_mail.contacts.address_kinds import remember_kind
from crm_mail.db import now
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.domains.pec_ladder import Verdict, judge_addresses, keep_person_word
from crm_mail.delivery.routing import AddressKind, Channel, ChannelPreference, channel_for
from crm_mail.delivery.service import accounts_for
from crm_mail.many_rows import chunks
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageEvent, Run
from crm_mail.outbox.preparing.rules import load_decisions
from crm_mail.outbox.reasons import Rule
from crm_mail.outbox.reviewing.editing import ACCOUNT_ISSUES, address_issues, replace_issues
from crm_mail.outbox.reviewing.review import require_open
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Actor, Permission

AT_ONCE = 500
SHOWN_ADDRESSES = 20


@dataclass(frozen=True, slots=True)
class DomainQuestion:
    """A domain with the addresses of which nobody knows the kind; ``verdict``: why the ladder does not."""

    domain: str
    addresses: tuple[str, ...]
    messages: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer did. ``with_copies``: messages that stay, because PEC carries no copies."""

    messages: int
    cards: int
    with_copies: int = 0


def _asked(run: Run, actor: Actor) -> list[ColumnElement[bool]]:
    return [
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        Message.to_kind == AddressKind.UNKNOWN,
        Message.to_address != "",
        messages_in_sight(actor.sight),
    ]


def list_questions(session: Session, actor: Actor, run: Run) -> list[DomainQuestion]:
    """The domains that a run asks about, those with most messages first."""
    query = select(Message.to_address, func.count()).where(*_asked(run, actor)).group_by(Message.to_address)
    counts = {address: count for address, count in session.execute(query)}
    verdicts = judge_addresses(session, counts, now())
    by_domain: dict[str, list[str]] = {}
    totals: Counter[str] = Counter()
    for address, count in counts.items():
        domain = domain_of(address)
        by_domain.setdefault(domain, []).append(address)
        totals[domain] += count
    found = [
        DomainQuestion(domain, tuple(sorted(ones)), totals[domain], verdicts[ones[0]])
        for domain, ones in by_domain.items()
    ]
    return sorted(found, key=lambda one: (-one.messages, one.domain))


def answer_kind(
    session: Session, actor: Actor, run: Run, kind: AddressKind, *, domain: str = "", address: str = ""
) -> Answered:
    """Say what an address, or every address of a domain, is: on the run's messages, and on the cards.

    Whoever may not keep contacts answers for this run alone.

    Raises:
        PermissionDenied, RunNotOpen
    """
    require_open(session, actor, run)
    query = select(Message.to_address).where(*_asked(run, actor)).distinct()
    given = address.casefold()
    addresses = [
        one
        for one in session.scalars(query)
        if (one.casefold() == given if given else domain_of(one) == domain.lower())
    ]
    if kind is AddressKind.UNKNOWN or not addresses:
        return Answered(0, 0)
    cards = _remember(session, actor, run, addresses, kind)
    change = _Change(session, actor, run, kind)
    for part in chunks(addresses, AT_ONCE):
        for message in _messages(session, [*_asked(run, actor), Message.to_address.in_(part)]):
            change.apply(message)
        session.flush()
    audit.record(
        session,
        actor,
        "outbox.kind.said",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}: {address or domain}",
        privacy_level=actor.sight.clearance,
        kind=kind.value,
        count=change.done,
    )
    return Answered(change.done, cards, change.with_copies)


def _messages(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Iterator[Message]:
    ids = session.scalars(select(Message.id).where(*conditions).order_by(Message.id)).all()
    for part in chunks(ids, AT_ONCE):
        query = select(Message).where(Message.id.in_(part)).options(selectinload(Message.issues))
        yield from session.scalars(query)


def _remember(session: Session, actor: Actor, run: Run, addresses: list[str], kind: AddressKind) -> int:
    """Keep the answer on the cards; addresses behind a packaging have no place there and are kept by themselves."""
    if not actor.can(Permission.CONTACTS_MANAGE, run.company_id):
        return 0
    cards = remember_kind(session, actor, run.company_id, addresses, kind)
    behind = set()
    for part in chunks(addresses, AT_ONCE):
        query = select(Message.to_address, Message.why).where(
            *_asked(run, actor), Message.to_address.in_(part)
        )
        behind |= {one for one, why in session.execute(query) if why.get("rule") == Rule.PACKAGING}
    for one in sorted(behind):
        keep_person_word(session, one, kind, actor.name, now())
    return cards + len(behind)


class _Change:
    """Puts an answer on messages, one after the other."""

    def __init__(self, session: Session, actor: Actor, run: Run, kind: AddressKind) -> None:
        self.session, self.actor, self.kind = session, actor, kind
        self.book = accounts_for(session, run.company_id, actor.user_id)
        self.decisions: dict[str, Any] = load_decisions(session, run.company_id)
        self.done = self.with_copies = 0

    def apply(self, message: Message) -> None:
        """The answer on one message; a PEC message has one recipient, so one with copies is left as it is."""
        if self.kind is AddressKind.PEC and message.cc:
            self.with_copies += 1
            return
        message.to_kind, message.channel = self.kind, channel_for(self.kind)
        if message.channel is Channel.PEC:
            message.bcc = []
            message.account_id = self._account(message)
        message.why = {name: value for name, value in message.why.items() if name != "kind"}
        found = address_issues(self.session, message)
        preference = message.why.get("preference")
        if message.channel is Channel.PEC and preference == ChannelPreference.ORDINARY_ONLY:
            found = [Issue.NO_ORDINARY_ADDRESS]
        settled = {Issue.ADDRESS_KIND_UNKNOWN, Issue.LOOKS_LIKE_PEC, Issue.UNPROVEN, *ACCOUNT_ISSUES}
        replace_issues(message, settled, found)
        message.revision += 1
        message.is_approved = False
        self.session.add(
            MessageEvent(
                message_id=message.id,
                kind="edited",
                actor_name=self.actor.name,
                detail={"changed": ["to_kind"]},
            )
        )
        self.done += 1

    def _account(self, message: Message) -> int | None:
        decision = self.decisions.get(message.document_types.split(" ")[0])
        if decision is None:
            return None
        account = self.book.resolve(decision, message.channel, self.actor.user_id).account
        return account.id if account else None
