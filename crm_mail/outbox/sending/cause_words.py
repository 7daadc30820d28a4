"""Why a message was not sent, in words, with the remedy: by cause, and finer by the enhanced status (RFC 3463), with
the words that a bounce of the same status has.

Pure: the translating function is the caller's, so that pages, mails and files say the same.
"""

from crm_mail.delivery.bounces.reason_words import by_status, reason_words, too_big
from crm_mail.words import Translate

CauseWords = tuple[str, str]
"""Title and remedy."""


def cause_words(cause: str, code: int | None, enhanced: str, _: Translate) -> CauseWords:
    """What happened and what to do.

    Args:
        cause: `delivery.envelope.Cause`, `outbox.attempting.OwnCause`, or what a bounce or a PEC receipt said
            (`bounce:` and a `BounceReason`; `pec_refused`, alone or with one).
        code: SMTP reply code.
        enhanced: such as ``5.1.1``; may be empty.
        _: gives a message in the reader's language.
    """
    if cause.startswith("bounce:"):
        return reason_words(cause.removeprefix("bounce:"), enhanced, _)
    if cause.startswith("pec_refused"):
        return _pec_refused(cause.removeprefix("pec_refused").lstrip("_"), enhanced, _)
    fine = by_status(_).get(enhanced.partition(".")[2]) if enhanced else None
    if fine is None and cause == "recipient" and code == 552:
        fine = by_status(_)["2.2"]
    return fine or _by_cause(_).get(cause) or (_("Another failure"), _("Read the server's answer."))


def _pec_refused(reason: str, enhanced: str, _: Translate) -> CauseWords:
    """A non-accettazione: the operator took the message and then would not send it."""
    title = _("The PEC operator did not accept the message")
    if not reason:
        return title, _("Read the operator's answer, correct the message, then send it again.")
    why, remedy = reason_words(reason, enhanced, _)
    return f"{title}: {why}", remedy


def _by_cause(_: Translate) -> dict[str, CauseWords]:
    network = _("Check the account's server name and port and the network, then retry.")
    tls = _("Check the account's encryption and certificate, then retry.")
    file = _("Restore the file from a backup, or import its document again, and prepare a new run.")
    program = _("Retry. If it happens again, tell whoever looks after this installation.")
    return {
        "dns": (_("The mail server's name cannot be found"), network),
        "connection": (_("The mail server cannot be reached"), network),
        "timeout": (_("The mail server did not answer in time"), _("Retry later.")),
        "dropped": (_("The mail server closed the connection"), _("Retry later.")),
        "tls": (_("Encryption could not be agreed on"), tls),
        "tls_not_offered": (_("The mail server offers no encryption"), tls),
        "certificate": (_("The mail server's certificate is not valid"), tls),
        "login": (
            _("The mail server refused the login"),
            _("Enter the account's password again, start the account, then retry."),
        ),
        "login_not_offered": (
            _("The mail server offers no login"),
            _("Check the account's port, then retry."),
        ),
        "sign_in": (
            _("The account must sign in at its provider again"),
            _("Sign in on the account's page, then retry."),
        ),
        "provider": (_("The provider's sign-in server cannot be reached"), _("Retry later.")),
        "credit": (
            _("The gateway asks for payment first"),
            _("Top the account up at the provider, start it again, then retry."),
        ),
        "test_mode": (
            _("A text cannot go to the company's test address"),
            _("Take the test address off the company's settings, or send the text by hand."),
        ),
        "throttled": (
            _("The mail server asks this account to send less"),
            _("Sending goes on by itself after a pause. Lower the account's limit per minute."),
        ),
        "busy": (_("The mail server asks to try later"), _("Retry later.")),
        "sender": (
            _("The mail server refused the sender's address"),
            _("Use an address that this account may send from."),
        ),
        "recipient": (
            _("The recipient's address was refused"),
            _("Correct the address on the contact's card, then prepare again."),
        ),
        "content": (
            _("The message was refused"),
            _("Read the server's answer: attachments or wording may be the reason."),
        ),
        "size": too_big(_),
        "smtputf8": (
            _("The server does not know international addresses"),
            _("Ask for an address without accents."),
        ),
        "address": (
            _("The address is not valid"),
            _("Correct the address on the contact's card, then prepare again."),
        ),
        "protocol": (_("The mail server gave an answer that makes no sense"), _("Retry later.")),
        "crash": (
            _("Sending was interrupted"),
            _("Ask the recipient whether the message arrived, or look into the sent mail of the account."),
        ),
        "never_accepted": (
            _("The PEC operator never accepted the message"),
            _(
                "After 24 hours there is neither an acceptance receipt nor a copy in the mailbox. Send it again."
            ),
        ),
        "frozen_changed": (
            _("The message is no longer the one that was committed"),
            _("Prepare the document again."),
        ),
        "file_missing": (_("A stored file is missing"), file),
        "file_damaged": (_("A stored file is damaged"), file),
        "file_unreadable": (_("A stored file could not be read"), _("Check the disk, then retry.")),
        "not_buildable": (
            _("The message could not be built"),
            _("Correct subject and address, then prepare again."),
        ),
        "unsubscribed": (
            _("The recipient does not agree to advertising any more."),
            _("Nothing to do: it must not be sent."),
        ),
        "suppressed": (
            _("The address is on the suppression list"),
            _(
                "Enter another address on the contact's card and prepare again, or lift it on the list, then retry."
            ),
        ),
        "pec_rules": (
            _("The message breaks the rules of PEC"),
            _("Use a PEC account for PEC addresses, without Cc and Bcc."),
        ),
        "internal": (_("An error of this program"), program),
    }
