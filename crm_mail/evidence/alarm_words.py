"""What an alarm means and what to do about it (pure)."""

from crm_mail.evidence.alarms import Alarm, Silence
from crm_mail.words import Translate


def alarm_words(alarm: str, _: Translate) -> tuple[str, str]:
    """Title and what to do; for `Alarm` and `Silence`."""
    table: dict[str, tuple[str, str]] = {
        Alarm.FORGED: (
            _("Its signature does not hold."),
            _("It changed nothing. Look at the failed step; if it seems genuine, ask the PEC operator."),
        ),
        Alarm.HEADERS: (
            _("Its headers contradict what the operator signed."),
            _("It changed nothing. Somebody may have altered it on its way: ask the PEC operator."),
        ),
        Alarm.OTHER_COMPANY: (
            _("It speaks of another company's message."),
            _("It changed nothing. Find out how it came into this mailbox."),
        ),
        Alarm.OTHER_ADDRESS: (
            _("It certifies another sender's message."),
            _("It changed nothing. It belongs into that sender's mailbox."),
        ),
        Alarm.OTHER_RECIPIENT: (
            _("It speaks of somebody whom the message did not go to."),
            _("It changed nothing. Compare the recipient with the message."),
        ),
        Alarm.NOT_SENT: (
            _("It speaks of a message that was never handed over here."),
            _("Was the database restored from a backup? Then the message may have left before."),
        ),
        Alarm.CONFLICT: (
            _("It contradicts what was proven before."),
            _("A genuine delivery receipt counts most. Both are kept."),
        ),
        Alarm.NOT_PEC: (
            _("The recipient is not a PEC address: no delivery will be certified."),
            _("Correct the card, and ask the recipient for a PEC address where delivery must be proven."),
        ),
        Alarm.UNREADABLE: (
            _("It looks like a receipt and cannot be read."),
            _("Download it and open it in a mail program."),
        ),
        Silence.NO_ACCEPTANCE: (
            _("No acceptance receipt has come in time."),
            _("Look into the account's mailbox: the message may not have left."),
        ),
        Silence.NO_OUTCOME: (
            _("No outcome 24 hours after acceptance."),
            _("Nothing proves the delivery: ask the recipient, or send it another way."),
        ),
    }
    return table.get(alarm, (alarm.replace("_", " "), ""))
