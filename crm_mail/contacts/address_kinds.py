"""Whether the addresses on cards are PEC: what a person says is kept there; which domains are still to be looked up."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.finding.conditions import visible_contacts, visible_parties
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.delivery.addresses import domain_of
from crm_mail.delivery.domains.pec_domains import judge_by_list
from crm_mail.delivery.domains.pec_ladder import fresh_domains
from crm_mail.delivery.routing import AddressKind
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor, Permission

AT_ONCE = 5000


def remember_kind(
    session: Session, actor: Actor, company_id: int, emails: Collection[str], kind: AddressKind
) -> int:
    """Write a person's word on every card of the company that has one of these addresses and says nothing yet.

    Contacts above the actor's clearance are left as they are. Returns how many entries were changed.

    Raises:
        PermissionDenied
    """
    actor.require(Permission.CONTACTS_MANAGE, company_id)
    changed, wanted = 0, sorted(set(emails))
    visible = select(Contact.id).where(Contact.company_id == company_id, visible_contacts(actor.sight))
    for part in chunks(wanted, AT_ONCE):
        statements = [
            update(ContactAddress)
            .where(
                ContactAddress.email.in_(part),
                ContactAddress.kind == AddressKind.UNKNOWN,
                ContactAddress.contact_id.in_(visible),
            )
            .values(kind=kind),
            update(Party)
            .where(
                Party.company_id == company_id,
                *visible_parties(actor.sight),
                Party.email.in_(part),
                Party.email_kind == AddressKind.UNKNOWN,
            )
            .values(email_kind=kind),
            update(Party)
            .where(
                Party.company_id == company_id,
                *visible_parties(actor.sight),
                Party.billing_email.in_(part),
                Party.billing_email_kind == AddressKind.UNKNOWN,
            )
            .values(billing_email_kind=kind),
        ]
        for statement in statements:
            done = session.connection().execute(statement.execution_options(synchronize_session=False))
            changed += done.rowcount
    session.expire_all()
    if changed:
        audit.record(
            session,
            actor,
            "contacts.kind.said",
            company_id=company_id,
            label=", ".join(wanted[:3]),
            privacy_level=actor.sight.clearance,
            kind=kind.value,
            count=changed,
        )
    return changed


def waiting_domains(
    session: Session, moment: datetime, most: int, company_id: int | None = None
) -> list[str]:
    """Domains of addresses of unknown kind that no list knows and nobody has looked up lately, the first ones.

    Args:
        company_id: of this company alone; None: of all.
    """
    domains = {domain_of(email) for email in _unknown_emails(session, company_id)} - {""}
    unlisted = {domain for domain in domains if judge_by_list(domain) is None}
    return sorted(unlisted - fresh_domains(session, unlisted, moment))[:most]


def _unknown_emails(session: Session, company_id: int | None) -> Sequence[str]:
    contacts = select(ContactAddress.email).where(ContactAddress.kind == AddressKind.UNKNOWN)
    own = select(Party.email).where(Party.email != "", Party.email_kind == AddressKind.UNKNOWN)
    billing = select(Party.billing_email).where(
        Party.billing_email != "", Party.billing_email_kind == AddressKind.UNKNOWN
    )
    behind = select(Party.packaging_emails).where(Party.packaging_emails != "")
    if company_id is not None:
        contacts = contacts.join(Contact, Contact.id == ContactAddress.contact_id).where(
            Contact.company_id == company_id
        )
        own, billing, behind = (q.where(Party.company_id == company_id) for q in (own, billing, behind))
    found = [*session.scalars(contacts), *session.scalars(own), *session.scalars(billing)]
    for emails in session.scalars(behind):
        found += emails.split(",")
    return found
