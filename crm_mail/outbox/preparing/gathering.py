"""What a preparation reads of due documents: files, parties, contacts and earlier sends.

Some hundred parties at a time, so that a run of 100,000 documents takes two thousand statements and bounded memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.selection import contact_query
from crm_mail.contacts.models import (
    Contact,
    ContactAddress,
    ContactState,
    Party,
    Role,
    Subscription,
    contact_roles,
)
from crm_mail.delivery.routing import AddressOption
from crm_mail.documents.message_context import PARTY_FIELDS
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.many_rows import among, chunks
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageDocument
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.facts import DocumentFacts, FileFacts, Sent
from crm_mail.outbox.preparing.kinds import judge_parties
from crm_mail.outbox.preparing.recipients import ContactFacts, PartyFacts
from crm_mail.outbox.states import LEFT, QUEUED, MessageState
from crm_mail.permissions import EVERYTHING, Sight


@dataclass(slots=True)
class PartyBatch:
    """A few hundred parties with all that assembling their messages needs."""

    parties: dict[int, PartyFacts] = field(default_factory=dict)
    documents: dict[int, list[DocumentFacts]] = field(default_factory=dict)
    contacts: dict[int, list[ContactFacts]] = field(default_factory=lambda: defaultdict(list))
    hidden_types: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    hidden_contacts: set[int] = field(default_factory=set)
    sent: dict[tuple[int, int | str], Sent] = field(default_factory=dict)

    def hide(self, contact_id: int, party_id: int, types: Iterable[str]) -> None:
        """Note a contact above the clearance, which counts when it would have received something."""
        due = {document.type for document in self.documents[party_id]} & set(types)
        self.hidden_types[party_id] |= due
        if due and not self.parties[party_id].silences_contacts:
            self.hidden_contacts.add(contact_id)

    def sent_before(self, document_id: int, contact_id: int | None, address: str) -> Sent | None:
        """What this recipient was sent of this document (CO-8: by contact, or by address).

        A party without an address was sent what left for it to an address that somebody wrote by hand.
        """
        if not self.sent:
            return None
        found = self.sent.get((document_id, contact_id)) if contact_id is not None else None
        return found or (self.sent.get((document_id, address)) if address or contact_id is None else None)


DOCUMENT_COLUMNS = (
    Document.id,
    Document.party_id,
    Document.type,
    Document.number,
    Document.series,
    Document.dated_on,
    Document.currency,
    Document.gross_total,
    Document.first_due_on,
    Document.source,
    Document.print_error,
    Document.privacy_level,
)


def _rows(session: Session, query: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """Plain rows, past the ORM's own work on each of them; all of them fetched at once, which is quicker."""
    return session.connection().execute(query).all()


def read_batch(session: Session, criteria: Criteria, sight: Sight, document_ids: Sequence[int]) -> PartyBatch:
    """Documents with their files, parties, contacts and earlier sends."""
    batch = PartyBatch()
    files = read_files(session, document_ids)
    query = (
        select(*DOCUMENT_COLUMNS)
        .where(among(session, Document.id, document_ids))
        .order_by(Document.party_id, Document.dated_on, Document.id)
    )
    for row in _rows(session, query):
        batch.documents.setdefault(row[1], []).append(document_facts(row, files.get(row[0], ())))
    party_ids = list(batch.documents)
    read_parties(session, batch, party_ids)
    _read_contacts(session, batch, criteria, sight, party_ids)
    if criteria.beyond is not None:
        _leave_what_was_seen(batch, criteria)
    judge_parties(session, criteria.company_id, batch.parties, batch.contacts)
    _read_sent(session, batch, document_ids)
    return batch


