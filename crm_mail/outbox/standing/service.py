"""Standing authorisations: given, revoked, and used to commit a run with the giver's rights of that very moment.

An automation prepares a run and calls `commit_by_standing`. Whatever is not covered (limits, lost rights, blockers)
leaves the run under review, and the use that is written says why: the run's page shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.db import now
from crm_mail.outbox.committing.commit import CommitRefused, Committed, commit_run
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.standing.limits import Limits, WhyNot, checked, why_not
from crm_mail.outbox.standing.models import StandingAuthorisation, StandingUse
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import INSTALLATION, Actor, Permission, PermissionDenied
from crm_mail.refusals import Refusal
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

COMMITTED = "committed"


class LimitsWrong(Refusal):
    """The limits of an authorisation cannot be kept; ``problems``: field → code (`standing_limits.checked`)."""

    def __init__(self, problems: dict[str, str]) -> None:
        words = ", ".join(f"{name}: {code}" for name, code in problems.items())
        super().__init__(f"the limits are not complete ({words}): correct them")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class StandingResult:
    """What became of a run that an automation wanted committed.

    ``committed`` is set when it leaves, or when it waits for the company's second person; else ``reason`` says why it
    stays for a person. ``use`` is the row that says so.
    """

    committed: Committed | None
    reason: str
    use: StandingUse | None

    @property
    def is_leaving(self) -> bool:
        """Whether nothing more is needed from anybody."""
        return self.committed is not None and not self.committed.awaits_approval


def limits_of(row: StandingAuthorisation) -> Limits:
    """The limits as a value."""
    return Limits(
        frozenset(row.document_types),
        row.most_per_run,
        row.most_per_day,
        row.from_minute,
        row.to_minute,
        frozenset(row.weekdays),
        row.last_on,
    )


def give_standing(
    session: Session, actor: Actor, company: Company, title: str, limits: Limits
) -> StandingAuthorisation:
    """Authorise automations of a company, in the actor's name.

    Raises:
        PermissionDenied: the actor may not commit one of the types, or is no person.
        LimitsWrong
    """
    if actor.user_id is None:
        raise PermissionDenied(Permission.OUTBOX_COMMIT)
    local = now().astimezone(ZoneInfo(company.timezone)).date()
    problems = checked(limits, company_types(session, company.id).used, local)
    if not title.strip():
        problems["title"] = "needed"
    if problems:
        raise LimitsWrong(problems)
    actor.require(Permission.OUTBOX_COMMIT, company.id, *sorted(limits.document_types))
    row = StandingAuthorisation(
        company_id=company.id,
        title=title.strip()[:120],
        document_types=sorted(limits.document_types),
        most_per_run=limits.most_per_run,
        most_per_day=limits.most_per_day,
        from_minute=limits.from_minute,
        to_minute=limits.to_minute,
        weekdays=sorted(limits.weekdays),
        last_on=limits.last_on,
        given_by=actor.user_id,
    )
    session.add(row)
    session.flush()
    _record(session, actor, row, "given", limits=_figures(row))
    return row


def can_revoke(actor: Actor, row: StandingAuthorisation) -> bool:
    """The giver, an administrator, and whoever may commit one of its types."""
    if actor.is_admin or (actor.user_id is not None and actor.user_id == row.given_by):
        return True
    return any(actor.can(Permission.OUTBOX_COMMIT, row.company_id, type_) for type_ in row.document_types)


def revoke_standing(session: Session, actor: Actor, row: StandingAuthorisation) -> None:
    """End an authorisation at once: the next run stays for a person. Revoking twice changes nothing.

    Raises:
        PermissionDenied
    """
    if not can_revoke(actor, row):
        raise PermissionDenied(Permission.OUTBOX_COMMIT)
    session.refresh(row, with_for_update=True)
    if row.revoked_at is not None:
        return
    row.revoked_at, row.revoked_by = now(), actor.user_id
    _record(session, actor, row, "revoked")


def list_standings(
    session: Session, actor: Actor, company_id: int, *, only_usable: bool = False
) -> Sequence[StandingAuthorisation]:
    """A company's authorisations, the newest first; those that nobody may use any more included unless told.

    Raises:
        PermissionDenied: the actor neither commits nor sees schedules there.
    """
    if not actor.can(Permission.OUTBOX_COMMIT, company_id):
        actor.require(Permission.SCHEDULES_SEE, company_id)
    conditions: list[ColumnElement[bool]] = [StandingAuthorisation.company_id == company_id]
    if only_usable:
        company = session.get_one(Company, company_id)
        day = now().astimezone(ZoneInfo(company.timezone)).date()
        conditions += [StandingAuthorisation.revoked_at.is_(None), StandingAuthorisation.last_on >= day]
    query = select(StandingAuthorisation).where(*conditions).order_by(StandingAuthorisation.id.desc())
    return session.scalars(query).all()


def find_standing(session: Session, actor: Actor, authorisation_id: int) -> StandingAuthorisation | None:
    """One authorisation, as far as the actor may see it."""
    row = session.get(StandingAuthorisation, authorisation_id)
    if row is None:
        return None
    seen = (Permission.OUTBOX_COMMIT, Permission.SCHEDULES_SEE)
    return row if any(actor.can(right, row.company_id) for right in seen) else None


def sent_today(session: Session, row: StandingAuthorisation, moment: datetime | None = None) -> int:
    """Messages that an authorisation let go on the company's present day."""
    zone = ZoneInfo(row.company.timezone)
    local = (moment or now()).astimezone(zone)
    midnight = datetime.combine(local.date(), time(), zone)
    query = select(func.coalesce(func.sum(StandingUse.messages), 0)).where(
        StandingUse.authorisation_id == row.id, StandingUse.is_committed.is_(True), StandingUse.at >= midnight
    )
    return int(session.scalar(query) or 0)


