"""What each contact receives: for a document type nothing, as To, or as Cc, and by which of its addresses
(IT-9).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.access import list_contacts
from crm_mail.contacts.models import Contact, Party, RecipientKind, Subscription
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.values import SubscriptionValues
from crm_mail.delivery.addresses import address_key
from crm_mail.permissions import Actor, Permission


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """What a person chose for one contact and one document type; ``kind`` None: not received."""

    contact_id: int
    document_type: str
    kind: RecipientKind | None


def set_subscriptions(contact: Contact, wanted: Mapping[str, SubscriptionValues]) -> None:
    """Make a contact's subscriptions exactly these; its addresses must be stored already (flushed)."""
    address_ids = {address_key(address.email): address.id for address in contact.addresses}
    present = {subscription.document_type: subscription for subscription in contact.subscriptions}
    kept = []
    for document_type, values in wanted.items():
        row = present.get(document_type) or Subscription(document_type=document_type)
        row.recipient_kind = values.kind
        row.address_id = address_ids.get(address_key(values.email)) if values.email else None
        kept.append(row)
    contact.subscriptions = kept


def check_addresses(wanted: Mapping[str, SubscriptionValues], emails: Iterable[str]) -> None:
    """Refuse a subscription by an address that is not the contact's."""
    own = {address_key(email) for email in emails}
    for values in wanted.values():
        if values.email and address_key(values.email) not in own:
            raise ContactRefused(Problem.SUBSCRIPTION_ADDRESS, "subscriptions", email=values.email)


def set_matrix(session: Session, actor: Actor, party: Party, cells: Iterable[MatrixCell]) -> int:
    """Apply the cells of a party's matrix; contacts that do not exist for the actor are passed over.

    A type keeps its chosen address while it stays received. Returns how many contacts changed.
    """
    actor.require(Permission.CONTACTS_MANAGE, party.company_id)
    contacts = {contact.id: contact for contact in list_contacts(session, actor, party.id)}
    wanted: dict[int, dict[str, RecipientKind | None]] = {}
    for cell in cells:
        if cell.contact_id in contacts:
            wanted.setdefault(cell.contact_id, {})[cell.document_type] = cell.kind
    return sum(_set_kinds(session, actor, contacts[id_], kinds) for id_, kinds in wanted.items())


def _set_kinds(
    session: Session, actor: Actor, contact: Contact, kinds: Mapping[str, RecipientKind | None]
) -> bool:
    present = {subscription.document_type: subscription for subscription in contact.subscriptions}
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for document_type, kind in kinds.items():
        row = present.get(document_type)
        if (row.recipient_kind if row else None) == kind:
            continue
        before[document_type] = row.recipient_kind.value if row else ""
        after[document_type] = kind.value if kind else ""
        if kind is None and row is not None:
            contact.subscriptions.remove(row)
        elif kind is not None and row is not None:
            row.recipient_kind = kind
        elif kind is not None:
            contact.subscriptions.append(Subscription(document_type=document_type, recipient_kind=kind))
    if not after:
        return False
    session.flush()
    audit.record(
        session,
        actor,
        "contacts.subscriptions.changed",
        company_id=contact.company_id,
        subject=contact,
        label=contact.name,
        privacy_level=contact.privacy_level,
        before=before,
        after=after,
    )
    return True
