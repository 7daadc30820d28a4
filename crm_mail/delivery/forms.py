"""Forms of the delivery room. What an account may look like is `account_rules`' matter; forms only read."""

from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    IntegerField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from crm_mail.db import now
from crm_mail.delivery.account_rules import AccountDetails
from crm_mail.delivery.authorities import MAX_BYTES, authority_pem
from crm_mail.delivery.mailbox_form import MailboxFields, mailbox_data, mailbox_values
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.operators import OPERATORS
from crm_mail.delivery.transports import Security

_LONG = 1000  # far above each field's own limit, which the rules know


def _text(label: Any, **arguments: Any) -> StringField:
    return StringField(label, [Length(max=_LONG)], **arguments)


def _number(label: Any, **arguments: Any) -> IntegerField:
    return IntegerField(label, [InputRequired()], **arguments)


class AccountForm(MailboxFields, FlaskForm):
    """A sender account; the names are those of `AccountDetails`. A kept password is never put into the form."""

    name = _text(_l("Name"), description=_l("How colleagues recognise it, such as Administration."))
    kind = SelectField(
        _l("Kind"),
        choices=[
            SelectChoice(AccountKind.SMTP.value, _l("Ordinary mail")),
            SelectChoice(AccountKind.PEC.value, _l("PEC (certified mail)")),
        ],
        description=_l("PEC messages go only to PEC addresses. The kind cannot be changed later."),
    )
    from_address = _text(_l("Sender address"))
    from_name = _text(_l("Sender name"))
    reply_to = _text(_l("Answers go to"))
    host = _text(_l("Server"), description=_l("Such as smtp.example.com."))
    port = _number(_l("Port"))
    security = SelectField(
        _l("Encryption"),
        choices=[
            SelectChoice(Security.TLS.value, _l("TLS from the start (usually port 465)")),
            SelectChoice(Security.STARTTLS.value, _l("STARTTLS (usually port 587)")),
            SelectChoice(Security.NONE.value, lazy_pgettext("encryption", "None")),
        ],
    )
    allows_unencrypted = BooleanField(
        _l("Allow unencrypted mail"),
        description=_l("Only for a server in the own office: everybody on the way can read along."),
    )
    username = _text(_l("User name"), description=_l("Empty: the server asks for no login."))
    secret = PasswordField(_l("Password"), [Length(max=_LONG)])
    ca_upload = FileField(
        _l("Certificate of a private authority"),
        description=_l(
            "Only for a server of your own whose certificate no public authority signed: PEM or DER."
        ),
    )
    forgets_authority = BooleanField(_l("Trust the private authority no longer"))
    timeout_seconds = _number(_l("Time-out (seconds)"), description=_l("120 is usual, 600 the longest."))
    per_minute = _number(_l("Messages per minute"), description=_l("0: no limit."))
    per_hour = _number(_l("Messages per hour"), description=_l("0: no limit."))
    per_day = _number(_l("Messages per day"), description=_l("0: no limit."))
    max_connections = _number(_l("Connections at once"))
    messages_per_connection = _number(_l("Messages per connection"))
    max_message_mb = _number(_l("Largest message (MB)"))

    @classmethod
    def of(cls, details: AccountDetails) -> "AccountForm":
        """The form of an account; `allows_unencrypted` shows what was chosen."""
        values = {name: getattr(details, name) for name in AccountDetails.__dataclass_fields__}
        values |= {"kind": details.kind.value, "security": details.security.value, **mailbox_data(details)}
        return cls(data=values | {"allows_unencrypted": details.security is Security.NONE})

    def details(self, kept: AccountDetails | None = None) -> AccountDetails:
        """What was entered.

        Args:
            kept: the account as it is; its private authority stays unless another one or none is asked for.

        Raises:
            AccountInvalid: the uploaded file is not the certificate of an authority.
        """
        values: dict[str, Any] = {
            name: "" if value is None else value
            for name, value in self.data.items()
            if name in AccountDetails.__dataclass_fields__
        }
        values |= {
            "kind": AccountKind(values["kind"]),
            "security": Security(values["security"]),
            **mailbox_values(self.data),
            **self._authority(kept),
        }
        return AccountDetails(**values)

    def _authority(self, kept: AccountDetails | None) -> dict[str, str]:
        """The private authority to trust: the uploaded one instead of the kept one."""
        if self.ca_upload.data:
            data: bytes = self.ca_upload.data.read(MAX_BYTES + 1)
            return {"ca_file": "", "ca_pem": authority_pem(data, now())}
        if kept is None or self.forgets_authority.data:
            return {"ca_file": "", "ca_pem": ""}
        return {"ca_file": kept.ca_file, "ca_pem": kept.ca_pem}


def blank_details(from_name: str = "", operator: str = "") -> AccountDetails:
    """What a new account's form begins with: with what is known of an operator, when one is named."""
    blank = AccountDetails("", AccountKind.SMTP, "", 465, Security.TLS, "", from_name=from_name)
    return filled_in(blank, operator)


def filled_in(details: AccountDetails, operator: str) -> AccountDetails:
    """An account with an operator's servers and limits in place of its own; its kind stays once it has a name."""
    preset = OPERATORS.get(operator)
    if preset is None:
        return details
    return replace(details, **preset.values() | ({"kind": details.kind} if details.name else {}))
