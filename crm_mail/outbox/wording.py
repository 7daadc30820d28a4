"""The words of the outbox: codes become sentences with their remedy, in the reader's language (pure).

Every function takes ``translate``, which gives an English message in another language; left alone it gives English,
so pages, mails and the command line say the same. `_` only marks the messages for collection (babel.cfg).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.delivery.domains.kind_words import describe_look, describe_reason
from crm_mail.document_types import NO_NAMES, TypeNames, type_label
from crm_mail.documents.template_words import fault_words
from crm_mail.outbox.issues import BLOCKERS, Issue
from crm_mail.outbox.reasons import COPY_DROPPED, LeftOutReason, Rule, WithheldReason
from crm_mail.outbox.reviewing.edit_problems import EditProblem

Translate = Callable[[str], str]


def _(message: str) -> str:
    """Mark a message for translation; it is translated when it is used."""
    return message


def english(message: str) -> str:
    """The translation into English: nothing to do."""
    return message


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


class _Values(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


def _fill(message: str, values: Mapping[str, Any]) -> str:
    return message % _Values({name: _shown(value) for name, value in values.items()})


def _shown(value: Any) -> str:
    """A day is written as everywhere in the product: 21/11/2026."""
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        try:
            return date.fromisoformat(value).strftime("%d/%m/%Y")
        except ValueError:
            return value
    return str(value)


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
    sentence = _fill(translate(text), values)
    if issue is Issue.ADDRESS_KIND_UNKNOWN:
        sentence = " ".join(one for one in (sentence, *kind_sentences(values, translate)) if one)
    return IssueWords(code, sentence, translate(remedy), issue in BLOCKERS)


def kind_sentences(values: Mapping[str, Any], translate: Translate = english) -> tuple[str, str]:
    """What the ladder says of an address: its reason, and what the name of its domain suggests."""
    return (
        describe_reason(str(values.get("reason", "")), str(values.get("detail", "")), translate),
        describe_look(bool(values.get("looks_like_pec")), translate),
    )


_RULES: dict[str, str] = {
    Rule.BILLING_OVERRIDE: _("This party has a billing address, which receives everything alone."),
    Rule.PACKAGING: _(
        "An address behind this party's packaging: such addresses receive these documents (%(types)s) "
        "in place of contacts and own address."
    ),
    Rule.SUBSCRIPTION: _("%(contact)s is set to receive these documents: %(types)s."),
    Rule.CC_ALONE: _(
        "%(contact)s receives a copy of these documents (%(types)s), and no message to somebody else could carry it."
    ),
    Rule.MASTER_ADDRESS: _(
        "Nobody is set to receive these documents (%(types)s): the party's own address is used."
    ),
    Rule.CHOSEN_CONTACT: _("%(contact)s was chosen as a recipient: %(types)s."),
    Rule.CHOSEN_PARTY: _("The party itself was chosen as a recipient, at its own address: %(types)s."),
    Rule.GIVEN_ADDRESS: _("The address was given together with the message: %(types)s."),
}

_ROUTES: dict[str, str] = {
    "only_address": _("It is the only address."),
    "preferred_address": _("It is the preferred one of several addresses."),
    "pec_first": _("There is a PEC address, and the company prefers PEC for this type."),
    "no_pec": _("The company prefers PEC for this type, but there is no PEC address."),
    "ordinary_only": _("The company sends this type by ordinary mail only."),
    "pec_only": _("The company sends this type by PEC only."),
    "mobile_number": _("It goes as SMS to the contact's mobile number."),
    "no_address": _("No address is known."),
    "no_pec_address": _("The company sends this type by PEC only, and there is no PEC address."),
    "only_pec_address": _(
        "The company sends this type by ordinary mail only, and there is only a PEC address."
    ),
}


def describe_why(
    why: Mapping[str, Any], translate: Translate = english, language: str = "en", named: TypeNames = NO_NAMES
) -> str:
    """Why a message exists, who receives it and by which way (BX-1), in sentences.

    Args:
        why: as `assembly.Draft.why` writes it.
        language: of the names of the document types.
        named: what the company calls them, where it changed their names.
    """
    types = ", ".join(type_label(one, language, named) for one in why.get("types", ()))
    values = {"types": types, "contact": why.get("contact", "")}
    rule = _RULES.get(str(why.get("rule", "")), "")
    origin = _ORIGINS.get(str(why.get("origin", "")), "")
    sentences = [_fill(translate(origin), {"name": why.get("origin_name", "")})] if origin else []
    sentences += [_fill(translate(rule), values)] if rule else []
    if why.get("edited_address"):
        sentences.append(translate(_("A person changed the address by hand.")))
    elif why.get("rule") == Rule.GIVEN_ADDRESS:
        pass  # whoever gave the address chose it
    elif why.get("address_chosen"):
        sentences.append(translate(_("The address was chosen for this document type on the contact's card.")))
    elif (why.get("rule"), why.get("route")) == (Rule.PACKAGING, "only_address"):
        pass  # there may be others behind the packaging, each with a message of its own
    elif route := _ROUTES.get(str(why.get("route", ""))):
        sentences.append(translate(route))
    if kind := why.get("kind"):
        sentences.append(kind_sentences(kind, translate)[0])
    if why.get("packaging"):
        sentences.append(_fill(translate(_("Packed as %(packaging)s says.")), why))
    if why.get("link"):
        sentences.append(translate(_("The files are too large to attach: a link in the text offers them.")))
    if why.get("consent"):
        are_wishes = (why.get("origin"), why["consent"]) == ("greeting", "given")
        known = _CONSENTS.get("wishes" if are_wishes else str(why["consent"]))
        sentences += [_fill(translate(known), {"law": why.get("law", "")})] if known else []
    if why.get("cc"):
        sentences.append(_fill(translate(_("Copies (Cc): %(cc)s.")), why))
    return " ".join(sentences)


_ORIGINS: dict[str, str] = {  # composing_parts.Origin
    "campaign": _("Part of the mailing “%(name)s”."),
    "event": _("Made by the rule “%(name)s”."),
    "schedule": _("Made by the schedule “%(name)s”."),
    "send_order": _("Asked for by the send order “%(name)s”."),
    "greeting": _("Part of the greetings “%(name)s”."),
    "api": _("Asked for by the program “%(name)s”."),
    "report": _("Carries the report “%(name)s”."),
}

_CONSENTS: dict[str, str] = {  # contacts.consent.Reason
    "given": _("It is advertising, and the recipient agreed to it."),
    "soft_opt_in": _("It is advertising to a customer who never said no (%(law)s)."),
    "wishes": _("These are wishes, and the recipient agreed to receive them."),
}

_LEFT_OUT: dict[str, tuple[str, str]] = {
    LeftOutReason.ALREADY_SENT: (
        _("Already sent to every recipient"),
        _("Prepare again with “Only what was never sent” switched off to send it once more."),
    ),
    LeftOutReason.ON_ITS_WAY: (_("On its way in another run"), _("Look at the other run.")),
    LeftOutReason.NOT_MAILABLE: (
        _("Not to be mailed"),
        _("If it should be, say so on the document's page and prepare again."),
    ),
    LeftOutReason.VOIDED: (_("Voided"), _("Nothing to do.")),
    LeftOutReason.PARTY_BLOCKED: (
        _("The customer or supplier is blocked"),
        _("Allow mail on its card again, then prepare again."),
    ),
    LeftOutReason.TYPE_DISABLED: (
        _("The company does not send this document type"),
        _("Switch the type on in the company's settings, then prepare again."),
    ),
    LeftOutReason.CONTACT_NOT_SUBSCRIBED: (
        _("The contact does not receive this document type"),
        _("Set what it receives on its card, then prepare again."),
    ),
    LeftOutReason.CONTACT_SUGGESTED: (
        _("The contact is a suggestion that nobody has confirmed"),
        _("Confirm it on the card, then prepare again."),
    ),
    LeftOutReason.CONTACT_INACTIVE: (
        _("The contact is not active"),
        _("Activate it on its card, then prepare again."),
    ),
    LeftOutReason.CONTACT_RESTRICTED: (
        _("The processing of the contact's data is restricted"),
        _("Who manages privacy can lift the restriction on its card; then prepare again."),
    ),
    LeftOutReason.CONTACT_FILTERED: (
        _("The contact lacks the role or characteristic asked for"),
        _("Prepare again with another filter."),
    ),
    LeftOutReason.BILLING_OVERRIDE: (
        _("The billing address alone receives"),
        _("Remove the billing address from the card to send to the contacts instead."),
    ),
    LeftOutReason.PACKAGING_OVERRIDE: (
        _("The addresses behind the packaging receive"),
        _("Remove the addresses behind the packaging on the card to send to the contacts instead."),
    ),
    LeftOutReason.NOT_PACKAGED: (
        _("The customer's packaging does not cover this document type"),
        _("Tick the type in the packaging, or give the customer another one, then prepare again."),
    ),
    LeftOutReason.NO_CONSENT: (
        _("Advertising, and nobody agreed to it"),
        _("Record the contact's consent, then prepare again. What is owed by contract needs none."),
    ),
    LeftOutReason.NO_MOBILE: (
        _("No mobile number for an SMS"),
        _("Write the mobile number on the contact's card, then prepare again."),
    ),
    LeftOutReason.DUPLICATE: (
        _("The same address is written to already"),
        _("Nothing to do: nobody is sent the same advertising twice."),
    ),
    LeftOutReason.PRESSURE_CAP: (
        _("It has received enough advertising lately"),
        _("Prepare again later, or change the company's limit of advertising for each contact."),
    ),
    LeftOutReason.CONSENT_WITHDRAWN: (
        _("Advertising, and the recipient said no to it"),
        _("Nothing to do: it must not be sent. What is owed by contract still arrives."),
    ),
}


def left_out_words(reason: str, translate: Translate = english) -> tuple[str, str]:
    """Why a document or contact is not in a run, and what would change it."""
    text, remedy = _LEFT_OUT.get(reason, (reason, ""))
    return translate(text), translate(remedy) if remedy else ""


_NOT_MAILABLE: dict[str, str] = {  # `Document.not_mailable_reason`, as on the document's page
    "self_billing": _("it is addressed to ourselves"),
    "received": _("it was received, not issued"),
    "marked": _("a person marked it"),
    "payroll": _("payroll slips are confidential and never mailed"),
    "unstamped": _("it has no fiscal stamp yet; the stamped version will release it"),
    "sdi_rejected": _("the Sistema di Interscambio rejected it; a corrected invoice will take its place"),
}
_OTHER_RUN = re.compile(r"(\d{4}-\d\d-\d\d)? ?run (\d+)")


def left_out_detail(detail: str, translate: Translate = english) -> str:
    """What is added to a reason: the day and the run of an earlier sending; another detail stays as it is."""
    if detail in _NOT_MAILABLE:
        return translate(_NOT_MAILABLE[detail])
    match = _OTHER_RUN.fullmatch(detail)
    if match is None:
        return detail
    run = _fill(translate(_("Run %(number)s")), {"number": match[2]})
    return f"{_shown(match[1])}, {run}" if match[1] else run


_WITHHELD: dict[str, str] = {
    WithheldReason.BY_PERSON: _("Left out by hand."),
    WithheldReason.MERGED: _("Went into another message of this run."),
    WithheldReason.BLOCKED: _("Left out at commit: it was blocked."),
    WithheldReason.SENT_MEANWHILE: _("Dropped out: another run sent it meanwhile."),
    WithheldReason.QUEUED_MEANWHILE: _("Dropped out: it waits in another run that was committed meanwhile."),
    WithheldReason.VOIDED_MEANWHILE: _("Dropped out: the document was voided meanwhile."),
    WithheldReason.REJECTED_MEANWHILE: _(
        "Dropped out: the Sistema di Interscambio rejected the invoice meanwhile."
    ),
    WithheldReason.REPLACED_MEANWHILE: _("Dropped out: a newer version of the document arrived meanwhile."),
    WithheldReason.PARTY_BLOCKED_MEANWHILE: _("Dropped out: the customer or supplier was blocked meanwhile."),
    WithheldReason.CONTACT_CHANGED_MEANWHILE: _("Dropped out: the contact changed meanwhile."),
    WithheldReason.UNSUBSCRIBED_MEANWHILE: _("Dropped out: the contact does not receive this type any more."),
    WithheldReason.CONSENT_MEANWHILE: _("Dropped out: the recipient does not agree to advertising."),
    WithheldReason.SUPPRESSED_MEANWHILE: _(
        "Dropped out: the address came on the suppression list meanwhile, because mail to it came back."
    ),
    WithheldReason.PRESSURE_MEANWHILE: _(
        "Dropped out: the contact has received as much advertising as the company allows."
    ),
    COPY_DROPPED: _(
        "Copy (Cc) taken off, the message stays: its contact or the state of its address changed."
    ),
}


def withheld_words(reason: str, translate: Translate = english, into: object = None) -> str:
    """Why a prepared message is not sent; a person's own reason stands as it was written.

    Args:
        into: number of the message that took the documents over, where the row says it.
    """
    if reason == WithheldReason.MERGED and into:
        return _fill(translate(_("Went into message %(number)s.")), {"number": into})
    if reason in _WITHHELD:
        return translate(_WITHHELD[reason])
    return _fill(translate(_("Left out by hand: %(reason)s")), {"reason": reason}) if reason else ""


_EVENTS: dict[str, tuple[str, str, str]] = {
    # what a line of the history says, with its icon and tone
    "prepared": (_("Prepared"), "wand", "neutral"),
    "excluded": (_("Left out"), "ban", "warning"),
    "included": (_("Put back"), "arrow-back-up", "info"),
    "approved": (_("Approved"), "user-check", "success"),
    "approval_withdrawn": (_("Approval taken back"), "user", "neutral"),
    "account_changed": (_("Sending account changed"), "at", "info"),
    "language_changed": (_("Language changed"), "language", "info"),
    "merged": (_("Went into another message"), "git-merge", "info"),
    "merged_here": (_("Took over other messages"), "git-merge", "info"),
    "taken_apart": (_("Taken apart again"), "arrow-back-up", "info"),
    "checked": (_("Checked again"), "refresh", "neutral"),
    "edited": (_("Corrected"), "pencil", "info"),
    "restored": (_("An earlier version was restored"), "history", "info"),
    COPY_DROPPED: (_("Copy (Cc) taken off: its contact changed"), "alert-triangle", "warning"),
    "committed": (_("Committed"), "clipboard-check", "info"),
    "unsubscribed": (_("Taken out: the recipient does not agree to advertising"), "ban", "warning"),
    "commit_undone": (_("Commit called back"), "arrow-back-up", "warning"),
    "sent": (_("Sent: the server took it"), "check", "success"),
    "deferred": (_("Not accepted yet; it will be tried again"), "refresh", "warning"),
    "account_stopped": (_("Waits: the account refused to log in"), "player-stop", "warning"),
    "failed": (_("Refused"), "circle-x", "danger"),
    "uncertain": (_("Not certain whether it left"), "help", "warning"),
    "late_outcome": (_("An outcome came late and is only kept"), "clock", "neutral"),
    "delivered": (_("Delivered"), "mail-check", "success"),
    "bounced": (_("Came back"), "arrow-back-up", "danger"),
    "proven_sent": (_("Evidence says that it left"), "check", "success"),
    "pec_accepted": (_("Accepted by the PEC operator"), "certificate", "success"),
    "pec_not_accepted": (_("Not accepted by the PEC operator"), "circle-x", "danger"),
    "pec_taken_over": (_("Taken over by the recipient's operator"), "mail-forward", "info"),
    "pec_delivered": (_("Delivery receipt"), "mail-check", "success"),
    "pec_not_delivered": (_("Notice of failed delivery"), "circle-x", "danger"),
    "pec_delayed": (_("Notice of delay"), "clock", "warning"),
    "pec_other": (_("Another PEC receipt"), "certificate", "neutral"),
    "not_pec": (_("The recipient is not a PEC address"), "alert-triangle", "warning"),
    "came_bounce": (_("A mail server reports that it did not arrive"), "arrow-back-up", "danger"),
    "came_delay": (_("A mail server reports a delay"), "clock", "warning"),
    "came_auto_reply": (_("Automatic answer"), "mail", "neutral"),
    "came_challenge": (
        _("The recipient's server asks for a confirmation; it is not answered"),
        "mail",
        "warning",
    ),
    "came_read_receipt": (_("Read receipt"), "mail", "info"),
    "came_complaint": (_("Reported as unwanted mail"), "alert-triangle", "danger"),
    "came_sms": (_("Answered by SMS"), "device-mobile", "info"),
    "came_reply": (_("Answered"), "mail", "info"),
    "came_envelope": (_("Answered by PEC"), "certificate", "info"),
    "came_anomaly": (_("Ordinary mail about it came to the PEC mailbox"), "mail", "info"),
    "came_sent_copy": (_("Found in the sent mail"), "send", "info"),
    "evidence_alarm": (_("A mail about it is not trusted; it changed nothing"), "alert-triangle", "danger"),
    "silence_no_acceptance": (_("No acceptance receipt in time"), "alert-triangle", "warning"),
    "silence_no_outcome": (_("No outcome after 24 hours"), "alert-triangle", "warning"),
    "silence_ended": (_("What was missing has come"), "check", "success"),
    "never_accepted": (_("Never accepted by the PEC operator: it did not leave"), "circle-x", "danger"),
    "mailbox_searched": (_("Looked for in the mailbox"), "search", "neutral"),
    "alarm_settled": (_("Alarm settled"), "user-check", "neutral"),
    "cancelled": (_("Cancelled"), "x", "neutral"),
    "retried": (_("Queued again"), "refresh", "info"),
    "resolved_sent": (_("A person decided: it was sent"), "user-check", "success"),
    "resolved_send_again": (_("A person decided: send it again"), "refresh", "info"),
}


@dataclass(frozen=True, slots=True)
class EventWords:
    """A line of a message's history."""

    title: str
    text: str
    icon: str
    tone: str


