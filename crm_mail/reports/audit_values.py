"""Codes and times that the audit's details keep, in words; any other value is shown as it is."""

import re
from datetime import date, datetime

from flask import has_app_context

from crm_mail.delivery.bounces.parsed import BY_PERSON, BY_READER, BounceReason
from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.document_types import NO_NAMES, OWN_PREFIX, DocumentType, type_label
from crm_mail.reports.languages import gettext as _
from crm_mail.reports.languages import language_of_words, moment_words
from crm_mail.web.type_names import type_name

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CODE = re.compile("[a-z_]+")
"""What the tables below hold; a file of the audit has a hundred thousand values that are none."""
_BOUNCES = {*BounceReason, BY_PERSON, BY_READER} - {BounceReason.UNKNOWN}


def value_label(name: str, value: str) -> str:
    """What a field keeps, for a reader: codes in words, times on the reader's clock."""
    if told := _time_words(value):
        return told
    if _is_type(value):
        return name_of_type(value)
    if name == "reason" and value in _BOUNCES:
        return reason_words(value, "", _)[0]
    if name == "word" and value.startswith("message "):
        return str(_("Message %(number)s", number=value.removeprefix("message ")))
    return _words_of(name).get(value, value) if _CODE.fullmatch(value) else value


def _time_words(value: str) -> str:
    """A time or a day for a reader; empty for any other text, such as a name that only looks like one."""
    try:
        if _MOMENT.fullmatch(value):
            return moment_words(datetime.fromisoformat(value))
        if _DAY.fullmatch(value):
            return f"{date.fromisoformat(value):%d/%m/%Y}"
    except (ValueError, OverflowError):
        pass
    return ""


def _is_type(value: str) -> bool:
    return value in set(DocumentType) or value.startswith(OWN_PREFIX)


def name_of_type(document_type: str) -> str:
    """What a document type is called, also outside a page."""
    if has_app_context():
        return type_name(document_type)
    return type_label(document_type, language_of_words(), NO_NAMES)


def _words_of(name: str) -> dict[str, str]:
    if name == "kind":
        return _address_kinds() | _bulk_kinds()
    if name in ("email_kind", "billing_email_kind"):
        return _address_kinds()
    return _by_field().get(name, {})


def _address_kinds() -> dict[str, str]:
    return {
        "unknown": _("Not known yet"),
        "ordinary": _("Ordinary mail"),
        "smtp": _("Ordinary mail"),
        "pec": "PEC",
        "sms": "SMS",
    }


def _bulk_kinds() -> dict[str, str]:
    return {
        "agent": _("Assign the agent"),
        "zone": _("Assign the zone"),
        "category": _("Assign the category"),
        "add_characteristic": _("Add a characteristic to their contacts"),
        "remove_characteristic": _("Remove a characteristic from their contacts"),
        "block": _("Block sending"),
        "unblock": _("Allow sending again"),
        "subscribe": _("Let their contacts receive a document type"),
        "unsubscribe": _("Let their contacts not receive a document type any more"),
        "level": _("Set the privacy level of their contacts"),
    }


def _by_field() -> dict[str, dict[str, str]]:
    channels = {"email": _("by e-mail"), "sms": _("by SMS")}
    preferences = {
        "pec_first": _("PEC first"),
        "ordinary_only": _("Ordinary only"),
        "pec_only": _("PEC only"),
    }
    states = {
        "active": _("active"),
        "inactive": _("not active"),
        "suggested": _("suggested"),
        "restricted": _("restricted"),
        "erased": _("erased"),
    }
    return {
        "how": {
            "card": _("on its card"),
            "export": _("in an exported file"),
            "preview": _("in a message to it"),
            "list": _("in a list"),
            "interface": _("by another program (API)"),
            "dossier": _("in a proof dossier"),
            "subject_access": _("in the data handed out"),
        },
        "state": states,
        "before": states,
        "decision": {"given": _("given"), "withdrawn": _("withdrawn")},
        "language": {"it": "Italiano", "es": "Español", "en": "English"},
        "account_source": {"company": _("The company"), "user": _("The sender")},
        "channel_preference": preferences,
        "channel": channels | preferences,
        "purpose": {
            "commercial": _("Advertising, price lists and news"),
            "greetings": _("Birthday and holiday wishes"),
            "profiling": _("Offers chosen by past purchases"),
        },
        "outcome": {"sent": _("Sent"), "uncertain": _("Uncertain")},
        "resolution": {"sent": _("Sent"), "send_again": _("Send again")},
        "way": {"password": _("Password"), "provider": _("Provider"), "provider_strong": _("Provider")},
        "origin": {
            "campaign": _("Mailing"),
            "event": _("Event"),
            "schedule": _("Schedule"),
            "send_order": _("Send order"),
            "greeting": _("Special date"),
            "api": "API",
            "report": _("Report"),
        },
    }
