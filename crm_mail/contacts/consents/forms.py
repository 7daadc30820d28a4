"""The form by which a colleague writes down what a contact said."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    DateField,
    FileField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length, Optional

from crm_mail.contacts.consents.rules import SUBJECTS, ConsentChannel, Purpose, Subject, moment_of
from crm_mail.contacts.consents.words import subject_line
from crm_mail.db import now, today

MAX_PROOF = 5 * 1024 * 1024


class ConsentForm(FlaskForm):
    """What was said, when, and what shows it; two buttons say whether it was given or withdrawn."""

    subject = SelectField(_l("What it is about"))
    said_on = DateField(_l("When it was said"), [Optional()], description=_l("Empty: today."))
    text_version = StringField(
        _l("Version of the text"),
        [Length(max=80)],
        description=_l("Of the words that were agreed to, such as “privacy notice 2026-01”."),
    )
    proof = TextAreaField(
        _l("Proof"),
        [Length(max=2000)],
        description=_l("Where it can be seen: a form's number, a call, an e-mail."),
    )
    proof_file = FileField(
        _l("File that proves it"), description=_l("A scan or a mail, at most 5 MB. It is kept as it is.")
    )

    def offer(self) -> None:
        """Fill the list of subjects."""
        self.subject.choices = [SelectChoice(f"{p}-{c}", subject_line((p, c))) for p, c in SUBJECTS]

    def validate_said_on(self, field: DateField) -> None:
        """Nobody agrees tomorrow."""
        if field.data is not None and field.data > today():
            raise ValidationError(_("This day has not come yet."))

    @property
    def chosen(self) -> Subject:
        """What the word is about."""
        purpose, _dash, channel = str(self.subject.data).partition("-")
        return Purpose(purpose), ConsentChannel(channel)

    @property
    def at(self) -> datetime | None:
        """The moment it was said; None: now."""
        day = self.said_on.data
        return None if day is None or day == today() else moment_of(day, now())

    def read_file(self) -> tuple[str, bytes]:
        """Name and bytes of the proof; both empty without one."""
        upload = self.proof_file.data
        return (upload.filename, upload.stream.read(MAX_PROOF + 1)) if upload else ("", b"")