_PARTS: dict[str, str] = {
    "to_address": _("address"),
    "to_kind": _("kind of address"),
    "cc": _("copies"),
    "account_id": _("account"),
    "subject": _("subject"),
    "body_text": _("text"),
    "body_html": _("formatted text"),
}


def part_name(name: str, translate: Translate = english) -> str:
    """A part of a message that a person changed."""
    return translate(_PARTS.get(name, name))


def event_words(kind: str, detail: Mapping[str, Any], translate: Translate = english) -> EventWords:
    """A line of a message's history: what happened, and what is known about it.

    Args:
        detail: ``changed`` (parts), ``reason``, ``account``, ``undone``, or ``detail`` (a server's answer).
    """
    title, icon, tone = _EVENTS.get(kind, (kind.replace("_", " "), "circle-dot", "neutral"))
    facts = [", ".join(part_name(str(one), translate) for one in detail.get("changed", ()))]
    facts += [str(detail.get(name) or "") for name in ("to", "reason", "account", "detail", "answer", "note")]
    facts += [str(detail.get("language") or "").upper(), *(f"#{one}" for one in detail.get("rows", ()))]
    if detail.get("undone"):
        facts.append(translate(_("an action was undone")))
    return EventWords(translate(title), " · ".join(fact for fact in facts if fact), icon, tone)


