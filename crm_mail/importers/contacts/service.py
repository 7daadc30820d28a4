"""Contacts and parties from a file: read row by row, applied in batches, in the one transaction of the door.

Memory does not grow with the file but for one short entry for each party code and contact that the file spoke of.
A row that cannot be read or stored is reported and left out; the others are applied. A dry run does everything in
a savepoint and rolls it back, so it says exactly what applying would do, also about rows that depend on earlier ones.

Several master addresses in one cell are all recipients (RP-2): the first is the party's own address, and each of
them is a contact, named after its address, that receives every document type of the party's side of the business,
except the types that somebody else of the party receives already (PM-15: who is subscribed silences the master
address). They are made once; what is changed on them by hand later stays.
"""

import itertools
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company, Packaging
from crm_mail.companies.type_registry import CompanyTypes, company_types
from crm_mail.contacts.consents.imported import NewWord, note_imported
from crm_mail.contacts.consents.rules import Decision
from crm_mail.contacts.erased_addresses import ErasedAddresses
from crm_mail.contacts.models import Role
from crm_mail.contacts.values import name_key, one_line
from crm_mail.document_types import Direction
from crm_mail.importers.base import (
    Notice,
    ParsedAddress,
    ParsedContact,
    ParsedRow,
    ParsedSubscription,
    RowError,
)
from crm_mail.importers.contacts.changes import Change, consent_change, party_change, record_changes
from crm_mail.importers.contacts.import_result import ContactImportResult
from crm_mail.importers.contacts.merge import ContactMerge, Wanted
from crm_mail.importers.contacts.party_merge import PartyBatch, PartyMerge, PartyState
from crm_mail.importers.contacts.row_rules import find_row_errors, warn_of_phones
from crm_mail.importers.contacts.rows import ContactFile, RowContext, open_contact_file
from crm_mail.importers.contacts.states import ContactItem, load_contacts, subscribed_types
from crm_mail.importers.contacts.writing import write_contacts
from crm_mail.importers.tables.mappings import load_mapping
from crm_mail.importers.tables.table_rows import TableLimits
from crm_mail.outbox.links.unsubscribing import drop_unsubscribed
from crm_mail.permissions import Actor, Permission

BATCH: Final = 2_000
"""Rows that are worked on together."""


def import_contacts(
    session: Session,
    actor: Actor,
    company: Company,
    source: bytes | Path,
    *,
    columns: Mapping[str, str] | None = None,
    mapping: str = "",
    dry_run: bool = False,
    sheet: str | None = None,
    limits: TableLimits | None = None,
    name: str = "",
) -> ContactImportResult:
    """Import a table of parties and contacts into a company. The door commits; nothing is kept when this raises.

    Args:
        source: the bytes of a file, or the path of one, which is streamed.
        columns: header → field; without it the columns are recognised by their names.
        mapping: name of a saved mapping of the company, used when `columns` is not given.
        dry_run: say what would happen; everything is rolled back.
        sheet: which sheet of a workbook; the first filled one by default.
        name: the file's name, for the audit.

    Raises:
        ImportRefused: the file is no table, holds no contacts, or the mapping does not fit it.
        MappingUnknown: the company has no mapping of that name.
        PermissionDenied: the actor may not manage contacts.
    """
    actor.require(Permission.CONTACTS_MANAGE, company.id)
    if columns is None and mapping:
        columns = load_mapping(session, actor, company.id, mapping)
    context = row_context(session, company)
    file = open_contact_file(source, columns=columns, context=context, limits=limits, sheet=sheet)
    with session.begin_nested() as savepoint:
        result = _Work(session, actor, company, file, name, dry_run).run()
        if dry_run:
            savepoint.rollback()
    session.expire_all()  # the statements went past the objects that the caller may hold
    if not dry_run and (result.created or result.updated):
        audit.record(
            session,
            actor,
            "importers.contacts.imported",
            company_id=company.id,
            label=name,
            created=result.created,
            updated=result.updated,
            unchanged=result.unchanged,
            consents=result.consents,
            error_rows=result.error_rows,
        )
    return result


def row_context(session: Session, company: Company) -> RowContext:
    """What the rows of a file are read for: the company's types and packagings."""
    query = select(Packaging.code, Packaging.party_code).where(Packaging.company_id == company.id)
    packagings = {code: party_code for code, party_code in session.execute(query)}
    return RowContext(company.code, frozenset(company_types(session, company.id).ids), packagings=packagings)


