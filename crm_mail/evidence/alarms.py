"""Codes of what needs a person's look; words in `alarm_words` (pure)."""

from enum import StrEnum


class Alarm(StrEnum):
    """Something about a mail that was taken in (`MailItem.alarm`). The most serious one is kept."""

    FORGED = "forged"  # claims to be a PEC receipt, and its signature does not hold; it changed nothing
    OTHER_COMPANY = "other_company"  # quotes a message of another company; it changed nothing
    OTHER_ADDRESS = "other_address"  # certifies a message of another sender; it changed nothing
    OTHER_RECIPIENT = (
        "other_recipient"  # speaks of somebody whom the message did not go to; it changed nothing
    )
    HEADERS = "headers"  # its unsigned headers contradict its signed part; it changed nothing
    NOT_SENT = "not_sent"  # speaks of a message that was never handed over
    CONFLICT = "conflict"  # contradicts what was proven before
    NOT_PEC = "not_pec"  # the recipient is no PEC address: no delivery will be certified
    UNREADABLE = "unreadable"  # looks like a receipt and cannot be read


class Silence(StrEnum):
    """Something that should have come and did not (`MessageProof.alarm`)."""

    NO_ACCEPTANCE = "no_acceptance"
    NO_OUTCOME = "no_outcome"


CHANGES_NOTHING = frozenset(
    {Alarm.FORGED, Alarm.HEADERS, Alarm.OTHER_COMPANY, Alarm.OTHER_ADDRESS, Alarm.OTHER_RECIPIENT}
)
"""Alarms of mails that are kept and shown, and never believed."""
