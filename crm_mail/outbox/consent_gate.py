"""The gate of consent: who may receive messages with a purpose, asked at preparing, at commit and before sending.

What is owed by contract has no purpose and passes. A recipient is a contact, or an address of the party itself; the
latter is judged by what was said for that address, because the law asks firms as it asks people (art. 130 c. 1
d.lgs. 196/2003 says *contraente*, art. 21 LSSI *destinatario*).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.recording import address_states
from crm_mail.contacts.consents.rules import (
    SOFT_OPT_IN,
    ConsentChannel,
    Decision,
    Purpose,
    SoftOptIn,
    Verdict,
    decide,
    soft_opt_in,
)
from crm_mail.contacts.models import Party
from crm_mail.delivery.addresses import address_key
from crm_mail.delivery.routing import Channel
from crm_mail.many_rows import chunks
from crm_mail.outbox.models import Message
from crm_mail.outbox.preparing.facts import Rules
from crm_mail.outbox.preparing.gathering import PartyBatch


@dataclass(slots=True)
class ConsentBook:
    """What is known of the recipients of a batch; asked for each message with a purpose."""

    soft: SoftOptIn | None = None
    own: dict[tuple[str, ConsentChannel, int], Decision] = field(default_factory=dict)  # …, contact
    addresses: dict[str, dict[str, Decision]] = field(
        default_factory=dict
    )  # purpose → address_key, by e-mail
    customers: set[int] = field(default_factory=set)

    def ask(
        self,
        purpose: str,
        party_id: int,
        contact_id: int | None,
        address: str,
        channel: ConsentChannel = ConsentChannel.EMAIL,
    ) -> Verdict:
        """Whether a recipient may be written to (`assembly.AskConsent`)."""
        return decide(
            purpose,
            channel,
            self.own.get((purpose, channel, contact_id)) if contact_id is not None else None,
            of_address=self.addresses.get(purpose, {}).get(address_key(address)),
            soft=self.soft,
            is_customer=party_id in self.customers,
        )


def consent_channel(channel: Channel) -> ConsentChannel:
    """By what a message reaches its recipient, as the ledger calls it."""
    return ConsentChannel.SMS if channel is Channel.SMS else ConsentChannel.EMAIL


def purposes_of(rules: Rules) -> frozenset[str]:
    """The purposes of the types of a run; empty when everything is owed by contract."""
    return frozenset(policy.purpose for policy in rules.policies.values() if policy.purpose)


def read_consents(
    session: Session,
    company: Company,
    batch: PartyBatch,
    purposes: Iterable[str],
    given: Iterable[str] = (),
) -> ConsentBook:
    """The words of a batch's recipients, in a few statements.

    Args:
        given: addresses that stand on nobody's card.
    """
    book = ConsentBook(soft_opt_in(company.country, company.soft_opt_in))
    contact_ids = [contact.id for contacts in batch.contacts.values() for contact in contacts]
    addresses = {address for party_id in batch.parties for address in _addresses(batch, party_id)}
    addresses.update(given)
    for purpose in purposes:
        for ids in chunks(contact_ids):
            query = select(ConsentState.channel, ConsentState.contact_id, ConsentState.decision).where(
                ConsentState.contact_id.in_(ids), ConsentState.purpose == purpose
            )
            for channel, id_, decision in session.execute(query):
                if id_ is not None:
                    book.own[purpose, channel, id_] = decision
        known = book.addresses.setdefault(purpose, {})
        for named in chunks(sorted(addresses)):
            known |= address_states(session, company.id, named, purpose)
    if book.soft is not None:
        for part in chunks(list(batch.parties)):
            found = select(Party.id).where(Party.id.in_(part), Party.is_customer.is_(True))
            book.customers |= set(session.scalars(found))
    return book


def _addresses(batch: PartyBatch, party_id: int) -> Iterable[str]:
    party = batch.parties[party_id]
    yield from (party.email, party.billing_email, *party.packaging_emails)
    for contact in batch.contacts.get(party_id, ()):
        yield from (option.email for option in contact.addresses)


def may_not_go() -> ColumnElement[bool]:
    """The condition on `Message` that it has a purpose and nobody allows it any more; one look into indexes per row."""
    is_text = Message.channel == Channel.SMS
    asked = case((is_text, ConsentChannel.SMS.value), else_=ConsentChannel.EMAIL.value)
    mine = [ConsentState.purpose == Message.purpose, ConsentState.channel == asked]
    of_contact = (
        select(ConsentState.decision)
        .where(ConsentState.contact_id == Message.contact_id, *mine)
        .correlate(Message)
        .scalar_subquery()
    )
    of_address = (
        select(ConsentState.decision)
        .where(
            ConsentState.company_id == Message.company_id,
            ConsentState.contact_id.is_(None),
            ConsentState.address == func.lower(Message.to_address),
            *mine,
        )
        .correlate(Message)
        .scalar_subquery()
    )
    words = (of_contact, of_address)  # null while nothing was said, which is neither
    by_mail, by_text = (
        [country for country, rule in SOFT_OPT_IN.items() if channel in rule.channels]
        for channel in (ConsentChannel.EMAIL, ConsentChannel.SMS)
    )
    soft = exists().where(
        Party.id == Message.party_id,
        Party.is_customer.is_(True),
        Company.id == Message.company_id,
        Company.soft_opt_in.is_(True),
        or_(and_(is_text, Company.country.in_(by_text)), and_(~is_text, Company.country.in_(by_mail))),
    )
    allowed = case(
        (or_(*(word == Decision.WITHDRAWN for word in words)), False),
        (or_(*(word == Decision.GIVEN for word in words)), True),
        else_=and_(Message.purpose == Purpose.COMMERCIAL.value, soft.correlate(Message)),
    )
    return and_(Message.purpose != "", ~allowed)
