"""Forms of the companies room. What a company may look like is the service's rule; forms only read."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    Form,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from crm_mail.companies.company_rules import CompanyDetails
from crm_mail.companies.models import AccountSource
from crm_mail.companies.policies import PolicyView
from crm_mail.delivery.account_choice import AccountBook
from crm_mail.delivery.addresses import split_addresses
from crm_mail.delivery.models import AccountKind
from crm_mail.delivery.routing import ChannelPreference
from crm_mail.web.forms import LANGUAGES, time_zones

_LONG = 1000  # far above each field's own limit, which the service knows


def _text(label: Any, **arguments: Any) -> StringField:
    return StringField(label, [Length(max=_LONG)], **arguments)


class CompanyForm(FlaskForm):
    """Everything about a company but its logo; the names are those of `CompanyDetails`."""

    code = _text(_l("Code"), description=_l("As the accounting system calls it, such as SM02."))
    name = _text(_l("Name"))
    vat_number = _text(_l("VAT number"))
    tax_code = _text(_l("Tax code"))
    address = _text(_l("Address"))
    postcode = _text(_l("Postcode"))
    city = _text(_l("City"))
    province = _text(_l("Province"))
    country = _text(_l("Country"), description=_l("Two letters. Empty: that of the VAT number, or IT."))
    email = _text(_l("E-mail address"))
    phone = _text(_l("Phone"))
    website = _text(_l("Website"))
    language = SelectField(
        _l("Language"),
        choices=[SelectChoice(value, label) for value, label in LANGUAGES.items()],
        description=_l("Of messages to contacts for whom no language is known."),
    )
    timezone = SelectField(
        _l("Time zone"), choices=[SelectChoice(zone, zone.replace("_", " ")) for zone in time_zones()]
    )
    error_address = _text(
        _l("Address for error reports"), description=_l("Receives the report of each run, failures included.")
    )
    undo_seconds = IntegerField(
        _l("Time to call back (seconds)"),
        [InputRequired()],
        description=_l("How long a commit can be called back before anything is sent."),
    )
    needs_second_person = BooleanField(
        _l("A second person approves each run"),
        description=_l("Who commits a run cannot approve it as well."),
    )
    unknown_is_ordinary = BooleanField(
        _l("Addresses of unknown kind are ordinary mail"),
        description=_l("Otherwise somebody is asked before anything is sent to them."),
    )
    soft_opt_in = BooleanField(
        _l("Price lists and advertising to customers who never said no"),
        description=_l(
            "They gave their address when they bought, and were told: allowed for e-mail by art. 130 c. 4 of the "
            "Italian privacy code, art. 21.2 LSSI (Spain), art. L34-5 CPCE (France), § 7 Abs. 3 UWG (Germany). In "
            "other countries it has no effect: a recorded consent is needed."
        ),
    )
    test_address = _text(
        _l("Test mode: send all mail to"),
        description=_l(
            "While an address stands here, nothing reaches a customer. Leave it empty to work for real."
        ),
    )
    max_message_mb = IntegerField(
        _l("Largest message (MB)"),
        [InputRequired()],
        description=_l("More documents for one recipient are split into several messages."),
    )

    def details(self) -> CompanyDetails:
        """What was entered."""
        values: dict[str, Any] = {
            n: "" if v is None else v for n, v in self.data.items() if n != "csrf_token"
        }
        return CompanyDetails(**values)


class LogoForm(FlaskForm):
    """The logo: a PNG or JPEG file."""

    logo = FileField(
        _l("Logo"), description=_l("PNG or JPEG, at most 1 MB; it stands at the top of printed documents.")
    )


class PolicyForm(Form):
    """One document type of a company; part of a page that has the token."""

    is_enabled = BooleanField(_l("Sent by mail"))
    channel_preference = SelectField(
        _l("Channel"),
        description=_l("PEC first: by PEC if the contact has such an address, by ordinary mail otherwise."),
    )
    account_source = SelectField(
        _l("Sent by"), description=_l("The sender: by the own account of the person who commits.")
    )
    smtp_account_id = SelectField(_l("Ordinary account"))
    pec_account_id = SelectField(_l("PEC account"))
    is_bundled = BooleanField(_l("Several in one message"))
    asks_consent = BooleanField(
        _l("Advertising: only with consent"),
        description=_l(
            "Sent only to those who agreed, with a link to unsubscribe. Leave it off for what is owed by contract."
        ),
    )
    bcc = _text(
        _l("Blind copies"),
        description=_l("Addresses separated by a semicolon. PEC messages never have copies."),
    )
    reply_to = _text(_l("Answers go to"), description=_l("Empty: as the account says."))

    @classmethod
    def of(cls, policy: PolicyView, accounts: AccountBook, formdata: Any = None) -> "PolicyForm":
        """The form of one type, filled from the policy or from what was posted."""
        form = cls(
            formdata,
            prefix=f"{policy.document_type}-",
            is_enabled=policy.is_enabled,
            channel_preference=policy.channel_preference.value,
            account_source=policy.account_source.value,
            smtp_account_id=str(policy.smtp_account_id or ""),
            pec_account_id=str(policy.pec_account_id or ""),
            is_bundled=policy.is_bundled,
            asks_consent=policy.asks_consent,
            bcc="; ".join(policy.bcc),
            reply_to=policy.reply_to,
        )
        form.channel_preference.choices = channel_choices()
        form.account_source.choices = [
            SelectChoice(AccountSource.COMPANY.value, _l("The company")),
            SelectChoice(AccountSource.USER.value, _l("The sender")),
        ]
        form.smtp_account_id.choices = account_choices(accounts, AccountKind.SMTP)
        form.pec_account_id.choices = account_choices(accounts, AccountKind.PEC)
        return form

    def policy(self, before: PolicyView, has_addresses: bool) -> PolicyView:
        """What was entered; addresses and consent stay as they were on pages that do not show them."""
        return PolicyView(
            document_type=before.document_type,
            is_enabled=bool(self.is_enabled.data),
            account_source=AccountSource(self.account_source.data),
            smtp_account_id=int(self.smtp_account_id.data or 0) or None,
            pec_account_id=int(self.pec_account_id.data or 0) or None,
            channel_preference=ChannelPreference(self.channel_preference.data),
            is_bundled=bool(self.is_bundled.data),
            bcc=tuple(split_addresses(self.bcc.data or "")) if has_addresses else before.bcc,
            reply_to=(self.reply_to.data or "").strip() if has_addresses else before.reply_to,
            asks_consent=bool(self.asks_consent.data) if has_addresses else before.asks_consent,
        )


def channel_choices() -> list[Any]:
    """What a company may prefer when a contact has both kinds of address (IT-18)."""
    return [
        SelectChoice(ChannelPreference.PEC_FIRST.value, _l("PEC first")),
        SelectChoice(ChannelPreference.ORDINARY_ONLY.value, _l("Ordinary only")),
        SelectChoice(ChannelPreference.PEC_ONLY.value, _l("PEC only")),
    ]


def account_choices(accounts: AccountBook, kind: AccountKind) -> list[Any]:
    """The company's accounts of a kind; the empty value is its default one."""
    own = accounts.of(kind)
    named = [SelectChoice(str(account.id), account.name) for account in own]
    return [SelectChoice("", _l("Default account")), *named]
