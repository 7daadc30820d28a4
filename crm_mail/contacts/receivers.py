"""Who receives what of a party, by the very rules that prepare a run: shown on the card so that nobody has to guess.

Computed from the contacts that exist for the actor. Read by the pages, which stand above the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import TypePolicy
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Contact, Party
from crm_mail.delivery.routing import (
    AddressKind,
    AddressOption,
    Channel,
    ChannelPreference,
    Refusal,
    choose_address,
    choose_channel,
)
from crm_mail.outbox.preparing.kinds import judge_parties
from crm_mail.outbox.preparing.recipients import ContactFacts, PartyFacts, Recipient, choose_recipients
from crm_mail.outbox.reasons import Rule


@dataclass(frozen=True, slots=True)
class Receiver:
    """One who receives a document type; ``problem`` is a refusal code when no address fits, ``is_unknown`` that nobody
    knows yet whether the address is PEC."""

    document_type: str
    rule: Rule
    contact: str
    email: str
    channel: Channel | None
    is_cc: bool
    problem: str = ""
    is_unknown: bool = False


def who_receives(
    session: Session, party: Party, contacts: Sequence[Contact], types: Sequence[str]
) -> list[tuple[str, list[Receiver]]]:
    """The receivers of each type, To before Cc.

    Args:
        contacts: the active contacts that exist for the actor.
    """
    parties = {party.id: party_facts(party)}
    people = {party.id: [contact_facts(contact) for contact in contacts]}
    judge_parties(session, party.company_id, parties, people)
    of_party, of_contacts = parties[party.id], people[party.id]
    preferences = _preferences(session, party.company_id)
    return [
        (
            document_type,
            [
                _receiver(document_type, recipient, preferences[document_type])
                for recipient in choose_recipients(of_party, of_contacts, document_type)
            ],
        )
        for document_type in types
    ]


def party_facts(party: Party) -> PartyFacts:
    """What the rule needs of a party."""
    return PartyFacts(
        party.id,
        party.code,
        party.name,
        party.language,
        party.email,
        party.email_kind,
        party.billing_email,
        party.billing_email_kind,
        {},
        party.packaging,
        tuple(party.packaging_emails.split(",")) if party.packaging_emails else (),
    )


def contact_facts(contact: Contact) -> ContactFacts:
    """What the rule needs of a contact."""
    emails = {address.id: address.email for address in contact.addresses}
    return ContactFacts(
        contact.id,
        contact.name,
        ", ".join(role.name for role in contact.roles),
        contact.language,
        contact.privacy_level,
        tuple(AddressOption(address.email, address.kind) for address in contact.addresses),
        {
            s.document_type: (s.recipient_kind.value, emails.get(s.address_id or 0, ""))
            for s in contact.subscriptions
        },
    )


def _receiver(document_type: str, recipient: Recipient, preference: ChannelPreference) -> Receiver:
    name = recipient.contact.name if recipient.contact else ""
    if recipient.is_address_chosen or (recipient.contact is None and recipient.addresses):
        decision = choose_channel(recipient.addresses[0])
    else:
        chosen = choose_address(recipient.addresses, preference)
        if isinstance(chosen, Refusal):
            return Receiver(document_type, recipient.rule, name, "", None, recipient.is_cc, chosen.code.value)
        decision = chosen
    return Receiver(
        document_type,
        recipient.rule,
        name,
        decision.email,
        decision.channel,
        recipient.is_cc,
        is_unknown=decision.kind is AddressKind.UNKNOWN,
    )


def _preferences(session: Session, company_id: int) -> dict[str, ChannelPreference]:
    found = {one.id: one.facts.channel for one in company_types(session, company_id).by_id.values()}
    query = select(TypePolicy.document_type, TypePolicy.channel_preference)
    for document_type, preference in session.execute(query.where(TypePolicy.company_id == company_id)):
        found[document_type] = preference
    return found


def rule_text(rule: Rule) -> str:
    """Why somebody receives a document type."""
    sentences: dict[Rule, str] = {
        Rule.BILLING_OVERRIDE: _("Billing address: it receives alone"),
        Rule.PACKAGING: _("Addresses behind the packaging, in place of contacts and own address"),
        Rule.SUBSCRIPTION: _("Subscribed contact"),
        Rule.MASTER_ADDRESS: _("Own address, because no contact is subscribed"),
    }
    return sentences.get(rule, rule.value)
