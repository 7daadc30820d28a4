"""Completing a run: what its preparer could not see is prepared by a colleague who can, with the same criteria."""

from dataclasses import replace

from sqlalchemy.orm import Session

from crm_mail.outbox.composing.compose import create_composed_run
from crm_mail.outbox.composing.parts import Composition, is_composed
from crm_mail.outbox.composing.registry import composes_by_data_alone
from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.criteria import PREPARED_WITHIN, Criteria, read_sight
from crm_mail.outbox.preparing.prepare import create_run
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

COMPLETED_BY = "completed_by"


class NothingToComplete(Refusal):
    """The run left nobody for this person, or was completed already."""

    def __init__(self, run_id: int) -> None:
        super().__init__(
            f"run {run_id} left nobody for you: ask a colleague who sees more, or look at its other run"
        )


def can_complete(actor: Actor, run: Run) -> bool:
    """Whether the actor sees more than who prepared the run, and may prepare its types."""
    within = run.criteria.get(PREPARED_WITHIN)
    if not within or completed_by(run) is not None:
        return False
    if is_composed(run.criteria) and not composes_by_data_alone(run.criteria["composed"]["composer"]):
        return False
    types = run.criteria.get("document_types") or []
    may = all(actor.can(Permission.OUTBOX_PREPARE, run.company_id, one) for one in types)
    return may and actor.sight.sees_beyond(read_sight(within))


def completed_by(run: Run) -> int | None:
    """The run that holds the rest, where there is one."""
    number = run.criteria.get(COMPLETED_BY)
    return int(number) if number else None


def complete_run(session: Session, actor: Actor, run: Run) -> Run:
    """Make the run of the rest, in the state *preparing*.

    Raises:
        NothingToComplete, PermissionDenied
    """
    if not can_complete(actor, run):
        raise NothingToComplete(run.id)
    within = read_sight(run.criteria[PREPARED_WITHIN])
    if is_composed(run.criteria):
        composed = Composition.from_dict(run.criteria)
        rest = create_composed_run(session, actor, replace(composed, completes=run.id, beyond=within))
    else:
        rest = create_run(session, actor, replace(Criteria.from_dict(run.criteria), beyond=within), run.title)
    run.criteria = {**run.criteria, COMPLETED_BY: rest.id}
    return rest
