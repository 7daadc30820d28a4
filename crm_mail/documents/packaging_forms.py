"""Forms of the packaging pages. What a packaging may look like is the service's rule; forms only read."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.companies.forms import account_choices
from crm_mail.companies.packaging_rules import AfterSending
from crm_mail.delivery.account_choice import AccountBook
from crm_mail.delivery.models import AccountKind
from crm_mail.documents.packagings import PackagingValues

_LONG = [Length(max=30_000)]
Named = Iterable[tuple[str, str]]


class PackagingForm(FlaskForm):
    """A packaging."""

    has_copies = False

    code = StringField(
        _l("Code"), _LONG, description=_l("What customers name, such as GRAL. It never changes.")
    )
    description = StringField(_l("Description"), _LONG)
    party_code = StringField(
        _l("Only for the customer"), _LONG, description=_l("A customer's code. Empty: for every customer.")
    )
    types = SelectMultipleField(
        _l("Document types"),
        description=_l("None ticked means all of them. Other types are left out for these customers."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    has_main = BooleanField(_l("PDF"))
    has_legal_xml = BooleanField(_l("Legal XML"))
    has_bom = BooleanField(
        _l("Byte-order mark (BOM) at the start of the XML"),
        description=_l("Added to the attached copy alone. The stored original stays as it is."),
    )
    has_attachments = BooleanField(_l("Other attachments"))
    name_pattern = StringField(
        _l("File names"),
        _LONG,
        description=_l(
            "Tokens: {customer}, {customer_name}, {company}, {type}, {series}, {number}, %(date)s, {name}, "
            "{SERIE}, {FOLIO}, {RFC_EMISOR}, {RFC_RECEPTOR}, {UUID}. Empty: as the files came.",
            date="{date:%Y%m%d}",
        ),
    )
    zip_above_kb = IntegerField(
        _l("Zip when the files are larger than (KB)"),
        [Optional()],
        description=_l("0: always. Empty: never."),
    )
    link_above_kb = IntegerField(
        _l("Download link when they are larger than (KB)"),
        [Optional()],
        description=_l(
            "The message then carries a protected link in place of the files. Never by PEC. Empty: never."
        ),
    )
    link_days = IntegerField(_l("Days that the link works"), [InputRequired()])
    copy_folder = StringField(
        _l("Folder for copies"),
        _LONG,
        description=_l("Inside the folder of copies of the installation; each customer has its own in it."),
    )
    after_sending = SelectField(_l("Copies after sending"))
    logs_success = BooleanField(
        _l("Log each message that was sent"),
        description=_l("In the audit. Failures always stand in the report."),
    )
    smtp_account_id = SelectField(_l("Ordinary account"))
    timeout_seconds = IntegerField(
        _l("Time-out (seconds)"), [Optional()], description=_l("Empty: the account's. 600 is the longest.")
    )
    text_name = SelectField(_l("Subject and text"))
    addenda = TextAreaField(
        _l("Addenda (XML)"),
        _LONG,
        description=_l("Put into the attached copy of each CFDI. The stored original stays as it is."),
    )

    uses_order_smtp = BooleanField(
        _l("Send orders may name their own server"),
        description=_l(
            "The outgoing server, user and password in the file are used. Otherwise the account above sends."
        ),
    )
    writes_orders = BooleanField(
        _l("Write a send order for each stamped document"),
        description=_l(
            "From now on, as soon as one comes in. It is sent by a standing authorisation, or waits for a person."
        ),
    )

    @classmethod
    def of(
        cls,
        values: PackagingValues | None,
        types: Named,
        texts: Named,
        accounts: AccountBook,
        *,
        has_copies: bool,
    ) -> "PackagingForm":
        """The form of a packaging, or (None) of one to add.

        Args:
            has_copies: the installation has a folder of copies; else nothing about copies is asked.
        """
        shown = values or PackagingValues("")
        data: dict[str, Any] = {name: getattr(shown, name) for name in PackagingValues.__dataclass_fields__}
        form = cls(
            data=data | {"types": list(shown.types), "smtp_account_id": str(shown.smtp_account_id or "")}
        )
        form.has_copies = has_copies
        if not has_copies:  # not asked: stays as it is
            form.copy_folder.data, form.after_sending.data = shown.copy_folder, shown.after_sending.value
        form.types.choices = [SelectChoice(value, label) for value, label in types]
        usual = SelectChoice("", _l("As usual for the document type"))
        form.text_name.choices = [usual, *(SelectChoice(value, label) for value, label in texts)]
        form.after_sending.choices = [
            SelectChoice(AfterSending.KEEP.value, _l("Stay in the folder")),
            SelectChoice(AfterSending.RECYCLE.value, _l("Move to the recycle folder")),
            SelectChoice(AfterSending.DELETE.value, _l("Delete")),
        ]
        usual_account = SelectChoice("", _l("As usual for the document type"))
        form.smtp_account_id.choices = [usual_account, *account_choices(accounts, AccountKind.SMTP)[1:]]
        return form

    def values(self, code: str = "") -> PackagingValues:
        """What was entered; an existing packaging keeps its code."""
        return PackagingValues(
            code=code or self.code.data or "",
            description=self.description.data or "",
            party_code=self.party_code.data or "",
            types=tuple(self.types.data or ()),
            has_main=bool(self.has_main.data),
            has_legal_xml=bool(self.has_legal_xml.data),
            has_bom=bool(self.has_bom.data),
            has_attachments=bool(self.has_attachments.data),
            name_pattern=self.name_pattern.data or "",
            zip_above_kb=self.zip_above_kb.data,
            link_above_kb=self.link_above_kb.data,
            link_days=self.link_days.data or 0,
            copy_folder=self.copy_folder.data or "",
            after_sending=AfterSending(self.after_sending.data),
            logs_success=bool(self.logs_success.data),
            smtp_account_id=int(self.smtp_account_id.data or 0) or None,
            timeout_seconds=self.timeout_seconds.data,
            text_name=self.text_name.data or "",
            addenda=self.addenda.data or "",
            uses_order_smtp=bool(self.uses_order_smtp.data),
            writes_orders=bool(self.writes_orders.data),
        )


class TillForm(FlaskForm):
    """Which packaging customers born at the till get (PM-20)."""

    till_packaging = SelectField(
        _l("Customers born at the till get"),
        description=_l("Customers that come in with a receipt. Other new customers get GRAL."),
    )

    @classmethod
    def of(cls, chosen: str, codes: Iterable[str]) -> "TillForm":
        """The form with the packagings of the company."""
        form = cls(data={"till_packaging": chosen})
        form.till_packaging.choices = [SelectChoice(code, code) for code in codes]
        return form
