"""What is wrong with the mailer, and what to do (pure)."""

from collections.abc import Callable

from crm_mail.evidence.notice_words import title_of
from crm_mail.status.reading import Trouble


def trouble_words(trouble: Trouble, detail: str, _: Callable[[str], str]) -> str:
    """The sentence of a trouble."""
    return {
        Trouble.NO_WORKER: _("Nothing runs: start `crm-mail serve` or `crm-mail worker`."),
        Trouble.SILENT: _("Messages are due and no worker takes them."),
        Trouble.ACCOUNT_STOPPED: _("The account %(detail)s was stopped: look at its page."),
        Trouble.FOLDER_AWAY: _("The folder %(detail)s cannot be reached from this computer."),
        Trouble.FOLDER_STUCK: _("Files wait in the folder %(detail)s and nobody takes them."),
    }[trouble] % {"detail": detail}


def notice_words(cause: str, _: Callable[[str], str]) -> str:
    """What an error notice was about."""
    return title_of(cause, _)
