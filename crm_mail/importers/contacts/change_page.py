"""What rows change, for the pages of an import: kept between its steps, told in the language of the page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import not_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose
from crm_mail.contacts.consents.words import decision_word, subject_line
from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import Contact, RecipientKind
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.contacts.changes import Change
from crm_mail.permissions import Sight
from crm_mail.web.type_names import type_name

SHOWN_CHANGES: Final = 100
LENGTH: Final = 200
"""Characters of a value that are shown."""


def kept_changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The first changes, as JSON."""
    return [asdict(change) for change in changes[:SHOWN_CHANGES]]


def told_changes(session: Session, sight: Sight, kept: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Kept changes in words, row by row, without those of contacts that the reader may not see now.

    Each has `row`, `party_code`, `party_name`, `contact` and `fields`: label, old and new value.
    """
    changes = [Change(**one) for one in kept]
    hidden = _hidden_contacts(session, sight, changes)
    shown = [
        one
        for one in changes
        if one.level <= sight.clearance and (one.contact is None or one.id not in hidden)
    ]
    return [_told(one) for one in sorted(shown, key=lambda one: one.row)]


def _hidden_contacts(session: Session, sight: Sight, changes: Iterable[Change]) -> set[int]:
    ids = [one.id for one in changes if one.contact is not None]
    query = select(Contact.id).where(Contact.id.in_(ids), not_(visible_contacts(sight)))
    return set(session.scalars(query))


def _told(change: Change) -> dict[str, Any]:
    labels = _labels()
    fields = [
        (labels.get(name, name), _shown(name, old), _shown(name, change.after[name]))
        for name, old in change.before.items()
        if name in labels
    ]
    return {
        "row": change.row,
        "party_code": change.party_code,
        "party_name": change.party_name,
        "contact": change.contact,
        "fields": fields,
    }


def _labels() -> dict[str, str]:
    return {
        "code": _("Code"),
        "name": _("Name"),
        "is_customer": _("Customer"),
        "is_supplier": _("Supplier"),
        "vat_number": _("VAT number"),
        "tax_code": _("Tax code"),
        "address": _("Street and number"),
        "postcode": _("Postcode"),
        "city": _("City"),
        "province": _("Province"),
        "country": _("Country"),
        "zone": _("Zone"),
        "agent": _("Agent"),
        "category": _("Category"),
        "credit_days": _("Days of credit"),
        "language": _("Language"),
        "email": _("E-mail of the company"),
        "billing_email": _("Billing e-mail"),
        "packaging": _("Packaging"),
        "packaging_emails": _("Addresses behind the packaging"),
        "roles": _("Roles"),
        "addresses": _("E-mail addresses"),
        "phone": _("Phone"),
        "mobile": _("Mobile phone"),
        "privacy_level": _("Privacy level"),
        "state": _("State"),
        "characteristics": _("Characteristics"),
        "subscriptions": _("Receives"),
        "consents": _("Consents"),
        "birthday": _("Birthday"),
    }


def _shown(name: str, value: Any) -> str:
    """A value on one line, cut; an empty one is a dash."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if name == "subscriptions":
        text = ", ".join(_subscription(*one) for one in value.items())
    elif name == "consents":
        text = "; ".join(_consent(*one) for one in value.items())
    elif name == "addresses":
        text = ", ".join(map(_address, value))
    elif name == "state":
        text = {"suggested": _("suggested"), "active": _("active")}.get(value, value)
    elif isinstance(value, list):
        text = ", ".join(value)
    else:
        text = "" if value is None else str(value)
    return (text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…") or "–"


def _subscription(document_type: str, how: str) -> str:
    kind, _space, email = how.partition(" ")
    notes = ", ".join(note for note in ("Cc" if kind == RecipientKind.CC else "", email) if note)
    return f"{type_name(document_type)} ({notes})" if notes else type_name(document_type)


def _consent(subject: str, decision: str) -> str:
    purpose, _slash, channel = subject.partition("/")
    return f"{subject_line((Purpose(purpose), ConsentChannel(channel)))}: {decision_word(Decision(decision))}"


def _address(text: str) -> str:
    """`ada@rossi.example (pec)` with the kind in words; one that nobody has said yet is left out."""
    email, _space, kind = text.rpartition(" ")
    words = {f"({AddressKind.PEC})": "PEC", f"({AddressKind.ORDINARY})": _("Ordinary mail")}
    return f"{email} ({words[kind]})" if kind in words else email
