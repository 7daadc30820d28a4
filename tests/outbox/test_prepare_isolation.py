"""Law 7: no file of one party can reach a contact of another, whatever the contacts, documents and rules are."""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.documents.models import Document, DocumentFile
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageDocument, MessageFile
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import decide, prepare

TYPES = ("invoice", "quote", "delivery_note")
_hashes = count(1)

subscriptions = st.lists(
    st.sampled_from([f"{t}{kind}" for t in TYPES for kind in ("", ":cc")]),
    unique_by=lambda text: text.partition(":")[0],
    max_size=3,
)
contacts = st.fixed_dictionaries(
    {
        "subscriptions": subscriptions,
        "kinds": st.lists(st.sampled_from(["ordinary", "pec", "unknown"]), max_size=2),
        "privacy_level": st.integers(0, 3),
        "state": st.sampled_from(["active", "active", "inactive"]),
    }
)
documents = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "files": st.lists(st.integers(1, 900_000), max_size=2)}
)
parties = st.fixed_dictionaries(
    {
        "has_master": st.booleans(),
        "has_billing": st.booleans(),
        "contacts": st.lists(contacts, max_size=3),
        "documents": st.lists(documents, max_size=4),
    }
)
companies = st.fixed_dictionaries(
    {
        "parties": st.lists(parties, min_size=2, max_size=4),
        "bundled": st.booleans(),
        "shared_master": st.booleans(),  # the same master address at several parties, as accountants have it
        "clearance": st.integers(0, 3),
    }
)


def _build(session: Session, plan: dict[str, Any]) -> Any:
    company = make_company(session, max_message_mb=1)
    make_account(session, company)
    make_account(session, company, kind="pec")
    for document_type in TYPES:
        decide(session, company, document_type, is_bundled=plan["bundled"])
    for number, wanted in enumerate(plan["parties"]):
        address = "office@shared.example" if plan["shared_master"] else f"office@p{number}.example"
        party = make_party(
            session,
            company,
            email=address if wanted["has_master"] else "",
            billing_email=f"billing@p{number}.example" if wanted["has_billing"] else "",
        )
        for place, contact in enumerate(wanted["contacts"]):
            addresses = tuple(
                (f"c{place}.{i}@p{number}.example", kind) for i, kind in enumerate(contact["kinds"])
            )
            make_contact(
                session,
                party,
                addresses,
                tuple(contact["subscriptions"]),
                privacy_level=contact["privacy_level"],
                state=contact["state"],
            )
        for document in wanted["documents"]:
            files = tuple((f"{n}.pdf", f"{next(_hashes):064x}", n) for n in document["files"])
            make_document(session, party, files, type=document["type"])
    return company


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=companies)
def test_no_file_reaches_a_contact_of_another_party(home: Installation, plan: dict[str, Any]) -> None:
    with home.database.writing() as session:
        company = _build(session, plan)
        run = prepare(session, make_actor(clearance=plan["clearance"]), company, document_types=TYPES)
        own: dict[int, set[str]] = {}
        for party in session.scalars(select(Party).where(Party.company_id == company.id)):
            own[party.id] = {party.email, party.billing_email}
        query = select(Contact.party_id, ContactAddress.email, Contact.privacy_level).join(ContactAddress)
        hidden = set()
        for party_id, email, level in session.execute(query):
            own.get(party_id, set()).add(email)
            if level > plan["clearance"]:
                hidden.add(email)
        owner = dict(session.execute(select(DocumentFile.sha256, Document.party_id).join(Document)).all())  # type: ignore[arg-type]
        reached = set()
        for message in session.scalars(select(Message).where(Message.run_id == run.id)):
            recipients = {message.to_address, *message.cc} - {""}
            assert recipients <= own[message.party_id]
            assert not recipients & hidden
            reached |= recipients
            if message.contact_id is not None:
                assert session.get_one(Contact, message.contact_id).party_id == message.party_id
            files = session.scalars(
                select(MessageFile.sha256).where(MessageFile.message_id == message.id)
            ).all()
            assert {owner[sha256] for sha256 in files} <= {message.party_id}
            carried = select(Document.party_id).join(
                MessageDocument, MessageDocument.document_id == Document.id
            )
            assert set(session.scalars(carried.where(MessageDocument.message_id == message.id))) == {
                message.party_id
            }
        session.rollback()
