"""A composed text (SMS) as a draft: the contact's mobile number, the account, and what hinders. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.routing import AddressKind, Channel, Reason
from crm_mail.delivery.sms.numbers import mobile_of
from crm_mail.delivery.sms.segments import MOST_SEGMENTS, measure, plain_text
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.preparing.assembly import language_of
from crm_mail.outbox.preparing.drafts import ComposedParts, Draft, suppressed_params
from crm_mail.outbox.preparing.facts import DocumentFacts, Rules
from crm_mail.outbox.preparing.recipients import PartyFacts, Recipient

NUMBER = "number"
"""Among the reasons of a row: the number as it stands on the card."""
STOP_WORDS = {"it": "Niente più SMS così:", "es": "No recibir más:", "en": "No more of these:"}


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that takes texts, and the words on the card that it was read from."""

    number: str
    written: str


def phone_of(mobile: str, phone: str, party_country: str, company_country: str) -> Phone | None:
    """A contact's number for texts: the mobile one, else the other one when it is mobile too (GA-9).

    Numbers without a prefix are those of the party's country, else of the company's.
    """
    found = mobile_of((mobile, phone), party_country or company_country)
    return Phone(*found) if found[0] else None


def draft_text(
    party: PartyFacts, recipient: Recipient, phone: Phone, document: DocumentFacts, rules: Rules
) -> Draft:
    """A text to one number; the counterpart of `assembly.route_recipient`."""
    policy = replace(rules.policies[document.type], reply_to="", bcc=())
    contact = recipient.contact
    draft = Draft(
        party=party,
        recipient=recipient,
        language=language_of(party, contact, rules),
        to_address=phone.number,
        to_kind=AddressKind.ORDINARY,
        channel=Channel.SMS,
        account_id=policy.sms_account_id,
        policy=policy,
        documents=[],
        route=Reason.MOBILE_NUMBER.value,
        privacy_level=max(contact.privacy_level if contact else 0, document.privacy_level),
    )
    if known := rules.suppressed.get(address_key(phone.number)):
        draft.issues.append((Issue.SUPPRESSED_ADDRESS, suppressed_params(phone.number, known)))
    if draft.account_id is None:
        draft.issues.append((Issue.NO_SMS_ACCOUNT, {}))
    return draft


def text_parts(parts: ComposedParts, written: str) -> ComposedParts:
    """What a text says: no HTML, no files, plain signs."""
    why = {**parts.why, NUMBER: written}
    return replace(parts, body_text=plain_text(parts.body_text), body_html="", files=(), why=why)


def text_issues(text: str) -> list[tuple[Issue, dict[str, Any]]]:
    """What stands against the length of a text."""
    if not text.strip():
        return [(Issue.TEXT_INVALID, {})]
    segments = measure(text).segments
    if segments > MOST_SEGMENTS:
        return [(Issue.TEXT_TOO_LONG, {"segments": segments, "limit": MOST_SEGMENTS})]
    return []


def with_stop(text: str, url: str, language: str) -> str:
    """A text with the link by which its reader says no; left alone when there is none, or it stands there."""
    if not url or url in text:
        return text
    return f"{text}\n{STOP_WORDS.get(language, STOP_WORDS['en'])} {url}"
