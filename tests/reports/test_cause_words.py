"""Every cause that an attempt can have is said in words, with what to do about it."""

import pytest

from crm_mail.delivery.envelope import Cause
from crm_mail.outbox.sending.attempting import OwnCause
from crm_mail.outbox.sending.cause_words import cause_words


def english(message: str) -> str:
    return message


@pytest.mark.parametrize(
    "cause", [*(c.value for c in Cause if c is not Cause.ACCEPTED), *(c.value for c in OwnCause)]
)
def test_every_cause_has_a_title_and_a_remedy(cause: str) -> None:
    title, remedy = cause_words(cause, None, "", english)
    assert title != "Another failure"
    assert remedy


@pytest.mark.parametrize(
    ("cause", "code", "enhanced", "title"),
    [
        ("recipient", 550, "5.1.1", "Mailbox does not exist"),
        ("recipient", 552, "5.2.2", "Mailbox full"),
        ("recipient", 552, "", "Mailbox full"),
        ("size", 552, "5.3.4", "Message too large"),
        ("content", 554, "5.7.1", "The server's rules refuse the message"),
        ("recipient", 550, "5.9.9", "The recipient's address was refused"),
    ],
)
def test_the_enhanced_status_says_more_than_the_cause(
    cause: str, code: int, enhanced: str, title: str
) -> None:
    assert cause_words(cause, code, enhanced, english)[0] == title
