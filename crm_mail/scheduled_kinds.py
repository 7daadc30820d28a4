"""What can be scheduled, of every room, in one place: every door that fires or edits schedules asks here once."""

from crm_mail.privacy.scheduled_retention import RetentionRounds
from crm_mail.reports.saved.schedule import Reports
from crm_mail.schedules import kinds
from crm_mail.schedules.campaign_kind import Mailings
from crm_mail.schedules.document_kinds import DocumentRuns, StatementRuns
from crm_mail.schedules.greeting import Greetings
from crm_mail.schedules.import_kind import Imports


def register_scheduled_kinds() -> None:
    """Make every kind known (`schedules.kinds`). Add your room's here."""
    kinds.register(
        DocumentRuns(), StatementRuns(), Mailings(), Imports(), Greetings(), RetentionRounds(), Reports()
    )
