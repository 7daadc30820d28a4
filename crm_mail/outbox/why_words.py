"""Why a message exists, and why something is left out or held back, in sentences (pure; BX-1)."""

import re
from collections.abc import Mapping
from typing import Any

from crm_mail.document_types import NO_NAMES, TypeNames, type_label
from crm_mail.outbox.issue_words import kind_sentences
from crm_mail.outbox.reasons import COPY_DROPPED, LeftOutReason, Rule, WithheldReason
from crm_mail.words import Translate, english, fill, written_day
from crm_mail.words import mark as _

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

_ORIGINS: dict[str, str] = {  # composing.parts.Origin
    "campaign": _("Part of the mailing “%(name)s”."),
    "event": _("Made by the rule “%(name)s”."),
    "schedule": _("Made by the schedule “%(name)s”."),
    "send_order": _("Asked for by the send order “%(name)s”."),
    "greeting": _("Part of the greetings “%(name)s”."),
    "api": _("Asked for by the program “%(name)s”."),
    "report": _("Carries the report “%(name)s”."),
}

_CONSENTS: dict[str, str] = {  # contacts.consents.rules.Reason
    "given": _("It is advertising, and the recipient agreed to it."),
    "soft_opt_in": _("It is advertising to a customer who never said no (%(law)s)."),
    "wishes": _("These are wishes, and the recipient agreed to receive them."),
}


def describe_why(
    why: Mapping[str, Any], translate: Translate = english, language: str = "en", named: TypeNames = NO_NAMES
) -> str:
    """Why a message exists, who receives it and by which way (BX-1), in sentences.

    Args:
        why: as `drafts.Draft.why` writes it.
        language: of the names of the document types.
        named: what the company calls them, where it changed their names.
    """
    types = ", ".join(type_label(one, language, named) for one in why.get("types", ()))
    values = {"types": types, "contact": why.get("contact", "")}
    rule = _RULES.get(str(why.get("rule", "")), "")
    origin = _ORIGINS.get(str(why.get("origin", "")), "")
    sentences = [fill(translate(origin), {"name": why.get("origin_name", "")})] if origin else []
    sentences += [fill(translate(rule), values)] if rule else []
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
        sentences.append(fill(translate(_("Packed as %(packaging)s says.")), why))
    if why.get("link"):
        sentences.append(translate(_("The files are too large to attach: a link in the text offers them.")))
    if why.get("consent"):
        are_wishes = (why.get("origin"), why["consent"]) == ("greeting", "given")
        known = _CONSENTS.get("wishes" if are_wishes else str(why["consent"]))
        sentences += [fill(translate(known), {"law": why.get("law", "")})] if known else []
    if why.get("cc"):
        sentences.append(fill(translate(_("Copies (Cc): %(cc)s.")), why))
    return " ".join(sentences)


_LEFT_OUT: dict[str, tuple[str, str]] = {
    LeftOutReason.ALREADY_SENT: (
        _("Already sent to every recipient"),
        _("Prepare again with “Only what was never sent” switched off to send it once more."),
    ),
    LeftOutReason.RETURNED: (
        _("Sent, but it came back"),
        _("Correct the address on the card and prepare again, or retry it from the report of its run."),
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
    run = fill(translate(_("Run %(number)s")), {"number": match[2]})
    return f"{written_day(match[1])}, {run}" if match[1] else run


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
        return fill(translate(_("Went into message %(number)s.")), {"number": into})
    if reason in _WITHHELD:
        return translate(_WITHHELD[reason])
    return fill(translate(_("Left out by hand: %(reason)s")), {"reason": reason}) if reason else ""
