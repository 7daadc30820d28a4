"""The form of sending times: for each channel weekdays and hours, and the pressure cap."""

from datetime import time
from typing import Any

from babel import Locale
from babel.dates import get_day_names
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Form as PlainForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    FormField,
    IntegerField,
    SelectChoice,
    SelectMultipleField,
    TimeField,
)
from wtforms.validators import NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.companies.models import Company
from crm_mail.companies.send_windows import MINUTES_A_DAY, SendWindow, read_window


class WindowForm(PlainForm):
    """The hours of one channel; both empty: the whole day."""

    weekdays = SelectMultipleField(
        _l("On these days"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        choices=[SelectChoice(str(day), str(day)) for day in range(7)],
    )
    from_time = TimeField(_l("From (hour)"), [Optional()])
    to_time = TimeField(_l("To (hour)"), [Optional()])

    def offer(self) -> None:
        """Weekdays in the page's language."""
        names = get_day_names("wide", "stand-alone", Locale(str(get_locale() or "en")[:2]))
        self.weekdays.choices = [SelectChoice(str(day), names[day]) for day in range(7)]

    def show(self, window: SendWindow) -> None:
        """The values of a window."""
        self.weekdays.data = [str(day) for day in sorted(window.weekdays)]
        if (window.from_minute, window.to_minute) != (0, MINUTES_A_DAY):
            self.from_time.data, self.to_time.data = _time(window.from_minute), _time(window.to_minute)

    def read(self) -> SendWindow:
        """The values of a valid form."""
        to_minute = _minute(self.to_time.data) or MINUTES_A_DAY  # midnight at the end is the day's end
        days = frozenset(int(day) for day in self.weekdays.data or ())
        return SendWindow(days, _minute(self.from_time.data), to_minute)

    def validate_weekdays(self, field: Any) -> None:
        """Never would be for ever."""
        if not field.data:
            raise ValidationError(_("Tick at least one day: otherwise nothing would ever leave."))

    def validate_to_time(self, field: Any) -> None:
        """An hour without length lets nothing through."""
        if field.data is not None and field.data == self.from_time.data:
            raise ValidationError(_("It ends when it begins: choose another hour, or leave both empty."))


def _minute(value: time | None) -> int:
    return value.hour * 60 + value.minute if value else 0


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


class SendingTimesForm(FlaskForm):
    """One window for each channel."""

    smtp = FormField(WindowForm)
    pec = FormField(WindowForm)
    sms = FormField(WindowForm)
    pressure_messages = IntegerField(
        _l("Messages to one contact, at most"), [Optional(), NumberRange(1, 1000)]
    )
    pressure_days = IntegerField(_l("Within how many days"), [Optional(), NumberRange(1, 3650)])

    def channels(self, known: tuple[str, ...]) -> dict[str, WindowForm]:
        """The forms of the channels that there are."""
        return {name: self[name].form for name in known}

    def show(self, company: Company, known: tuple[str, ...]) -> None:
        """The values of a company."""
        for name, form in self.channels(known).items():
            form.show(read_window(company.send_windows, name))
        self.pressure_messages.data, self.pressure_days.data = (
            company.pressure_messages,
            company.pressure_days,
        )

    def validate_pressure_messages(self, field: Any) -> None:
        """Both or none; asked of whichever is filled in."""
        if field.data and not self.pressure_days.data:
            raise ValidationError(_("Fill in both, or leave both empty: then there is no cap."))

    def validate_pressure_days(self, field: Any) -> None:
        """Both or none."""
        if field.data and not self.pressure_messages.data:
            raise ValidationError(_("Fill in both, or leave both empty: then there is no cap."))
