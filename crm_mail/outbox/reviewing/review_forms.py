"""Forms of the review. Rules are the services'; forms only read and show."""

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import TextInput

from crm_mail.delivery.addresses import split_addresses
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import AddressKind
from crm_mail.outbox.models import Message, MessageContent
from crm_mail.outbox.reviewing.editing import Correction, split_frame


class MessageForm(FlaskForm):
    """Correct one message. Fields that are left as they were are not part of the correction."""

    to_address = StringField(_l("To"))
    to_kind = RadioField(_l("Kind of address"))
    keep_on_card = BooleanField()
    cc = StringField(_l("Copies (Cc)"), description=_l("Several addresses are separated by a semicolon."))
    account_id = SelectField(_l("Sending account"), validate_choice=False)
    subject = StringField(_l("Subject"), widget=TextInput())
    body_text = TextAreaField(_l("Text"))
    body_html = TextAreaField(_l("Formatted text (HTML)"))
    seen = HiddenField()

    def offer(self, accounts: Iterable[SenderAccount], card_name: str = "") -> None:
        """Set the choices.

        Args:
            card_name: of the contact or party on whose card the address may be kept; empty: that is not offered.
        """
        if card_name:
            self.keep_on_card.label.text = _("Save this address on the card of %(name)s too", name=card_name)
        else:
            del self.keep_on_card
        self.to_kind.choices = [
            SelectChoice(AddressKind.ORDINARY.value, _("Ordinary mail")),
            SelectChoice(AddressKind.PEC.value, "PEC"),
            SelectChoice(AddressKind.UNKNOWN.value, _("Not known yet")),
        ]
        self.account_id.choices = [
            SelectChoice("", _("As the company decided")),
            *(SelectChoice(str(account.id), _account_label(account)) for account in accounts),
        ]

    def fill(self, message: Message, content: MessageContent) -> None:
        """Show a message as it is."""
        self.to_address.data = message.to_address
        self.to_kind.data = message.to_kind.value
        self.cc.data = "; ".join(message.cc)
        self.account_id.data = str(message.account_id or "")
        self.subject.data = message.subject
        self.body_text.data = content.body_text
        self.body_html.data = split_frame(content.body_html)[1]
        self.seen.data = str(message.revision)

    def read(self, message: Message, content: MessageContent) -> Correction:
        """What differs from the message as it is now."""
        address, kind = (self.to_address.data or "").strip(), AddressKind(self.to_kind.data or "unknown")
        readdressed = address != message.to_address or (bool(address) and kind is not message.to_kind)
        copies = tuple(split_addresses(self.cc.data or ""))
        account = self.account_id.data or ""
        text, html = _lines(self.body_text.data), _lines(self.body_html.data)
        before = _lines(split_frame(content.body_html)[1])
        return Correction(
            to_address=address if readdressed else None,
            to_kind=kind if readdressed else None,
            cc=copies if list(copies) != list(message.cc) else None,
            account_id=int(account)
            if account.isdigit() and account != str(message.account_id or "")
            else None,
            subject=self.subject.data or "" if (self.subject.data or "") != message.subject else None,
            body_text=text if text.strip() != _lines(content.body_text).strip() else None,
            body_html=html if self.body_html.raw_data and html.strip() != before.strip() else None,
        )

    @property
    def seen_revision(self) -> int:
        """The revision that the person looked at; 0 when the page was tampered with."""
        seen = self.seen.data or ""
        return int(seen) if seen.isdigit() else 0


def _account_label(account: SenderAccount) -> str:
    names = {AccountKind.PEC: "PEC", AccountKind.SMS: "SMS"}
    kind = names.get(account.kind) or _("ordinary")
    return f"{account.name} – {account.from_address} ({kind})"


def _lines(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").replace("\r", "\n")
