"""States, reasons and the why of a message as short texts for files, in the reader's language. Pure."""

from collections.abc import Mapping
from typing import Any

from crm_mail.outbox.states import MessageState
from crm_mail.reports.languages import Translate


def state_word(state: MessageState, _: Translate) -> str:
    """The state of a message in one word."""
    words = {
        MessageState.PENDING: _("Pending"),
        MessageState.WITHHELD: _("Withheld"),
        MessageState.COMMITTED: _("Committed"),
        MessageState.SENDING: _("Sending"),
        MessageState.RETRYING: _("Retrying"),
        MessageState.SENT: _("Sent"),
        MessageState.DELIVERED: _("Delivered"),
        MessageState.BOUNCED: _("Bounced"),
        MessageState.FAILED: _("Failed"),
        MessageState.UNCERTAIN: _("Uncertain"),
        MessageState.CANCELLED: _("Cancelled"),
    }
    return words[state]


def withheld_word(reason: str, _: Translate) -> str:
    """Why a prepared message was not sent; a person's own reason is given as it was written."""
    words = {
        "": _("excluded by a person"),
        "by_person": _("excluded by a person"),
        "blocked": _("blocked by a problem that was not settled"),
        "sent_meanwhile": _("sent meanwhile by another run"),
        "voided_meanwhile": _("document voided meanwhile"),
        "replaced_meanwhile": _("document replaced meanwhile by a new version"),
        "party_blocked_meanwhile": _("party blocked meanwhile"),
        "contact_changed_meanwhile": _("contact changed meanwhile"),
        "unsubscribed_meanwhile": _("contact unsubscribed meanwhile"),
    }
    return words.get(reason, reason)


def left_out_word(reason: str, _: Translate) -> str:
    """Why a document or a contact is not in the run."""
    words = {
        "already_sent": _("already sent"),
        "on_its_way": _("on its way in another run"),
        "not_mailable": _("not to be mailed"),
        "voided": _("voided"),
        "party_blocked": _("party blocked"),
        "type_disabled": _("document type switched off"),
        "contact_not_subscribed": _("contact does not receive this document type"),
        "contact_suggested": _("suggested contact, not confirmed yet"),
        "contact_inactive": _("contact inactive"),
        "contact_filtered": _("contact lacks the role or characteristic asked for"),
        "billing_override": _("the billing address alone receives"),
    }
    return words.get(reason, reason)


def why_word(why: Mapping[str, Any], _: Translate) -> str:
    """Which rule chose the recipient (BX-1), in a few words."""
    rules = {
        "billing_override": _("billing address"),
        "subscription": _("subscription"),
        "cc_alone": _("Cc contact"),
        "master_address": _("address of the party"),
    }
    rule = str(why.get("rule", ""))
    word = rules.get(rule, rule)
    contact = str(why.get("contact", ""))
    return f"{word}: {contact}" if contact and word else word or contact
