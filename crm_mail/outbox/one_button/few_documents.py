"""One button: a run of the few documents that a person has before their eyes (PD-7, PD-8).

The button owns no sending. It makes an ordinary run, which goes the one way: prepare, review, commit, send. What this
file adds: why a document cannot be sent at all, and that a second press does not leave a second draft behind.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.type_registry import company_types
from crm_mail.documents.models import Document
from crm_mail.documents.service import can_see
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageIssue, Run
from crm_mail.outbox.preparing.prepare import create_run, criteria_for_documents
from crm_mail.outbox.preparing.rules import load_decisions
from crm_mail.outbox.reviewing.review import write_events
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

MOST = 100
"""Documents that one press takes; more are a run with criteria."""
DRAFTS = 20
"""How many of a person's open runs are looked through for a draft of the same documents."""


class Obstacle(StrEnum):
    """Why a document cannot be sent by e-mail, by whoever tries."""

    VOIDED = "voided"
    REPLACED = "replaced"  # a newer version took its place
    NOT_MAILABLE = "not_mailable"  # `Document.not_mailable_reason` says why
    TYPE_DISABLED = "type_disabled"  # the company does not send, or no longer uses, this type
    PARTY_BLOCKED = "party_blocked"
    NO_RIGHT = "no_right"  # this person may not prepare this type


@dataclass(frozen=True, slots=True)
class Hindered:
    """A document that stays where it is, and why."""

    document: Document
    obstacle: Obstacle


class NothingToSend(Refusal):
    """None of the chosen documents can be sent; the message names the reasons."""

    def __init__(self, hindered: Sequence[Hindered]) -> None:
        reasons = sorted({one.obstacle.value for one in hindered})
        super().__init__(f"none of these documents can be sent: {', '.join(reasons) or 'nothing was chosen'}")
        self.hindered = hindered


def find_obstacle(session: Session, actor: Actor, document: Document) -> Obstacle | None:
    """The first thing that keeps a document from being sent, or None; what nobody can change comes first."""
    company_id, type_ = document.company_id, document.type
    checks: tuple[tuple[Obstacle, Callable[[], bool]], ...] = (
        (Obstacle.VOIDED, lambda: document.voided_at is not None),
        (Obstacle.REPLACED, lambda: not document.is_current),
        (Obstacle.NOT_MAILABLE, lambda: not document.is_mailable),
        (Obstacle.PARTY_BLOCKED, lambda: document.party.is_blocked),
        (Obstacle.TYPE_DISABLED, lambda: not _is_sent(session, company_id, type_)),
        (Obstacle.NO_RIGHT, lambda: not actor.can(Permission.OUTBOX_PREPARE, company_id, type_)),
    )
    return next((obstacle for obstacle, holds in checks if holds()), None)


def _is_sent(session: Session, company_id: int, type_: str) -> bool:
    return type_ in company_types(session, company_id).used and type_ in load_decisions(session, company_id)


def find_documents(session: Session, actor: Actor, ids: Iterable[int]) -> list[Document]:
    """The chosen documents that exist for the actor, of one company: that of the first."""
    wanted = list(dict.fromkeys(ids))[:MOST]
    found = {one.id: one for one in session.scalars(select(Document).where(Document.id.in_(wanted)))}
    seen = [found[id_] for id_ in wanted if id_ in found and can_see(actor, found[id_])]
    return [one for one in seen if one.company_id == seen[0].company_id]


def sort_out(
    session: Session, actor: Actor, documents: Iterable[Document]
) -> tuple[list[Document], list[Hindered]]:
    """What can be sent, and what cannot with its reason."""
    ready, hindered = [], []
    for document in documents:
        obstacle = find_obstacle(session, actor, document)
        if obstacle is None:
            ready.append(document)
        else:
            hindered.append(Hindered(document, obstacle))
    return ready, hindered


