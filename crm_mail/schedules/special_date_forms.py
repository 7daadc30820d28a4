"""The form of a special date: which day, at which hour, for whom, and what is said in each language."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from crm_mail.contacts.birthdays import LeapDayRule
from crm_mail.contacts.consents.rules import ConsentChannel
from crm_mail.db import now
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.schedules.forms import MONTH_DAYS, month_choices
from crm_mail.schedules.kind_forms import choices_of
from crm_mail.schedules.models import Celebration, SpecialDate
from crm_mail.schedules.special_dates import SpecialDateInput
from crm_mail.web.forms import time_zones

CELEBRATIONS = {
    Celebration.BIRTHDAY: _l("Birthday"),
    Celebration.CHRISTMAS: _l("Christmas"),
    Celebration.NEW_YEAR: _l("New Year"),
    Celebration.OWN: _l("A day of the company's choice"),
}
_SUBJECT, _BODY = Length(max=200), Length(max=20_000)
DAYS_OF = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _subject() -> StringField:
    return StringField(_l("Subject"), [_SUBJECT])


def _body() -> TextAreaField:
    return TextAreaField(_l("Text"), [_BODY])


class SpecialDateForm(FlaskForm):
    """One special date; a language without a text is greeted in the company's."""

    name = StringField(_l("Name"), [DataRequired(_l("Give it a name.")), Length(max=120)])
    celebration = SelectField(
        _l("What is celebrated"),
        choices=choices_of((one.value, words) for one, words in CELEBRATIONS.items()),
    )
    month = SelectField(_l("Month"), choices=[])
    day = SelectField(_l("Day"), choices=choices_of((str(day), str(day)) for day in MONTH_DAYS))
    at = TimeField(_l("Hour"), [InputRequired(_l("Choose the hour."))])
    timezone = SelectField(_l("Time zone"), choices=[])
    leap_rule = RadioField(
        _l("29 February, in years without it"),
        default=LeapDayRule.FEBRUARY_28.value,
        choices=choices_of(
            [
                (LeapDayRule.FEBRUARY_28.value, _l("on 28 February")),
                (LeapDayRule.MARCH_1.value, _l("on 1 March")),
            ]
        ),
    )
    channel = RadioField(
        _l("Channel"),
        default=ConsentChannel.EMAIL.value,
        description=_l(
            "By SMS the subject is only its name in the list; the consent to wishes by SMS is asked."
        ),
        choices=choices_of([(ConsentChannel.EMAIL.value, _l("e-mail")), (ConsentChannel.SMS.value, "SMS")]),
    )
    subject_it, body_it = _subject(), _body()
    subject_es, body_es = _subject(), _body()
    subject_en, body_en = _subject(), _body()
    authorisation = SelectField(_l("When the run is prepared"), choices=[])

    def offer(self, authorisations: list[tuple[int, str]]) -> None:
        """The choices in the page's language."""
        self.month.choices = month_choices()
        self.timezone.choices = choices_of((zone, zone.replace("_", " ")) for zone in time_zones())
        waits = _("it waits for a person, and the owner is told")
        self.authorisation.choices = choices_of(
            [
                ("", waits),
                *((str(id_), _("committed by: %(title)s", title=title)) for id_, title in authorisations),
            ]
        )

    def show(self, special: SpecialDate) -> None:
        """The values of a special date."""
        schedule = special.schedule
        self.name.data, self.celebration.data = schedule.name, special.celebration.value
        self.month.data, self.day.data = str(special.month), str(special.day)
        self.at.process_formdata([schedule.times[0]])
        self.timezone.data, self.leap_rule.data = schedule.timezone, special.leap_rule.value
        self.authorisation.data = str(schedule.authorisation_id or "")
        self.channel.data = special.channel.value
        for language, text in special.texts.items():
            self[f"subject_{language}"].data, self[f"body_{language}"].data = text["subject"], text["body"]

    def read(self, audience: dict[str, Any]) -> SpecialDateInput:
        """The values of a valid form."""
        assert self.at.data is not None  # validated
        return SpecialDateInput(
            name=" ".join((self.name.data or "").split()),
            celebration=Celebration(self.celebration.data),
            texts={
                language: {
                    "subject": self[f"subject_{language}"].data or "",
                    "body": self[f"body_{language}"].data or "",
                }
                for language in TEXT_LANGUAGES
            },
            at=self.at.data,
            timezone=self.timezone.data,
            starts_on=now().date(),
            month=int(self.month.data),
            day=int(self.day.data),
            leap_rule=LeapDayRule(self.leap_rule.data),
            audience=audience,
            channel=ConsentChannel(self.channel.data),
            authorisation_id=int(self.authorisation.data) if self.authorisation.data else None,
        )

    def validate_day(self, field: Any) -> None:
        """A day that the month has."""
        if (
            self.celebration.data == Celebration.OWN.value
            and int(field.data) > DAYS_OF[int(self.month.data) - 1]
        ):
            raise ValidationError(_("This month has no such day."))
