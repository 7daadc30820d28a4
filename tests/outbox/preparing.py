"""Preparing a run in a test: criteria, the run, its rows."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company, TypePolicy
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.outbox.models import LeftOut, Message, MessageFile, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import create_run, fill_run
from crm_mail.permissions import Actor


def criteria_for(company: Company, **overrides: Any) -> Criteria:
    """Every invoice of the company that was never sent; ``parties`` are fields of PartyFilter."""
    parties = PartyFilter(company.id, **overrides.pop("parties", {}))
    values: dict[str, Any] = {"document_types": ("invoice",)} | overrides
    return Criteria(parties, **values)


def prepare(
    session: Session,
    actor: Actor,
    company: Company,
    has_file: Callable[[str], bool] = lambda _sha256: True,
    **overrides: Any,
) -> Run:
    """A prepared run."""
    run = create_run(session, actor, criteria_for(company, **overrides))
    fill_run(session, actor, run, has_file)
    session.flush()
    session.expire_all()
    return run


def rows(session: Session, run: Run) -> list[Message]:
    """The messages of a run, in order."""
    return list(session.scalars(select(Message).where(Message.run_id == run.id).order_by(Message.id)))


def receivers(session: Session, run: Run) -> list[str]:
    """The addresses of a run, sorted."""
    return sorted(message.to_address for message in rows(session, run))


def codes(message: Message) -> set[str]:
    """What stands on a row: blockers and warnings."""
    return {issue.code for issue in message.issues}


def left_out(session: Session, run: Run) -> set[tuple[str, int | None, int | None]]:
    """(reason, document id, contact id) of what the run leaves out."""
    found = session.scalars(select(LeftOut).where(LeftOut.run_id == run.id))
    return {(row.reason, row.document_id, row.contact_id) for row in found}


def attached(session: Session, message: Message) -> list[str]:
    """The names of the files that a message carries."""
    query = select(MessageFile.name).where(MessageFile.message_id == message.id)
    return list(session.scalars(query.order_by(MessageFile.position)))


def decide(session: Session, company: Company, document_type: str = "invoice", **values: Any) -> TypePolicy:
    """What the company decides for a document type."""
    values = {"channel_preference": ChannelPreference.PEC_FIRST} | values
    policy = TypePolicy(company_id=company.id, document_type=document_type, **values)
    session.add(policy)
    session.flush()
    return policy
