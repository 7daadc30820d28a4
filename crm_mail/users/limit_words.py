"""The limits of a person's commits, in the language of the page."""

from collections.abc import Collection
from datetime import date, time, timedelta

from babel.dates import format_time
from babel.lists import format_list
from flask_babel import format_date, format_decimal, get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.permissions import CommitLimits

_MONDAY = date(2024, 1, 1)


def weekday_name(day: int) -> str:
    """A weekday in full, 0 Monday."""
    return str(format_date(_MONDAY + timedelta(days=day), "EEEE"))


def days_in_words(days: Collection[int]) -> str:
    """Weekdays as a person says them: from … to … when they follow each other, else one by one."""
    ordered = sorted(days)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        first, last = weekday_name(ordered[0]), weekday_name(ordered[-1])
        return str(_("%(first)s to %(last)s", first=first, last=last))
    return str(format_list([weekday_name(day) for day in ordered], locale=get_locale() or "en"))


def hours_in_words(limits: CommitLimits) -> str:
    """When something may be committed: days, hours, time zone."""
    parts = [days_in_words(limits.weekdays)] if limits.weekdays else []
    if limits.from_minute is not None:
        begins, ends = (_clock(minute) for minute in (limits.from_minute, limits.to_minute))
        parts.append(_("from %(begins)s to %(ends)s", begins=begins, ends=ends))
    return f"{', '.join(parts)} ({limits.zone})"


def _clock(minute: int | None) -> str:
    hours, minutes = divmod(minute or 0, 60)
    return format_time(time(hours, minutes), "short", locale=get_locale() or "en")


def limits_in_words(limits: CommitLimits) -> list[str]:
    """One sentence for each limit; none where nothing is limited."""
    sentences = []
    if limits.most_messages is not None:
        sentences.append(
            ngettext(
                "Commits at most %(n)s message at once.",
                "Commits at most %(n)s messages at once.",
                limits.most_messages,
                n=format_decimal(limits.most_messages),
            )
        )
    if limits.second_person_above is not None:
        sentences.append(
            ngettext(
                "Above %(n)s message a second person must approve.",
                "Above %(n)s messages a second person must approve.",
                limits.second_person_above,
                n=format_decimal(limits.second_person_above),
            )
        )
    if limits.has_hours:
        sentences.append(_("Commits only %(hours)s.", hours=hours_in_words(limits)))
    return [str(one) for one in sentences]
