"""What is told of an attempt beside its cause: a server's answer as it was given; of what this program decided itself,
whose sentence is kept in English, no more than the cause's own words do not say yet. Pure.
"""

import re

from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.words import Translate

_TOLD_BY_CAUSE = {"crash", "frozen_changed", "never_accepted", "test_mode", "unsubscribed"}
_SUPPRESSED_AS = re.compile(r"suppression list \((\w+)\)")


def answer_words(detail: str, cause: str, _: Translate) -> str:
    """The answer for a reader.

    Args:
        detail: `Attempt.detail` or `Message.last_detail`.
        cause: of the same attempt, as `cause_words` takes it.
        _: gives a message in the reader's language.
    """
    if cause == "suppressed":
        found = _SUPPRESSED_AS.search(detail)
        return reason_words(found[1], "", _)[0] if found else ""
    return "" if cause in _TOLD_BY_CAUSE else detail
