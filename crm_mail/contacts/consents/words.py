"""The words of consents in the language of the page."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _

from crm_mail.contacts.consents.rules import (
    DAY_ALONE,
    ConsentChannel,
    Decision,
    Purpose,
    Reason,
    Source,
    Subject,
    Verdict,
)


def purpose_word(purpose: str) -> str:
    """What a consent is for."""
    words: Mapping[str, str] = {
        Purpose.COMMERCIAL: _("Advertising, price lists and news"),
        Purpose.GREETINGS: _("Birthday and holiday wishes"),
        Purpose.PROFILING: _("Offers chosen by past purchases"),
    }
    return words.get(purpose, purpose)


def channel_word(channel: str) -> str:
    """By what it reaches people."""
    words: Mapping[str, str] = {ConsentChannel.EMAIL: _("by e-mail"), ConsentChannel.SMS: _("by SMS")}
    return words.get(channel, "")


def subject_words(subject: Subject) -> tuple[str, str]:
    """Purpose and channel."""
    return purpose_word(subject[0]), channel_word(subject[1])


def subject_line(subject: Subject) -> str:
    """Both in one line."""
    return ", ".join(word for word in subject_words(subject) if word)


def verdict_words(verdict: Verdict) -> str:
    """Whether something may be sent, and why."""
    words = {
        Reason.OWED: _("Yes: owed by contract, nobody is asked"),
        Reason.GIVEN: _("Yes: consent given"),
        Reason.SOFT_OPT_IN: _("Yes: a customer who never said no (%(law)s)", law=verdict.law),
        Reason.WITHDRAWN: _("No: consent withdrawn"),
        Reason.NOT_GIVEN: _("No: consent was never given"),
    }
    return str(words[verdict.reason])


def decision_word(decision: Decision) -> str:
    """What was said."""
    return str(_("Given") if decision is Decision.GIVEN else _("Withdrawn"))


def source_word(source: str) -> str:
    """How the word came."""
    words: Mapping[str, str] = {
        Source.PERSON: _("Written down by a colleague"),
        Source.IMPORT: _("From an imported file"),
        Source.LINK: _("On the page behind a message's link"),
        Source.ONE_CLICK: _("By the button of the mail program"),
        Source.REPLY: _("By an answer"),
        Source.API: _("By another program"),
    }
    return words.get(source, source)


def has_day_alone(at: datetime) -> bool:
    """Whether of the moment of a word only the day is known."""
    return at.timetz() == DAY_ALONE
