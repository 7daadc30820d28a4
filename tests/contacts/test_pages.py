"""The pages of the contacts room: who may open them, what they show, what they change."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.audit import AuditEvent
from crm_mail.contacts.models import Contact, ContactState, Party, Role, Subscription
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Permission
from tests.contacts.conftest import SECRET_WORDS
from tests.factories import make_company

Browser = Callable[..., FlaskClient]
READING = ("/contacts", "/contacts/{party}", "/contacts/{party}/details", "/contacts/{party}/documents")
MANAGING = (
    "/contacts/new",
    "/contacts/{party}/people/new",
    "/contacts/people/{public}",
    "/contacts/people/{public}/delete",
    "/contacts/suggestions",
    "/contacts/roles",
    "/contacts/privacy-levels",
)


def fill(path: str, world: SimpleNamespace) -> str:
    return path.format(
        party=world.party.id, public=world.public.id, hidden=world.hidden.id, suggested=world.suggested.id
    )


@pytest.mark.parametrize("path", READING + MANAGING)
def test_each_page_opens_for_who_may_and_for_nobody_else(
    world: SimpleNamespace, client: FlaskClient, browser_of: Browser, path: str
) -> None:
    address = fill(path, world)
    assert client.get(address).status_code in (302, 303, 401)
    nobody = browser_of(areas=[Permission.USERS_MANAGE])
    assert nobody.get(address).status_code == 403
    clerk = browser_of(grants=[(Permission.OUTBOX_PREPARE, ANY, world.company.id)])
    assert clerk.get(address).status_code == (200 if path in READING else 403)
    assert browser_of().get(address).status_code == 200
    assert browser_of(clearance=3, is_admin=True).get(address).status_code == 200


def test_a_clerk_of_another_company_finds_no_party(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    with sqlite_home.database.write() as session:
        other = make_company(session)
    stranger = browser_of(grants=[(Permission.OUTBOX_PREPARE, ANY, other.id)])
    assert stranger.get(f"/contacts/{world.party.id}").status_code == 404


@pytest.mark.parametrize("clearance", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "path",
    [
        *READING,
        *MANAGING,
        "/contacts?q=rossi",
        "/contacts?type=invoice",
        "/contacts?address=yes",
        "/contacts/{party}/people/new",
    ],
)
def test_no_page_shows_a_trace_of_a_contact_above_the_clearance(
    world: SimpleNamespace, browser_of: Browser, path: str, clearance: int
) -> None:
    """IT-17: lists, cards, filters, suggestions and counts."""
    page = browser_of(clearance).get(fill(path, world)).text
    found = [word for word in SECRET_WORDS if word.lower() in page.lower()]
    assert clearance >= 2 or not found


@pytest.mark.parametrize(
    "query", ["q=segretissimo", "q=hidden@rossi", "role=Direzione", "characteristic=vip-tag", "type=quote"]
)
def test_a_hidden_contact_cannot_be_found_through_any_filter(
    world: SimpleNamespace, browser_of: Browser, query: str
) -> None:
    assert "Rossi S.p.A." not in browser_of(1).get(f"/contacts?{query}").text
    assert "Rossi S.p.A." in browser_of(2).get(f"/contacts?{query}").text


@pytest.mark.parametrize("contact", ["hidden", "suggested"])
@pytest.mark.parametrize("action", ["", "/delete", "/settle"])
def test_a_contact_above_the_clearance_answers_404_to_everything(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser, contact: str, action: str
) -> None:
    contact_id = getattr(world, contact).id
    browser = browser_of(1)
    if action != "/settle":
        assert browser.get(f"/contacts/people/{contact_id}{action}").status_code == 404
    assert browser.post(f"/contacts/people/{contact_id}{action}", data={"name": "X"}).status_code == 404
    with sqlite_home.database.read() as session:
        assert session.get_one(Contact, contact_id).name.startswith("Segretissimo")


def test_the_matrix_changes_only_contacts_that_exist_for_the_user(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    cells = {
        f"cell-{world.public.id}-quote": "cc",
        f"cell-{world.public.id}-invoice": "",
        f"cell-{world.hidden.id}-invoice": "",
    }
    answer = browser_of(1).post(f"/contacts/{world.party.id}/subscriptions", data=cells)
    assert answer.status_code == 303
    with sqlite_home.database.read() as session:
        rows = [(s.contact_id, s.document_type) for s in session.scalars(select(Subscription))]
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "contacts.subscriptions.changed")
        ).one()
    assert sorted(rows) == [
        (world.public.id, "quote"),
        (world.hidden.id, "invoice"),
        (world.hidden.id, "quote"),
    ]
    assert event.detail == {"before": {"quote": "", "invoice": "to"}, "after": {"quote": "cc", "invoice": ""}}


def form_of(name: str = "Bruno Neri", **changes: Any) -> dict[str, Any]:
    """What a browser posts from the contact form."""
    values = {
        "name": name,
        "privacy_level": "0",
        "state": "active",
        "language": "",
        "addresses-0-email": "Bruno.Neri@ROSSI.example",
        "addresses-0-kind": "ordinary",
        "addresses-1-email": "neri@pec.example",
        "addresses-1-kind": "pec",
        "addresses-2-email": "",
        "addresses-2-kind": "unknown",
        "characteristics": "sector = food\nfair-2026\n",
        "receive-invoice": "to",
        "by-invoice": "neri@pec.example",
        "receive-quote": "cc",
    }
    return values | changes


def test_a_contact_is_added_with_everything_typed(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    """IT-8, IT-9, IT-14: several addresses with a kind, roles, characteristics, To and Cc by a chosen address."""
    with sqlite_home.database.read() as session:
        role = session.scalars(select(Role)).one()
    answer = browser_of().post(
        f"/contacts/{world.party.id}/people/new", data=form_of(role_ids=[str(role.id)])
    )
    assert answer.status_code == 303
    with sqlite_home.database.read() as session:
        contact = session.scalars(select(Contact).where(Contact.name == "Bruno Neri")).one()
        emails = {address.id: address.email for address in contact.addresses}
        received = {
            s.document_type: (s.recipient_kind.value, emails.get(s.address_id or 0))
            for s in contact.subscriptions
        }
        assert [(a.email, a.kind.value) for a in contact.addresses] == [
            ("Bruno.Neri@rossi.example", "ordinary"),
            ("neri@pec.example", "pec"),
        ]
        assert [(c.key, c.value) for c in contact.characteristics] == [("fair-2026", ""), ("sector", "food")]
        assert received == {"invoice": ("to", "neri@pec.example"), "quote": ("cc", None)}
        assert [r.name for r in contact.roles] == ["Direzione"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "  "}, "Enter the name."),
        ({"addresses-0-email": "not an address"}, "not an address is not an e-mail address"),
        ({"addresses-1-email": "bruno.neri@rossi.example"}, "stands here twice"),
        ({"by-invoice": "other@rossi.example"}, "other@rossi.example is not an address of this contact"),
        ({"characteristics": "=food"}, "is not a characteristic"),
        ({"privacy_level": "2"}, "Not a valid choice"),
    ],
)
def test_a_wrong_value_is_told_and_nothing_is_saved(
    sqlite_home: Installation,
    world: SimpleNamespace,
    browser_of: Browser,
    changes: dict[str, Any],
    sentence: str,
) -> None:
    answer = browser_of(1).post(f"/contacts/{world.party.id}/people/new", data=form_of(**changes))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="neri@pec.example"' in answer.text or "addresses-1-email" in changes
    with sqlite_home.database.read() as session:
        assert len(session.scalars(select(Contact)).all()) == 3


def test_an_edit_that_changes_nothing_says_so_and_leaves_no_audit_line(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    browser = browser_of(2)
    browser.post(f"/contacts/{world.party.id}/people/new", data=form_of())
    with sqlite_home.database.read() as session:
        contact_id = session.scalars(select(Contact.id).where(Contact.name == "Bruno Neri")).one()
    same = form_of(
        **{"addresses-0-email": "Bruno.Neri@rossi.example", "characteristics": "fair-2026\nsector=food"}
    )
    browser.post(f"/contacts/people/{contact_id}", data=same)
    browser.post(f"/contacts/people/{contact_id}", data=same | {"privacy_level": "2"})
    with sqlite_home.database.read() as session:
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "contacts.contact.updated")
        ).all()
    assert [event.detail for event in events] == [
        {"before": {"privacy_level": 0}, "after": {"privacy_level": 2}}
    ]
    assert events[0].privacy_level == 2


def test_a_party_is_added_blocked_and_allowed_again(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    browser = browser_of()
    values = {
        "code": "00042",
        "name": "Verdi S.r.l.",
        "is_supplier": "y",
        "vat_number": "it 0123.4567890",
        "email_kind": "unknown",
        "billing_email_kind": "unknown",
        "language": "",
    }
    answer = browser.post("/contacts/new", data=values)
    assert answer.status_code == 303, answer.text
    taken = browser.post("/contacts/new", data=values)
    assert taken.status_code == 422
    assert "belongs to Verdi S.r.l. already" in taken.text
    with sqlite_home.database.read() as session:
        party = session.scalars(select(Party).where(Party.code == "00042")).one()
    assert (party.vat_number, party.is_customer, party.is_supplier) == ("IT01234567890", False, True)
    browser.post(f"/contacts/{party.id}/block", data={"blocked": "yes"})
    assert "Blocked" in browser.get(f"/contacts/{party.id}").text
    browser.post(f"/contacts/{party.id}/block", data={"blocked": "no"})
    with sqlite_home.database.read() as session:
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["contacts.party.created", "contacts.party.blocked", "contacts.party.unblocked"]


def test_a_suggestion_is_confirmed_once(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    browser = browser_of(2)
    assert "Segretissimo Due" in browser.get("/contacts/suggestions").text
    for _twice in range(2):
        browser.post(f"/contacts/people/{world.suggested.id}/settle", data={"answer": "confirm"})
    with sqlite_home.database.read() as session:
        assert session.get_one(Contact, world.suggested.id).state is ContactState.ACTIVE
        lines = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "contacts.suggestion.confirmed")
        )
        assert len(lines.all()) == 1


def test_the_card_says_who_receives_what(world: SimpleNamespace, browser_of: Browser) -> None:
    page = browser_of(0).get(f"/contacts/{world.party.id}").text
    assert "Own address, because no contact is subscribed" in page
    assert "Subscribed contact" in page


def test_an_empty_company_and_an_empty_filter_say_different_things(
    world: SimpleNamespace, browser_of: Browser
) -> None:
    assert "Nothing matches these filters" in browser_of().get("/contacts?q=zzz").text


def test_a_filter_that_does_not_exist_is_named(world: SimpleNamespace, browser_of: Browser) -> None:
    answer = browser_of().get("/contacts?kind=friend")
    assert answer.status_code == 400
    assert "kind" in answer.text


def test_routes_of_the_room_are_kebab_case(app: Flask) -> None:
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("contacts.")]
    assert rules
    assert not [rule for rule in rules if "_" in re.sub("<[^>]+>", "", rule)]


def _order(html: str, *names: str) -> list[str]:
    form = html[html.index("<h1") :]
    places = {name: form.index(f'name="{name}"') for name in names}
    return sorted(names, key=places.__getitem__)


def test_a_new_customer_is_asked_for_its_name_and_address_first(
    world: SimpleNamespace, browser_of: Browser
) -> None:
    asked = ("name", "is_customer", "email", "language", "city", "packaging", "addenda")
    page = browser_of().get("/contacts/new").text
    assert _order(page, *reversed(asked)) == list(asked)
    assert re.search(r'<details class="more-fields"\s*>', page)
    assert page.index('<details class="more-fields"') < page.index('name="packaging"')


def test_seldom_fields_stand_open_where_they_hold_something(
    world: SimpleNamespace, browser_of: Browser
) -> None:
    browser = browser_of()
    closed = browser.get(f"/contacts/{world.party.id}/details").text
    assert re.search(r'<details class="more-fields"\s*>', closed)
    sent = browser.post("/contacts/new", data={"code": "", "name": "Rossi", "packaging": "GRAL,a@x.example"})
    assert sent.status_code == 422
    assert '<details class="more-fields" open>' in sent.text


def test_a_new_contact_is_asked_in_the_order_in_which_it_is_known(
    world: SimpleNamespace, browser_of: Browser
) -> None:
    asked = ("name", "role_ids", "addresses-0-email", "phone", "language", "privacy_level", "characteristics")
    asked = (*asked, "receive-invoice", "birthday", "state", "notes")
    page = browser_of().get(f"/contacts/{world.party.id}/people/new").text
    assert _order(page, *reversed(asked)) == list(asked)
    assert re.search(r'<details class="more-fields"\s*>', page)


def test_a_search_finds_a_customer_by_its_city(
    sqlite_home: Installation, world: SimpleNamespace, browser_of: Browser
) -> None:
    with sqlite_home.database.write() as session:
        session.get_one(Party, world.party.id).city = "Reggio nell'Emilia"
    found = browser_of().get("/contacts/?q=reggio").text
    assert world.party.code in found
    assert "Nothing matches these filters" not in found
    assert "Nothing matches these filters" in browser_of().get("/contacts/?q=palermo").text