@dataclass(slots=True)
class _Outcome:
    """What becomes of a row: its party, whether the row made or changed it, and its contacts likewise."""

    party: PartyState
    is_party_touched: bool
    contacts: list[Wanted]


class _Work:
    """One import on its way."""

    def __init__(
        self,
        session: Session,
        actor: Actor,
        company: Company,
        file: ContactFile,
        name: str,
        dry_run: bool,
    ) -> None:
        self.session = session
        self.actor = actor
        self.company = company
        self.file = file
        self.name = name
        self.result = ContactImportResult(dry_run=dry_run, columns=file.mapping.to_dict())
        self.headers = {target: header for header, target in reversed(list(file.mapping.columns.items()))}
        self.parties = PartyMerge(session, company.id, actor.sight)
        self.role_ids, self.role_names = self._read_roles()
        self.contacts = ContactMerge(self.role_ids, self.role_names, ErasedAddresses(session, company.id))

    def run(self) -> ContactImportResult:
        for rows in _batches(self.file.rows()):
            valid = self._take_valid(rows)
            if valid:
                self._apply(valid)
        result = self.result
        result.parties_created, result.parties_updated = self.parties.created, self.parties.updated
        result.notes = self.file.notes()
        return result

    def _take_valid(self, rows: Iterable[ParsedRow]) -> list[ParsedRow]:
        valid = []
        for row in rows:
            self.result.rows += 1
            errors = row.errors or find_row_errors(row, self.actor.sight, self.headers)
            if errors or row.party is None:
                self.result.add_errors(errors)
            else:
                self.result.add_warnings(row.warnings)
                valid.append(row)
        return valid

    def _apply(self, rows: Sequence[ParsedRow]) -> None:
        notices: list[Notice] = []
        parties = self.parties.load(rows)
        if outside := self.parties.outside(parties, rows):
            self.result.add_errors(tuple(RowError(one, None, "outside_sight") for one in sorted(outside)))
            rows = [row for row in rows if row.row not in outside]
        self._add_roles(rows)
        outcomes = self._merge_parties(parties, rows, notices)
        wanted = [item for outcome in outcomes for item in outcome.contacts]
        batch = load_contacts(
            self.session,
            self.actor.sight,
            {item.party.id: item.party for item in wanted if item.party.id},
            (item.key for item in wanted),
            (key for item in wanted for key in item.keys),
        )
        changes: list[Change] = []
        found = self.contacts.merge(batch, wanted, notices, changes)
        merged = iter(found)
        self.parties.write(parties)
        created, updated = write_contacts(self.session, self.company.id, batch.items)
        said = [(one.id, item.contact.consents) for item, (one, *_) in zip(wanted, found, strict=True)]
        spoke = note_imported(self.session, self.actor, self.company.id, said)
        self.result.consents += sum(map(len, spoke.values()))
        gone = {
            one.party.id
            for item, (one, *_) in zip(wanted, found, strict=True)
            if one.id in spoke and any(e.decision is Decision.WITHDRAWN for e in item.contact.consents)
        }
        if gone:
            drop_unsubscribed(self.session, self.actor, gone)
        of_parties = [party_change(*one) for one in parties.changed if one[1].changes()]
        self._tell([*of_parties, *changes], _consent_changes(wanted, found, spoke))
        for outcome in outcomes:
            self._count(outcome, [next(merged) for _ in outcome.contacts], spoke)
        self.contacts.close_batch(batch)
        self.result.contacts_created += created
        self.result.contacts_updated += updated
        self.result.add_warnings(tuple(notices))

    def _merge_parties(
        self, parties: PartyBatch, rows: Sequence[ParsedRow], notices: list[Notice]
    ) -> list[_Outcome]:
        """Each row's party, and the contacts that the row asks for there."""
        outcomes = []
        several = []
        for row in rows:
            state, touched = self.parties.merge(parties, row, notices)
            outcome = _Outcome(state, touched, [])
            if row.contact is not None:
                nameless = any(warning.code == "contact_named_as_party" for warning in row.warnings)
                outcome.contacts.append(Wanted(row.row, state, row.contact, is_nameless=nameless))
            warn_of_phones(row, notices)
            if row.party is not None:
                _warn_of_billing(row, notices)
                if len(row.party.emails) > 1:
                    several.append((row, outcome))
            outcomes.append(outcome)
        self._add_master_contacts(several)
        return outcomes

    def _add_master_contacts(self, several: Sequence[tuple[ParsedRow, _Outcome]]) -> None:
        if not several:
            return
        ids = {outcome.party.id for _, outcome in several if outcome.party.id}
        taken = subscribed_types(self.session, self.actor.sight, ids)
        known = company_types(self.session, self.company.id)
        for row, outcome in several:
            assert row.party is not None
            others = set(taken.get(outcome.party.id, ())) if outcome.party.id else set()
            if row.contact is not None:
                others |= {item.document_type for item in row.contact.subscriptions}
            types = [name for name in _types_for(outcome.party, known) if name not in others]
            own = {address.email for address in row.contact.addresses} if row.contact else set()
            for email in row.party.emails:
                if email not in own:
                    contact = ParsedContact(
                        email,
                        addresses=(ParsedAddress(email),),
                        subscriptions=tuple(ParsedSubscription(name) for name in types),
                    )
                    outcome.contacts.append(
                        Wanted(row.row, outcome.party, contact, is_nameless=True, only_if_new=True)
                    )

    def _count(
        self,
        outcome: _Outcome,
        contacts: Sequence[tuple[ContactItem, bool, bool]],
        spoke: Container[int],
    ) -> None:
        made = any(is_new for _, is_new, _ in contacts)
        changed = any(changed or one.id in spoke for one, _, changed in contacts)
        party = outcome.party
        if made or (not contacts and outcome.is_party_touched and party.stored is None):
            self.result.created += 1
        elif changed or (outcome.is_party_touched and party.changes()):
            self.result.updated += 1
        else:
            self.result.unchanged += 1

    def _tell(self, changes: Sequence[Change], consents: Sequence[Change]) -> None:
        """Keep what is different for the answer, and for the history what its ledger does not tell."""
        self.result.add_changes([*changes, *consents])
        if not self.result.dry_run:
            record_changes(self.session, self.actor, self.company.id, self.name, changes)

    def _read_roles(self) -> tuple[dict[str, int], dict[int, str]]:
        """Role ids by key, and their names."""
        query = select(Role.id, Role.name).where(Role.company_id == self.company.id)
        names = {role_id: name for role_id, name in self.session.execute(query)}
        return {name_key(name): role_id for role_id, name in names.items()}, names

    def _add_roles(self, rows: Iterable[ParsedRow]) -> None:
        """Roles that the company's list does not have yet (IT-10)."""
        for row in rows:
            for name in row.contact.roles if row.contact is not None else ():
                key = name_key(name)
                if key not in self.role_ids:
                    role = Role(company_id=self.company.id, name=one_line(name))
                    self.session.add(role)
                    self.session.flush()
                    self.role_ids[key], self.role_names[role.id] = role.id, role.name
                    self.result.roles_created.append(role.name)


