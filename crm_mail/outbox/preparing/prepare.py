"""Prepare: work out every message that is due and write the pending outbox (IT-4). Nothing is sent.

`create_run` writes the run's row; `fill_run` works the messages out in one transaction, so that a run is either
whole or still *preparing*, whenever the process stops.
"""

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.document_types import DocumentType
from crm_mail.installation import Installation
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.bulk_warnings import (
    warn_ordinary_answers,
    warn_shared_addresses,
    warn_unproven,
)
from crm_mail.outbox.preparing.criteria import PREPARED_WITHIN, Criteria, write_sight
from crm_mail.outbox.preparing.draft_rows import Part
from crm_mail.outbox.preparing.due import count_due, count_outside, count_sent_before, due_batches
from crm_mail.outbox.preparing.leaving_out import (
    count_left_out,
    leave_out_contacts,
    leave_out_disabled,
    leave_out_documents,
    leave_out_without_consent,
)
from crm_mail.outbox.preparing.parts import PartMaker, Task
from crm_mail.outbox.preparing.rules import load_decisions
from crm_mail.outbox.preparing.side_by_side import make_parts
from crm_mail.outbox.preparing.writing import MessageWriter
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor, Permission, PermissionDenied
from crm_mail.refusals import Refusal

Progress = Callable[[int], None]


class RunNotPreparing(Refusal):
    """The run has been prepared already; prepare a new one."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"run {run_id} has been prepared already: prepare a new run")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a preparation would consider, before anything is written."""

    documents: int
    parties: int
    is_everybody: bool
    sent_before: int = 0
    """How many of the documents left before to somebody; 0 where that is not asked."""


_MOST_LOOKED_AT = 100_000
"""Documents of a preview of which it is asked whether they were sent."""


def allowed_criteria(session: Session, actor: Actor, criteria: Criteria) -> Criteria:
    """The criteria with their document types spelt out: those asked for, or all in use that the actor may prepare.

    Raises:
        PermissionDenied: a type was asked for that the actor may not prepare, or there is none at all.
    """
    company_id = criteria.company_id
    if criteria.document_types:
        actor.require(Permission.OUTBOX_PREPARE, company_id, *criteria.document_types)
        return criteria
    types = actor.types(Permission.OUTBOX_PREPARE, company_id, company_types(session, company_id).used)
    if not types:
        raise PermissionDenied(Permission.OUTBOX_PREPARE)
    return replace(criteria, document_types=tuple(types))


def preview_run(session: Session, actor: Actor, criteria: Criteria) -> Preview:
    """Count what a preparation would consider; writes nothing."""
    criteria = allowed_criteria(session, actor, criteria)
    documents, parties = count_due(session, criteria, actor.sight)
    is_asked = criteria.only_unsent and 0 < documents <= _MOST_LOOKED_AT
    sent_before = count_sent_before(session, criteria, actor.sight) if is_asked else 0
    return Preview(documents, parties, criteria.is_everybody, sent_before)


def create_run(session: Session, actor: Actor, criteria: Criteria, title: str = "") -> Run:
    """Write the run's row, in the state *preparing*.

    Raises:
        PermissionDenied: see `allowed_criteria`.
    """
    criteria = allowed_criteria(session, actor, criteria)
    run = Run(
        company_id=criteria.company_id,
        title=title,
        criteria=criteria.to_dict(),
        document_types=list(criteria.document_types),
        created_by=actor.user_id,
    )
    session.add(run)
    session.flush()
    audit.record(
        session, actor, "outbox.run.created", company_id=run.company_id, subject=run, label=f"run {run.id}"
    )
    return run


@dataclass(frozen=True, slots=True)
class Prepared:
    """The counts of a prepared run, as far as the actor may know them."""

    run_id: int
    messages: int
    blocked: int
    warnings: int
    left_out: int
    hidden: int