def document_facts(row: Any, files: tuple[FileFacts, ...]) -> DocumentFacts:
    """A row of `DOCUMENT_COLUMNS` with the files that are sent with it."""
    id_, _party, type_, number, series, dated_on, currency, total, due_on, source, print_error, level = row
    missing = Issue.PDF_FAILED if print_error else Issue.MISSING_FILE
    return DocumentFacts(
        id=id_,
        type=type_,
        number=number,
        series=series,
        dated_on=dated_on,
        currency=currency,
        total=total,
        due_on=due_on,
        files=files,
        privacy_level=level,
        problem=missing if print_error or not files else None,
        warning=Issue.OTHER_SELLER if source.endswith(":other-seller") else None,
    )


def read_files(session: Session, document_ids: Sequence[int]) -> dict[int, tuple[FileFacts, ...]]:
    """The files that are sent with each document, in their order."""
    found: dict[int, list[FileFacts]] = defaultdict(list)
    for part in chunks(document_ids):
        query = (
            select(
                DocumentFile.document_id,
                DocumentFile.name,
                DocumentFile.mime,
                DocumentFile.sha256,
                DocumentFile.size,
                DocumentFile.role,
            )
            .where(among(session, DocumentFile.document_id, part), DocumentFile.is_sent.is_(True))
            .order_by(DocumentFile.document_id, DocumentFile.position)
        )
        for document_id, *facts in _rows(session, query):
            found[document_id].append(FileFacts(*facts))
    return {document_id: tuple(files) for document_id, files in found.items()}


def read_parties(session: Session, batch: PartyBatch, party_ids: list[int]) -> None:
    """Put what is known of these parties into the batch."""
    query = select(
        Party.id,
        Party.email,
        Party.email_kind,
        Party.billing_email,
        Party.billing_email_kind,
        Party.packaging,
        Party.packaging_emails,
        Party.addenda,
        *(getattr(Party, name) for name in PARTY_FIELDS),
    ).where(among(session, Party.id, party_ids))
    for row in _rows(session, query):
        id_, email, email_kind, billing, billing_kind, packaging, emails, addenda, *values = row
        fields: Any = dict(zip(PARTY_FIELDS, values, strict=True))
        batch.parties[id_] = PartyFacts(
            id_,
            fields["code"],
            fields["name"],
            fields["language"],
            email,
            email_kind,
            billing,
            billing_kind,
            fields,
            packaging,
            tuple(emails.split(",")) if emails else (),
            addenda,
        )


def _read_contacts(
    session: Session, batch: PartyBatch, criteria: Criteria, sight: Sight, party_ids: list[int]
) -> None:
    subscriptions = _subscriptions(session, criteria, party_ids)
    if not subscriptions:
        return
    ids = list(subscriptions)
    query = select(Contact.id, Contact.party_id, Contact.name, Contact.language, Contact.privacy_level).where(
        Contact.id.in_(ids), Contact.state == ContactState.ACTIVE
    )
    rows = session.execute(query.order_by(Contact.id)).all()
    allowed: set[int] | None = None
    if criteria.parties.asks_contacts:  # the filter itself; the clearance divides the rows below
        filtered = contact_query(criteria.parties, EVERYTHING)
        allowed = set(session.scalars(filtered.where(Contact.id.in_(ids))))
    addresses, roles = read_addresses(session, ids), role_names(session, ids)
    for id_, party_id, name, language, level in rows:
        if allowed is not None and id_ not in allowed:
            batch.hidden_types[party_id] |= set(
                subscriptions[id_]
            )  # nor does the party's own address step in
            continue
        if (
            criteria.beyond is not None
            and criteria.beyond.clearance >= level
            and _was_seen(batch, criteria, party_id)
        ):
            continue  # has its message in the first run
        elif level > sight.clearance:
            batch.hide(id_, party_id, subscriptions[id_])
        else:
            batch.contacts[party_id].append(
                ContactFacts(
                    id_, name, roles.get(id_, ""), language, level, addresses.get(id_, ()), subscriptions[id_]
                )
            )


