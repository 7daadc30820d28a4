"""The words of saved reports: periods, kinds of values, states, and why something is refused (pure)."""

from crm_mail.importers.databases.foreign_databases import DatabaseRefused
from crm_mail.permissions import PermissionDenied
from crm_mail.reports.saved.master_listings import FilterGone
from crm_mail.reports.saved.models import IssueState, ReportFormat, ReportMailState
from crm_mail.reports.saved.parameters import ParameterKind
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.schedules.periods import Period
from crm_mail.words import Translate


def format_words(_: Translate) -> dict[str, str]:
    """In what form it is sent."""
    return {
        ReportFormat.HTML: _("as a table in the mail"),
        ReportFormat.PDF: _("as a PDF"),
        ReportFormat.XLSX: _("as a workbook (XLSX)"),
    }


def period_words(_: Translate) -> dict[str, str]:
    """Periods, counted from the day of the report."""
    return {
        Period.ANY: _("of any date"),
        Period.TODAY: _("of the same day"),
        Period.YESTERDAY: _("of the day before"),
        Period.LAST_7_DAYS: _("of the seven days before"),
        Period.LAST_WEEK: _("of the week before"),
        Period.LAST_30_DAYS: _("of the thirty days before"),
        Period.THIS_MONTH: _("of the same month"),
        Period.LAST_MONTH: _("of the month before"),
        Period.LAST_QUARTER: _("of the quarter before"),
        Period.THIS_YEAR: _("of the same year"),
        Period.LAST_YEAR: _("of the year before"),
    }


def parameter_words(_: Translate) -> dict[str, str]:
    """Kinds of a parameter's value."""
    return {
        ParameterKind.TEXT: _("text"),
        ParameterKind.NUMBER: _("number"),
        ParameterKind.DAY: _("date (2026-01-31)"),
        ParameterKind.LIST: _("list, separated by commas (for IN)"),
        ParameterKind.TODAY: _("the day of the report"),
        ParameterKind.YESTERDAY: _("the day before"),
        ParameterKind.WEEK_AGO: _("seven days before"),
        ParameterKind.MONTH_AGO: _("thirty days before"),
        ParameterKind.FIRST_OF_WEEK: _("Monday of this week"),
        ParameterKind.FIRST_OF_LAST_WEEK: _("Monday of last week"),
        ParameterKind.FIRST_OF_MONTH: _("first day of this month"),
        ParameterKind.FIRST_OF_LAST_MONTH: _("first day of last month"),
        ParameterKind.LAST_OF_LAST_MONTH: _("last day of last month"),
        ParameterKind.FIRST_OF_YEAR: _("first day of this year"),
        ParameterKind.FIRST_OF_LAST_YEAR: _("first day of last year"),
        ParameterKind.LAST_OF_LAST_YEAR: _("last day of last year"),
    }


def issue_words(state: IssueState, _: Translate) -> tuple[str, str]:
    """What became of one time, and the tone of its badge."""
    return {
        IssueState.WAITING: (_("under way"), "info"),
        IssueState.SENT: (_("sent"), "success"),
        IssueState.EMPTY: (_("no rows, nothing sent"), "neutral"),
        IssueState.FAILED: (_("not sent"), "danger"),
        IssueState.PARTLY: (_("not sent to everybody"), "warning"),
    }[state]


def mail_words(state: ReportMailState, _: Translate) -> tuple[str, str]:
    """What became of one mail, and its tone."""
    return {
        ReportMailState.WAITING: (_("waits"), "info"),
        ReportMailState.SENDING: (_("is leaving"), "info"),
        ReportMailState.SENT: (_("sent"), "success"),
        ReportMailState.SKIPPED: (_("no rows, nothing sent"), "neutral"),
        ReportMailState.FAILED: (_("not sent"), "danger"),
        ReportMailState.UNCERTAIN: (_("may have arrived; it is not sent again"), "warning"),
    }[state]


def explain(error: Exception, _: Translate, owner: str = "") -> str:
    """Why a report cannot be kept or made, and what to do."""
    if isinstance(error, PermissionDenied):
        text = _(
            "%(name)s may no longer see or export what this report shows: somebody who may must save it."
        )
        return text % {"name": owner}
    if isinstance(error, FilterGone):
        return _("The saved filter of this report is not known any more: choose another one.")
    if isinstance(error, ReportRefused):
        return _report_words(error, _)
    if isinstance(error, DatabaseRefused):
        return _database_words(error, _)
    return str(error)


def _report_words(refused: ReportRefused, _: Translate) -> str:
    words = {
        "name": _("Give a name of at most 80 characters."),
        "taken": _("There is another report of this name."),
        "listing": _("This list is not known here: choose another one."),
        "source": _("Choose the database that the query is for."),
        "columns": _("Choose at least one column."),
        "parameter": _("The value of %(name)s does not fit its kind."),
        "parameter_name": _("“%(name)s” is no name of a parameter: letters, digits and _, each once."),
        "formats": _("Choose in what form it is sent."),
        "recipients": _("Choose to whom it is sent: from one to fifty addresses."),
        "address": _("“%(name)s” is no e-mail address."),
        "typed": _(
            "Addresses of people who do not sign in are given by who may change the settings of the company."
        ),
        "user": _("Somebody who was chosen has nothing to do with this company any more: choose again."),
        "row_limit": _("From 1 to 20,000 rows."),
        "clearance": _("Nobody shows more than they see themselves."),
        "owner": _("A report belongs to a person."),
        "owner_inactive": _("%(name)s is no longer active: somebody else must save the report."),
        "gone": _("The report was deleted: choose another one."),
        "unknown": _("There is no report called “%(name)s”."),
    }
    return words[refused.problem] % {"name": refused.detail}


def _database_words(refused: DatabaseRefused, _: Translate) -> str:
    words = {
        "driver": _("The driver for %(name)s is not installed here."),
        "own": _("This is the database of CRM Mail itself: name the one of the ERP."),
        "query": _("The query must be one SELECT without a semicolon."),
        "parameters": _("The query asks for %(name)s: give it as a parameter."),
        "failed": _("The database did not answer the query: %(reason)s"),
        "slow": _("The query took longer than %(n)s seconds: let it ask for less."),
    }
    detail = refused.detail
    text = words.get(refused.problem)
    return text % {"name": detail, "reason": detail, "n": detail} if text else str(refused)
