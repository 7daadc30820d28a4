"""An address typed for one blocked message is kept on the card too, where its writer asks for that and may."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.delivery.routing import AddressKind, ChannelPreference
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.permissions import OUTBOX_PERMISSIONS, Permission
from tests.factories import (
    area_grants,
    make_account,
    make_contact,
    make_document,
    make_party,
    make_user,
)
from tests.outbox.preparing import decide, prepare, rows
from tests.outbox.reviewing import actor_of, reviewer

OFFER = "Save this address on the card of"
TYPED = "new@customer.example"
KEEPS = (Permission.CONTACTS_SEE, Permission.CONTACTS_MANAGE)


@pytest.fixture
def session(sqlite_home: Installation) -> Iterator[Session]:
    with sqlite_home.database.reading() as session:
        yield session
        session.rollback()


@pytest.fixture
def sign_in(login_as: Callable[..., FlaskClient], session: Session) -> Callable[..., FlaskClient]:
    """A reviewer with further rights."""

    def enter(*areas: Permission, clearance: int = 3) -> FlaskClient:
        rights = [(permission, "*", None) for permission in OUTBOX_PERMISSIONS]
        user = make_user(session, grants=[*rights, *area_grants(areas)], clearance=clearance)
        session.commit()
        return login_as(user)

    return enter


def blocked_message(session: Session, company: Company) -> Message:
    """The only message of a run over the invoices of the company."""
    run = prepare(session, actor_of(reviewer(session)), company)
    (message,) = rows(session, run)
    assert message.blockers
    session.commit()
    return message


def of_contact(session: Session, company: Company, *addresses: tuple[str, str], **values: Any) -> Contact:
    party = make_party(session, company)
    make_document(session, party)
    return make_contact(session, party, addresses, ("invoice",), **values)


def save(clerk: FlaskClient, message: Message, **values: str) -> str:
    """Type an address into the form of the message; what the page says then."""
    url = f"/outbox/{message.run_id}/messages/{message.id}/edit"
    page = clerk.get(url).text
    fields = dict(re.findall(r'<input[^>]*name="(cc|subject|seen)"[^>]*value="([^"]*)"', page))
    text = re.search(r'<textarea[^>]*name="body_text"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL)
    assert text is not None
    data = {**fields, "body_text": text[1], "to_address": TYPED, "to_kind": "unknown", **values}
    return clerk.post(url, data=data, follow_redirects=True).text


def on_cards(session: Session) -> list[tuple[str, str]]:
    session.rollback()
    session.expire_all()
    query = select(ContactAddress.email, ContactAddress.kind).order_by(ContactAddress.position)
    return [(email, kind.value) for email, kind in session.execute(query)]


def test_the_box_is_there_and_not_ticked(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    of_contact(session, company, name="Ada Neri")
    message = blocked_message(session, company)
    clerk = sign_in(*KEEPS)
    page = clerk.get(f"/outbox/{message.run_id}/messages/{message.id}/edit").text
    assert f"{OFFER} Ada Neri too" in page
    box = re.search(r'<input[^>]*name="keep_on_card"[^>]*>', page)
    assert box is not None
    assert "checked" not in box[0]
    assert "Saved." in save(clerk, message)
    assert on_cards(session) == []


def test_an_address_is_kept_with_the_kind_that_was_told_and_audited(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    of_contact(session, company, name="Ada Neri", privacy_level=2)
    message = blocked_message(session, company)
    clerk = sign_in(*KEEPS)
    assert "Saved, here and on the card of Ada Neri." in save(clerk, message, keep_on_card="y")
    assert on_cards(session) == [(TYPED, "unknown")]
    assert session.get_one(Message, message.id).to_address == TYPED
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "contacts.contact.updated")).one()
    assert (event.object_label, event.privacy_level) == ("Ada Neri", 2)
    assert event.detail["after"]["addresses"] == [f"{TYPED} (unknown)"]


def test_a_valid_address_takes_the_place_of_an_invalid_one(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    of_contact(session, company, ("broken@", "ordinary"), ("other@customer.example", "unknown"))
    message = blocked_message(session, company)
    save(sign_in(*KEEPS), message, keep_on_card="y", to_kind="pec")
    assert on_cards(session) == [(TYPED, "pec"), ("other@customer.example", "unknown")]


@pytest.mark.parametrize("field", ["email", "billing_email"])
def test_a_party_keeps_it_where_its_own_address_is_missing_or_invalid(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company, field: str
) -> None:
    before = {"billing_email": "broken@"} if field == "billing_email" else {}
    party = make_party(session, company, **before)
    make_document(session, party)
    message = blocked_message(session, company)
    save(sign_in(*KEEPS), message, keep_on_card="y")
    session.rollback()
    session.expire_all()
    kept = session.get_one(Party, party.id)
    assert (getattr(kept, field), getattr(kept, f"{field}_kind")) == (TYPED, AddressKind.UNKNOWN)
    actions = session.scalars(select(AuditEvent.action)).all()
    assert "contacts.party.updated" in actions


def test_a_valid_address_of_a_party_is_never_written_over(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    decide(session, company, channel_preference=ChannelPreference.PEC_ONLY)
    make_account(session, company, kind="pec")
    party = make_party(session, company, email="good@customer.example", email_kind=AddressKind.ORDINARY)
    make_document(session, party)
    message = blocked_message(session, company)
    clerk = sign_in(*KEEPS)
    assert OFFER not in clerk.get(f"/outbox/{message.run_id}/messages/{message.id}/edit").text
    save(clerk, message, keep_on_card="y", to_kind="pec")
    session.rollback()
    assert session.scalars(select(Party.email)).one() == "good@customer.example"


def test_nobody_writes_on_cards_without_the_right_to_keep_contacts(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    of_contact(session, company)
    message = blocked_message(session, company)
    clerk = sign_in(Permission.CONTACTS_SEE)
    assert OFFER not in clerk.get(f"/outbox/{message.run_id}/messages/{message.id}/edit").text
    assert "Saved." in save(clerk, message, keep_on_card="y")
    assert on_cards(session) == []


def test_a_card_that_was_raised_above_the_clearance_is_neither_named_nor_written(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    contact = of_contact(session, company, name="Contessa Serbelloni")
    message = blocked_message(session, company)
    session.get_one(Contact, contact.id).privacy_level = 3
    clerk = sign_in(*KEEPS, clearance=0)
    assert OFFER not in clerk.get(f"/outbox/{message.run_id}/messages/{message.id}/edit").text
    save(clerk, message, keep_on_card="y")
    assert on_cards(session) == []


def test_a_message_that_has_an_address_offers_nothing(
    sign_in: Callable[..., FlaskClient], session: Session, company: Company
) -> None:
    of_contact(session, company, ("good@customer.example", "ordinary"))
    run = prepare(session, actor_of(reviewer(session)), company)
    (message,) = rows(session, run)
    session.commit()
    page = sign_in(*KEEPS).get(f"/outbox/{run.id}/messages/{message.id}/edit").text
    assert OFFER not in page
