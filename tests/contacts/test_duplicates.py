"""What stands twice is found, and merged with its history (issue 5, section 5)."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose
from crm_mail.contacts.merging.duplicates import DuplicateKind, find_duplicates
from crm_mail.contacts.merging.service import follow_merge, merge_contacts, merge_parties
from crm_mail.contacts.merging.unmerging import list_merges, undo_merge
from crm_mail.contacts.models import Characteristic, Contact, Party, Role, SavedFilter
from crm_mail.contacts.problems import ContactRefused
from crm_mail.db import Base, now
from crm_mail.delivery.routing import Channel
from crm_mail.documents.models import Document
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from tests.factories import make_actor, make_company, make_contact, make_document, make_party, make_user


def keys(session: Session, company_id: int, kind: DuplicateKind, clearance: int = 3) -> list[str]:
    found: list[str] = []
    after = ""
    while True:
        page = find_duplicates(session, make_actor(clearance), company_id, kind, after, size=1)
        found += [group.key for group in page.groups]
        if not page.next_cursor:
            return found
        after = page.next_cursor


def test_duplicates_are_found_page_by_page_within_a_party_and_the_clearance(session: Session) -> None:
    company = make_company(session)
    one, two = (make_party(session, company, vat_number="IT1", tax_code=code) for code in ("A", "B"))
    make_contact(session, one, (("Anna@x.example", "pec"),), name="Anna")
    make_contact(session, one, (("anna@X.example", "pec"), ("b@x.example", "pec")), name="Anna")
    make_contact(session, two, (("b@x.example", "pec"),), name="Bruno")
    make_contact(session, two, (("b@x.example", "pec"),), name="Hidden", privacy_level=2)
    assert keys(session, company.id, DuplicateKind.EMAIL) == ["anna@x.example", "b@x.example"]
    assert keys(session, company.id, DuplicateKind.EMAIL, 1) == ["anna@x.example"]
    assert keys(session, company.id, DuplicateKind.NAME) == ["anna"]
    assert keys(session, company.id, DuplicateKind.VAT_NUMBER) == ["IT1"]
    assert keys(session, company.id, DuplicateKind.TAX_CODE) == []


def test_the_kept_contact_takes_over_everything_and_the_old_id_leads_to_it(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)
    kept = make_contact(session, party, (("a@x.example", "pec"),), ("invoice",), {"vip": ""}, name="Anna")
    other = make_contact(
        session,
        party,
        (("A@x.example", "pec"), ("b@x.example", "ordinary")),
        ("invoice:cc", "quote"),
        {"vip": "", "fair": "1"},
        name="Anna B.",
        privacy_level=1,
        mobile="333",
    )
    other.subscriptions[1].address_id = other.addresses[0].id
    for contact, decision in ((kept, Decision.GIVEN), (other, Decision.WITHDRAWN)):
        session.add(
            ConsentState(
                company_id=company.id,
                contact_id=contact.id,
                purpose=next(iter(Purpose)),
                channel=next(iter(ConsentChannel)),
                decision=decision,
                at=now(),
            )
        )
        session.flush()
    run = Run(company_id=company.id, title="x", criteria={})
    session.add(run)
    session.flush()
    message = Message(
        run_id=run.id,
        company_id=company.id,
        party_id=party.id,
        contact_id=other.id,
        party_code="1",
        party_name="x",
        language="it",
        channel=Channel.SMTP,
    )
    session.add(message)
    session.flush()
    old = other.id

    merge_contacts(session, make_actor(), kept, other)

    assert session.get(Contact, old) is None
    assert follow_merge(session, "contacts", old) == kept.id
    assert message.contact_id == kept.id
    assert [a.email for a in kept.addresses] == ["a@x.example", "b@x.example"]
    received = {s.document_type: (s.recipient_kind.value, s.address_id) for s in kept.subscriptions}
    assert received == {"invoice": ("to", None), "quote": ("to", kept.addresses[0].id)}
    tags = select(Characteristic.key).where(Characteristic.contact_id == kept.id).order_by(Characteristic.key)
    assert list(session.scalars(tags)) == ["fair", "vip"]
    assert (kept.privacy_level, kept.mobile) == (1, "333")
    assert session.scalars(select(ConsentState.decision)).all() == [Decision.WITHDRAWN]
    told = session.scalars(select(AuditEvent).where(AuditEvent.action == "contacts.contact.merged")).one()
    assert told.detail["merged"]["name"] == "Anna B."
    assert told.privacy_level == 1


def test_merged_parties_share_contacts_and_documents_and_a_chain_of_merges_is_followed(
    session: Session,
) -> None:
    company = make_company(session)
    first, second, third = (make_party(session, company, city="") for _ in range(3))
    third.city = "Roma"
    make_contact(session, third)
    document = make_document(session, third)
    ids = (second.id, third.id)
    merge_parties(session, make_actor(), second, third)
    merge_parties(session, make_actor(), first, second)
    assert [follow_merge(session, "parties", id_) for id_ in ids] == [first.id, first.id]
    assert session.get_one(Document, document.id).party_id == first.id
    assert len(first.contacts) == 1
    assert first.city == "Roma"
    assert session.scalar(select(Party.id).where(Party.company_id == company.id)) == first.id


def test_contacts_of_different_parties_stay_apart(session: Session) -> None:
    company = make_company(session)
    one, two = (make_contact(session, make_party(session, company)) for _ in range(2))
    with pytest.raises(ContactRefused, match="different customers"):
        merge_contacts(session, make_actor(), one, two)


def test_the_page_merges_and_does_not_reach_above_the_clearance(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        party = session.get_one(Party, world.party.id)
        twin = make_contact(session, party, name="Anna Aperta").id
    browser = browser_of()
    form = {"kind": "name", "keep": world.public.id, "other": [twin]}
    assert "anna aperta" in browser.get("/contacts/duplicates?kind=name").text
    assert (
        browser.post("/contacts/duplicates/merge", data=form | {"other": [world.hidden.id]}).status_code
        == 404
    )
    assert browser.post("/contacts/duplicates/merge", data=form).status_code == 303
    assert "Nothing stands twice" in browser.get("/contacts/duplicates?kind=name").text
    led = browser.get(f"/contacts/people/{twin}")
    assert led.status_code == 302
    assert led.headers["Location"].endswith(f"/contacts/people/{world.public.id}")


def _whole(session: Session) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the tables that a merge touches."""
    session.flush()
    names = "contacts contact_addresses subscriptions contact_roles characteristics consent_states"
    names += " parties catalogue_entries messages documents packagings saved_filters"
    found = {}
    for name in names.split():
        rows = session.execute(select(Base.metadata.tables[name])).mappings()
        found[name] = sorted(
            (tuple(v for k, v in row.items() if k != "updated_at") for row in rows), key=repr
        )
    return found


