"""What is told beside a cause: servers' answers as they came, this program's own sentences in the reader's language."""

import pytest

from crm_mail.outbox.sending.answer_words import answer_words
from crm_mail.web.translating import translator

SUPPRESSED = "{} came on the suppression list (user_unknown); the message was not sent."


@pytest.mark.parametrize("address", ["ann@bella.example", "…"])
@pytest.mark.parametrize("language", ["it", "es", "en"])
def test_an_address_of_the_suppression_list_is_told_in_the_readers_language(
    address: str, language: str
) -> None:
    translate = translator(language)
    told = answer_words(SUPPRESSED.format(address), "suppressed", translate)
    assert told == translate("Mailbox does not exist")
    assert language == "en" or told != "Mailbox does not exist"


@pytest.mark.parametrize(
    ("detail", "cause", "told"),
    [
        ("550 5.1.1 no such user", "recipient", "550 5.1.1 no such user"),
        ("The worker stopped while this message was being sent.", "crash", ""),
        (
            "ann@x.example does not agree to advertising any more; the message was not sent.",
            "unsubscribed",
            "",
        ),
        ("came on the list", "suppressed", ""),
        ("", "", ""),
    ],
)
def test_only_what_the_cause_does_not_say_yet_is_told(detail: str, cause: str, told: str) -> None:
    assert answer_words(detail, cause, translator("it")) == told
