"""What the importers say, in the language of the page."""

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import gettext as _

from crm_mail.importers.address_words import address_reason
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.sales.columns import Field as SalesField
from crm_mail.importers.sentences import explain_in
from crm_mail.importers.tables.column_names import CHARACTERISTIC, NO_SUBSCRIPTION, SUBSCRIPTION, Field
from crm_mail.web.type_names import type_names


def explain(code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a code."""
    if code == "address_invalid":
        params = {**params, "reason": address_reason(str(params["reason"]))}
    elif code == "missing_columns":
        params = {**params, "missing": _column_words(str(params["missing"]))}
    return explain_in(gettext, code, params)


def explain_refusal(refused: ImportRefused) -> str:
    """Why a whole file is refused."""
    return explain(refused.code, refused.params)


def field_choices(headers: list[str], present: Mapping[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column may hold, in groups of (value, words); first of all: not used."""
    party = (
        (Field.PARTY_CODE, _("Code")),
        (Field.PARTY_NAME, _("Company name")),
        (Field.KIND, _("Customer or supplier")),
        (Field.VAT_NUMBER, _("VAT number")),
        (Field.TAX_CODE, _("Tax code")),
        (Field.ADDRESS, _("Street and number")),
        (Field.POSTCODE, _("Postcode")),
        (Field.CITY, _("City")),
        (Field.PROVINCE, _("Province")),
        (Field.COUNTRY, _("Country")),
        (Field.ZONE, _("Zone")),
        (Field.AGENT, _("Agent")),
        (Field.CATEGORY, _("Category")),
        (Field.CREDIT_DAYS, _("Days of credit")),
        (Field.LANGUAGE, _("Language")),
        (Field.EMAIL, _("E-mail of the company")),
        (Field.BILLING_EMAIL, _("Billing e-mail")),
        (Field.CUSTOMER_CODE, _("Customer code")),
        (Field.SUPPLIER_CODE, _("Supplier code")),
        (Field.COMPANY_CODE, _("Our company (rows of others are refused)")),
    )
    person = (
        (Field.CONTACT_NAME, _("Name of the contact")),
        (Field.FIRST_NAME, _("First name")),
        (Field.MIDDLE_NAME, _("Middle name")),
        (Field.LAST_NAME, _("Last name")),
        (Field.ROLES, _("Roles")),
        (Field.JOB_TITLE, _("Job title")),
        (Field.CONTACT_EMAIL, _("E-mail of the contact")),
        (Field.PEC, _("PEC address")),
        (Field.EMAIL_LABEL, _("Label of the next e-mail")),
        (Field.PHONE, _("Phone")),
        (Field.MOBILE, _("Mobile phone")),
        (Field.PRIVACY_LEVEL, _("Privacy level")),
        (Field.CHARACTERISTICS, _("Characteristics")),
        (Field.TAGS, _("Tags")),
        (Field.SUBSCRIPTIONS, _("What it receives (list)")),
        (Field.CONSENTS, _("Consents")),
        (Field.BIRTHDAY, _("Birthday")),
    )
    rest = (
        (Field.EITHER_NAME, _("Name of the company or the contact")),
        (Field.IS_COMPANY, _("Whether the row is a company")),
        (Field.PACKAGING, _("Packaging, with the addresses behind it")),
        (Field.ROW_ACTION, _("Action of the row")),
    )
    receives = [
        (f"{SUBSCRIPTION}{kind}", _("Receives: %(type)s (yes or no)", type=name))
        for kind, name in type_names().items()
    ]
    single = [(f"{CHARACTERISTIC}{name}", _("Characteristic “%(name)s”", name=name)) for name in headers]
    groups = [
        (_("Customer or supplier"), [(item.value, str(label)) for item, label in party]),
        (_("Contact"), [(item.value, str(label)) for item, label in person]),
        (_("Documents"), receives),
        (_("Other"), [(item.value, str(label)) for item, label in rest]),
    ]
    known = {value for _label, group in groups for value, _words in group}
    extra = [(value, _other_label(value)) for value in dict.fromkeys(present.values()) if value not in known]
    return [*groups, (_("Characteristics"), single), (_("As recognised"), extra)]


def sales_fields() -> list[tuple[str, str]]:
    """What a column of a sales list may hold."""
    return [
        (SalesField.PARTY_CODE, _("Customer code")),
        (SalesField.PARTY_NAME, _("Name of the customer (not compared)")),
        (SalesField.VAT_NUMBER, _("VAT number")),
        (SalesField.DATE, _("Date of the sale")),
        (SalesField.PRODUCT_CODE, _("Product code")),
        (SalesField.PRODUCT_NAME, _("Product name")),
        (SalesField.PRODUCT_GROUP, _("Product group")),
        (SalesField.QUANTITY, _("Quantity")),
        (SalesField.PRICE, _("Unit price")),
        (SalesField.AMOUNT, _("Amount without tax")),
        (SalesField.CURRENCY, _("Currency")),
        (SalesField.NUMBER, _("Number of the invoice")),
        (SalesField.DOC_TYPE, _("Document type (credit notes count negative)")),
        (SalesField.ID, _("Own key of the line")),
        (SalesField.COMPANY_CODE, _("Our company (rows of others are refused)")),
    ]


def _column_words(fields: str) -> str:
    """The fields that every list must hold, as the choices of a page name them."""
    words = {
        "party_code": _("Code"),
        "party_name": _("Company name"),
        "date": _("Date of the sale"),
        "product_code": _("Product code"),
        "amount": _("Amount without tax"),
        "open": _("Open amount"),
    }
    return re.sub(r"\w+", lambda found: words.get(found[0], found[0]), fields)


def _other_label(value: str) -> str:
    kind = value.removeprefix(NO_SUBSCRIPTION).removeprefix(SUBSCRIPTION).removesuffix(":cc")
    name = type_names().get(kind)
    if value.startswith(NO_SUBSCRIPTION):
        return str(_("Does not receive: %(type)s", type=name))
    if value.startswith(SUBSCRIPTION):
        return str(_("Receives a copy of: %(type)s", type=name))
    return value.partition(":")[2] or value
