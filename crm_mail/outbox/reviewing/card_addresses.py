"""The address that a person types for a message which has none: kept on the card that lacks it, where asked."""

from sqlalchemy.orm import Session

from crm_mail.contacts.access import find_contact, find_party
from crm_mail.contacts.models import Contact, Party
from crm_mail.contacts.parties import set_own_address
from crm_mail.contacts.people import add_address
from crm_mail.contacts.values import AddressValues
from crm_mail.delivery.addresses import is_address
from crm_mail.delivery.routing import Channel
from crm_mail.outbox.models import Message
from crm_mail.outbox.reasons import Rule
from crm_mail.permissions import Actor, Permission

_OWN = frozenset({Rule.MASTER_ADDRESS, Rule.CHOSEN_PARTY, Rule.BILLING_OVERRIDE})


def card_without_address(session: Session, actor: Actor, message: Message) -> Contact | Party | None:
    """The card of a message that has no valid address, if it exists for the actor, who may keep contacts."""
    is_lacking = message.channel is not Channel.SMS and not is_address(message.to_address)
    if not is_lacking or not actor.can(Permission.CONTACTS_MANAGE, message.company_id):
        return None
    if message.contact_id is not None:
        return find_contact(session, actor, message.contact_id)
    party = find_party(session, actor, message.party_id)
    return party if party is not None and _has_place(party, message) else None


def _has_place(party: Party, message: Message) -> bool:
    """A party has one address of its own: a valid one is never written over from here."""
    address = party.billing_email if _is_of_billing(message) else party.email
    return message.why.get("rule") in _OWN and not is_address(address)


def _is_of_billing(message: Message) -> bool:
    return message.why.get("rule") == Rule.BILLING_OVERRIDE


def keep_on_card(
    session: Session,
    actor: Actor,
    message: Message,
    card: Contact | Party,
    address: AddressValues,
    instead_of: str,
) -> bool:
    """Keep an address on a card; False when it stood there.

    Args:
        instead_of: what the message had in its place: empty, or no valid address.

    Raises:
        PermissionDenied, ContactRefused
    """
    if isinstance(card, Party):
        return set_own_address(session, actor, card, address, of_billing=_is_of_billing(message))
    return add_address(session, actor, card, address, instead_of)