_EDIT: dict[EditProblem, str] = {
    EditProblem.CONFLICT: _(
        "%(who)s changed this message while you were writing. Your text is still here: compare, then save again."
    ),
    EditProblem.SETTLED: _("This message has been committed or has left: it can no longer be changed."),
    EditProblem.ACCOUNT_UNFIT: _("This account cannot be used for the message. Choose another one."),
    EditProblem.ACCOUNT_WRONG_KIND: _(
        "A PEC account sends to PEC addresses and to no other. Choose an account of the address's kind."
    ),
    EditProblem.SUBJECT_EMPTY: _("The subject is empty. Write one."),
    EditProblem.SUBJECT_LINE_BREAK: _("The subject contains a line break. Write it on one line."),
    EditProblem.SUBJECT_TOO_LONG: _("The subject is longer than %(limit)s characters. Shorten it."),
    EditProblem.BODY_TOO_LONG: _("The text is longer than %(limit)s characters. Shorten it."),
    EditProblem.NUMBER_INVALID: _("%(number)s is no mobile number. Write it as +39 333 1234567."),
    EditProblem.COPIES_ON_PEC: _("A PEC message goes to one recipient only. Remove the copies (Cc)."),
}


def edit_words(problem: EditProblem, params: Mapping[str, Any], translate: Translate = english) -> str:
    """Why a correction is refused, and what to do."""
    return _fill(translate(_EDIT[problem]), params)


