"""Reminders as documents: who is proposed, and the letters of the chosen ones (PD-9 to PD-13, formats section 4)."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Party
from crm_mail.documents.models import Document
from crm_mail.documents.service import NewDocument, Stored, store_computed
from crm_mail.many_rows import insert_many
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.dunning import Debtor, Letter, Proposal, letter_data, propose
from crm_mail.receivables.ledger import Entry
from crm_mail.receivables.models import Reminder
from crm_mail.receivables.overtaking import bring_back, overtake
from crm_mail.receivables.reading import (
    Given,
    reachable,
    read_customers,
    read_reminders,
    read_waiting,
    with_lines,
)
from crm_mail.receivables.service import LARGEST_RUN, LETTER, SOURCE, Made, TooMany, party_data
from crm_mail.receivables.settings import Choices, read_choices
from crm_mail.storage import BlobStore


@dataclass(frozen=True, slots=True)
class Proposed:
    """One customer of the proposal list."""

    party: Party
    proposal: Proposal

    @property
    def letters(self) -> tuple[Letter, ...]:
        """What is proposed."""
        return self.proposal.letters

    def only(self, levels: Container[int]) -> "Proposed":
        """The same customer with the letters of these levels."""
        letters = tuple(letter for letter in self.letters if letter.level in levels)
        return Proposed(self.party, Proposal(letters, self.proposal.refusals))


def propose_reminders(session: Session, actor: Actor, parties: PartyFilter, as_of: date) -> list[Proposed]:
    """Every customer with lines: the letters proposed, and why others are not reminded; by code.

    Raises:
        PermissionDenied: the actor may not prepare reminders here.
    """
    company_id = parties.company_id
    actor.require(Permission.OUTBOX_PREPARE, company_id, LETTER.value)
    rules = read_choices(session, company_id).rules
    given, waiting = read_reminders(session, company_id), read_waiting(session, company_id)
    able = set(session.scalars(reachable(parties, actor.sight)))
    found = []
    for customer in read_customers(session, with_lines(parties, actor.sight)):
        party = customer.party
        entries = _with_given(customer.account.open_entries(as_of), given.get(party.id, {}))
        days = [entry.reminded_on for entry in entries if entry.reminded_on]
        days += [one.day for one in given.get(party.id, {}).values()]
        debtor = Debtor(
            is_blocked=party.is_blocked,
            has_address=party.id in able,
            is_business=bool(party.vat_number),
            last_reminded_on=max(days, default=None),
            has_waiting=party.id in waiting,
        )
        proposal = propose(debtor, entries, as_of, rules)
        if proposal.letters or proposal.refusals:
            found.append(Proposed(party, proposal))
    return found


def _with_given(entries: Iterable[Entry], given: dict[str, Given]) -> list[Entry]:
    """The entries with what we sent ourselves: the higher level, the later day."""
    return [_reminded(entry, given[entry.key]) if entry.key in given else entry for entry in entries]


def _reminded(entry: Entry, given: Given) -> Entry:
    level = given.level if entry.level is None else max(entry.level, given.level)
    day = given.day if entry.reminded_on is None else max(entry.reminded_on, given.day)
    return replace(entry, level=level, reminded_on=day)


def make_letters(
    session: Session,
    actor: Actor,
    store: BlobStore,
    company: Company,
    proposed: Iterable[Proposed],
    as_of: date,
    limit: int = LARGEST_RUN,
) -> Made:
    """Make the letters of the proposals given; which lines stand in each is kept with its level.

    Raises:
        PermissionDenied: the actor may not prepare reminders here.
        TooMany: more than one run takes.
    """
    actor.require(Permission.OUTBOX_PREPARE, company.id, LETTER.value)
    choices, made = read_choices(session, company.id), Made()
    rows: list[dict[str, Any]] = []
    for one in proposed:
        for letter in one.letters:
            if len(made.documents) >= limit:
                raise TooMany(limit)
            document, stored = _keep_letter(session, actor, store, one.party, letter, as_of, choices)
            made.add(document, stored)
            if stored is not Stored.UNCHANGED:
                rows += _reminders(document, letter)
    insert_many(session, Reminder, rows)
    overtake(session, company.id, LETTER, SOURCE, made.parties, as_of)
    if made.created or made.versions:
        audit.record(
            session, actor, "receivables.letters.made", company_id=company.id,
            label=as_of.isoformat(), created=made.created, versions=made.versions,
        )  # fmt: skip
    return made


def _keep_letter(
    session: Session,
    actor: Actor,
    store: BlobStore,
    party: Party,
    letter: Letter,
    as_of: date,
    choices: Choices,
) -> tuple[Document, Stored]:
    number = f"{party.code}-{as_of:%Y%m%d}-{letter.level}-{letter.currency}"
    data = letter_data(letter, as_of, number=number, party=party_data(party)) | {"payment": choices.payment}
    new = NewDocument(
        LETTER,
        number[:60],
        as_of,
        [],
        currency=letter.currency,
        gross_total=letter.total,
        first_due_on=letter.pay_by,
        data=data,
        source=SOURCE,
        key_owner=party.code,
    )
    document, stored = store_computed(session, actor, store, party, new)
    bring_back(document)
    return document, stored


def _reminders(document: Document, letter: Letter) -> list[dict[str, Any]]:
    """Which lines stand in a new letter, with the level that each reaches by it."""
    return [
        {
            "company_id": document.company_id,
            "party_id": document.party_id,
            "document_id": document.id,
            "source_key": item.entry.key,
            "level": item.level,
        }
        for item in letter.items
        if item.level is not None
    ]
