"""Compose: a run whose messages are not made of stored documents (mailings, greetings, events, send orders).

What is composed passes every gate that documents pass: privacy, consent, suppression, blocked parties, address and
channel rules, accounts, sizes; what it may not write is left out with the reason. Then it is a run like any other,
under review. Nothing is sent.

- `compose_run`: everything at once, for what is at hand (an event, a send order).
- `create_composed_run`: the row alone; a worker asks the registered composer for the messages (200,000 contacts).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.outbox.composing.batches import Composing
from crm_mail.outbox.composing.parts import Composed, Composition, is_composed
from crm_mail.outbox.composing.registry import composer_of
from crm_mail.outbox.links.unsubscribe_links import UnsubscribeLinks
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.bulk_warnings import warn_ordinary_answers, warn_shared_addresses
from crm_mail.outbox.preparing.criteria import PREPARED_WITHIN, Criteria, write_sight
from crm_mail.outbox.preparing.draft_rows import RowMaker
from crm_mail.outbox.preparing.leaving_out import count_left_out
from crm_mail.outbox.preparing.prepare import (
    Prepared,
    Progress,
    RunNotPreparing,
    collector_paused,
    fill_run,
)
from crm_mail.outbox.preparing.rules import load_decisions, load_rules, load_run_texts
from crm_mail.outbox.preparing.writing import MessageWriter
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

AT_ONCE = 2000
"""Messages composed, judged and written together; no more of them are in memory."""


class TypeNotSent(Refusal):
    """The company does not send this document type, or does not know it."""

    def __init__(self, document_type: str) -> None:
        super().__init__(
            f"the company does not send the document type {document_type}: switch it on in the company's settings"
        )


def create_composed_run(session: Session, actor: Actor, composition: Composition) -> Run:
    """Write the run's row, in the state *preparing*; the door rings for the worker after its commit (`FILL_RUN`).

    Raises:
        PermissionDenied: the type may not be prepared by the actor.
        TypeNotSent
    """
    type_ = composition.document_type
    actor.require(Permission.OUTBOX_PREPARE, composition.company_id, type_)
    if type_ not in load_decisions(session, composition.company_id):
        raise TypeNotSent(type_)
    run = Run(
        company_id=composition.company_id,
        title=composition.title[:200],
        criteria=composition.to_dict(),
        document_types=[type_],
        created_by=actor.user_id,
    )
    session.add(run)
    session.flush()
    audit.record(
        session,
        actor,
        "outbox.run.created",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        origin=composition.origin.value,
    )
    return run


def compose_run(
    session: Session,
    actor: Actor,
    home: Installation,
    composition: Composition,
    messages: Iterable[Composed],
    on_progress: Progress | None = None,
) -> tuple[Run, Prepared]:
    """Make a run of composed messages at once, in the caller's transaction.

    Args:
        messages: read lazily, `AT_ONCE` at a time.

    Raises:
        PermissionDenied, TypeNotSent
        ComposedWrong: a message mixes parties, or names an account that the actor may not use.
    """
    run = create_composed_run(session, actor, composition)
    return run, fill_composed_run(session, actor, run, home, messages, on_progress)


def fill_any_run(
    session: Session,
    actor: Actor,
    run: Run,
    has_file: Callable[[str], bool],
    on_progress: Progress | None,
    home: Installation,
) -> Prepared:
    """Work out the messages of a waiting run, whatever it is prepared from (`prepare.fill_run` or a composer).

    The run and all that it is made from are committed: another process may help.
    """
    if not is_composed(run.criteria):
        return fill_run(session, actor, run, has_file, on_progress, home, is_committed=True)
    composition = Composition.from_dict(run.criteria)
    compose = composer_of(composition.composer)
    messages = compose(session, home, actor, run, composition.data)
    return fill_composed_run(session, actor, run, home, messages, on_progress)


def fill_composed_run(
    session: Session,
    actor: Actor,
    run: Run,
    home: Installation,
    messages: Iterable[Composed],
    on_progress: Progress | None = None,
) -> Prepared:
    """Write the messages of a composed run and hand it over for review.

    Raises:
        RunNotPreparing: the run has its messages already.
        PermissionDenied, ComposedWrong
    """
    if run.state is not RunState.PREPARING:
        raise RunNotPreparing(run.id)
    composition = Composition.from_dict(run.criteria)
    actor.require(Permission.OUTBOX_PREPARE, run.company_id, composition.document_type)
    company = session.get_one(Company, run.company_id)
    rules = load_rules(session, company, Criteria.from_dict(run.criteria), actor)
    if composition.document_type not in rules.policies:
        raise TypeNotSent(composition.document_type)
    composing = Composing(session, actor, run, company, composition, rules)
    if composition.completes and composing.is_once:
        composing.remember_written(composition.completes)
    texts, links = load_run_texts(session, company, actor), UnsubscribeLinks.of(home)
    dialect = session.connection().dialect
    maker = RowMaker(run.id, company.id, dialect, texts, home.store.has, rules.max_bytes, links)
    writer = MessageWriter(session)
    with collector_paused():
        for batch in _batches(messages):
            writer.write_drafts(maker, composing.judge(batch))
            if on_progress:
                on_progress(writer.count)
    run.hidden_recipients = len(composing.hidden)
    if composing.hidden:
        run.criteria = {**run.criteria, PREPARED_WITHIN: write_sight(actor.sight)}
    later = warn_shared_addresses(session, run) + warn_ordinary_answers(session, run)
    run.document_types = [composition.document_type]
    run.state = RunState.REVIEW
    left_out = sum(count_left_out(session, run.id, actor.sight).values())
    audit.record(
        session,
        actor,
        "outbox.run.prepared",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
        messages=writer.count,
        blocked=writer.blocked,
    )
    return Prepared(
        run.id, writer.count, writer.blocked, writer.warned + later, left_out, run.hidden_recipients
    )


def _batches(messages: Iterable[Composed]) -> Iterator[list[Composed]]:
    waiting = iter(messages)
    while batch := list(islice(waiting, AT_ONCE)):
        yield batch
