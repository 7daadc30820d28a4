"""The part of an account's form that says where receipts and bounces are read."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, Optional

from crm_mail.delivery.account_rules import AccountDetails
from crm_mail.delivery.models import ReceiptForm
from crm_mail.delivery.transports import Security

_LONG = 1000  # far above each field's own limit, which the rules know
_NUMBERS = ("mailbox_port", "mailbox_minutes", "acceptance_minutes")


def _text(label: Any, **arguments: Any) -> StringField:
    return StringField(label, [Length(max=_LONG)], **arguments)


class MailboxFields:
    """Fields of `AccountForm`; a field that was not sent keeps what it had."""

    operator = HiddenField(validators=[Length(max=30)])
    mailbox_is_read = BooleanField(
        _l("Read this mailbox for receipts and bounces"),
        description=_l("It is only looked at: nothing is marked as read, moved or deleted."),
    )
    mailbox_host = _text(_l("IMAP server"), description=_l("Such as imap.example.com."))
    mailbox_port = IntegerField(_l("IMAP port"), [Optional()])
    mailbox_security = SelectField(
        _l("IMAP encryption"),
        choices=[
            SelectChoice(Security.TLS.value, _l("TLS from the start (usually port 993)")),
            SelectChoice(Security.STARTTLS.value, _l("STARTTLS (usually port 143)")),
            SelectChoice(Security.NONE.value, _l("No encryption")),
        ],
    )
    mailbox_username = _text(
        _l("IMAP user name"), description=_l("Empty: the same user name and password as for sending.")
    )
    mailbox_secret = PasswordField(_l("IMAP password"), [Length(max=_LONG)])
    mailbox_folders = TextAreaField(
        _l("Folders to read"),
        [Length(max=10_000)],
        description=_l("One per line. Empty: the inbox and the folder of sent mail."),
    )
    mailbox_sent_folder = _text(
        _l("Folder of sent mail"), description=_l("Empty: it is found by itself, as most servers mark it.")
    )
    mailbox_minutes = IntegerField(_l("Minutes between two readings"), [Optional()])
    bounce_address = _text(
        _l("Return path"),
        description=_l(
            "Ordinary mail only, where the server lets the account use it: an address of this mailbox with {token} in "
            "it, such as bounces+{token}@example.com. Bounces then name their message beyond doubt."
        ),
    )
    receipt_form = SelectField(
        _l("Delivery receipt"),
        choices=[
            SelectChoice(ReceiptForm.FULL.value, _l("Complete: with the whole message, proves the content")),
            SelectChoice(ReceiptForm.BRIEF.value, _l("Brief: with fingerprints of the attachments")),
            SelectChoice(ReceiptForm.SHORT.value, _l("Short: certification data only")),
        ],
        description=_l("PEC only. The complete one fills the mailbox quickest and proves most."),
    )
    acceptance_minutes = IntegerField(
        _l("Minutes until a missing acceptance is an alarm"), [Optional()], description=_l("PEC only.")
    )


def mailbox_data(details: AccountDetails) -> dict[str, Any]:
    """What the fields show of an account."""
    return {
        "mailbox_security": details.mailbox_security.value,
        "receipt_form": details.receipt_form.value,
        "mailbox_folders": "\n".join(details.mailbox_folders),
    }


def mailbox_values(data: dict[str, Any]) -> dict[str, Any]:
    """What was entered, by the names of `AccountDetails`; an empty number takes its default."""
    fields = AccountDetails.__dataclass_fields__
    return {
        "mailbox_security": Security(data["mailbox_security"]),
        "receipt_form": ReceiptForm(data["receipt_form"]),
        "mailbox_folders": [name for name in (data["mailbox_folders"] or "").splitlines() if name.strip()],
        **{name: fields[name].default if data[name] is None else data[name] for name in _NUMBERS},
    }