def _was_seen(batch: PartyBatch, criteria: Criteria, party_id: int) -> bool:
    """Whether the customer existed for the person whose run is completed."""
    fields = batch.parties[party_id].fields
    return criteria.beyond is not None and criteria.beyond.covers(fields["agent"], fields["zone"])


def _leave_what_was_seen(batch: PartyBatch, criteria: Criteria) -> None:
    """Of customers known to the first person only the contacts above that person's clearance are left to write to."""
    for party_id in list(batch.documents):
        if _was_seen(batch, criteria, party_id):
            batch.hidden_types[party_id] |= set(criteria.document_types)  # its own address does not step in
            if not batch.contacts.get(party_id):
                del batch.documents[party_id]


def _subscriptions(
    session: Session, criteria: Criteria, party_ids: list[int]
) -> dict[int, dict[str, tuple[str, str]]]:
    query = (
        select(
            Subscription.contact_id,
            Subscription.document_type,
            Subscription.recipient_kind,
            ContactAddress.email,
        )
        .join(Contact, Contact.id == Subscription.contact_id)
        .outerjoin(ContactAddress, ContactAddress.id == Subscription.address_id)
        .where(
            among(session, Contact.party_id, party_ids),
            Contact.state == ContactState.ACTIVE,
            Subscription.document_type.in_(criteria.document_types),
        )
    )
    found: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for contact_id, document_type, kind, email in _rows(session, query):
        found[contact_id][document_type] = (kind.value, email or "")
    return found


def read_addresses(session: Session, contact_ids: list[int]) -> dict[int, tuple[AddressOption, ...]]:
    """The addresses of contacts, in the order in which they are tried."""
    found: dict[int, list[AddressOption]] = defaultdict(list)
    for part in chunks(contact_ids):
        query = (
            select(ContactAddress.contact_id, ContactAddress.email, ContactAddress.kind)
            .where(among(session, ContactAddress.contact_id, part))
            .order_by(ContactAddress.contact_id, ContactAddress.position, ContactAddress.id)
        )
        for contact_id, email, kind in _rows(session, query):
            found[contact_id].append(AddressOption(email, kind))
    return {contact_id: tuple(options) for contact_id, options in found.items()}


def role_names(session: Session, contact_ids: list[int]) -> dict[int, str]:
    """The roles of contacts, in words."""
    found: dict[int, list[str]] = defaultdict(list)
    for part in chunks(contact_ids):
        query = (
            select(contact_roles.c.contact_id, Role.name)
            .join(Role, Role.id == contact_roles.c.role_id)
            .where(among(session, contact_roles.c.contact_id, part))
            .order_by(Role.name)
        )
        for contact_id, name in _rows(session, query):
            found[contact_id].append(name)
    return {contact_id: ", ".join(names) for contact_id, names in found.items()}


def _read_sent(session: Session, batch: PartyBatch, document_ids: Sequence[int]) -> None:
    states = sorted(LEFT | QUEUED | {MessageState.PENDING})
    for part in chunks(document_ids):
        query = (
            select(
                MessageDocument.document_id,
                Message.contact_id,
                Message.to_address,
                Message.cc,
                Message.state,
                Message.sent_at,
                Message.run_id,
            )
            .join(Message, Message.id == MessageDocument.message_id)
            .where(
                among(session, MessageDocument.document_id, part),
                or_(
                    Message.state.in_([s for s in states if s is not MessageState.PENDING]),
                    and_(Message.state == MessageState.PENDING, Message.blockers == 0),
                ),
            )
            .order_by(Message.id)
        )
        for document_id, contact_id, address, cc, state, sent_at, run_id in _rows(session, query):
            sent = Sent(sent_at, run_id, state is MessageState.PENDING, state is MessageState.BOUNCED)
            keys: list[int | str] = ["", address, *cc] if contact_id is None else [contact_id, address, *cc]
            for key in keys:
                known = batch.sent.get((document_id, key))
                if known is None or known.is_pending:
                    batch.sent[document_id, key] = sent