_DONE: dict[str, tuple[str, str]] = {
    "excluded": (_("%(count)s message left out."), _("%(count)s messages left out.")),
    "included": (_("%(count)s message put back."), _("%(count)s messages put back.")),
    "approved": (_("%(count)s message approved."), _("%(count)s messages approved.")),
    "approval_withdrawn": (
        _("The approval of %(count)s message was taken back."),
        _("The approval of %(count)s messages was taken back."),
    ),
    "account_changed": (
        _("%(count)s message leaves from %(account)s now."),
        _("%(count)s messages leave from %(account)s now."),
    ),
    "language_changed": (
        _("%(count)s message is written in %(language_name)s now."),
        _("%(count)s messages are written in %(language_name)s now."),
    ),
    "merged": (
        _("%(count)s message went into another one."),
        _("%(count)s messages went into others."),
    ),
    "taken_apart": (
        _("%(count)s message stands for itself again."),
        _("%(count)s messages stand for themselves again."),
    ),
}


def done_words(
    kind: str, count: str, is_one: bool, detail: Mapping[str, Any], translate: Translate = english
) -> str:
    """What an action on several messages did.

    Args:
        count: the number as the page writes it.
    """
    one, many = _DONE.get(kind, (kind, kind))
    return _fill(translate(one if is_one else many), {**detail, "count": count})
