"""What is wrong with a message, or worth a look: in a few words, and as a sentence with its remedy (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.delivery.domains.kind_words import describe_look, describe_reason
from crm_mail.documents.template_words import fault_words
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.words import Translate, english, fill, written_day
from crm_mail.words import mark as _


@dataclass(frozen=True, slots=True)
class IssueWords:
    """What is wrong, and what to do about it."""

    code: str
    text: str
    remedy: str
    is_blocker: bool


_SHORT: dict[Issue, str] = {
    Issue.NO_ADDRESS: _("No address"),
    Issue.INVALID_ADDRESS: _("Invalid address"),
    Issue.SUPPRESSED_ADDRESS: _("Address does not work"),
    Issue.NO_ACCOUNT: _("No sending account"),
    Issue.NO_PEC_ACCOUNT: _("No PEC account"),
    Issue.NO_SMS_ACCOUNT: _("No SMS account"),
    Issue.PEC_REQUIRED: _("No PEC address"),
    Issue.NO_ORDINARY_ADDRESS: _("Only a PEC address"),
    Issue.MISSING_FILE: _("File missing"),
    Issue.PDF_FAILED: _("PDF not made"),
    Issue.LETTER_FAILED: _("Letter not made"),
    Issue.FILE_TOO_LARGE: _("Files too large"),
    Issue.TEXT_INVALID: _("Text has a fault"),
    Issue.TEXT_TOO_LONG: _("Text too long"),
    Issue.ALREADY_SENT: _("Already sent"),
    Issue.IN_OTHER_RUN: _("In another run"),
    Issue.SHARED_ADDRESS: _("Shared address"),
    Issue.EMPTY_FIELD: _("Empty field"),
    Issue.ADDRESS_KIND_UNKNOWN: _("Address kind not known"),
    Issue.LOOKS_LIKE_PEC: _("Looks like PEC"),
    Issue.PEC_ANSWERS: _("Answers would not be certified"),
    Issue.UNPROVEN: _("Not by PEC"),
    Issue.OTHER_SELLER: _("Issued by another company"),
}

_LONG: dict[Issue, tuple[str, str]] = {
    Issue.NO_ADDRESS: (
        _("There is no address to send this message to."),
        _("Enter an address here, or add one to the contact and check again."),
    ),
    Issue.INVALID_ADDRESS: (
        _("The address is not a valid e-mail address."),
        _("Correct it here, or on the contact's card and check again."),
    ),
    Issue.SUPPRESSED_ADDRESS: (
        _("The address is on the suppression list: earlier mail to it came back, or somebody asked for it."),
        _("Use another address, or lift it on the list and check again."),
    ),
    Issue.NO_ACCOUNT: (
        _("No account sends this document type as ordinary mail."),
        _("Choose an account for this message, or add one under Accounts and check again."),
    ),
    Issue.NO_PEC_ACCOUNT: (
        _("The address is PEC and the company has no PEC account: only PEC may write to PEC."),
        _("Add a PEC account under Accounts and check again, or use an ordinary address."),
    ),
    Issue.NO_SMS_ACCOUNT: (
        _("The company has no account that sends SMS."),
        _("Add one under Accounts and check again."),
    ),
    Issue.PEC_REQUIRED: (
        _("This document type is sent by PEC only, and the recipient has no PEC address."),
        _("Enter the PEC address here or on the contact's card."),
    ),
    Issue.NO_ORDINARY_ADDRESS: (
        _("This document type is not sent by PEC, and the recipient has only a PEC address."),
        _("Enter an ordinary address here or on the contact's card."),
    ),
    Issue.MISSING_FILE: (
        _("A file of this message is missing."),
        _("Bring the document in again with its file, then check again; or leave the message out."),
    ),
    Issue.PDF_FAILED: (
        _("The PDF could not be made."),
        _("Look at the document, correct it and check again; or leave the message out."),
    ),
    Issue.LETTER_FAILED: (
        _("The letter for this recipient could not be made."),
        _("Correct the letter in the mailing and prepare it again; or leave the message out."),
    ),
    Issue.FILE_TOO_LARGE: (
        _("The files are too large for one message."),
        _("Ask for a higher limit of the account or company, or send fewer documents in one message."),
    ),
    Issue.TEXT_INVALID: (
        _("The text of this document type has a fault and could not be filled in."),
        _(
            "Write subject and text of this message by hand, or correct the text under Texts and prepare again."
        ),
    ),
    Issue.TEXT_TOO_LONG: (
        _("The text is longer than an SMS may be."),
        _("Shorten it here, or in the rule that writes it."),
    ),
    Issue.ALREADY_SENT: (
        _("This recipient was sent a document of this message before."),
        _("Leave the message out unless it is meant to be sent again."),
    ),
    Issue.IN_OTHER_RUN: (
        _("The same document waits for this recipient in another run."),
        _("Leave the message out in one of the two runs."),
    ),
    Issue.SHARED_ADDRESS: (
        _("Several contacts or parties of this run have the same address."),
        _("Check that the address belongs to this recipient."),
    ),
    Issue.PEC_ANSWERS: (
        _(
            "Answers to this PEC message would go to an address that is not known as PEC, without legal value."
        ),
        _("Enter a PEC address for answers on the account or in the document type's settings, or none."),
    ),
    Issue.UNPROVEN: (
        _(
            "The letter says that it is sent by PEC or registered letter; "
            "this message would leave by ordinary mail, without proof of delivery."
        ),
        _("Enter a PEC address here or on the contact's card, or leave the message out and post the letter."),
    ),
    Issue.EMPTY_FIELD: (
        _("A field that the text uses is empty for this recipient."),
        _("Read the message; correct its text here, or fill the field in on the contact's card."),
    ),
    Issue.ADDRESS_KIND_UNKNOWN: (
        _("Nobody knows whether this address is ordinary mail or PEC."),
        _("Say which it is: before sending somebody must answer."),
    ),
    Issue.LOOKS_LIKE_PEC: (
        _("The address looks like PEC but is not marked as such."),
        _("Say here which it is, or on the contact's card."),
    ),
    Issue.OTHER_SELLER: (
        _("The document was issued by another company than the one that sends it."),
        _("Check the document before sending it."),
    ),
}

_WITH_VALUES: dict[tuple[Issue, str], str] = {
    # used instead of the sentence above when the value is known
    (Issue.INVALID_ADDRESS, "address"): _("%(address)s is not a valid e-mail address."),
    (Issue.SUPPRESSED_ADDRESS, "why"): _("%(address)s is on the suppression list since %(since)s: %(why)s."),
    (Issue.MISSING_FILE, "file"): _("The file %(file)s is missing."),
    (Issue.MISSING_FILE, "document"): _("The document %(document)s has no file to send."),
    (Issue.PDF_FAILED, "document"): _("The PDF of the document %(document)s could not be made."),
    (Issue.LETTER_FAILED, "reason"): _("The letter for this recipient could not be made: %(reason)s"),
    (Issue.FILE_TOO_LARGE, "mb"): _("The files take %(mb)s MB in a message; the limit is %(limit_mb)s MB."),
    (Issue.TEXT_INVALID, "reason"): _("The text of this document type has a fault: %(reason)s"),
    (Issue.TEXT_TOO_LONG, "segments"): _("The text takes %(segments)s SMS; at most %(limit)s are joined."),
    (Issue.ALREADY_SENT, "at"): _("This recipient was sent %(document)s on %(at)s (run %(run)s)."),
    (Issue.IN_OTHER_RUN, "run"): _("%(document)s waits for this recipient in run %(run)s as well."),
    (Issue.EMPTY_FIELD, "field"): _("The field %(field)s, which the text uses, is empty for this recipient."),
    (Issue.OTHER_SELLER, "document"): _(
        "The document %(document)s was issued by another company than the one that sends it."
    ),
}


def issue_name(code: str, translate: Translate = english) -> str:
    """A blocker or warning in two or three words; an unknown code is given back."""
    return translate(_SHORT[Issue(code)]) if code in set(Issue) else code


def issue_words(
    code: str, params: Mapping[str, Any] | None = None, translate: Translate = english
) -> IssueWords:
    """A blocker or warning as a sentence, with its remedy.

    Args:
        params: what the issue was kept with (document, file, run, at, field, mb, limit_mb, a fault's facts).
    """
    if code not in set(Issue):
        return IssueWords(code, code, "", False)
    issue, values = Issue(code), params or {}
    if issue is Issue.TEXT_INVALID and "problem" in values:
        values = {"reason": fault_words(values, translate)}
    if issue is Issue.SUPPRESSED_ADDRESS and values.get("reason"):
        title, _remedy = reason_words(values["reason"], values.get("status", ""), translate)
        values = {**values, "why": title[:1].lower() + title[1:]}
    text, remedy = _LONG[issue]
    for (one, name), exact in _WITH_VALUES.items():
        if one is issue and values.get(name) not in (None, ""):
            text = exact
            break
    days = {name: written_day(str(values[name])) for name in ("at", "since") if name in values}
    sentence = fill(translate(text), {**values, **days})
    if issue is Issue.ADDRESS_KIND_UNKNOWN:
        sentence = " ".join(one for one in (sentence, *kind_sentences(values, translate)) if one)
    return IssueWords(code, sentence, translate(remedy), issue in BLOCKERS)


def kind_sentences(values: Mapping[str, Any], translate: Translate = english) -> tuple[str, str]:
    """What the ladder says of an address: its reason, and what the name of its domain suggests."""
    return (
        describe_reason(str(values.get("reason", "")), str(values.get("detail", "")), translate),
        describe_look(bool(values.get("looks_like_pec")), translate),
    )
