"""Statements as documents, and from there with the reminders into the one gate: a run that waits for review.

Nothing here sends. A statement is a document of its customer, its cut-off date and its layout: worked out again from
the same data it is the same document, from other data a new version of it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.selection import party_query
from crm_mail.contacts.models import Party
from crm_mail.db import today
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import Document
from crm_mail.documents.printing import statement_file_name
from crm_mail.documents.service import FileRole, NewDocument, Stored, store_computed
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.overtaking import bring_back, overtake
from crm_mail.receivables.reading import (
    Customer,
    customers,
    reachable,
    read_customers,
)
from crm_mail.receivables.settings import Choices, read_choices
from crm_mail.receivables.statements import Layout, make_blocks, statement_data
from crm_mail.refusals import Refusal
from crm_mail.storage import BlobStore

STATEMENT, LETTER = DocumentType.ACCOUNT_STATEMENT, DocumentType.DUNNING_LETTER
SOURCE = "receivables"
LARGEST_RUN = 20_000
"""Documents of one run; more would not fit into one statement's parameters."""
AT_ONCE = 2000
"""Documents that are made while a person waits for the page; the command line makes more."""


class TooMany(Refusal):
    """More customers than one run takes: narrow the range of codes and make several runs."""

    def __init__(self, limit: int = LARGEST_RUN) -> None:
        super().__init__(
            f"more than {limit} customers are meant, which is more than one run takes: "
            "narrow the range of codes and make several runs"
        )
        self.limit = limit


class NothingToSend(Refusal):
    """None of the customers meant has anything to tell: import the open items, or change the choice."""

    def __init__(self) -> None:
        super().__init__(
            "there is nothing to send for this choice: import the open items, or choose other customers"
        )


@dataclass(frozen=True, slots=True)
class StatementChoice:
    """What the statement page asks.

    Args:
        parties: the customers; empty means everybody, which must be asked (PD-13).
        as_of: the cut-off date.
        from_on: first day of the period, for the layout *movements*.
    """

    parties: PartyFilter
    as_of: date
    layout: Layout = Layout.OPEN_ITEMS
    from_on: date | None = None


@dataclass(slots=True)
class Made:
    """The documents that a choice gave."""

    documents: list[int] = field(default_factory=list)
    parties: list[int] = field(default_factory=list)
    created: int = 0
    versions: int = 0
    unchanged: int = 0
    empty: int = 0

    def join(self, other: "Made") -> None:
        """Count another part of the same run."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def add(self, document: Document, stored: Stored) -> None:
        """Count a document."""
        self.documents.append(document.id)
        self.parties.append(document.party_id)
        self.created += stored is Stored.CREATED
        self.versions += stored is Stored.VERSION
        self.unchanged += stored is Stored.UNCHANGED


def party_data(party: Party) -> dict[str, Any]:
    """The canonical ``party`` of a document."""
    names = ("code", "name", "vat_number", "tax_code", "address", "postcode", "city", "province", "country")
    return {name: value for name in names if (value := getattr(party, name))}


def build_statement(customer: Customer, choice: StatementChoice, choices: Choices) -> dict[str, Any] | None:
    """The canonical data of one customer's statement; None when there is nothing to tell."""
    blocks = make_blocks(customer.account, choice.layout, choice.as_of, choice.from_on)
    if not blocks:
        return None
    return statement_data(
        blocks,
        choice.layout,
        choice.as_of,
        number=f"{customer.party.code}-{choice.as_of:%Y%m%d}",
        party=party_data(customer.party),
        from_on=choice.from_on if choice.layout is Layout.MOVEMENTS else None,
        comment=choices.comment,
        payment=choices.payment,
    )


def make_statements(
    session: Session,
    actor: Actor,
    store: BlobStore,
    company: Company,
    choice: StatementChoice,
    among: Collection[int] | None = None,
    limit: int = LARGEST_RUN,
) -> Made:
    """Make the statements of the customers meant that have an address (PD-12) and something to tell.

    Args:
        among: only these customers; the command line takes some hundred at a time, each in a short transaction.
        limit: of documents.

    Raises:
        PermissionDenied: the actor may not prepare statements here.
        TooMany: more than one run takes.
    """
    actor.require(Permission.OUTBOX_PREPARE, company.id, STATEMENT.value)
    choices, made = read_choices(session, company.id), Made()
    chosen = reachable(choice.parties, actor.sight)
    if among is not None:
        chosen = chosen.where(Party.id.in_(among))
    for customer in read_customers(session, chosen):
        data = build_statement(customer, choice, choices)
        if data is None:
            made.empty += 1
        elif len(made.documents) >= limit:
            raise TooMany(limit)
        else:
            made.add(*_keep_statement(session, actor, store, customer.party, data))
    overtake(session, company.id, STATEMENT, SOURCE, made.parties, choice.as_of)
    if made.created or made.versions:
        audit.record(
            session, actor, "receivables.statements.made", company_id=company.id,
            label=choice.as_of.isoformat(), created=made.created, versions=made.versions,
        )  # fmt: skip
    return made


def _keep_statement(
    session: Session, actor: Actor, store: BlobStore, party: Party, data: dict[str, Any]
) -> tuple[Document, Stored]:
    """Keep a statement; one drawn on an earlier day gets the name of today's sending (RP-13)."""
    document, stored = store_computed(session, actor, store, party, _statement(party, data))
    bring_back(document)
    for file in document.files:
        if file.is_rendered and file.role == FileRole.MAIN.value:
            file.name = statement_file_name(party.code, today())
    return document, stored


def find_statement(
    session: Session, actor: Actor, party: Party, choice: StatementChoice
) -> dict[str, Any] | None:
    """One customer's statement as data, for its preview; None when there is nothing to tell."""
    actor.require(Permission.OUTBOX_PREPARE, party.company_id, STATEMENT.value)
    mine = party_query(customers(PartyFilter(party.company_id, codes=(party.code,))), actor.sight)
    found = next(iter(read_customers(session, mine)), None)
    return None if found is None else build_statement(found, choice, read_choices(session, party.company_id))


def _statement(party: Party, data: dict[str, Any]) -> NewDocument:
    is_single = not data.get("blocks")
    as_of = date.fromisoformat(data["as_of"])
    return NewDocument(
        STATEMENT,
        data["number"],
        as_of,
        [],
        series="",
        currency=data["currency"],
        gross_total=data["closing"] if is_single else None,
        data=data,
        source=SOURCE,
        key_owner=f"{party.code}:{data['layout']}:{as_of:%m%d}",
    )


def run_criteria(
    company_id: int, document_type: DocumentType, made: Made, *, only_unsent: bool = True
) -> Criteria:
    """The criteria of the run that carries these documents and no others.

    Raises:
        NothingToSend: there are none.
    """
    if not made.documents:
        raise NothingToSend
    return Criteria(
        PartyFilter(company_id),
        document_types=(document_type.value,),
        only_unsent=only_unsent,
        document_ids=tuple(made.documents),
    )
