"""Forms of the privacy pages."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FieldList, FormField, StringField, TextAreaField
from wtforms import Form as PlainForm
from wtforms.validators import DataRequired, Length

from crm_mail.privacy.register import FIELDS, Register

_LONG = Length(max=2000, message=_l("Shorten it to 2000 characters."))


class ReasonForm(FlaskForm):
    """Why something is done: who asked, when, on which ground."""

    reason = StringField(
        _l("Reason"),
        validators=[DataRequired(_l("Write who asked for it, and when.")), Length(max=300)],
        description=_l("Who asked, when and how: it stays as the proof that the request was answered."),
    )


class EraseForm(ReasonForm):
    """The name is typed again, so that nobody is erased by a slip."""

    name = StringField(_l("Name of the contact"), validators=[DataRequired(_l("Type the name."))])


class ActivityForm(PlainForm):
    """One activity of the register (art. 30.1 GDPR)."""

    name = StringField(_l("Activity"), validators=[Length(max=200)])
    purpose = TextAreaField(_l("Purposes"), validators=[_LONG])
    basis = TextAreaField(_l("Legal basis"), validators=[_LONG])
    subjects = TextAreaField(_l("Persons concerned"), validators=[_LONG])
    kinds = TextAreaField(_l("Kinds of data"), validators=[_LONG])
    recipients = TextAreaField(_l("Who receives them"), validators=[_LONG])
    transfers = TextAreaField(_l("Transfers to other countries"), validators=[_LONG])
    retention = TextAreaField(_l("Kept for"), validators=[_LONG])
    security = TextAreaField(_l("Security measures"), validators=[_LONG])


class RegisterForm(FlaskForm):
    """The whole register; the last activity is empty, for one more."""

    controller = TextAreaField(_l("Controller"), validators=[DataRequired(_l("Write who it is.")), _LONG])
    representative = TextAreaField(_l("Representative, joint controllers"), validators=[_LONG])
    officer = TextAreaField(_l("Data protection officer"), validators=[_LONG])
    activities = FieldList(FormField(ActivityForm))

    def read(self) -> Register:
        """The register as typed."""
        activities = [{name: entry.form[name].data or "" for name in FIELDS} for entry in self.activities]
        return Register(
            self.controller.data or "", self.representative.data or "", self.officer.data or "", activities
        )


def wrong_name() -> str:
    """The name that was typed is another one."""
    words: str = _("This is not the name of the contact. Type it as it is written above.")
    return words
