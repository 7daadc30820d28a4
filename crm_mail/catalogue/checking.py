"""*Process*: what would become of each row, worked out for all rows at once; nothing is written (RP-8)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.catalogue.facts import Customer, KnownContact, find_with_zeros, load_customers
from crm_mail.catalogue.lines import Line
from crm_mail.catalogue.verdicts import Outcome, Said
from crm_mail.companies.models import Company
from crm_mail.contacts.models import ContactState
from crm_mail.delivery.addresses import AddressInvalid, address_key, normalise_address, split_addresses
from crm_mail.outbox.preparing.prepare import collector_paused
from crm_mail.permissions import Actor, Permission


@dataclass(slots=True)
class Wish:
    """An address to be added: to a contact that is known already, or as a new one.

    Args:
        is_subscribed: False when somebody whom the actor may not know receives there already.
    """

    email: str
    known: KnownContact | None = None
    is_subscribed: bool = True


NO_NUMBER = Said("number_missing")


@dataclass(slots=True)
class CheckedRow:
    """A row with what is said of it."""

    line: Line
    outcome: Outcome = Outcome.REFUSED
    said: Said = NO_NUMBER
    notes: list[Said] = field(default_factory=list)
    customer: Customer | None = None
    wishes: list[Wish] = field(default_factory=list)


def manageable_companies(session: Session, actor: Actor) -> list[Company]:
    """The companies whose contacts the actor may change, by code."""
    every = session.scalars(select(Company).order_by(Company.code))
    return [
        one
        for one in every
        if actor.can(Permission.CONTACTS_MANAGE, one.id) and actor.can(Permission.CONTACTS_SEE, one.id)
    ]


def check_lines(
    session: Session,
    actor: Actor,
    lines: Sequence[Line],
    company: Company | None = None,
    *,
    lock: bool = False,
) -> list[CheckedRow]:
    """One answer for each row, in order.

    Args:
        company: of rows that name none.
        lock: the rows are about to be saved.

    Raises:
        PermissionDenied: the actor may not manage contacts.
    """
    actor.require(Permission.CONTACTS_MANAGE)
    with collector_paused():
        return _check_all(session, actor, lines, company, lock)


def _check_all(
    session: Session, actor: Actor, lines: Sequence[Line], company: Company | None, lock: bool
) -> list[CheckedRow]:
    checked = [CheckedRow(line) for line in lines]
    companies = {one.code.casefold(): one for one in manageable_companies(session, actor)}
    by_company: dict[int, list[CheckedRow]] = defaultdict(list)
    codes = {one.id: one.code for one in companies.values()}
    for row in checked:
        if found := _company_of(row, companies, company):
            by_company[found.id].append(row)
    if lock:  # one at a time for each company; SQLite writes one at a time anyway
        mine = select(Company.id).where(Company.id.in_(by_company)).order_by(Company.id)
        session.execute(mine.with_for_update(key_share=True))
    for company_id, rows in sorted(by_company.items()):
        _check_company(session, actor, company_id, codes[company_id], rows)
    return checked


def _company_of(row: CheckedRow, companies: dict[str, Company], default: Company | None) -> Company | None:
    """The company of a row that names a customer."""
    line = row.line
    if line.problem:
        row.said = Said("scientific", {"value": line.problem})
        return None
    named = line.company or (default.code if default else "")
    if not named:
        row.said = Said("company_missing")
        return None
    found = companies.get(named.casefold())
    if found is None:
        row.said = Said("company_unknown", {"company": named[:60]})
    elif not line.code:
        return None
    return found


def _check_company(
    session: Session, actor: Actor, company_id: int, name: str, rows: Sequence[CheckedRow]
) -> None:
    customers = load_customers(session, actor, company_id, [row.line.code for row in rows])
    unknown = {row.line.code for row in rows} - customers.keys()
    meant = find_with_zeros(session, company_id, unknown)
    first: dict[int, int] = {}
    for row in rows:
        code = row.line.code
        row.customer = customers.get(code)
        if row.customer is None:
            values = {"code": code[:60], "company": name}
            row.said = Said("number_unknown", values)
            if code in meant:
                row.said = Said("zeros", values | {"suggestion": meant[code]})
        elif not row.customer.is_customer:
            row.said = Said("supplier_only", {"code": code, "company": name})
        else:
            _judge(row, row.customer, first)


def _judge(row: CheckedRow, customer: Customer, first: dict[int, int]) -> None:
    """Decide on a row of a known customer; what it adds counts as present for the rows below."""
    emails = []
    for text in split_addresses(row.line.emails):
        try:
            emails.append(normalise_address(_lower_domain(text)))
        except AddressInvalid as invalid:
            reason = str(invalid).rstrip(".")
            row.said = Said("email_invalid", {"value": text[:80], "reason": reason})
            return
    row.wishes = [wish for email in emails if (wish := _wish(customer, email))]
    before = first.get(customer.id)
    if not row.wishes and (customer.is_entered or customer.receiving):
        row.outcome = Outcome.SKIPPED
        row.said = Said("already") if before is None else Said("repeated", {"row": before})
        first.setdefault(customer.id, row.line.number)
        return
    if not row.wishes and not customer.own_address:
        row.said = Said("no_address", {"code": customer.code})
        return
    row.outcome = Outcome.READY
    first.setdefault(customer.id, row.line.number)
    customer.is_entered = True
    if row.wishes:
        row.said = Said("adds", {"emails": "; ".join(wish.email for wish in row.wishes)})
    else:
        row.said = Said("own_address", {"email": customer.own_address.replace(",", "; ")})
    row.notes = _notes(row, customer, before)


def _lower_domain(text: str) -> str:
    """The domain in lower case, as it is kept anyway: such an address is judged fifty times quicker."""
    local, sign, domain = text.rpartition("@")
    return f"{local}{sign}{domain.lower()}" if domain.isascii() else text


def _wish(customer: Customer, email: str) -> Wish | None:
    """What has to be done for an address; None: it receives already."""
    key = address_key(email)
    if key in customer.receiving or (key in customer.held and key in customer.made):
        return None
    customer.receiving.add(key)
    known = customer.free.get(key)
    if known is not None and known.state is ContactState.INACTIVE and key in customer.held:
        return Wish(email, known, is_subscribed=False)
    return Wish(email, known if key not in customer.held else None, is_subscribed=key not in customer.held)


def _notes(row: CheckedRow, customer: Customer, before: int | None) -> list[Said]:
    notes = [] if before is None else [Said("same_customer", {"row": before})]
    if row.wishes and customer.billing_email:
        notes.append(Said("billing_alone", {"email": customer.billing_email}))
    elif row.wishes and customer.packaging_emails:
        notes.append(Said("packaging_alone"))
    if customer.is_blocked:
        notes.append(Said("blocked"))
    return notes
