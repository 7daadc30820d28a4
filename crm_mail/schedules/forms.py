"""The sentence of a schedule as a form: how often, on which day, at what time, and what a holiday changes."""

from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_day_names, get_month_names
from flask_babel import get_locale, lazy_pgettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.db import now, today
from crm_mail.schedules.holiday_calendars import (
    FIRST_COUNTRIES,
    CalendarUnknown,
    OnHoliday,
    check_calendar,
    countries,
)
from crm_mail.schedules.kind_forms import choices_of
from crm_mail.schedules.models import MissedRule, Schedule
from crm_mail.schedules.patterns import LAST, Every, Pattern, read_pattern
from crm_mail.schedules.recurrence import RuleInvalid, check_rule, parse_times
from crm_mail.schedules.service import ScheduleInput
from crm_mail.web.forms import time_zones

MONTH_DAYS = range(1, 32)
LAST_DAY = str(LAST)


def _locale() -> Locale:
    return Locale(str(get_locale() or "en")[:2])


def day_names() -> list[str]:
    """Monday to Sunday."""
    names = get_day_names("wide", "stand-alone", _locale())
    return [names[number] for number in range(7)]


def month_choices() -> list[Any]:
    """January to December."""
    names = get_month_names("wide", "stand-alone", _locale())
    return choices_of((str(number), names[number]) for number in range(1, 13))


@lru_cache(maxsize=8)
def _countries(language: str) -> list[tuple[str, str]]:
    territories = Locale(language).territories
    named = [(code, territories.get(code, code)) for code in countries()]
    first = [pair for pair in named if pair[0] in FIRST_COUNTRIES]
    return first + sorted(
        (pair for pair in named if pair[0] not in FIRST_COUNTRIES), key=lambda pair: pair[1]
    )


