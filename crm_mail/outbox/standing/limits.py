"""Whether a standing authorisation covers a run at a moment (pure)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from crm_mail.companies.send_windows import in_hours

MINUTES_A_DAY = 24 * 60


class WhyNot(StrEnum):
    """Why a run is left to a person although an authorisation stands."""

    UNKNOWN = "unknown"  # no such authorisation
    REVOKED = "revoked"
    EXPIRED = "expired"
    OTHER_COMPANY = "other_company"
    GIVER_INACTIVE = "giver_inactive"
    GIVER_LOST_RIGHT = "giver_lost_right"
    TYPE_NOT_COVERED = "type_not_covered"
    OTHER_DAY = "other_day"
    OUTSIDE_HOURS = "outside_hours"
    BLOCKERS = "blockers"
    TOO_MANY = "too_many"  # more messages than it allows a run
    TOO_MANY_TODAY = "too_many_today"
    NOT_IN_REVIEW = "not_in_review"
    COMMIT_REFUSED = (
        "commit_refused"  # for what holds for everybody: nothing ready, kinds unknown, no account
    )
    AWAITS_APPROVAL = "awaits_approval"  # committed, and the company wants a second person


@dataclass(frozen=True, slots=True)
class Limits:
    """What was allowed. ``weekdays``: 0 Monday … 6 Sunday; hours in minutes of the company's local day."""

    document_types: frozenset[str]
    most_per_run: int
    most_per_day: int
    from_minute: int
    to_minute: int
    weekdays: frozenset[int]
    last_on: date


def why_not(
    limits: Limits, types: Iterable[str], messages: int, sent_today: int, local: datetime
) -> tuple[WhyNot, dict[str, int | str]] | None:
    """What forbids it, with its figures; None when it is covered.

    Args:
        local: the moment in the company's time zone.
        sent_today: messages that it let go already on that local day.
    """
    found: tuple[WhyNot, dict[str, int | str]] | None = None
    uncovered = sorted(set(types) - limits.document_types)
    if local.date() > limits.last_on:
        found = WhyNot.EXPIRED, {"day": limits.last_on.isoformat()}
    elif uncovered:
        found = WhyNot.TYPE_NOT_COVERED, {"type": uncovered[0]}
    elif local.weekday() not in limits.weekdays:
        found = WhyNot.OTHER_DAY, {"weekday": local.weekday()}
    elif not in_hours(local.hour * 60 + local.minute, limits.from_minute, limits.to_minute):
        found = WhyNot.OUTSIDE_HOURS, {"time": f"{local:%H:%M}"}
    elif messages > limits.most_per_run:
        found = WhyNot.TOO_MANY, {"messages": messages, "most": limits.most_per_run}
    elif messages + sent_today > limits.most_per_day:
        found = (
            WhyNot.TOO_MANY_TODAY,
            {"messages": messages, "today": sent_today, "most": limits.most_per_day},
        )
    return found


def minute_words(minute: int) -> str:
    """``08:30``; the end of the day is ``24:00``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def checked(limits: Limits, known_types: Collection[str], today: date) -> dict[str, str]:
    """What is wrong with limits that somebody gives: field → code; empty when nothing is."""
    wrong: dict[str, str] = {}
    if not limits.document_types or not limits.document_types <= set(known_types):
        wrong["document_types"] = "choose_types"
    if limits.most_per_run < 1:
        wrong["most_per_run"] = "at_least_one"
    if limits.most_per_day < limits.most_per_run:
        wrong["most_per_day"] = "less_than_run"
    if not limits.weekdays or not limits.weekdays <= set(range(7)):
        wrong["weekdays"] = "choose_days"
    if limits.from_minute == limits.to_minute or not (
        0 <= limits.from_minute < MINUTES_A_DAY and 0 <= limits.to_minute <= MINUTES_A_DAY
    ):
        wrong["to_minute"] = "hours"
    if limits.last_on < today:
        wrong["last_on"] = "past"
    return wrong
