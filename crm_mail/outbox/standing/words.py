"""What pages say of standing authorisations: why a run was left to a person, and the limits in words."""

from datetime import date
from typing import Any

from flask_babel import format_date, format_decimal
from flask_babel import gettext as _

from crm_mail.companies.type_registry import CompanyTypes
from crm_mail.outbox.committing.commit import CommitRefused
from crm_mail.outbox.committing.commit_forms import refusal_words
from crm_mail.outbox.standing.limits import MINUTES_A_DAY, WhyNot, minute_words
from crm_mail.outbox.standing.models import StandingAuthorisation, StandingUse
from crm_mail.outbox.standing.service import COMMITTED

PROBLEMS = {
    "needed": lambda: _("Give it a name."),
    "choose_types": lambda: _("Choose at least one document type."),
    "at_least_one": lambda: _("At least one message."),
    "less_than_run": lambda: _("At least as many as for one run."),
    "choose_days": lambda: _("Choose at least one day of the week."),
    "hours": lambda: _("The hours must end at another time than they begin."),
    "past": lambda: _("Choose a day that has not passed."),
}


def weekday_names() -> list[str]:
    """Monday to Sunday in the language of the page."""
    return [format_date(date(2024, 1, day), "EEEE") for day in range(1, 8)]


def days_words(row: StandingAuthorisation) -> str:
    """On which days it holds."""
    if len(row.weekdays) == 7:
        return str(_("every day"))
    names = weekday_names()
    return ", ".join(names[day] for day in row.weekdays)


def hours_words(row: StandingAuthorisation) -> str:
    """At which hours it holds."""
    if (row.from_minute, row.to_minute) == (0, MINUTES_A_DAY):
        return str(_("at any hour"))
    start, end = minute_words(row.from_minute), minute_words(row.to_minute)
    return str(_("from %(start)s to %(end)s", start=start, end=end))


def reason_words(use: StandingUse, types: CompanyTypes, language: str) -> str:
    """What became of one run."""
    detail: dict[str, Any] = use.detail
    figures = {name: format_decimal(detail.get(name, 0)) for name in ("messages", "most", "today")}
    named = {
        "type": types.label(str(detail.get("type", "")), language),
        "giver": use.authorisation.giver.name,
    }
    if use.reason == WhyNot.COMMIT_REFUSED:
        return refusal_words(CommitRefused(str(detail.get("code", "")), str(detail.get("words", ""))))
    day = format_date(date.fromisoformat(detail["day"])) if "day" in detail else ""
    words = {
        COMMITTED: _("Committed."),
        WhyNot.AWAITS_APPROVAL: _("Committed. The company wants a second person to approve it."),
        WhyNot.REVOKED: _("It has been revoked."),
        WhyNot.EXPIRED: _("Its last day has passed (%(day)s).", day=day),
        WhyNot.OTHER_COMPANY: _("It was given for another company."),
        WhyNot.GIVER_INACTIVE: _("%(giver)s, who gave it, is no longer active.", **named),
        WhyNot.GIVER_LOST_RIGHT: _("%(giver)s, who gave it, may no longer commit: %(type)s.", **named),
        WhyNot.TYPE_NOT_COVERED: _("It does not cover this document type: %(type)s.", **named),
        WhyNot.OTHER_DAY: _("It does not hold on this day of the week."),
        WhyNot.OUTSIDE_HOURS: _("It does not hold at this hour (%(time)s).", time=detail.get("time", "")),
        WhyNot.BLOCKERS: _("Messages are blocked: %(messages)s. A person must look at them.", **figures),
        WhyNot.TOO_MANY: _("The run has %(messages)s messages, and it allows %(most)s.", **figures),
        WhyNot.TOO_MANY_TODAY: _(
            "The run has %(messages)s messages and %(today)s were let go today; it allows %(most)s a day.", **figures
        ),
        WhyNot.NOT_IN_REVIEW: _("A person was quicker."),
    }  # fmt: skip
    return str(words.get(use.reason, use.reason))
