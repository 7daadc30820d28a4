"""The question of the kind *report*: which one."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectChoice, SelectField  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired

from crm_mail.companies.models import Company
from crm_mail.permissions import Actor
from crm_mail.reports.saved.models import SavedReport
from crm_mail.reports.saved.service import list_reports
from crm_mail.schedules.kind_forms import KindForm
from crm_mail.schedules.kinds import Options


class ReportForm(KindForm):
    """Which report."""

    label = _l("Report")
    makes_run = False
    hint = _l(
        "Mails a list of the product, or what a query on the ERP's database gives, to people of the office."
    )

    report = SelectField(
        _l("Report"),
        [InputRequired(_l("Choose a report."))],
        description=_l("What it shows, and to whom it goes, is set on the page Reports."),
        coerce=int,
        choices=[],
    )

    def prepare(self, session: Session, actor: Actor, company: Company, options: Options) -> None:
        """The company's reports."""
        found = list_reports(session, actor, company.id)
        self.report.choices = [SelectChoice(one.id, one.name) for one in found]

    @classmethod
    def describe(cls, session: Session, company: Company, options: Options) -> list[str]:
        """Which report, and to how many."""
        report = session.get(SavedReport, options.get("report", 0))
        if report is None or report.company_id != company.id:
            return [str(_("The report was deleted."))]
        return [str(_("the report “%(name)s”", name=report.name))]
