"""Whose an order is, and of which stored documents it speaks: by id, number, fiscal UUID or the bytes of its files.

No file of one party reaches a contact of another (law 7): an order whose documents belong to two parties, or whose
recipient is known as somebody else's contact alone, is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactAddress, ContactState, Party
from crm_mail.db import today
from crm_mail.delivery.addresses import address_key
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.send_orders.orders import AskedDocument, OrderRefused, ParsedOrder

UUID_DAYS = 400
"""A UUID is looked for among documents of so many days: it stands in no column of its own."""
_STAMPED = ("invoice", "credit_note", "receipt", "delivery_note")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of an order, as it was put into the store."""

    path: str
    name: str
    mime: str
    sha256: str
    size: int
    uuids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reader:
    """Who stands behind one address of an order."""

    address: str
    party_id: int
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """The party of an order, its readers, and the documents it speaks of.

    ``of_file``: document by hash, for the files that are a document's own.
    """

    party: Party
    readers: tuple[Reader, ...]
    documents: tuple[Document, ...]
    of_file: dict[str, int]


@dataclass(frozen=True, slots=True)
class Directory:
    """Who has which address and which documents have which bytes: read once for many orders.

    ``readers``: (party, contact) by address, contacts first; ``documents``: by hash, the newest first.
    """

    readers: dict[str, list[tuple[int, int | None]]]
    documents: dict[str, list[Document]]


def read_directory(
    session: Session, company_id: int, addresses: Iterable[str], hashes: Iterable[str]
) -> Directory:
    """What these orders need to know, in a few statements."""
    readers = _known_readers(session, company_id, sorted(set(addresses)))
    documents = documents_by_hash(session, company_id, hashes)
    parties = {party_id for known in readers.values() for party_id, _contact in known}
    if parties:  # into the session, which then answers by itself
        session.scalars(select(Party).where(Party.id.in_(sorted(parties)))).all()
    return Directory(readers, documents)


def link_order(
    session: Session,
    company_id: int,
    order: ParsedOrder,
    files: Sequence[StoredFile],
    directory: Directory,
    stranger_party: str = "",
) -> Linked:
    """Find the party, the contacts and the documents of an order.

    Args:
        directory: of its addresses and files at least.
        stranger_party: code of the party of addresses that nobody knows; empty: such an order is refused.

    Raises:
        OrderRefused: unknown_customer, unknown_document, two_parties, other_party, unknown_recipient,
            ambiguous_recipient.
    """
    addresses = (*order.to, *order.cc, *order.bcc)
    known = {address: directory.readers.get(address, []) for address in addresses}
    by_hash = {file.sha256: directory.documents.get(file.sha256, []) for file in files}
    documents = {one.id: one for found in by_hash.values() for one in found}
    if order.documents:
        documents |= {one.id: one for one in _asked(session, company_id, order, known)}
    elif not documents and (uuids := frozenset[str]().union(*(file.uuids for file in files))):
        documents |= {one.id: one for one in _by_uuid(session, company_id, uuids)}
    party = _party(session, company_id, order, known, list(documents.values()), stranger_party)
    wrong = next((one for one in documents.values() if one.party_id != party.id), None)
    if wrong is not None:
        raise OrderRefused("two_parties", number=wrong.number, party=party.code)
    of_file = {
        sha256: next(one.id for one in found if one.id in documents)
        for sha256, found in by_hash.items()
        if found
    }
    is_linked = bool(documents)
    readers = tuple(
        _reader(address, known[address], party, is_linked=is_linked) for address in dict.fromkeys(addresses)
    )
    return Linked(party, readers, tuple(sorted(documents.values(), key=lambda one: one.id)), of_file)


def documents_by_hash(session: Session, company_id: int, hashes: Iterable[str]) -> dict[str, list[Document]]:
    """The current documents that have a file with these bytes."""
    wanted = sorted(set(hashes))
    if not wanted:
        return {}
    found: dict[str, list[Document]] = {}
    query = (
        select(DocumentFile.sha256, Document)
        .join(Document, Document.id == DocumentFile.document_id)
        .where(DocumentFile.sha256.in_(wanted), Document.company_id == company_id, Document.is_current)
        .order_by(Document.id.desc())
    )
    for sha256, document in session.execute(query):
        found.setdefault(sha256, []).append(document)
    return found


