"""Which documents a contact receives (IT-9)."""

from typing import Annotated

from pydantic import Field

from crm_mail.api.contacts import SubscriptionOut, contact_or_404, shown_contact, shown_subscriptions
from crm_mail.api.operations import Answer, Reply, Taken
from crm_mail.api.problems import not_found, wrong
from crm_mail.api.resources import Page, actor, interface
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts import people
from crm_mail.contacts.models import Contact, RecipientKind
from crm_mail.contacts.values import AddressValues, ContactValues, SubscriptionValues
from crm_mail.permissions import Permission
from crm_mail.web.door import db

TAG = "Subscriptions"


class SubscriptionIn(Taken):
    """How a document type is received."""

    kind: RecipientKind = RecipientKind.TO
    email: Annotated[
        str, Field(max_length=254, description="One of the contact's own; empty: the usual one.")
    ] = ""


@interface.operation(
    "GET",
    "/contacts/<int:contact_id>/subscriptions",
    tag=TAG,
    scope=Permission.CONTACTS_SEE,
    answers=[Answer(200, "What the contact receives.", Page[SubscriptionOut])],
    refusals=[404],
)
def list_subscriptions(contact_id: int) -> Page[SubscriptionOut]:
    """What a contact receives; a type without a line is not received."""
    return Page[SubscriptionOut](data=shown_subscriptions(contact_or_404(contact_id)))


@interface.operation(
    "PUT",
    "/contacts/<int:contact_id>/subscriptions/<document_type>",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    body=SubscriptionIn,
    answers=[Answer(200, "The subscription as it is now.", SubscriptionOut)],
    refusals=[404, 409],
)
def set_subscription(contact_id: int, document_type: str, body: SubscriptionIn) -> SubscriptionOut:
    """Have a contact receive a document type, or change how."""
    contact = contact_or_404(contact_id)
    known = company_types(db(), contact.company_id).ids
    if document_type not in known:
        raise wrong("document_type", f"there is no type {document_type}", f"give one of: {', '.join(known)}")
    _change(contact, document_type, SubscriptionValues(body.kind, body.email))
    return next(one for one in shown_subscriptions(contact) if one.document_type == document_type)


@interface.operation(
    "DELETE",
    "/contacts/<int:contact_id>/subscriptions/<document_type>",
    tag=TAG,
    scope=Permission.CONTACTS_MANAGE,
    answers=[Answer(204, "It does not receive the type any more.", mime="")],
    refusals=[404, 409],
)
def end_subscription(contact_id: int, document_type: str) -> Reply:
    """Have a contact not receive a document type any more."""
    contact = contact_or_404(contact_id)
    if document_type not in {one.document_type for one in contact.subscriptions}:
        raise not_found("subscription", document_type)
    _change(contact, document_type, None)
    return Reply(None, 204)


def _change(contact: Contact, document_type: str, wanted: SubscriptionValues | None) -> None:
    """Everything else of the contact stays as it is."""
    stored = shown_contact(contact, "")
    subscriptions = {
        one.document_type: SubscriptionValues(one.kind, one.email) for one in stored.subscriptions
    }
    subscriptions.pop(document_type, None)
    if wanted is not None:
        subscriptions[document_type] = wanted
    own = ("name", "phone", "mobile", "language", "privacy_level", "state", "notes", "birthday")
    values = ContactValues(
        **{name: getattr(stored, name) for name in own},
        role_ids=tuple(role.id for role in contact.roles),
        addresses=tuple(AddressValues(one.email, one.kind) for one in stored.addresses),
        characteristics=tuple(stored.characteristics),
        subscriptions=subscriptions,
    )
    people.update_contact(db(), actor(), contact, values)
    db().flush()
