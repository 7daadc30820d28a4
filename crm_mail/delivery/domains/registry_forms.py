"""The form that brings a registry of PEC addresses in."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from crm_mail.delivery.domains.registries import NAME_LENGTH


class RegistryForm(FlaskForm):
    """A list and the name under which the next one replaces it."""

    name = StringField(
        _l("Name of the registry"), validators=[DataRequired(_l("Enter a value.")), Length(max=NAME_LENGTH)]
    )
    file = FileField(_l("File"), validators=[FileRequired(_l("Choose a file."))])
