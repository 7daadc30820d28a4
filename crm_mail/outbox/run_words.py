"""The states of runs in a word or two, in the reader's language (pure)."""

from crm_mail.outbox.states import RunState
from crm_mail.words import Translate


def run_state_word(state: RunState, _: Translate) -> str:
    """The word of a run's state."""
    return {
        RunState.PREPARING: _("Preparing"),
        RunState.REVIEW: _("To review"),
        RunState.APPROVAL: _("Waits for a second person"),
        RunState.COMMITTED: _("Committed"),
        RunState.SENDING: _("Sending"),
        RunState.PAUSED: _("Paused"),
        RunState.FINISHED: _("Finished"),
        RunState.CANCELLED: _("Cancelled"),
    }[state]
