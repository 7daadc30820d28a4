"""Many parties at once: counted, changed, told, undone, exported; and filters that a person keeps."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.contacts.bulk import BulkKind, Picked, change_parties, count_affected, undo_change
from crm_mail.contacts.finding import saved_filters
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Characteristic, Contact, Party
from crm_mail.contacts.problems import ContactRefused
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Permission, PermissionDenied
from tests.contacts.conftest import SECRET_WORDS
from tests.factories import make_actor, make_company, make_contact, make_party, make_user

Browser = Callable[..., FlaskClient]


def agents(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(select(Party.agent).order_by(Party.id)))


def tags(session: Session) -> set[tuple[str, str, str]]:
    query = select(Contact.name, Characteristic.key, Characteristic.value).join(
        Contact, Contact.id == Characteristic.contact_id
    )
    return {(name, key, value) for name, key, value in session.execute(query)}


def test_an_agent_is_given_to_all_that_a_filter_means_and_taken_back_where_nobody_changed_it(
    session: Session,
) -> None:
    company, other = make_company(session), make_company(session)
    north = [make_party(session, company, zone="Nord", agent=agent) for agent in ("Conti", "", "Greco")]
    make_party(session, company, zone="Sud")
    make_party(session, other, zone="Nord")
    actor, picked = make_actor(), Picked(PartyFilter(company.id, zones=("nord",)), is_all=True)
    counted = count_affected(session, actor, picked, BulkKind.AGENT, " Greco ")
    assert (counted.parties, counted.changed) == (3, 2)
    change = change_parties(session, actor, picked, BulkKind.AGENT, "Greco")
    assert change is not None
    assert agents(session) == ["Greco", "Greco", "Greco", "", ""]
    assert change_parties(session, actor, picked, BulkKind.AGENT, "Greco") is None
    north[1].agent = "Somebody else"
    session.flush()
    assert undo_change(session, actor, change) == 1
    assert agents(session) == ["Conti", "Somebody else", "Greco", "", ""]
    actions = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert actions == ["contacts.parties.changed", "contacts.parties.change_undone"]


def test_a_characteristic_reaches_only_the_contacts_that_the_person_may_know(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)
    make_contact(session, party, name="Has it", characteristics={"Fair": "2026"})
    make_contact(session, party, name="Gets it")
    make_contact(session, party, name="Secret", privacy_level=3, characteristics={"fair": "2025"})
    clerk, picked = make_actor(clearance=1), Picked(PartyFilter(company.id), (party.id,))
    before = tags(session)
    added = change_parties(session, clerk, picked, BulkKind.ADD_CHARACTERISTIC, "fair=2026")
    assert added is not None
    assert tags(session) == before | {("Gets it", "fair", "2026")}
    assert undo_change(session, clerk, added) == 1
    assert tags(session) == before
    removed = change_parties(session, clerk, picked, BulkKind.REMOVE_CHARACTERISTIC, "FAIR")
    assert removed is not None
    assert tags(session) == {("Secret", "fair", "2025")}
    undo_change(session, clerk, removed)
    assert tags(session) == before


def test_ticked_parties_of_another_company_and_people_without_the_right_change_nothing(
    session: Session,
) -> None:
    company, other = make_company(session), make_company(session)
    stranger = make_party(session, other)
    picked = Picked(PartyFilter(company.id), (stranger.id,))
    assert change_parties(session, make_actor(), picked, BulkKind.BLOCK, "") is None
    with pytest.raises(PermissionDenied):
        change_parties(session, make_actor(is_admin=False), picked, BulkKind.BLOCK, "")
    for value in ("", "=x", "k" * 61):
        with pytest.raises(ContactRefused):
            count_affected(session, make_actor(), picked, BulkKind.ADD_CHARACTERISTIC, value)


def test_the_page_counts_changes_tells_and_undoes(world: SimpleNamespace, browser_of: Browser) -> None:
    browser = browser_of()
    form = {"scope": "page", "ids": str(world.party.id), "kind": "zone", "value": "Isole"}
    assert "All 1 would be changed" in browser.post("/contacts/change", data=form | {"step": "count"}).text
    done = browser.post("/contacts/change", data=form | {"step": "apply"})
    text = browser.get(done.location).text
    assert "Assign the zone: Isole. 1 party changed." in text
    undo = text.split("/contacts/change/")[1].split('"')[0]
    assert "Undone: 1 row" in browser.post(f"/contacts/change/{undo}", follow_redirects=True).text
    clerk = browser_of(grants=[(Permission.OUTBOX_PREPARE, ANY, world.company.id)])
    assert clerk.post("/contacts/change", data=form).status_code == 403
    other = browser_of(clearance=3, is_admin=True)
    assert "undone already" in other.post(f"/contacts/change/{undo}", follow_redirects=True).text


def test_the_list_as_a_file_holds_no_address_above_the_clearance(
    world: SimpleNamespace, browser_of: Browser
) -> None:
    clerk = browser_of(areas=[Permission.CONTACTS_SEE, Permission.CONTACTS_EXPORT])
    with clerk.post("/contacts/export", data={"scope": "all", "action": "csv"}) as answer:
        assert world.party.code in answer.text
        assert not [word for word in SECRET_WORDS if word in answer.text]
    with clerk.post("/contacts/export", data={"scope": "all", "action": "xlsx"}) as workbook:
        assert workbook.data.startswith(b"PK")


def test_a_filter_is_kept_under_a_name_for_one_person_and_one_company(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    browser = browser_of()
    saved = browser.post("/contacts/filters?zone=Nord", data={"name": " My  north "}, follow_redirects=True)
    assert "My north" in saved.text
    browser.post("/contacts/filters?zone=Sud", data={"name": "my north"})
    page = browser.get("/contacts/").text
    assert "/contacts/?zone=Sud" in page
    assert "zone=Nord" not in page
    assert "Give the segment a name" in browser.post("/contacts/filters?zone=x", follow_redirects=True).text
    assert "My north" not in browser_of(is_admin=True).get("/contacts/").text
    with sqlite_home.database.write() as session:
        someone = make_user(session)
        actor = make_actor(user_id=someone.id)
        kept = saved_filters.save_filter(session, actor, PartyFilter(world.company.id, zones=("N",)), "a")
        assert saved_filters.list_filters(session, actor, make_company(session).id) == []
        kept_id = kept.id
    assert browser.post(f"/contacts/filters/{kept_id}/remove").status_code == 404


def test_receiving_and_levels_change_for_many_and_come_back(session: Session) -> None:
    """What is above the clearance stays untouched; what somebody chose since the change stays."""
    company = make_company(session)
    party = make_party(session, company)
    one = make_contact(session, party, subscriptions=("invoice:cc",))
    two = make_contact(session, party)
    hidden = make_contact(session, party, privacy_level=3)
    one.subscriptions[0].address_id = one.addresses[0].id
    actor, picked = make_actor(clearance=2), Picked(PartyFilter(company.id), is_all=True)

    def received() -> list[list[str]]:
        session.flush()
        session.expire_all()
        return [
            [f"{s.document_type} {s.recipient_kind} {bool(s.address_id)}" for s in c.subscriptions]
            for c in (one, two, hidden)
        ]

    before = received()
    counted = count_affected(session, actor, picked, BulkKind.SUBSCRIBE, "invoice")
    assert (counted.parties, counted.changed) == (1, 1)
    added = change_parties(session, actor, picked, BulkKind.SUBSCRIBE, "invoice")
    gone = change_parties(session, actor, picked, BulkKind.UNSUBSCRIBE, "invoice")
    assert received() == [[], [], []]
    assert gone
    assert added
    undo_change(session, actor, gone)
    undo_change(session, actor, added)
    assert received() == before
    raised = change_parties(session, actor, picked, BulkKind.LEVEL, "2")
    assert raised
    assert raised.count == 2
    two.privacy_level = 1
    session.flush()
    undo_change(session, actor, raised)
    assert [c.privacy_level for c in (one, two, hidden)] == [0, 1, 3]
    for kind, value in ((BulkKind.LEVEL, "3"), (BulkKind.LEVEL, "x"), (BulkKind.SUBSCRIBE, "nothing")):
        with pytest.raises(ContactRefused):
            count_affected(session, actor, picked, kind, value)
