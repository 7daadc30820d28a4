"""Manual packaging (PM-5, PM-16, PM-17): a run for one customer or one period, and what became of it.

It is a preparation like any other: nothing leaves before it is reviewed and committed (the one gate).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.finding.listing import PartyRow, list_parties
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.left_out import LeftOutRow, list_left_out
from crm_mail.outbox.reviewing.review import count_run, list_messages
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.permissions import Actor

SHOWN = 100
"""Rows of each kind that the result shows; the review has them all."""


@dataclass(frozen=True, slots=True)
class PackagingResult:
    """What a run packed, what stands against the rest, and what it left out; the numbers count them all."""

    packed: Sequence[Message]
    failed: Sequence[Message]
    left_out: Sequence[LeftOutRow]
    total: int
    failures: int


def asks_for_customers(text: str) -> bool:
    """Whether a person asks for the list of customers by a question mark, alone or with a part of a name (PM-5)."""
    return "?" in text


def search_customers(session: Session, actor: Actor, company_id: int, text: str) -> Sequence[PartyRow]:
    """The first customers whose code, name, number or address holds the words around the question mark."""
    words = " ".join(text.replace("?", " ").split())
    return list_parties(session, actor, PartyFilter(company_id, text=words), size=50).rows


def find_customer(session: Session, actor: Actor, company_id: int, code: str) -> str | None:
    """The code as it is kept, whatever its capitals; None when there is no such customer."""
    query = select(Party.code).where(Party.company_id == company_id, *visible_parties(actor.sight))
    exact = session.scalar(query.where(Party.code == code.strip()))
    return exact or session.scalar(query.where(Party.code == code.strip().upper()))


def again_for(run: Run, code: str) -> Criteria:
    """The criteria of a run for one of its customers alone, to pack it again after an error was mended (PM-16)."""
    return replace(Criteria.from_dict(run.criteria), parties=PartyFilter(run.company_id, codes=(code,)))


def packaging_result(session: Session, actor: Actor, run: Run) -> PackagingResult:
    """What became of a run, as far as the actor may know it."""
    counts = count_run(session, actor, run)
    failed = list_messages(session, actor, run, ReviewFilter(state="blocked"), size=SHOWN).messages
    every = list_messages(session, actor, run, ReviewFilter(), size=SHOWN * 2).messages
    left_out, _more = list_left_out(session, actor, run, size=SHOWN)
    return PackagingResult(
        packed=[message for message in every if not message.blockers][:SHOWN],
        failed=failed,
        left_out=[row for row in left_out if row.document_id is not None],
        total=sum(counts.states.values()),
        failures=counts.blocked,
    )
