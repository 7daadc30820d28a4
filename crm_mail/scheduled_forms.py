"""The questions of everything that can be scheduled, of every room: for the pages alone."""

from crm_mail.privacy.scheduled_retention import RetentionRounds
from crm_mail.privacy.scheduled_retention_form import RetentionForm
from crm_mail.reports.saved.schedule import Reports
from crm_mail.reports.saved.schedule_form import ReportForm
from crm_mail.schedules.campaign_forms import MailingForm
from crm_mail.schedules.campaign_kind import Mailings
from crm_mail.schedules.document_forms import DocumentsForm, StatementsForm
from crm_mail.schedules.document_kinds import DocumentRuns, StatementRuns
from crm_mail.schedules.import_forms import ImportForm
from crm_mail.schedules.import_kind import Imports
from crm_mail.schedules.kind_forms import register_form


def register_scheduled_forms() -> None:
    """Make every form known, in the order in which the kinds are offered. Add your room's here."""
    register_form(DocumentRuns.id, DocumentsForm)
    register_form(StatementRuns.id, StatementsForm)
    register_form(Mailings.id, MailingForm)
    register_form(Imports.id, ImportForm)
    register_form(Reports.id, ReportForm)
    register_form(RetentionRounds.id, RetentionForm)