class ScheduleForm(FlaskForm):
    """Name, sentence, holidays, and what happens to the run. The kind's questions are a form of their own."""

    name = StringField(_l("Name"), [DataRequired(_l("Give it a name.")), Length(max=120)])
    every = SelectField(
        _l("How often"),
        choices=choices_of(
            [
                (Every.MONTH_DAY.value, _l("every month, on a day")),
                (Every.MONTH_WEEKDAY.value, _l("every month, on a weekday")),
                (Every.WEEK.value, _l("every week")),
                (Every.DAY.value, _l("every day")),
                (Every.YEAR.value, _l("every year")),
                (Every.ONCE.value, _l("once")),
                (Every.CUSTOM.value, _l("by a rule (RFC 5545)")),
            ]
        ),
    )
    interval = IntegerField(
        _l("Every so many"),
        [InputRequired(), NumberRange(1, 99)],
        default=1,
        description=_l("2: every second one."),
    )
    weekdays = SelectMultipleField(
        _l("On these days"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(), choices=[]
    )
    month = SelectField(_l("Month"), choices=[])
    day = SelectField(_l("Day"), choices=[])
    position = SelectField(
        _l("Which one"),
        choices=choices_of(
            [
                ("1", _l("the first")),
                ("2", _l("the second")),
                ("3", _l("the third")),
                ("4", _l("the fourth")),
                (LAST_DAY, _l("the last")),
            ]
        ),
    )
    weekday = SelectField(_l("Weekday"), choices=[])
    rule = StringField(
        _l("Rule"),
        [Length(max=300)],
        description=_l("Days only, such as FREQ=MONTHLY;BYDAY=MO,TH;BYSETPOS=-1"),
    )
    times = StringField(
        _l("Time"),
        [DataRequired(_l("Write a time, such as 08:30.")), Length(max=120)],
        default="08:30",
        description=_l("Several with commas: 08:30, 14:00."),
    )
    timezone = SelectField(_l("Time zone"), choices=[])
    starts_on = DateField(lazy_pgettext("date", "From"), [InputRequired(_l("Choose the first day."))])
    ends_on = DateField(_l("Until"), [Optional()])
    on_holiday = SelectField(
        _l("When the day is no working day"),
        choices=choices_of(
            [
                (OnHoliday.NEXT.value, _l("the next working day")),
                (OnHoliday.PREVIOUS.value, _l("the working day before")),
                (OnHoliday.SKIP.value, _l("not at all")),
                (OnHoliday.AS_IT_IS.value, _l("on the same day all the same")),
            ]
        ),
    )
    calendar = SelectField(_l("Holidays of"), choices=[])
    region = StringField(
        _l("Region or province"),
        [Length(max=6)],
        description=_l(
            "Its ISO code, such as MI or MD, for the local holidays. Empty: those of the country."
        ),
    )
    has_weekends = BooleanField(_l("Saturdays and Sundays are no working days"), default=True)
    missed = RadioField(
        _l("When no worker ran at that time"),
        default=MissedRule.CATCH_UP.value,
        choices=choices_of(
            [
                (MissedRule.CATCH_UP.value, _l("Catch up once, as soon as one runs")),
                (MissedRule.SKIP.value, _l("Skip it, and wait for the next date")),
            ]
        ),
    )
    authorisation = SelectField(_l("When the run is prepared"), choices=[])

    def offer(self, authorisations: list[tuple[int, str]]) -> None:
        """The choices in the page's language; ``authorisations``: (id, title) of those that may be used."""
        days = list(enumerate(day_names()))
        self.weekdays.choices = choices_of((str(number), name) for number, name in days)
        self.weekday.choices = choices_of((str(number), name) for number, name in days)
        self.month.choices = month_choices()
        self.day.choices = choices_of(
            [*((str(day), str(day)) for day in MONTH_DAYS), (LAST_DAY, _("the last day"))]
        )
        self.timezone.choices = choices_of((zone, zone.replace("_", " ")) for zone in time_zones())
        self.calendar.choices = choices_of([("", _("no country")), *_countries(_locale().language)])
        waits = _("it waits for a person, and the owner is told")
        self.authorisation.choices = choices_of(
            [
                ("", waits),
                *((str(id_), _("committed by: %(title)s", title=title)) for id_, title in authorisations),
            ]
        )

    def begin(self, timezone: str, country: str) -> None:
        """The defaults of a new schedule."""
        self.every.data, self.day.data, self.on_holiday.data = (
            Every.MONTH_DAY.value,
            "1",
            OnHoliday.NEXT.value,
        )
        self.timezone.data = timezone
        self.calendar.data = country if country in countries() else ""
        self.starts_on.data = now().astimezone(ZoneInfo(timezone)).date()
        self.weekdays.data, self.weekday.data, self.month.data, self.position.data = ["0"], "0", "1", "1"

    def show(self, schedule: Schedule) -> None:
        """The values of a schedule."""
        pattern = read_pattern(schedule.rule)
        self.name.data, self.every.data, self.interval.data = (
            schedule.name,
            pattern.every.value,
            pattern.interval,
        )
        self.weekdays.data = [str(day) for day in pattern.weekdays] or ["0"]
        self.weekday.data = str((pattern.weekdays or (0,))[0])
        self.month.data, self.day.data, self.position.data = (
            str(pattern.month),
            str(pattern.day),
            str(pattern.position),
        )
        self.rule.data, self.times.data, self.timezone.data = (
            pattern.rule,
            ", ".join(schedule.times),
            schedule.timezone,
        )
        self.starts_on.data, self.ends_on.data = schedule.starts_on, schedule.ends_on
        self.calendar.data, _dash, self.region.data = schedule.calendar.partition("-")
        self.on_holiday.data, self.has_weekends.data = schedule.on_holiday.value, schedule.has_weekends
        self.missed.data = schedule.missed.value
        self.authorisation.data = str(schedule.authorisation_id or "")

    @property
    def pattern(self) -> Pattern:
        """What the sentence says."""
        every = Every(self.every.data)
        days = [self.weekday.data] if every is Every.MONTH_WEEKDAY else self.weekdays.data or []
        return Pattern(
            every,
            self.interval.data or 1,
            tuple(int(day) for day in days),
            int(self.day.data or 1),
            int(self.position.data or 1),
            int(self.month.data or 1),
            self.rule.data or "",
        )

    @property
    def calendar_code(self) -> str:
        """Country and region as one code."""
        region = (self.region.data or "").strip().upper()
        return f"{self.calendar.data}-{region}" if self.calendar.data and region else self.calendar.data or ""

    def read(self, kind: str, options: dict[str, Any]) -> ScheduleInput:
        """The values of a valid form."""
        starts_on = self.starts_on.data
        assert starts_on is not None  # validated
        return ScheduleInput(
            name=" ".join((self.name.data or "").split()),
            kind=kind,
            options=options,
            rule=check_rule(self.pattern.to_rule(), starts_on),
            times=parse_times(self.times.data or ""),
            timezone=self.timezone.data,
            starts_on=starts_on,
            ends_on=self.ends_on.data,
            calendar=check_calendar(self.calendar_code),
            on_holiday=OnHoliday(self.on_holiday.data),
            has_weekends=bool(self.has_weekends.data),
            missed=MissedRule(self.missed.data),
            authorisation_id=int(self.authorisation.data) if self.authorisation.data else None,
        )

    def validate_times(self, field: Any) -> None:
        """Times of the day."""
        try:
            parse_times(field.data or "")
        except ValueError as wrong:
            raise ValidationError(_("“%(text)s” is no time: write it as 08:30.", text=str(wrong))) from None

    def validate_rule(self, field: Any) -> None:
        """A rule of days, where one is asked for."""
        if self.every.data != Every.CUSTOM.value:
            return
        try:
            if not check_rule(field.data or "", self.starts_on.data or today()):
                raise RuleInvalid("empty")
        except RuleInvalid as wrong:
            raise ValidationError(
                _("This is no rule of days (%(why)s). An example: FREQ=WEEKLY;BYDAY=MO,TH", why=str(wrong))
            ) from None

    def validate_weekdays(self, field: Any) -> None:
        """A week needs a day."""
        if self.every.data == Every.WEEK.value and not field.data:
            raise ValidationError(_("Tick at least one day."))

    def validate_ends_on(self, field: Any) -> None:
        """Not before the first day."""
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError(_("The last day lies before the first one."))

    def validate_region(self, field: Any) -> None:
        """A region that has a calendar."""
        try:
            check_calendar(self.calendar_code)
        except CalendarUnknown:
            raise ValidationError(
                _(
                    "There is no calendar of “%(code)s”. Use the ISO code of the region, or leave it empty.",
                    code=field.data,
                )
            ) from None