def _asked(
    session: Session, company_id: int, order: ParsedOrder, known: dict[str, list[tuple[int, int | None]]]
) -> list[Document]:
    """The documents that the order names; each of them must be there. Raises OrderRefused."""
    parties = {party_id for readers in known.values() for party_id, _contact in readers}
    if order.customer and (own := _party_by_code(session, company_id, order.customer)) is not None:
        parties = {own.id}
    found = []
    for asked in order.documents:
        matches = _matches(session, company_id, asked, parties)
        if not matches:
            raise OrderRefused("unknown_document", number=asked.number or asked.uuid or str(asked.id))
        if len({one.natural_key for one in matches}) > 1:
            raise OrderRefused("ambiguous_document", number=asked.number)
        found.append(matches[0])
    return found


def _matches(session: Session, company_id: int, asked: AskedDocument, parties: set[int]) -> list[Document]:
    if asked.id:
        row = session.get(Document, asked.id)
        return [row] if row is not None and row.company_id == company_id else []
    if asked.uuid:
        return _by_uuid(session, company_id, {asked.uuid})
    wanted: list[ColumnElement[bool]] = [Document.number == asked.number]
    if asked.series:
        wanted.append(Document.series == asked.series)
    if asked.type:
        wanted.append(Document.type == asked.type)
    if parties:
        wanted.append(Document.party_id.in_(sorted(parties)))
    query = (
        select(Document)
        .where(Document.company_id == company_id, Document.is_current, *wanted)
        .order_by(Document.dated_on.desc(), Document.id.desc())
        .limit(2)
    )
    return list(session.scalars(query))


def _by_uuid(session: Session, company_id: int, uuids: Iterable[str]) -> list[Document]:
    uuid = Document.data["legal"]["uuid"].as_string()
    query = select(Document).where(
        Document.company_id == company_id,
        Document.is_current,
        Document.type.in_(_STAMPED),
        Document.dated_on >= today() - timedelta(days=UUID_DAYS),
        func.upper(uuid).in_(sorted(uuids)),
    )
    return list(session.scalars(query.limit(100)))


def _known_readers(
    session: Session, company_id: int, addresses: Sequence[str]
) -> dict[str, list[tuple[int, int | None]]]:
    """(party, contact) of everybody who has an address: contacts first, then firms by their own addresses."""
    if not addresses:
        return {}
    keys = {address_key(address) for address in addresses}
    found: dict[str, list[tuple[int, int | None]]] = {}
    contacts = session.execute(
        select(ContactAddress.email_key, Contact.party_id, Contact.id)
        .join(Contact, Contact.id == ContactAddress.contact_id)
        .where(
            ContactAddress.email_key.in_(sorted(keys)),
            Contact.company_id == company_id,
            Contact.state != ContactState.ERASED,
        )
        .order_by(Contact.id)
    )
    for key, party_id, contact_id in contacts:
        found.setdefault(key, []).append((party_id, contact_id))
    spelt = sorted(keys | set(addresses))
    firms = session.execute(
        select(Party.id, Party.email, Party.billing_email)
        .where(Party.company_id == company_id, or_(Party.email.in_(spelt), Party.billing_email.in_(spelt)))
        .order_by(Party.id)
    )
    for party_id, email, billing in firms:
        for key in {address_key(email), address_key(billing)} & keys:
            found.setdefault(key, []).append((party_id, None))
    return {address: found.get(address_key(address), []) for address in addresses}


def _party(
    session: Session,
    company_id: int,
    order: ParsedOrder,
    known: dict[str, list[tuple[int, int | None]]],
    documents: Sequence[Document],
    stranger_party: str,
) -> Party:
    """Whose order it is: the customer it names, else that of its documents, else that of its first address."""
    if order.customer:
        named = _party_by_code(session, company_id, order.customer)
        if named is None:
            raise OrderRefused("unknown_customer", customer=order.customer)
        return named
    if documents:
        return session.get_one(Party, documents[0].party_id)
    for address in order.to:
        parties = {party_id for party_id, _contact in known[address]}
        if len(parties) > 1:
            raise OrderRefused("ambiguous_recipient", address=address)
        if parties:
            return session.get_one(Party, parties.pop())
    if stranger_party and (found := _party_by_code(session, company_id, stranger_party)) is not None:
        return found
    raise OrderRefused("unknown_recipient", address=order.to[0] if order.to else "")


def _reader(
    address: str, known: Sequence[tuple[int, int | None]], party: Party, *, is_linked: bool
) -> Reader:
    own = [contact_id for party_id, contact_id in known if party_id == party.id]
    if own:
        return Reader(address, party.id, next((one for one in own if one is not None), None))
    if known and is_linked:
        raise OrderRefused("other_party", address=address, party=party.code)
    return Reader(address, party.id)


def _party_by_code(session: Session, company_id: int, code: str) -> Party | None:
    query = select(Party).where(Party.company_id == company_id)
    return session.scalar(query.where(Party.code == code)) or session.scalar(
        query.where(Party.code == code.upper())
    )
