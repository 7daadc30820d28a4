"""*Save*: rows become contacts, subscriptions and entries, in a few statements however many they are (RP-8).

The rows are checked again under a lock, so that what somebody changed since the preliminary list counts. Each company
gets one line in the audit; up to `TOLD` rows it names every address.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.catalogue.checking import CheckedRow, Wish, check_lines
from crm_mail.catalogue.facts import AT_ONCE, SOURCE, STATEMENT, Customer
from crm_mail.catalogue.lines import Line
from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.catalogue.verdicts import Outcome, Said
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactAddress, ContactState, RecipientKind, Subscription
from crm_mail.contacts.values import name_key
from crm_mail.db import now
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.bulk_insert import insert_rows
from crm_mail.many_rows import among, chunks, insert_many
from crm_mail.outbox.preparing.prepare import collector_paused
from crm_mail.permissions import Actor

TOLD: Final = 100
Wished = list[tuple[Customer, Wish]]


def save_lines(
    session: Session, actor: Actor, lines: Sequence[Line], company: Company | None = None
) -> list[CheckedRow]:
    """Write every row that can be written; each says what became of it. Addresses are added, never taken away.

    Args:
        company: of rows that name none.

    Raises:
        PermissionDenied: the actor may not manage contacts.
    """
    with collector_paused():
        rows = check_lines(session, actor, lines, company, lock=True)
        _write(session, actor, rows)
    session.expire_all()
    return rows


def _write(session: Session, actor: Actor, rows: Sequence[CheckedRow]) -> None:
    ready = [row for row in rows if row.outcome is Outcome.READY]
    wished: Wished = [(row.customer, wish) for row in ready if row.customer for wish in row.wishes]
    _use_known(session, [(customer, wish) for customer, wish in wished if wish.known])
    _make_contacts(session, [(customer, wish) for customer, wish in wished if not wish.known])
    _enter(session, actor, ready)
    _tell(session, actor, ready)
    for row in ready:
        row.outcome = Outcome.SAVED
        row.said = Said("saved" if row.wishes else "saved_own", row.said.params)


def _use_known(session: Session, wished: Wished) -> None:
    """Subscribe contacts that have the address; one that waited, or was removed here, is active again."""
    asleep = [
        wish.known.contact_id
        for _c, wish in wished
        if wish.known and wish.known.state not in (ContactState.ACTIVE, ContactState.RESTRICTED)
    ]
    for part in chunks(asleep, AT_ONCE):
        values = {Contact.state: ContactState.ACTIVE, Contact.updated_at: now()}
        session.execute(_quiet(update(Contact).where(among(session, Contact.id, part)).values(values)))
    known = [wish.known for _customer, wish in wished if wish.known and wish.is_subscribed]
    for part in chunks([one.contact_id for one in known], AT_ONCE):
        mine = among(session, Subscription.contact_id, part)
        session.execute(_quiet(delete(Subscription).where(mine, Subscription.document_type == STATEMENT)))
    insert_many(session, Subscription, [_subscription(one.contact_id, one.address_id) for one in known])


def _quiet(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)


def _make_contacts(session: Session, wished: Wished) -> None:
    """A contact for each new address, named as the customer (as an import without a name does), of level 0."""
    if not wished:
        return
    at = now()
    contacts = [
        {
            "company_id": customer.company_id,
            "party_id": customer.id,
            "name": customer.name[:200],
            "name_key": name_key(customer.name)[:200],
            "source": SOURCE,
            "created_at": at,
            "updated_at": at,
        }
        for customer, _wish in wished
    ]
    ids = insert_rows(session, Contact, contacts)
    addresses = [
        {"contact_id": id_, "email": wish.email, "kind": AddressKind.UNKNOWN, "position": 0}
        for id_, (_customer, wish) in zip(ids, wished, strict=True)
    ]
    insert_many(session, ContactAddress, addresses)
    wanted = [id_ for id_, (_customer, wish) in zip(ids, wished, strict=True) if wish.is_subscribed]
    insert_many(session, Subscription, [_subscription(id_, None) for id_ in wanted])


def _subscription(contact_id: int, address_id: int | None) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "document_type": STATEMENT,
        "recipient_kind": RecipientKind.TO,
        "address_id": address_id,
    }


def _enter(session: Session, actor: Actor, ready: Sequence[CheckedRow]) -> None:
    """New entries; the lock of the company keeps others from making the same ones."""
    wanted = {row.customer.id: row.customer.company_id for row in ready if row.customer}
    present: set[int] = set()
    for part in chunks(wanted, AT_ONCE):
        mine = among(session, CatalogueEntry.party_id, part)
        present.update(session.scalars(select(CatalogueEntry.party_id).where(mine)))
    fixed = {"added_by": actor.user_id, "added_at": now()}
    rows = [{"party_id": id_, "company_id": wanted[id_], **fixed} for id_ in sorted(wanted.keys() - present)]
    insert_many(session, CatalogueEntry, rows)


def _tell(session: Session, actor: Actor, ready: Sequence[CheckedRow]) -> None:
    by_company: dict[int, list[CheckedRow]] = defaultdict(list)
    for row in ready:
        if row.customer:
            by_company[row.customer.company_id].append(row)
    for company_id, rows in by_company.items():
        levels = [wish.known.level for row in rows for wish in row.wishes if wish.known]
        after = [[row.line.code, [wish.email for wish in row.wishes]] for row in rows[:TOLD]]
        audit.record(
            session,
            actor,
            "catalogue.rows.saved",
            company_id=company_id,
            label=rows[0].line.code if len(rows) == 1 else "",
            privacy_level=max(levels, default=0),
            count=len(rows),
            after={"rows": after},
        )


def save_one(session: Session, actor: Actor, line: Line) -> CheckedRow:
    """Single entry (RP-3, RP-4): the same way as many rows."""
    return save_lines(session, actor, [replace(line, number=1)])[0]
