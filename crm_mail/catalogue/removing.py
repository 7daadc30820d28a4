"""Rows out of the catalogue, and back (RP-6).

A row that is removed loses the subscriptions to account statements that the actor may see. A contact that was made
here, and receives nothing else, becomes inactive: messages sent to it keep their history, and the undo finds it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.catalogue.facts import AT_ONCE, SOURCE, STATEMENT
from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.contacts.finding.conditions import visible_parties
from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import (
    Contact,
    ContactAddress,
    ContactState,
    Party,
    PartyChange,
    RecipientKind,
    Subscription,
)
from crm_mail.db import now
from crm_mail.many_rows import chunks
from crm_mail.permissions import Actor, Permission

KIND: Final = "catalogue_removal"
MOST: Final = 5000
TOLD: Final = 100


def remove_rows(session: Session, actor: Actor, party_ids: Sequence[int]) -> list[PartyChange]:
    """Take customers out of the catalogue; one change for each company, for `undo_removal`.

    Customers that the actor may not see, and those that are not in the catalogue, are passed over.

    Raises:
        PermissionDenied: the actor may not manage contacts.
    """
    actor.require(Permission.CONTACTS_MANAGE)
    companies = actor.company_ids(Permission.CONTACTS_SEE)
    query = select(Party.id, Party.company_id, Party.code).where(
        Party.id.in_(list(party_ids)[:MOST]), *visible_parties(actor.sight)
    )
    if companies is not None:
        query = query.where(Party.company_id.in_(companies))
    by_company: dict[int, dict[int, str]] = defaultdict(dict)
    for id_, company_id, code in session.execute(query.order_by(Party.id)):
        if actor.can(Permission.CONTACTS_MANAGE, company_id):
            by_company[company_id][id_] = code
    made = [_remove(session, actor, company_id, codes) for company_id, codes in by_company.items()]
    session.expire_all()
    return [change for change in made if change is not None]


def _remove(session: Session, actor: Actor, company_id: int, codes: dict[int, str]) -> PartyChange | None:
    ids, visible = list(codes), visible_contacts(actor.sight)
    held = session.execute(
        select(
            Subscription.contact_id, Subscription.recipient_kind, Subscription.address_id, Contact.party_id,
            Contact.privacy_level, Subscription.id,
        )
        .join(Contact, Contact.id == Subscription.contact_id)
        .where(Subscription.document_type == STATEMENT, Contact.party_id.in_(ids), visible)
        .order_by(Subscription.id)
    ).all()  # fmt: skip
    entered = list(session.scalars(select(CatalogueEntry.party_id).where(CatalogueEntry.party_id.in_(ids))))
    gone = {row.party_id for row in held} | set(entered)
    if not gone:
        return None
    for part in chunks([row.id for row in held], AT_ONCE):
        session.execute(delete(Subscription).where(Subscription.id.in_(part)))
    session.execute(delete(CatalogueEntry).where(CatalogueEntry.party_id.in_(entered)))
    contacts = _made_here(session, actor, sorted(gone))
    _set_state(session, contacts, ContactState.INACTIVE)
    change = PartyChange(
        company_id=company_id,
        user_id=actor.user_id,
        kind=KIND,
        count=len(gone),
        before=[
            ["subscriptions", [[row.contact_id, row.recipient_kind.value, row.address_id] for row in held]],
            ["contacts", contacts],
            ["entries", entered],
        ],
    )
    session.add(change)
    session.flush()
    level = max((row.privacy_level for row in held), default=0)
    told = sorted(codes[id_] for id_ in gone)[:TOLD]
    _tell(session, actor, change, "catalogue.rows.removed", level, before={"customers": told})
    return change


def _made_here(session: Session, actor: Actor, party_ids: Sequence[int]) -> list[int]:
    """Active contacts of this room that receive nothing any more."""
    receiving = select(Subscription.contact_id).join(Contact).where(Contact.party_id.in_(party_ids))
    query = select(Contact.id).where(
        Contact.party_id.in_(party_ids),
        Contact.source == SOURCE,
        Contact.state == ContactState.ACTIVE,
        visible_contacts(actor.sight),
        Contact.id.not_in(receiving),
    )
    return list(session.scalars(query))


def _set_state(session: Session, ids: Sequence[int], state: ContactState) -> None:
    for part in chunks(ids, AT_ONCE):
        values = {Contact.state: state, Contact.updated_at: now()}
        query = update(Contact).where(Contact.id.in_(part), Contact.state != state).values(values)
        session.execute(query.execution_options(synchronize_session=False))


def find_removal(session: Session, actor: Actor, change_id: int) -> PartyChange | None:
    """A removal of this person's that was not undone."""
    change = session.get(PartyChange, change_id)
    if change is None or change.kind != KIND or change.undone_at is not None:
        return None
    return change if change.user_id == actor.user_id else None


def undo_removal(session: Session, actor: Actor, change: PartyChange) -> int:
    """Put the rows back; contacts deleted or subscribed again meanwhile stay as they are. How many rows."""
    actor.require(Permission.CONTACTS_MANAGE, change.company_id)
    before: dict[str, Any] = dict(change.before)
    _set_state(session, before["contacts"], ContactState.ACTIVE)
    _resubscribe(session, actor, before["subscriptions"])
    mine = select(Party.id).where(Party.id.in_(before["entries"]), Party.company_id == change.company_id)
    present = select(CatalogueEntry.party_id)
    values = {"company_id": change.company_id, "added_by": actor.user_id, "added_at": now()}
    rows = [values | {"party_id": id_} for id_ in session.scalars(mine.where(Party.id.not_in(present)))]
    if rows:
        session.execute(insert(CatalogueEntry), rows)
    change.undone_at = now()
    _tell(session, actor, change, "catalogue.removal.undone")
    session.flush()
    session.expire_all()
    return change.count


def _resubscribe(session: Session, actor: Actor, held: Sequence[Sequence[Any]]) -> None:
    rows: list[dict[str, Any]] = []
    for part in chunks(held, AT_ONCE):
        ids = [contact_id for contact_id, _kind, _address in part]
        taken = select(Subscription.contact_id).where(Subscription.document_type == STATEMENT)
        free = select(Contact.id).where(Contact.id.in_(ids), visible_contacts(actor.sight))
        there = set(session.scalars(free.where(Contact.id.not_in(taken))))
        of_contacts = select(ContactAddress.id).where(ContactAddress.contact_id.in_(ids))
        addresses = set(session.scalars(of_contacts))
        rows += [
            {
                "contact_id": contact_id,
                "document_type": STATEMENT,
                "recipient_kind": RecipientKind(kind),
                "address_id": address_id if address_id in addresses else None,
            }
            for contact_id, kind, address_id in part
            if contact_id in there
        ]
    table = Subscription.__table__
    assert isinstance(table, Table)
    if rows:
        session.execute(insert(table), rows)


def _tell(
    session: Session, actor: Actor, change: PartyChange, action: str, level: int = 0, **detail: Any
) -> None:
    audit.record(
        session,
        actor,
        action,
        company_id=change.company_id,
        privacy_level=level,
        count=change.count,
        **detail,
    )
