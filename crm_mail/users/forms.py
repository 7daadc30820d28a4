"""Forms of the users room. Rules about users and passwords are the service's; forms only read."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    PasswordField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.users.messages import CLEARANCES, clearance_label
from crm_mail.users.models import User
from crm_mail.web.forms import LANGUAGES, time_zones


def _choices(pairs: dict[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs.items()]


class LoginForm(FlaskForm):
    """Sign in."""

    email = StringField(_l("E-mail address"), [InputRequired(), Length(max=254)])
    password = PasswordField(_l("Password"), [InputRequired(), Length(max=1000)])


class FirstAdministratorForm(FlaskForm):
    """The first user of an empty installation."""

    name = StringField(_l("Your name"), [DataRequired(), Length(max=200)])
    email = StringField(_l("E-mail address"), [DataRequired(), Length(max=254)])
    password = PasswordField(_l("Password"), [InputRequired(), Length(max=1000)])
    repeated = PasswordField(
        _l("The same password again"), [EqualTo("password", message=_l("The two passwords differ."))]
    )


class ChangePasswordForm(FlaskForm):
    """The own password; the present one is asked only when there is a chosen one."""

    present = PasswordField(_l("Present password"), [Length(max=1000)])
    password = PasswordField(_l("New password"), [InputRequired(), Length(max=1000)])
    repeated = PasswordField(
        _l("The new password again"), [EqualTo("password", message=_l("The two passwords differ."))]
    )


class CodeForm(FlaskForm):
    """A code of the authenticator app, or a recovery code."""

    code = StringField(_l("Code"), [InputRequired(), Length(max=40)])


class PasswordAgainForm(FlaskForm):
    """The password of somebody who is signed in, before something that protects the account changes."""

    present = PasswordField(_l("Present password"), [InputRequired(), Length(max=1000)])


class PasswordAndCodeForm(PasswordAgainForm):
    """The password and a code."""

    code = StringField(
        _l("Code"),
        [InputRequired(), Length(max=40)],
        description=_l("The six figures of the app, or a recovery code."),
    )


class AskLinkForm(FlaskForm):
    """A forgotten password."""

    email = StringField(_l("E-mail address"), [InputRequired(), Length(max=254)])


class ChoosePasswordForm(FlaskForm):
    """The password, chosen with a link that works once."""

    password = PasswordField(_l("New password"), [InputRequired(), Length(max=1000)])
    repeated = PasswordField(
        _l("The new password again"), [EqualTo("password", message=_l("The two passwords differ."))]
    )


class AccountForm(FlaskForm):
    """What every user decides for the own account."""

    name = StringField(_l("Name"), [DataRequired(), Length(max=200)])
    language = SelectField(_l("Language"), choices=_choices(LANGUAGES))
    theme = SelectField(
        _l("Theme"),
        choices=[
            SelectChoice("auto", _l("Like the system")),
            SelectChoice("light", _l("Light")),
            SelectChoice("dark", _l("Dark")),
        ],
    )
    timezone = SelectField(
        _l("Time zone"), choices=lambda: [SelectChoice(zone, zone) for zone in time_zones()]
    )
    keyboard_shortcuts = BooleanField(
        _l("Keyboard shortcuts"), description=_l("Single keys such as j, k, x. No single key sends anything.")
    )


class UserForm(FlaskForm):
    """A user, besides the rights."""

    email = StringField(
        _l("E-mail address"), [DataRequired(), Length(max=254)], description=_l("The name to sign in with.")
    )
    name = StringField(_l("Name"), [DataRequired(), Length(max=200)])
    language = SelectField(_l("Language"), choices=_choices(LANGUAGES))
    clearance = SelectField(
        _l("Privacy clearance"),
        coerce=int,
        choices=lambda: [SelectChoice(str(level), clearance_label(level)) for level in CLEARANCES],
        description=_l(
            "Contacts above it do not exist for this user: not in lists, searches, counts or mailings."
        ),
    )
    group_ids = SelectMultipleField(
        _l("Groups"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("The user has the rights of these groups."),
    )
    agents = SelectMultipleField(
        _l("Only customers of these agents"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l(
            "Without an agent or a zone chosen, all customers. Others do not exist for this user."
        ),
    )
    zones = SelectMultipleField(
        _l("Only customers of these zones"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l(
            "With agents and zones chosen: the customers of these agents, and those of these zones."
        ),
    )
    is_admin = BooleanField(
        _l("Administrator"), description=_l("May do everything, sees the audit, and can make administrators.")
    )

    def fill(self, user: User) -> None:
        """What stands beside the row itself."""
        self.group_ids.data = [group.id for group in user.groups]
