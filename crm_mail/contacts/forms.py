"""Forms of the contacts room. Rules are the services'; forms only read and show."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    FieldList,
    Form,
    FormField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput, ListWidget

from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.contacts.contact_birthdays import birthday_of
from crm_mail.contacts.models import Contact, ContactState, RecipientKind
from crm_mail.contacts.values import AddressValues, ContactValues, PartyValues, SubscriptionValues
from crm_mail.delivery.routing import AddressKind

BLANK_ADDRESSES = 2
"""Empty rows offered below the addresses of a contact."""


def kind_choices() -> list[SelectChoice]:
    """What an address may be known to be."""
    labels = {
        AddressKind.UNKNOWN: _("Not known yet"),
        AddressKind.ORDINARY: _("Ordinary mail"),
        AddressKind.PEC: "PEC",
    }
    return [SelectChoice(kind.value, label) for kind, label in labels.items()]


def language_choices(inherited: str, present: str = "") -> list[SelectChoice]:
    """The languages of messages; the empty one follows the party or the company."""
    names = {"it": "Italiano", "es": "Español", "en": "English"}
    if present and present not in names:
        names[present] = present
    first = SelectChoice("", _("As usual: %(language)s", language=names.get(inherited, inherited)))
    return [first, *(SelectChoice(code, name) for code, name in names.items())]


class PartyForm(FlaskForm):
    """A customer or supplier."""

    code = StringField(_l("Code"), description=_l("As the accounts write it. Leading zeros count."))
    name = StringField(_l("Name"))
    is_customer = BooleanField(_l("Customer"))
    is_supplier = BooleanField(_l("Supplier"))
    vat_number = StringField(_l("VAT number"))
    tax_code = StringField(_l("Tax code"))
    address = StringField(_l("Street and number"))
    postcode = StringField(_l("Postcode"))
    city = StringField(_l("City"))
    province = StringField(_l("Province"))
    country = StringField(_l("Country"), description=_l("Two letters, such as IT."))
    zone = StringField(_l("Zone"))
    agent = StringField(_l("Agent"))
    category = StringField(_l("Category"))
    credit_days = StringField(
        _l("Days of credit"),
        description=_l("Gives the due date of an invoice that states none, counted from its date."),
    )
    language = SelectField(_l("Language of messages"))
    email = StringField(
        _l("E-mail address"), description=_l("Receives a document type to which no contact is subscribed.")
    )
    email_kind = SelectField(_l("Kind of this address"), choices=kind_choices)
    billing_email = StringField(
        _l("Billing e-mail address"),
        description=_l("When set, it alone receives every document; the contacts receive none."),
    )
    billing_email_kind = SelectField(_l("Kind of the billing address"), choices=kind_choices)
    addenda = TextAreaField(
        _l("Addenda (XML)"),
        description=_l(
            "Put into the attached copy of each CFDI of this customer, in place of its packaging's addenda."
        ),
    )
    packaging = StringField(
        _l("Packaging"),
        default=DEFAULT_PACKAGING,
        description=_l(
            "Its code, such as GRAL. Addresses behind it (GRAL,a@x,b@x) receive in place of the contacts."
        ),
    )

    def read(self) -> PartyValues:
        """What the form says."""
        values: dict[str, Any] = {
            name: value if isinstance(value, bool) else str(value if value is not None else "")
            for name, value in self.data.items()
            if name != "csrf_token"
        }
        for name in ("email_kind", "billing_email_kind"):
            values[name] = AddressKind(values[name])
        return PartyValues(**values)


class AddressForm(Form):
    """One address of a contact."""

    email = StringField(_l("E-mail address"))
    kind = SelectField(_l("Kind"), choices=kind_choices, default=AddressKind.UNKNOWN.value)


class ContactForm(FlaskForm):
    """A person or an office; subscriptions are read by `read_subscriptions`."""

    name = StringField(_l("Name"), description=_l("A person or an office."))
    role_ids = SelectMultipleField(
        _l("Roles"), coerce=int, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    phone = StringField(_l("Phone"))
    mobile = StringField(_l("Mobile phone"))
    birthday = StringField(_l("Birthday"), description=_l("Such as 31/3/1980, or 31/3 without the year."))
    language = SelectField(_l("Language of messages"))
    privacy_level = SelectField(
        _l("Privacy level"),
        coerce=int,
        description=_l("Users with a lower clearance do not see this contact anywhere."),
    )
    state = SelectField(_l("State"))
    addresses = FieldList(FormField(AddressForm), label=_l("E-mail addresses"))
    characteristics = TextAreaField(
        _l("Characteristics"), description=_l("One a line: a name, or name=value, such as sector=food.")
    )
    notes = TextAreaField(_l("Notes"))

    def offer(
        self, roles: Mapping[int, str], levels: Mapping[int, str], inherited: str, contact: Any
    ) -> None:
        """Set the choices that depend on the company, the actor and the contact."""
        self.role_ids.choices = [SelectChoice(str(id_), name) for id_, name in roles.items()]
        self.privacy_level.choices = [SelectChoice(str(level), label) for level, label in levels.items()]
        self.language.choices = language_choices(inherited, contact.language if contact else "")
        states = {ContactState.ACTIVE: _("Active"), ContactState.INACTIVE: _("Inactive: receives nothing")}
        if contact is not None and contact.state is ContactState.SUGGESTED:
            states = {ContactState.SUGGESTED: _("Suggested: waits for confirmation")} | states
        if contact is not None and contact.state is ContactState.RESTRICTED:
            states = {ContactState.RESTRICTED: _("Restricted: lifted under Privacy")}
        self.state.choices = [SelectChoice(state.value, label) for state, label in states.items()]

    def show(self, contact: Contact | None) -> None:
        """Fill in a contact, and leave room for more addresses."""
        if contact is not None:
            self.role_ids.data = [role.id for role in contact.roles]
            born = birthday_of(contact)
            self.birthday.data = born.as_typed() if born else ""
            for address in contact.addresses:
                self.addresses.append_entry({"email": address.email, "kind": address.kind.value})
            self.characteristics.data = "\n".join(
                f"{c.key}={c.value}" if c.value else c.key for c in contact.characteristics
            )
        for _blank in range(BLANK_ADDRESSES):
            self.addresses.append_entry()

    def read(self, subscriptions: Mapping[str, SubscriptionValues]) -> ContactValues:
        """What the form says."""
        return ContactValues(
            name=self.name.data or "",
            role_ids=tuple(self.role_ids.data or ()),
            phone=self.phone.data or "",
            mobile=self.mobile.data or "",
            birthday=self.birthday.data or "",
            language=self.language.data or "",
            privacy_level=self.privacy_level.data,
            state=ContactState(self.state.data),
            notes=self.notes.data or "",
            addresses=tuple(
                AddressValues(entry["email"] or "", AddressKind(entry["kind"]))
                for entry in self.addresses.data
            ),
            characteristics=tuple((self.characteristics.data or "").splitlines()),
            subscriptions=subscriptions,
        )


def read_subscriptions(values: Mapping[str, str], types: Iterable[str]) -> dict[str, SubscriptionValues]:
    """The table of what a contact receives: `receive-TYPE` is empty, to or cc; `by-TYPE` is an address or empty."""
    found = {}
    for document_type in types:
        kind = values.get(f"receive-{document_type}", "")
        if kind in set(RecipientKind):
            found[document_type] = SubscriptionValues(
                RecipientKind(kind), values.get(f"by-{document_type}", "").strip()
            )
    return found


class RoleForm(FlaskForm):
    """A role's name."""

    name = StringField(_l("Name"))


class LevelsForm(FlaskForm):
    """What the company calls the privacy levels."""

    level_0 = StringField(_l("Level 0"))
    level_1 = StringField(_l("Level 1"))
    level_2 = StringField(_l("Level 2"))
    level_3 = StringField(_l("Level 3"))

    def levels(self) -> Iterable[Any]:
        """The four fields in order."""
        return (self.level_0, self.level_1, self.level_2, self.level_3)
