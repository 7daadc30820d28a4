"""Why mail did not arrive, in words, with the remedy: the same words for a server's answer and for a bounce. Pure.

By subject and detail of the status (RFC 3463, and the register of RFC 5248) where that says it, else by the reason that
was read from the words of a bounce. The translating function is the caller's.
"""

from crm_mail.delivery.bounces.parsed import BY_PERSON, BY_READER, BounceReason
from crm_mail.delivery.bounces.reasons import reason_of_status
from crm_mail.words import Translate

Words = tuple[str, str]
"""Title and remedy."""


def reason_words(reason: str, status: str, _: Translate) -> Words:
    """What happened and what to do.

    Args:
        reason: a `BounceReason`, or `BY_PERSON`; others are read as unknown.
        status: such as ``5.1.1``; may be empty. It decides between several wordings of one reason.
        _: gives a message in the reader's language.
    """
    detail = status.partition(".")[2]
    exact = by_status(_).get(detail)
    if exact and (reason == BounceReason.UNKNOWN or reason_of_status(status) == reason):
        return exact
    table = _by_reason(_)
    return table.get(reason) or table[BounceReason.UNKNOWN]


def by_status(_: Translate) -> dict[str, Words]:
    """By subject and detail of the status: ``1.1`` of ``5.1.1``."""
    unknown = (
        _("Mailbox does not exist"),
        _("Correct the address on the contact's card, then prepare again."),
    )
    full = (_("Mailbox full"), _("Tell the recipient by telephone, then retry."))
    barred = (
        _("The server's rules refuse the message"),
        _("Ask the recipient's provider to accept mail from this sender, or use another address."),
    )
    unauthenticated = (
        _("The sender's domain is not authenticated"),
        _("Have SPF and DKIM set up for the sender's domain."),
    )
    return {
        "1.0": unknown,
        "1.1": unknown,
        "1.2": (
            _("The domain of the address does not exist"),
            _("Correct the part after @ on the contact's card, then prepare again."),
        ),
        "1.3": (
            _("The address is not valid"),
            _("Correct the address on the contact's card, then prepare again."),
        ),
        "1.6": (
            _("Mailbox has moved"),
            _("Ask for the new address, enter it on the contact's card and prepare again."),
        ),
        "1.10": (_("The domain takes no mail"), _("Ask for another address.")),
        "2.0": (_("Mailbox unavailable"), _("Check the address with the recipient, then retry.")),
        "2.1": (_("Mailbox disabled"), _("Ask for another address, or retry later.")),
        "2.2": full,
        "2.3": too_big(_),
        "3.4": too_big(_),
        "4.7": (
            _("Not delivered in time: the recipient's server could not be reached"),
            _("Check the part after @ and retry later, or use another address."),
        ),
        "7.0": barred,
        "7.1": barred,
        "7.20": unauthenticated,
        "7.23": unauthenticated,
        "7.26": unauthenticated,
    }


def too_big(_: Translate) -> Words:
    """The message was too large for somebody on the way."""
    return _("Message too large"), _("Send fewer documents in one message, or lower the account's limit.")


def _by_reason(_: Translate) -> dict[str, Words]:
    status = by_status(_)
    reasons = BounceReason
    return {
        reasons.USER_UNKNOWN: status["1.1"],
        reasons.DOMAIN_UNKNOWN: status["1.2"],
        reasons.MOVED: status["1.6"],
        reasons.NOT_ACCEPTED: status["1.10"],
        reasons.DISABLED: status["2.1"],
        reasons.MAILBOX_FULL: status["2.2"],
        reasons.TOO_BIG: status["3.4"],
        reasons.EXPIRED: status["4.7"],
        reasons.POLICY: status["7.1"],
        reasons.RELAY_DENIED: (
            _("The server does not take mail for this domain"),
            _("Check the part after @ with the recipient, or use another address."),
        ),
        reasons.SENDER_REFUSED: (
            _("The mail server refused the sender's address"),
            _("Use an address that this account may send from."),
        ),
        reasons.BLOCKED: (
            _("The recipient's server blocks the sending server"),
            _("Ask the provider of the sending account to have the block lifted; then retry."),
        ),
        reasons.SPAM: (
            _("Taken for spam by the recipient's server"),
            _("Check SPF and DKIM of the sender's domain and the wording, or ask the recipient to allow it."),
        ),
        reasons.VIRUS: (
            _("The recipient's server found a virus"),
            _("Check the attached files before sending anything again."),
        ),
        reasons.CONTENT: (
            _("The message was refused"),
            _("Read the server's answer: attachments or wording may be the reason."),
        ),
        reasons.RATE_LIMIT: (
            _("The recipient's server takes no more mail for now"),
            _("Lower the account's limit for each minute or hour, then retry later."),
        ),
        reasons.NETWORK: (
            _("The recipient's server could not be reached"),
            _("Check the part after @ and retry later, or use another address."),
        ),
        reasons.SYSTEM: (
            _("The recipient's mail system is in trouble"),
            _("Retry later, or use another address."),
        ),
        reasons.COMPLAINT: (
            _("The recipient reported the mail as spam"),
            _("Speak with the recipient before writing again."),
        ),
        BY_READER: (
            _("The recipient asked for nothing more (STOP)"),
            _("Lift it only when the recipient says so again."),
        ),
        BY_PERSON: (_("Put on the list by hand"), _("Ask who did it before writing again.")),
        reasons.UNKNOWN: (_("It came back without a clear reason"), _("Read the server's answer.")),
    }