def _batches(rows: Iterator[ParsedRow]) -> Iterator[list[ParsedRow]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _consent_changes(
    wanted: Sequence[Wanted],
    found: Sequence[tuple[ContactItem, bool, bool]],
    spoke: Mapping[int, Sequence[NewWord]],
) -> list[Change]:
    """What rows say of the consents of stored contacts that was not known."""
    changes = []
    for item, (one, *_rest) in zip(wanted, found, strict=True):
        if one.stored is None or one.id not in spoke:
            continue
        words = {
            "/".join(word.entry.subject): (word.before or "", word.entry.decision.value)
            for word in spoke[one.id]
            if word.entry in item.contact.consents
        }
        if words:
            changes.append(consent_change(item.row, one, words))
    return changes


def _types_for(party: PartyState, types: CompanyTypes) -> list[str]:
    """The document types that go to a customer, to a supplier, or to either."""
    sides = {
        side
        for side, name in ((Direction.CUSTOMER, "is_customer"), (Direction.SUPPLIER, "is_supplier"))
        if party.values[name]
    }
    return types.sides(sides)


def _warn_of_billing(row: ParsedRow, notices: list[Notice]) -> None:
    assert row.party is not None
    emails = row.party.billing_emails
    if len(emails) > 1:
        params = {"value": emails[0], "others": ", ".join(emails[1:])}
        notices.append(Notice("billing_extra", params, row.row))