def latest_use(session: Session, run_id: int) -> StandingUse | None:
    """What became of a run when an automation last wanted it committed; None: no automation did."""
    query = select(StandingUse).where(StandingUse.run_id == run_id)
    return session.scalar(query.order_by(StandingUse.id.desc()).limit(1))


def commit_by_standing(session: Session, run: Run, authorisation_id: int | None) -> StandingResult:
    """Commit a reviewed run in the giver's name, or leave it to a person and say why.

    The giver's rights and clearance are those of this moment; the company's second person is still asked; the undo
    window holds as for anybody. The door rings for the worker afterwards (`tasks.DRAIN`).

    Args:
        authorisation_id: None or unknown: the run stays for a person, and nothing is written.
    """
    row = (
        session.get(StandingAuthorisation, authorisation_id, with_for_update=True)
        if authorisation_id
        else None
    )
    if row is None:
        return StandingResult(None, WhyNot.UNKNOWN.value, None)
    session.refresh(row)
    moment = now()
    giver = session.get_one(User, row.given_by)
    actor = build_actor(session, giver)
    found = _forbids(session, row, run, giver, actor, moment)
    if found is not None:
        return _left(session, row, run, *found)
    in_name = replace(actor, name=f"{giver.name} (standing authorisation {row.id}: {row.title})"[:200])
    try:
        done = commit_run(session, in_name, run, key=f"standing-{row.id}-{run.id}-{run.changes}")
    except CommitRefused as refused:
        return _left(session, row, run, WhyNot.COMMIT_REFUSED, {"code": refused.code, "words": str(refused)})
    reason = WhyNot.AWAITS_APPROVAL.value if done.awaits_approval else COMMITTED
    use = _use(session, row, run, reason, {}, messages=done.messages, is_committed=True)
    _record(session, in_name, row, "used", run=run.id, messages=done.messages)
    return StandingResult(done, reason, use)


def _forbids(
    session: Session, row: StandingAuthorisation, run: Run, giver: User, actor: Actor, moment: datetime
) -> tuple[WhyNot, dict[str, Any]] | None:
    """What keeps this authorisation from committing this run now."""
    found: tuple[WhyNot, dict[str, Any]] | None = None
    if run.state is not RunState.REVIEW:
        found = WhyNot.NOT_IN_REVIEW, {"state": run.state.value}
    elif row.revoked_at is not None:
        found = WhyNot.REVOKED, {"at": row.revoked_at.isoformat()}
    elif row.company_id != run.company_id:
        found = WhyNot.OTHER_COMPANY, {}
    elif not giver.is_active:
        found = WhyNot.GIVER_INACTIVE, {}
    else:
        types = run.document_types
        lost = [type_ for type_ in types if not actor.can(Permission.OUTBOX_COMMIT, run.company_id, type_)]
        if lost:
            return WhyNot.GIVER_LOST_RIGHT, {"type": lost[0]}
        ready, blocked = _counts(session, run)
        local = moment.astimezone(ZoneInfo(row.company.timezone))
        found = why_not(limits_of(row), types, ready, sent_today(session, row, moment), local)
        if found is None and blocked:
            found = WhyNot.BLOCKERS, {"messages": blocked}
    return found


def _counts(session: Session, run: Run) -> tuple[int, int]:
    """Pending messages of a run, and how many of them are blocked."""
    pending = [Message.run_id == run.id, Message.state == MessageState.PENDING]
    query = select(func.count()).select_from(Message).where(*pending)
    return session.scalar(query) or 0, session.scalar(query.where(Message.blockers > 0)) or 0


def _left(
    session: Session, row: StandingAuthorisation, run: Run, reason: WhyNot, detail: dict[str, Any]
) -> StandingResult:
    use = _use(session, row, run, reason.value, detail)
    audit.record(
        session,
        INSTALLATION,
        "outbox.standing.not_used",
        company_id=row.company_id,
        subject=run,
        label=f"run {run.id}",
        authorisation=row.id,
        giver=row.giver.name,
        reason=reason.value,
    )
    return StandingResult(None, reason.value, use)


def _use(
    session: Session,
    row: StandingAuthorisation,
    run: Run,
    reason: str,
    detail: dict[str, Any],
    *,
    messages: int = 0,
    is_committed: bool = False,
) -> StandingUse:
    use = StandingUse(
        authorisation_id=row.id,
        run_id=run.id,
        reason=reason,
        detail=detail,
        messages=messages,
        is_committed=is_committed,
    )
    session.add(use)
    session.flush()
    return use


def _figures(row: StandingAuthorisation) -> dict[str, Any]:
    return {
        "types": row.document_types,
        "run": row.most_per_run,
        "day": row.most_per_day,
        "from": row.from_minute,
        "to": row.to_minute,
        "weekdays": row.weekdays,
        "last_on": row.last_on.isoformat(),
    }


def _record(session: Session, actor: Actor, row: StandingAuthorisation, what: str, **more: Any) -> None:
    audit.record(
        session,
        actor,
        f"outbox.standing.{what}",
        company_id=row.company_id,
        subject=row,
        label=row.title,
        **more,
    )
