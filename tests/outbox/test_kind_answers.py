"""Whether an address is PEC is asked before sending, answered in place or by domain, and remembered on the cards."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.contacts.receivers import who_receives
from crm_mail.delivery.models import AddressVerdict, VerdictSource
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import CommitRefused, commit_run
from crm_mail.outbox.committing.commit_overview import overview
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.kind_answers import answer_kind, list_questions
from crm_mail.permissions import Permission
from crm_mail.sandbox.dns import Zone, dns_server
from crm_mail.users.models import User
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
    outbox_grants,
)
from tests.outbox.preparing import codes, prepare, rows

LoginAs = Callable[[User], FlaskClient]
ADMIN = make_actor()
PEC, ORDINARY, UNKNOWN = AddressKind.PEC, AddressKind.ORDINARY, AddressKind.UNKNOWN


def office(session: Session, sha256: str = "a" * 64) -> tuple[Any, Run, dict[str, Any]]:
    """Three addresses of one domain and one of another, none of known kind; one contact above most clearances."""
    company = make_company(session)
    ordinary, certified = make_account(session, company), make_account(session, company, kind="pec")
    first = make_party(session, company, code="1", email="office@acme.example")
    second = make_party(session, company, code="2")
    contact = make_contact(session, second, (("Anna@ACME.example".lower(), "unknown"),), ("invoice",))
    secret = make_contact(
        session, make_party(session, company, code="3"), (("boss@acme.example", "unknown"),), ("invoice",),
        privacy_level=3,
    )  # fmt: skip
    packed = make_party(session, company, code="4", packaging_emails="box@other.example")
    for party in (first, second, secret.party, packed):
        make_document(session, party, (("invoice.pdf", sha256, 4),))
    run = prepare(session, ADMIN, company)
    ids = {"ordinary": ordinary.id, "certified": certified.id, "contact": contact.id, "secret": secret.id}
    return company, run, ids


def kinds(session: Session, run: Run) -> dict[str, tuple[AddressKind, int | None]]:
    session.expire_all()
    return {m.party_code: (m.to_kind, m.account_id) for m in rows(session, run)}


def test_nothing_leaves_before_somebody_has_said_what_the_addresses_are(session: Session) -> None:
    _company, run, ids = office(session)

    assert overview(session, ADMIN, run).undetermined == 4
    with pytest.raises(CommitRefused) as refused:
        commit_run(session, ADMIN, run, skip_undo=True)
    assert (refused.value.code, refused.value.params) == ("kinds_unknown", {"count": 4})

    answer_kind(session, ADMIN, run, ORDINARY, domain="acme.example")
    answer_kind(session, ADMIN, run, PEC, address="BOX@other.example")

    assert kinds(session, run) == {
        "1": (ORDINARY, ids["ordinary"]),
        "2": (ORDINARY, ids["ordinary"]),
        "3": (ORDINARY, ids["ordinary"]),
        "4": (PEC, ids["certified"]),
    }
    assert all(codes(message) == set() for message in rows(session, run))
    assert commit_run(session, ADMIN, run, skip_undo=True).messages == 4


def test_an_answer_is_kept_on_the_cards_and_asked_no_more(session: Session) -> None:
    company, run, _ids = office(session)

    done = answer_kind(session, ADMIN, run, PEC, domain="acme.example")
    answer_kind(session, ADMIN, run, ORDINARY, domain="other.example")

    assert (done.messages, done.cards) == (3, 3)
    assert set(session.scalars(select(ContactAddress.kind))) == {PEC}
    assert session.scalar(select(Party.email_kind).where(Party.code == "1")) is PEC
    words = session.execute(select(AddressVerdict.subject, AddressVerdict.source, AddressVerdict.kind)).all()
    assert words == [("box@other.example", VerdictSource.PERSON, ORDINARY)]  # no card has a place for it
    again = prepare(session, ADMIN, company)
    assert {message.to_kind for message in rows(session, again)} == {PEC, ORDINARY}
    assert list_questions(session, ADMIN, again) == []


def test_who_may_not_see_or_keep_contacts_answers_for_less(session: Session) -> None:
    company, run, _ids = office(session)
    clerk = make_actor(clearance=0, is_admin=False, grants=outbox_grants(company.id))

    (first, _second) = list_questions(session, clerk, run)
    assert (first.domain, first.addresses) == ("acme.example", ("anna@acme.example", "office@acme.example"))
    done = answer_kind(session, clerk, run, ORDINARY, domain="acme.example")

    assert (done.messages, done.cards) == (2, 0)
    assert kinds(session, run)["3"][0] is UNKNOWN
    assert set(session.scalars(select(ContactAddress.kind))) == {UNKNOWN}


def test_pec_carries_no_copies_and_not_every_type_goes_by_pec(session: Session) -> None:
    _company, run, _ids = office(session)
    first, second = rows(session, run)[:2]
    first.cc = ["copy@acme.example"]
    second.why = second.why | {"preference": "ordinary_only"}
    session.flush()

    done = answer_kind(session, ADMIN, run, PEC, domain="acme.example")

    assert (done.messages, done.with_copies) == (2, 1)
    first, second = rows(session, run)[:2]
    assert (first.to_kind, first.channel) == (UNKNOWN, Channel.SMTP)
    assert (second.channel, codes(second), second.blockers) == (Channel.PEC, {"no_ordinary_address"}, 1)


def test_one_click_sends_them_as_ordinary_mail_this_once(session: Session) -> None:
    _company, run, ids = office(session)

    done = commit_run(session, ADMIN, run, skip_undo=True, unknown_is_ordinary=True)

    assert done.messages == 4
    assert {account for _kind, account in kinds(session, run).values()} == {ids["ordinary"]}
    assert set(session.scalars(select(ContactAddress.kind))) == {UNKNOWN}


@pytest.fixture
def zone(sqlite_home: Installation) -> Iterator[Zone]:
    zone = Zone({"pec.it": {"MX": ["5 mx.pec.it."]}, "acme.example": {"MX": ["5 mx.pec.aruba.it."]}})
    with dns_server(zone) as (host, port):
        sqlite_home.settings.dns_servers = f"{host}:{port}"
        yield zone


def test_the_page_asks_by_domain_looks_up_and_takes_answers(
    sqlite_home: Installation, zone: Zone, login_as: LoginAs
) -> None:
    with sqlite_home.database.write() as session:
        company, run, _ids = office(session, sqlite_home.store.put(b"%PDF"))
        areas = [Permission.CONTACTS_MANAGE]
        user = make_user(session, grants=outbox_grants(company.id), areas=areas, clearance=3)
        session.flush()
        page, party_id = f"/outbox/{run.id}/address-kinds", rows(session, run)[1].party_id
    client = login_as(user)
    commit = f"/outbox/{run.id}/commit"
    assert "Say it domain by domain" in client.get(commit).text
    assert "Its domain was not looked up yet." in client.get(page).text
    assert "Check address kinds" in client.get(f"/contacts/{party_id}").text

    assert client.post(f"{page}/look-up").status_code == 303
    text = client.get(page).text
    assert "other.example" in text
    assert "acme.example" not in text  # an operator's server takes its mail
    assert "mx.pec.aruba.it" in client.get(f"/contacts/{party_id}").text

    seen = re.findall(r'name="seen"[^>]*value="([^"]+)"', client.get(commit).text)[0]
    refused = client.post(commit, data={"start": "now", "seen": seen, "key": "k" * 16})
    assert refused.status_code == 409
    assert "Nobody has said whether" in refused.text, re.findall(
        r"(?s)alert-title.*?</ul>|alert-box.{300}", refused.text
    )
    assert client.post(page, data={"kind": "unknown", "domain": "other.example"}).status_code == 400
    assert client.post(page, data={"kind": "ordinary", "domain": "other.example"}).status_code == 303
    assert "Nothing is left to be said" in client.get(page).text
    with sqlite_home.database.read() as session:
        found = {m.party_code: m.to_kind for m in session.scalars(select(Message))}
        assert found == {"1": PEC, "2": PEC, "3": PEC, "4": ORDINARY}
        assert session.scalar(select(Contact.id).limit(1)) is not None


def test_the_card_names_the_address_that_a_run_would_take(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        party = make_party(session, company)
        addresses = (
            ("a@unknown.example", "unknown"),
            ("b@gmail.com", "unknown"),
            ("c@x.example", "ordinary"),
        )
        contact = make_contact(session, party, addresses, ("invoice",))
        make_document(session, party)
        (message,) = rows(session, prepare(session, ADMIN, company))
        ((_type, (receiver,)),) = who_receives(session, party, [contact], ["invoice"])
        assert message.to_address == receiver.email == "b@gmail.com"
