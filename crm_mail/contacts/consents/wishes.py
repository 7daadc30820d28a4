"""What a filter may ask of consents, as words: ``commercial/email=given``, ``greetings/sms=none``. Pure."""

from typing import Final

from crm_mail.contacts.consents.rules import SUBJECTS, ConsentChannel, Decision, Purpose

NOTHING_SAID: Final = "none"


def consent_word(purpose: Purpose, channel: ConsentChannel, decision: str) -> str:
    """How a filter names what it asks: ``commercial/email=given``; ``none``: nothing was ever said."""
    return f"{purpose}/{channel}={decision}"


CONSENT_WORDS: Final[tuple[str, ...]] = tuple(
    consent_word(purpose, channel, decision)
    for purpose, channel in SUBJECTS
    for decision in (*Decision, NOTHING_SAID)
)
"""Everything that may be asked, in the order in which it is offered."""


def read_consent_word(word: str) -> tuple[Purpose, ConsentChannel, Decision | None]:
    """What a word of `CONSENT_WORDS` asks; decision None: nothing was said."""
    subject, _equals, decision = word.partition("=")
    purpose, _slash, channel = subject.partition("/")
    return Purpose(purpose), ConsentChannel(channel), None if decision == NOTHING_SAID else Decision(decision)