def test_an_undone_merge_leaves_everything_as_it_was_and_two_lines_in_the_audit(session: Session) -> None:
    """Issue 5, section 5: contacts in parties, one merge within the other; what came since stays."""
    company = make_company(session)
    first, second = (make_party(session, company, vat_number="IT1", city=city) for city in ("", "Roma"))
    for party in (first, second):
        make_document(session, party)
    session.add(CatalogueEntry(party_id=second.id, company_id=company.id))
    user = make_user(session)
    kept_filter = {"company_id": company.id, "codes": [second.code]}
    session.add(SavedFilter(company_id=company.id, user_id=user.id, name="x", filter=kept_filter))
    role = Role(company_id=company.id, name="Boss")
    kept = make_contact(session, first, (("a@x.example", "pec"),), ("invoice",), {"vip": ""}, name="Anna")
    other = make_contact(
        session,
        second,
        (("A@x.example", "pec"), ("b@x.example", "ordinary")),
        ("invoice:cc", "quote"),
        {"vip": "", "fair": "1"},
        name="Anna B.",
        privacy_level=1,
        roles=[role],
    )
    other.subscriptions[1].address_id = other.addresses[0].id
    for contact, decision in ((kept, Decision.GIVEN), (other, Decision.WITHDRAWN)):
        subject = {"purpose": Purpose.COMMERCIAL, "channel": ConsentChannel.EMAIL, "at": now()}
        session.add(ConsentState(company_id=company.id, contact_id=contact.id, decision=decision, **subject))
        session.flush()
    before, actor, other_id = _whole(session), make_actor(), other.id

    merge_parties(session, actor, first, second)
    merge_contacts(session, actor, kept, other)
    assert _whole(session) != before
    (of_contacts,) = (merge for merge, _kept in list_merges(session, actor, company.id, of_parties=False))
    assert list_merges(session, make_actor(clearance=0), company.id, of_parties=False) == []
    (of_parties,) = (merge for merge, _kept in list_merges(session, actor, company.id, of_parties=True))
    undo_merge(session, actor, of_contacts)
    undo_merge(session, actor, of_parties)

    assert _whole(session) == before
    assert follow_merge(session, "contacts", other_id) is None
    actions = set(session.scalars(select(AuditEvent.action)))
    assert {"contacts.contact.merged", "contacts.contact.unmerged", "contacts.party.unmerged"} <= actions


def test_a_merge_is_not_undone_where_something_was_put_in_its_place(session: Session) -> None:
    company = make_company(session)
    first, second, third = (make_party(session, company, name=name) for name in "ABC")
    code, actor = second.code, make_actor()
    merge_parties(session, actor, first, second)
    merge_parties(session, actor, third, first)
    merges = [merge for merge, _kept in list_merges(session, actor, company.id, of_parties=True)]
    with pytest.raises(ContactRefused, match="further"):
        undo_merge(session, actor, merges[1])
    undo_merge(session, actor, merges[0])
    make_party(session, company, code=code)
    with pytest.raises(ContactRefused, match="taken"):
        undo_merge(session, actor, merges[1])
