"""Runs of documents by criteria, and account statements: what an office sends every month.

The period is counted from the day of the schedule: on 5 December *the month before* is November, also when the 5th is
a holiday and the run is made on the 7th.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import allowed_criteria, create_run
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.service import STATEMENT, StatementChoice, make_statements, run_criteria
from crm_mail.receivables.statements import Layout
from crm_mail.schedules.audience import audience_filter
from crm_mail.schedules.kinds import Due, Options, Outcome, ScheduleKind, made_run, nothing_due
from crm_mail.schedules.periods import Period, days_of


class DocumentRuns(ScheduleKind):
    """Prepares a run of documents; options: ``types``, ``audience``, ``period``, ``only_unsent``."""

    id = "documents"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to prepare each of the types; at least one when all are meant."""
        allowed_criteria(session, actor, self._criteria(company_id, options))

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome:
        """The run's row; its messages are worked out afterwards."""
        first, last = days_of(Period(due.options.get("period", Period.ANY)), due.on)
        criteria = self._criteria(due.company_id, due.options)
        wanted = Criteria(
            criteria.parties, criteria.document_types, first, last, bool(due.options.get("only_unsent", True))
        )
        return made_run(create_run(session, actor, wanted, due.schedule_name).id)

    def _criteria(self, company_id: int, options: Options) -> Criteria:
        parties = audience_filter(options.get("audience") or {}, company_id)
        return Criteria(parties, tuple(options.get("types") or ()))


class StatementRuns(ScheduleKind):
    """Works out account statements and prepares their run; options: ``audience``, ``layout``, ``cut_off``."""

    id = "statements"

    def require(self, session: Session, actor: Actor, company_id: int, options: Options) -> None:
        """The right to prepare statements."""
        actor.require(Permission.OUTBOX_PREPARE, company_id, STATEMENT.value)

    def begin(self, session: Session, home: Installation, actor: Actor, due: Due) -> Outcome:
        """Statements and the run's row together: both or none."""
        company = session.get_one(Company, due.company_id)
        as_of = due.on
        if due.options.get("cut_off") == "month_end":
            as_of = due.on.replace(day=1) - timedelta(days=1)
        layout = Layout(due.options.get("layout", Layout.OPEN_ITEMS))
        choice = StatementChoice(
            audience_filter(due.options.get("audience") or {}, company.id),
            as_of,
            layout,
            as_of.replace(day=1) if layout is Layout.MOVEMENTS else None,
        )
        made = make_statements(session, actor, home.store, company, choice)
        if not made.documents:
            return nothing_due()
        criteria = run_criteria(company.id, STATEMENT, made, only_unsent=True)
        return made_run(create_run(session, actor, criteria, due.schedule_name).id)
