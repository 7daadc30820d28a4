"""Who receives a document type of a party: the order of PM-15 (pure).

1. The billing address alone, when it is set.
2. Else the addresses behind its packaging (``GRAL,a@x,b@x``), a message each.
3. Else the contacts that are subscribed to the type (a subscribed contact silences the master address).
4. Else the party's own address.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from crm_mail.delivery.routing import AddressKind, AddressOption
from crm_mail.documents.message_context import PartyFields
from crm_mail.outbox.reasons import Rule


class ContactFacts(NamedTuple):
    """What the rule needs of a contact. ``subscriptions``: document type → (``to`` or ``cc``, address or empty)."""

    id: int
    name: str
    roles: str
    language: str
    privacy_level: int
    addresses: tuple[AddressOption, ...]
    subscriptions: dict[str, tuple[str, str]]


class PartyFacts(NamedTuple):
    """What the rule, and the texts, need of a party."""

    id: int
    code: str
    name: str
    language: str
    email: str
    email_kind: AddressKind
    billing_email: str
    billing_email_kind: AddressKind
    fields: PartyFields
    packaging: str = ""  # companies.models.Packaging.code
    packaging_emails: tuple[str, ...] = ()
    addenda: str = ""
    judged: Mapping[str, AddressOption] = MappingProxyType({})  # addresses of which no card says the kind

    def option(self, email: str, kind: AddressKind = AddressKind.UNKNOWN) -> AddressOption:
        """One of the party's own addresses, with what is known of it beside its card."""
        return self.judged.get(email) or AddressOption(email, kind)

    @property
    def silences_contacts(self) -> bool:
        """Whether addresses of the party's own receive in place of its contacts (PM-15)."""
        return bool(self.billing_email or self.packaging_emails)


class Recipient(NamedTuple):
    """One who receives: a contact, or the party itself (``contact`` None). No address means: a person must act."""

    rule: Rule
    contact: ContactFacts | None
    addresses: tuple[AddressOption, ...]
    is_cc: bool = False
    is_address_chosen: bool = False  # the subscription names the address
    name: str = ""  # of whoever reads an address that belongs to no contact, where it was told

    @property
    def key(self) -> int | str:
        """What tells recipients of one party apart."""
        if self.rule is Rule.PACKAGING:
            return f"{self.rule.value}:{self.addresses[0].email}"
        return self.contact.id if self.contact else self.rule.value


def choose_recipients(
    party: PartyFacts,
    contacts: Sequence[ContactFacts],
    document_type: str,
    *,
    has_hidden: bool = False,
    only_contacts: bool = False,
) -> list[Recipient]:
    """The recipients of one document type, To before Cc.

    Args:
        contacts: the active contacts that exist for the actor, and that the filters let through.
        has_hidden: a contact above the actor's clearance is subscribed: the party's own address does not step in.
        only_contacts: a role or a characteristic was asked for: the party's own address does not step in.
    """
    if party.billing_email:
        override = party.option(party.billing_email, party.billing_email_kind)
        return [Recipient(Rule.BILLING_OVERRIDE, None, (override,))]
    if party.packaging_emails:
        named = [party.option(email) for email in party.packaging_emails]
        return [Recipient(Rule.PACKAGING, None, (option,)) for option in named]
    found = [
        _subscriber(contact, *contact.subscriptions[document_type])
        for contact in contacts
        if document_type in contact.subscriptions
    ]
    if found:
        return sorted(found, key=lambda recipient: recipient.is_cc)
    if has_hidden or only_contacts:
        return []
    own = (party.option(party.email, party.email_kind),) if party.email else ()
    return [Recipient(Rule.MASTER_ADDRESS, None, own)]


def _subscriber(contact: ContactFacts, kind: str, chosen: str) -> Recipient:
    named = tuple(option for option in contact.addresses if option.email == chosen)
    return Recipient(
        Rule.SUBSCRIPTION, contact, named or contact.addresses, kind == "cc", is_address_chosen=bool(named)
    )