def fill_run(
    session: Session,
    actor: Actor,
    run: Run,
    has_file: Callable[[str], bool],
    on_progress: Progress | None = None,
    home: Installation | None = None,
    *,
    is_committed: bool = False,
) -> Prepared:
    """Work out the run's messages and hand it over for review.

    Args:
        actor: who prepares; contacts above this clearance are counted, never shown.
        has_file: whether a stored file is there.
        on_progress: told the number of messages after each batch.
        home: keeps the files that a packaging makes; None: files are only renamed.
        is_committed: the run, and all that it is made from, stands in the database: another process may help.

    Raises:
        RunNotPreparing: the run has its messages already.
    """
    if run.state is not RunState.PREPARING:
        raise RunNotPreparing(run.id)
    company = session.get_one(Company, run.company_id)
    criteria = _sent_types(session, run, company, actor)
    task = Task.of(session, run, company, criteria, actor)
    maker = PartMaker.of(session, task, has_file, home)
    writer = MessageWriter(session)
    with collector_paused(), closing(_work_out(maker, writer, home if is_committed else None)) as parts:
        for part in parts:
            writer.write(part)
            if on_progress:
                on_progress(writer.count)
    run.hidden_recipients = len(writer.hidden) + count_outside(session, criteria, actor.sight)
    if run.hidden_recipients:
        run.criteria = {**run.criteria, PREPARED_WITHIN: write_sight(actor.sight)}
    _leave_out(session, run, company, task)
    later = warn_shared_addresses(session, run) + warn_ordinary_answers(session, run)
    if DocumentType.DUNNING_LETTER in writer.types:
        later += warn_unproven(session, run)
    run.document_types = sorted(writer.types)
    run.state = RunState.REVIEW
    left_out = sum(count_left_out(session, run.id, actor.sight).values())
    result = Prepared(
        run.id, writer.count, writer.blocked, writer.warned + later, left_out, run.hidden_recipients
    )
    audit.record(
        session,
        actor,
        "outbox.run.prepared",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        messages=result.messages,
        blocked=result.blocked,
    )
    return result


def _work_out(maker: PartMaker, writer: MessageWriter, home: Installation | None) -> Generator[Part]:
    """The parts of the run; given an installation, another process works at them too where it may."""
    session, task = maker.session, maker.task
    divisible = maker.divisible_criteria() if home is not None else None
    with closing(due_batches(session, divisible or task.criteria, task.actor.sight)) as batches:
        if home is not None and divisible is not None:
            yield from make_parts(batches, maker.make, home.settings, task)
        else:
            for document_ids in batches:
                yield maker.make(document_ids, writer.take_ids)


def _leave_out(session: Session, run: Run, company: Company, task: Task) -> None:
    """Documents that may not be sent and contacts that receive nothing, in a few statements for the whole run."""
    criteria, sight = task.criteria, task.actor.sight
    leave_out_documents(session, run, criteria, sight)
    leave_out_contacts(session, run, criteria, sight)
    if asking := {type_ for type_, policy in task.rules.policies.items() if policy.purpose}:
        leave_out_without_consent(session, run, criteria, company, asking, sight)


def _sent_types(session: Session, run: Run, company: Company, actor: Actor) -> Criteria:
    """The run's criteria with the types that the company sends; documents of the others are left out."""
    criteria = allowed_criteria(session, actor, Criteria.from_dict(run.criteria))
    decisions = load_decisions(session, company.id)
    disabled = tuple(t for t in criteria.document_types if t not in decisions)
    if disabled:
        leave_out_disabled(session, run, replace(criteria, document_types=disabled), actor.sight)
    return replace(criteria, document_types=tuple(t for t in criteria.document_types if t in decisions))


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for reference cycles meanwhile: millions of short-lived rows hold none, and each search costs."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def criteria_for_documents(company_id: int, documents: Iterable[tuple[int, str]]) -> Criteria:
    """The criteria of a run of a few documents, given as (id, type): the button on a document's page (PD-7)."""
    pairs = list(documents)
    return Criteria(
        PartyFilter(company_id),
        document_types=tuple(dict.fromkeys(type_ for _, type_ in pairs)),
        only_unsent=False,
        document_ids=tuple(id_ for id_, _ in pairs),
    )
