"""The interface does what the pages do: the same services, once however often a request is repeated."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select, update

from crm_mail.api.models import ApiKey
from crm_mail.contacts.models import Party
from crm_mail.events.models import InboundEvent
from crm_mail.installation import Installation
from crm_mail.outbox import tasks
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Permission
from crm_mail.users.models import User
from tests.api.conftest import Api
from tests.factories import make_account, make_company, make_contact, make_document, make_party, make_user

DOCUMENT = {
    "type": "generic",
    "title": "Offer",
    "number": "Q-17",
    "date": "2026-11-03",
    "party": {"code": "000", "name": "Rossi 0"},
    "files": [
        {"name": "offer.pdf", "role": "main", "content": base64.b64encode(b"%PDF-1.4 a page").decode()}
    ],
}


@pytest.fixture
def office(sqlite_home: Installation) -> User:
    """SM02 with three parties, one of which is owed an invoice; and its administrator."""
    with sqlite_home.database.write() as session:
        company = make_company(session, code="SM02")
        make_account(session, company)
        for number in range(3):
            party = make_party(session, company, code=f"00{number}", email="", name=f"Rossi {number}")
            address = ((f"anna{number}@rossi.example", "ordinary"),)
            make_contact(session, party, addresses=address, subscriptions=("invoice",))
        pdf = sqlite_home.store.put(b"%PDF-1.4 a page")
        make_document(session, party, files=(("invoice.pdf", pdf, 15),))
        return make_user(session, is_admin=True, clearance=3)


def test_lists_are_walked_by_cursor_to_their_end_each_row_once(api: Callable[..., Api], office: User) -> None:
    program, cursor, codes = api(office), "", []
    while cursor is not None:
        page = program("GET", f"/parties?company=SM02&limit=1&after={cursor}").get_json()
        codes += [one["code"] for one in page["data"]]
        cursor = page["next"]
    assert codes == ["000", "001", "002"]
    wrong = program("GET", "/contacts?company=SM02&after=WyJwYXJ0aWVzIiwxXQ")  # a cursor of another list
    assert (wrong.status_code, wrong.get_json()["errors"][0]["field"]) == (422, "?after")
    assert program("GET", "/parties?company=SM02&limt=1").get_json()["errors"][0]["field"] == "?limt"


def test_a_party_and_its_contact_are_added_changed_subscribed_and_removed(
    api: Callable[..., Api], office: User
) -> None:
    program = api(office)
    taken = program("POST", "/parties", json={"company": "SM02", "code": "000", "name": "X"})
    assert (taken.status_code, taken.get_json()["errors"][0]["field"]) == (422, "code")
    made = program(
        "POST", "/parties", json={"company": "SM02", "code": "009", "name": "Neri", "city": "Modena"}
    )
    party = made.get_json()
    assert made.headers["Location"] == f"/api/v1/parties/{party['id']}"
    changed = program("PATCH", f"/parties/{party['id']}", json={"zone": "N", "is_blocked": True}).get_json()
    assert (changed["city"], changed["zone"], changed["is_blocked"]) == ("Modena", "N", True)
    person = {
        "party_id": party["id"],
        "name": "Anna",
        "addresses": [{"email": "a@neri.example", "kind": "pec"}],
    }
    contact = program("POST", "/contacts", json=person).get_json()
    at = f"/contacts/{contact['id']}"
    assert program("PUT", f"{at}/subscriptions/invoice", json={"kind": "cc"}).get_json()["kind"] == "cc"
    assert program("PUT", f"{at}/subscriptions/nonsense", json={}).status_code == 422
    foreign = program("PUT", f"{at}/subscriptions/order", json={"email": "b@else.example"})
    assert foreign.status_code == 422
    kept = program("PATCH", at, json={"phone": "059 1"}).get_json()
    assert kept["addresses"] == person["addresses"]
    assert [one["document_type"] for one in kept["subscriptions"]] == ["invoice"]
    assert program("DELETE", f"{at}/subscriptions/invoice").status_code == 204
    assert program("DELETE", f"{at}/subscriptions/invoice").status_code == 404
    assert program("DELETE", at).get_json() == {"removal": "deleted"}
    assert program("GET", at).status_code == 404


def test_a_repeated_request_is_answered_as_the_first_one_and_done_once(
    api: Callable[..., Api], office: User, sqlite_home: Installation
) -> None:
    program = api(office)
    same: dict[str, Any] = {
        "json": {"company": "SM02", "code": "77", "name": "Once"},
        "headers": {"Idempotency-Key": "a1"},
    }
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _n: program("POST", "/parties", **same), range(4)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.get_data() for one in answers}) == 1
    assert sorted(one.headers.get("Idempotent-Replayed", "") for one in answers) == [
        "",
        "true",
        "true",
        "true",
    ]
    other = program(
        "POST", "/parties", json={"company": "SM02", "code": "78", "name": "X"}, headers=same["headers"]
    )
    assert (other.status_code, other.get_json()["type"]) == (422, "urn:crm-mail:problem:idempotency")
    refused = {"json": {"company": "SM02", "code": "77", "name": "X"}, "headers": {"Idempotency-Key": "a2"}}
    assert [program("POST", "/parties", **refused).status_code for _ in range(2)] == [422, 422]
    with sqlite_home.database.read() as session:
        assert session.scalar(select(func.count()).where(Party.code.in_(("77", "78")))) == 1


def test_documents_come_in_as_json_or_files_once_and_their_files_are_fetched(
    api: Callable[..., Api], office: User
) -> None:
    program = api(office)
    tried = program("POST", "/documents?company=SM02&dry_run=true", json=DOCUMENT)
    assert tried.status_code == 200, tried.get_data(as_text=True)
    came = program("POST", "/documents?company=SM02", json=DOCUMENT)
    assert (came.status_code, came.get_json()["created"]) == (201, 1)
    again = program("POST", "/documents?company=SM02", json=DOCUMENT)
    assert (again.status_code, again.get_json()["unchanged"]) == (200, 1)
    document = came.get_json()["documents"][0]
    shown = program("GET", f"/documents/{document['id']}").get_json()
    assert shown["data"]["title"] == "Offer"
    listed = program("GET", "/documents?company=SM02&type=generic").get_json()["data"]
    assert [one["number"] for one in listed] == ["Q-17"]
    broken = program("POST", "/documents?company=SM02", data={"file": (BytesIO(b"<a>"), "x.xml")})
    assert broken.status_code == 422
    assert broken.get_json()["errors"][0]["field"] == "x.xml"
    fetched = program("GET", f"/documents/{document['id']}/files/{shown['files'][0]['id']}")
    assert (fetched.status_code, fetched.data) == (200, b"%PDF-1.4 a page")
    assert fetched.headers["Content-Disposition"] == "attachment; filename=offer.pdf"


def test_a_run_is_prepared_looked_at_and_committed_only_as_it_was_seen(
    api: Callable[..., Api], office: User, sqlite_home: Installation
) -> None:
    """The whole way of a message to its queue (issue 6, 7): nothing leaves without the mark of the list."""
    program = api(office)
    whole = {"company": "SM02", "document_types": ["invoice"]}
    assert program("POST", "/runs", json=whole).get_json()["errors"][0]["field"] == "everybody"
    asked = program("POST", "/runs", json=whole | {"parties": {"codes": ["002"]}})
    assert (asked.status_code, asked.get_json()["state"]) == (202, "preparing")
    at = asked.headers["Location"].removeprefix("/api/v1")
    tasks.fill_one_run(sqlite_home, asked.get_json()["id"])
    run = program("GET", at).get_json()
    assert (run["state"], run["counts"]["total"]) == (RunState.REVIEW, 1)
    messages = program("GET", f"/messages?company=SM02&run_id={run['id']}").get_json()["data"]
    assert messages[0]["to_address"] == "anna2@rossi.example"
    detail = program("GET", f"/messages/{messages[0]['id']}").get_json()
    assert detail["state"] == MessageState.PENDING
    assert len(detail["documents"]) == 1
    stale = program("POST", f"{at}/commit", json={"seen": "9-9"})
    assert (stale.status_code, stale.get_json()["type"]) == (409, "urn:crm-mail:problem:list_changed")
    seen = {"json": {"seen": run["fingerprint"]}, "headers": {"Idempotency-Key": "c1"}}
    _be_administrator(sqlite_home, office, False)
    assert program("POST", f"{at}/commit", **seen).status_code == 403
    _be_administrator(sqlite_home, office, True)
    done = program("POST", f"{at}/commit", **seen)
    assert (done.status_code, done.get_json()["messages"]) == (200, 1), done.get_data(as_text=True)
    assert program("POST", f"{at}/commit", **seen).headers["Idempotent-Replayed"] == "true"
    assert program("GET", at).get_json()["state"] == RunState.COMMITTED


def _be_administrator(home: Installation, user: User, is_admin: bool) -> None:
    with home.database.write() as session:
        session.get_one(User, user.id).is_admin = is_admin


def test_the_same_event_twice_is_one_also_within_a_request(
    api: Callable[..., Api], office: User, sqlite_home: Installation
) -> None:
    program = api(office)
    event = {
        "company": "SM02",
        "id": "e1",
        "kind": "purchase_order.saved",
        "occurred_at": "2026-11-22T10:00:00+01:00",
        "data": {"number": "17"},
    }
    first = program("POST", "/events", json=event)
    assert (first.status_code, first.get_json()["data"][0]["is_new"]) == (202, True)
    more = program("POST", "/events", json=[event, event | {"id": "e2"}, event | {"id": "e2"}]).get_json()[
        "data"
    ]
    assert [one["is_new"] for one in more] == [False, True, False]
    assert more[0]["id"] == first.get_json()["data"][0]["id"]
    with sqlite_home.database.read() as session:
        kept = session.scalars(select(InboundEvent).order_by(InboundEvent.id)).all()
    assert [(one.event_id, one.source, one.state.value) for one in kept] == [
        ("e1", "ERP", "waiting"),
        ("e2", "ERP", "waiting"),
    ]
    assert kept[0].occurred_at.hour == 9
    naive = program("POST", "/events", json=event | {"occurred_at": "2026-11-22T10:00:00"})
    assert "occurred_at" in naive.get_json()["errors"][0]["field"]
    assert program("POST", "/events", json=event | {"company": "NO"}).status_code == 422
    assert program("GET", "/events?company=SM02").get_json()["data"][0]["event_id"] == "e2"
    reader = api(office, Permission.CONTACTS_SEE.value)
    assert reader("POST", "/events", json=event).status_code == 403


def test_what_an_event_says_of_customers_is_answered_to_who_sees_all_of_them_or_told_it(
    api: Callable[..., Api], office: User, sqlite_home: Installation
) -> None:
    """An event may name customers of every agent: it may not lead round the sight of the key's owner."""
    event = {"company": "SM02", "kind": "sale", "occurred_at": "2026-11-22T10:00:00+01:00"}
    told = api(office)("POST", "/events", json=event | {"id": "e1", "data": {"party": "000"}})
    path = f"/events/{told.get_json()['data'][0]['id']}"
    assert api(office)("GET", path).get_json()["data"] == {"party": "000"}
    with sqlite_home.database.write() as session:
        session.execute(update(InboundEvent).values(source="till"))
        sees = [(Permission.SCHEDULES_SEE, "", None), (Permission.CONTACTS_SEE, "", None)]
        everything, blind = make_user(session, grants=sees), make_user(session, grants=sees[:1])
        of_agent = make_user(session, grants=sees, agents=["AG1"])
    with sqlite_home.database.write() as session:
        session.execute(update(ApiKey).values(name="till"))
    for user, name, shown in (
        (everything, "a", {"party": "000"}),
        (blind, "b", {}),
        (of_agent, "c", {}),
    ):
        program = api(user)
        with sqlite_home.database.write() as session:
            session.execute(update(ApiKey).where(ApiKey.name == "ERP").values(name=name))
        assert program("GET", path).get_json()["data"] == shown
        assert program("GET", "/events?company=SM02").get_json()["data"][0]["data"] == shown
