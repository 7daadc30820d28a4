"""Retention at a time of one's own choice, as a schedule: besides the daily round of the workers."""

from sqlalchemy.orm import Session

from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.privacy.retention import retain
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, done, nothing_due


class RetentionRounds(ScheduleKind):
    """Removes what is older than its term, in every company; no options."""

    id = "retention"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to manage privacy."""
        actor.require(Permission.PRIVACY_MANAGE)

    def work(self, home: Installation, actor: Actor, due: Due) -> Outcome:
        """Small transactions of its own; a second round finds nothing left."""
        removed = sum(step.count for step in retain(home, actor))
        return done(removed=removed) if removed else nothing_due()
