"""A schedule in a sentence, in the page's language."""

from datetime import date

from babel.dates import format_date
from babel.lists import format_list
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.schedules.forms import day_names
from crm_mail.schedules.holiday_calendars import OnHoliday
from crm_mail.schedules.models import Celebration, Schedule, SpecialDate
from crm_mail.schedules.patterns import LAST, Every, Pattern, read_pattern


def sentence(schedule: Schedule) -> str:
    """“every month on day 5 at 08:30 (Europe/Rome); on a holiday the next working day (IT)”."""
    pattern = read_pattern(schedule.rule)
    when = (
        _("once, on %(day)s", day=format_date(schedule.starts_on, locale=_language()))
        if pattern.every is Every.ONCE
        else pattern_words(pattern)
    )
    times = _list(schedule.times)
    said: str = _("%(when)s at %(times)s (%(zone)s)", when=when, times=times, zone=schedule.timezone)
    rule = holiday_words(schedule.on_holiday)
    if not rule or not (schedule.calendar or schedule.has_weekends):
        return said
    where = schedule.calendar or _("weekends")
    return f"{said}; {rule} ({where})"


def special_sentence(special: SpecialDate) -> str:
    """“on each birthday at 09:00 (Europe/Rome)”."""
    schedule = special.schedule
    if special.celebration is not Celebration.BIRTHDAY:
        return sentence(schedule)
    return str(_("on each birthday at %(times)s (%(zone)s)", times=schedule.times[0], zone=schedule.timezone))


def pattern_words(pattern: Pattern) -> str:
    """How often, and on which day."""
    count = pattern.interval
    day = _("the last day") if pattern.day == LAST else _("day %(day)s", day=pattern.day)
    names = day_names()
    match pattern.every:
        case Every.DAY:
            return str(ngettext("every day", "every %(num)d days", count))
        case Every.WEEK:
            base = ngettext("every week", "every %(num)d weeks", count)
            return str(
                _("%(base)s on %(days)s", base=base, days=_list([names[one] for one in pattern.weekdays]))
            )
        case Every.MONTH_DAY:
            base = ngettext("every month", "every %(num)d months", count)
            return str(_("%(base)s on %(days)s", base=base, days=day))
        case Every.MONTH_WEEKDAY:
            base = ngettext("every month", "every %(num)d months", count)
            which = _positions()[pattern.position] % {"day": names[(pattern.weekdays or (0,))[0]]}
            return str(_("%(base)s on %(days)s", base=base, days=which))
        case Every.YEAR:
            base = ngettext("every year", "every %(num)d years", count)
            return str(_("%(base)s on %(days)s", base=base, days=_month_day(pattern.month, pattern.day)))
        case _other:
            return pattern.rule


def holiday_words(rule: OnHoliday) -> str:
    """What a holiday changes; empty for nothing."""
    return {
        OnHoliday.AS_IT_IS: "",
        OnHoliday.NEXT: str(_("on a holiday the next working day")),
        OnHoliday.PREVIOUS: str(_("on a holiday the working day before")),
        OnHoliday.SKIP: str(_("on a holiday not at all")),
    }[rule]


def _positions() -> dict[int, str]:
    return {
        1: _("the first %(day)s"),
        2: _("the second %(day)s"),
        3: _("the third %(day)s"),
        4: _("the fourth %(day)s"),
        LAST: _("the last %(day)s"),
    }


def _month_day(month: int, day: int) -> str:
    if day == LAST:
        return f"{_('the last day')} ({month})"
    return str(format_date(date(2000, month, day), "d MMMM", locale=_language()))


def _language() -> str:
    return str(get_locale() or "en")[:2]


def _list(words: list[str]) -> str:
    return str(format_list(words, locale=_language()))