def draft_of(session: Session, actor: Actor, documents: Sequence[Document], title: str) -> tuple[Run, bool]:
    """A run of these documents, and whether it is new: still *preparing*, to be filled by the caller.

    A draft of the same documents that the same person left open is taken up again when somebody worked on it; an
    untouched one gives way to the new run, which sees what the cards say by now.

    Raises:
        NothingToSend: no document was given.
        PermissionDenied: a type may not be prepared by the actor.
    """
    if not documents:
        raise NothingToSend(())
    criteria = criteria_for_documents(documents[0].company_id, [(one.id, one.type) for one in documents])
    actor.require(Permission.OUTBOX_PREPARE, criteria.company_id, *criteria.document_types)
    for draft in _open_drafts(session, actor, criteria.company_id, criteria.document_ids):
        if _is_touched(session, draft):
            return draft, False
        discard_draft(session, actor, draft)
    return create_run(session, actor, criteria, title), True


def _open_drafts(session: Session, actor: Actor, company_id: int, ids: Sequence[int]) -> list[Run]:
    if actor.user_id is None:
        return []
    query = (
        select(Run)
        .where(Run.company_id == company_id, Run.state == RunState.REVIEW, Run.created_by == actor.user_id)
        .order_by(Run.id.desc())
        .limit(DRAFTS)
    )
    return [run for run in session.scalars(query) if set(run.criteria.get("document_ids") or ()) == set(ids)]


def _is_touched(session: Session, run: Run) -> bool:
    """Whether somebody corrected, approved or left out a message of the run."""
    worked_on = or_(
        Message.is_edited.is_(True), Message.is_approved.is_(True), Message.state != MessageState.PENDING
    )
    query = select(func.count()).select_from(Message).where(Message.run_id == run.id, worked_on)
    return bool(session.scalar(query))


class DraftRefused(Refusal):
    """This run is no draft of this person's own any more, and cannot be thrown away."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.id} is not a draft of your own under review: it cannot be discarded")


def discard_draft(session: Session, actor: Actor, run: Run) -> None:
    """Cancel a run that the actor prepared and nobody committed; who may prepare it may also throw it away.

    Raises:
        DraftRefused: somebody else prepared it, or it is past the review.
        PermissionDenied: the right to prepare is missing for a type of the run.
    """
    session.flush()
    session.refresh(run, with_for_update=True)
    actor.require(Permission.OUTBOX_PREPARE, run.company_id, *run.document_types)
    if run.state is not RunState.REVIEW or run.created_by is None or run.created_by != actor.user_id:
        raise DraftRefused(run)
    rows = [Message.run_id == run.id, Message.state.in_((MessageState.PENDING,))]
    write_events(session, rows, "cancelled", actor, {})
    session.connection().execute(update(Message).where(*rows).values(state=MessageState.CANCELLED))
    run.state = RunState.CANCELLED
    run.changes += 1
    audit.record(
        session,
        actor,
        "outbox.run.discarded",
        company_id=run.company_id,
        subject=run,
        label=f"run {run.id}",
    )


def is_small(run: Run) -> bool:
    """Whether a run was made from named documents, so few that one page shows all of it."""
    return 0 < len(run.criteria.get("document_ids") or ()) <= MOST


def count_sent_before(session: Session, actor: Actor, run: Run) -> int:
    """Messages that are ready to leave although their recipient has, or is about to get, a document of them."""
    told = (Issue.ALREADY_SENT.value, Issue.IN_OTHER_RUN.value)
    warned = select(MessageIssue.message_id).where(MessageIssue.run_id == run.id, MessageIssue.code.in_(told))
    query = select(func.count()).where(
        Message.run_id == run.id,
        Message.state == MessageState.PENDING,
        Message.blockers == 0,
        messages_in_sight(actor.sight),
        or_(Message.last_sent_at.is_not(None), Message.id.in_(warned)),
    )
    return session.scalar(query) or 0
