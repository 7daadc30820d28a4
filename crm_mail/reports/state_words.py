"""The states of messages in a word, for files and mails, in the reader's language. Pure."""

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
