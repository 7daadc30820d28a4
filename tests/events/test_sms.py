"""From an event to a mail and a text, at real local servers (issue 6, section 5): GA-4, GA-5, GA-9, GA-10."""

from decimal import Decimal

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.app import create_app
from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose
from crm_mail.contacts.models import Contact
from crm_mail.db import now
from crm_mail.delivery.models import AccountKind, SenderAccount, SmsDay, Suppression
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.account_service import add_sms_account
from crm_mail.delivery.sms.accounts import SmsAccountDetails
from crm_mail.delivery.sms.callback_tokens import callback_key, make_token
from crm_mail.delivery.sms.gateway import GatewayConfig
from crm_mail.events import handling
from crm_mail.events.kinds import RuleChannel
from crm_mail.events.models import EventRule
from crm_mail.installation import Installation
from crm_mail.outbox.models import LeftOut, Message
from crm_mail.outbox.sending.envelopes import raw_bytes
from crm_mail.outbox.sending.sms_budget import over_cap
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import EVERYTHING
from crm_mail.privacy.footprint import footprint_of_contact
from crm_mail.sandbox.sms_gateway import SmsGateway
from crm_mail.users.actors import build_actor
from tests import factories
from tests.delivery.servers import FaultyServer
from tests.events.making import make_office, make_rule, make_standing, post
from tests.events.test_handling import read_mail

MONEY = {"amount": "1250.00", "currency": "EUR", "date": "2026-11-20"}
NUMBER = "+393331234567"


def make_sms_account(
    home: Installation, session: Session, company: Company, gateway: SmsGateway, **config: object
) -> SenderAccount:
    """The company's SMS account at a local gateway."""
    details = SmsAccountDetails("Texts", "ACME", GatewayConfig(url=gateway.url, **config))  # type: ignore[arg-type]
    actor = build_actor(session, factories.make_user(session, email="settings@office.example", is_admin=True))
    return add_sms_account(session, actor, company.id, details, "", home.encrypt)


def report(home: Installation, client: FlaskClient, kind: str, account_id: int, data: object) -> int:
    """Tell the product something as the gateway does."""
    token = make_token(callback_key(home.secret_key), account_id, 1)
    return client.post(f"/sms/{kind}/{token}", json=data).status_code


def texts_of(home: Installation) -> dict[str, Message]:
    """The messages that are texts, by party code."""
    with home.database.read() as session:
        found = session.scalars(select(Message).where(Message.channel == Channel.SMS).order_by(Message.id))
        return {one.party_code: one for one in found}


def test_a_collection_is_thanked_for_by_mail_and_by_text_and_stop_is_obeyed(home: Installation) -> None:
    """GA-4: thanks to e-mail and phone; delivery status taken in; after STOP nothing more goes to the number."""
    with FaultyServer() as mail, SmsGateway() as gateway:
        with home.database.write() as session:
            company, user = make_office(session, port=mail.port)
            account_id = make_sms_account(home, session, company, gateway, cost=Decimal("0.07")).id
            standing = make_standing(session, company, user, ("receipt",))
            party = factories.make_party(session, company, code="C1", name="Cliente Uno")
            addresses = (("ana@cliente.example", "ordinary"),)
            ana = factories.make_contact(session, party, addresses, ("receipt",), mobile="333 1234567")
            nobody = factories.make_party(session, company, code="C2", email="due@cliente.example")
            make_rule(
                session,
                company,
                user,
                "collection.recorded",
                authorisation_id=standing,
                channel=RuleChannel.BOTH,
            )
            for number, code in enumerate((party.code, nobody.code)):
                post(
                    session,
                    company,
                    "collection.recorded",
                    number,
                    {"party_code": code, "number": "R7", **MONEY},
                )
            contact_id = ana.id
        handling.tend(home)
        run_worker(home, until_idle=True)
        assert {to[0] for to, _data in mail.received} == {"ana@cliente.example", "due@cliente.example"}
        (text,) = gateway.texts
        assert (text.number, text.fields["from"]) == (NUMBER, "ACME")
        assert text.text.endswith(": grazie per il pagamento di 1.250,00 € (R7).")
        with home.database.read() as session:
            assert session.scalars(select(LeftOut.reason)).all() == ["no_mobile"]
            day = session.scalars(select(SmsDay)).one()
            assert (day.messages, day.segments, day.cost) == (1, 1, Decimal("0.07"))
            one = session.scalars(select(Message).where(Message.channel == Channel.SMS)).one()
            source, _are_the_bytes = raw_bytes(session, home.store, one)
            assert b"To: +393331234567" in source  # what a person asks for of its data has the text
        client = create_app(home.settings, home).test_client()
        assert texts_of(home)["C1"].state is MessageState.SENT
        assert report(home, client, "status", account_id, {"id": text.id, "status": "enroute"}) == 200
        assert texts_of(home)["C1"].state is MessageState.SENT
        assert (
            report(home, client, "status", account_id, [{"reference": text.reference, "status": "DELIVRD"}])
            == 200
        )
        assert texts_of(home)["C1"].state is MessageState.DELIVERED
        assert client.post(f"/sms/status/{account_id}-{'0' * 32}", json={}).status_code == 404
        assert report(home, client, "inbound", account_id, {"from": NUMBER[1:], "text": "Stop."}) == 200
        with home.database.write() as session:
            said = session.scalars(select(ConsentState).where(ConsentState.contact_id == contact_id)).all()
            assert {(one.purpose, one.channel, one.decision) for one in said} == {
                (purpose, ConsentChannel.SMS, Decision.WITHDRAWN)
                for purpose in (Purpose.COMMERCIAL, Purpose.GREETINGS)
            }
            assert session.scalars(select(Suppression.address)).all() == [NUMBER]
            traces = footprint_of_contact(session, session.get_one(Contact, contact_id), EVERYTHING)
            assert (
                NUMBER in traces.addresses
            )  # the list's entry is among what a person is given, and erased with it
            post(
                session,
                session.scalars(select(Company)).one(),
                "collection.recorded",
                9,
                {"party_code": "C1", **MONEY},
            )
        handling.tend(home)
        run_worker(home, until_idle=True)
    assert len(gateway.texts) == 1


def test_a_fuel_sale_reaches_mail_and_phone_of_customers_with_vehicle_control_alone(
    sqlite_home: Installation,
) -> None:
    """GA-5: vehicle, plate, litres and amount by e-mail and SMS; nobody else."""
    home = sqlite_home
    with FaultyServer() as mail, SmsGateway() as gateway:
        with home.database.write() as session:
            company, user = make_office(session, port=mail.port)
            make_sms_account(home, session, company, gateway)
            standing = make_standing(session, company, user, ("generic",))
            for code, marks in (("A", {"vehicle control": "yes"}), ("B", {})):
                party = factories.make_party(session, company, code=code, country="PY")
                addresses = ((f"{code.lower()}@flota.example", "ordinary"),)
                factories.make_contact(
                    session,
                    party,
                    addresses,
                    ("generic",),
                    mobile="0981 123 456",
                    characteristics=marks,
                    language="es",
                )
            make_rule(
                session, company, user, "fuel.sold", authorisation_id=standing, channel=RuleChannel.BOTH
            )
            sale = {"vehicle": "Camión", "plate": "ABC 123", "litres": 40.5, "amount": 70, "currency": "EUR"}
            for number, code in enumerate("AB"):
                post(session, company, "fuel.sold", number, sale | {"party_code": code})
        handling.tend(home)
        run_worker(home, until_idle=True)
    ((to, data),) = mail.received
    assert list(to) == ["a@flota.example"]
    (text,) = gateway.texts
    assert text.number == "+595981123456"
    for said in (read_mail(data)[1], text.text):
        assert all(one in said for one in ("Camión", "ABC 123", "40,5", "70,00"))


def test_what_the_daily_cap_does_not_pay_for_waits_for_the_next_day(home: Installation) -> None:
    """GA-9 and GA-10: quiet hours; a cap on the cost, of which refusals take nothing; a raised cap lets the rest go."""
    with SmsGateway(answers=[(400, {"error": "bad"})]) as gateway:
        with home.database.write() as session:
            company, user = make_office(session)
            make_sms_account(home, session, company, gateway, cost=Decimal("0.10"), daily_cap=Decimal("0.25"))
            standing = make_standing(session, company, user, ("receipt",))
            for number in range(4):
                party = factories.make_party(session, company, code=f"C{number}")
                factories.make_contact(session, party, (), ("receipt",), mobile=f"333 123456{number}")
                post(session, company, "collection.recorded", number, {"party_code": party.code, **MONEY})
            make_rule(
                session,
                company,
                user,
                "collection.recorded",
                authorisation_id=standing,
                channel=RuleChannel.SMS,
            )
            company.send_windows = {"sms": {"weekdays": [], "from": 0, "to": 1440}}
            company_id = company.id
        handling.tend(home)
        run_worker(home, until_idle=True)
        assert gateway.texts == []  # GA-10: nothing leaves in the quiet hours of SMS
        with home.database.write() as session:
            session.get_one(Company, company_id).send_windows = {}
        run_worker(home, until_idle=True)
        states = [one.state for one in texts_of(home).values()]
        assert states == [MessageState.FAILED, MessageState.SENT, MessageState.SENT, MessageState.COMMITTED]
        with home.database.write() as session:
            account = session.scalars(
                select(SenderAccount).where(SenderAccount.kind == AccountKind.SMS)
            ).one()
            assert over_cap(session, [account], now())
            assert session.scalars(select(SmsDay.cost)).all() == [Decimal("0.20")]
            account.sms = (account.sms or {}) | {"daily_cap": "0.30"}
        run_worker(home, until_idle=True)
    assert len(gateway.texts) == 3
    assert texts_of(home)["C3"].state is MessageState.SENT


def test_a_lost_answer_is_never_sent_again_and_its_report_settles_it(sqlite_home: Installation) -> None:
    home = sqlite_home
    with SmsGateway(answers=[(200, None)]) as gateway:
        with home.database.write() as session:
            company, user = make_office(session)
            account_id = make_sms_account(home, session, company, gateway).id
            standing = make_standing(session, company, user, ("receipt",))
            party = factories.make_party(session, company, code="C1")
            factories.make_contact(session, party, (), ("receipt",), mobile=NUMBER)
            make_rule(
                session,
                company,
                user,
                "collection.recorded",
                authorisation_id=standing,
                channel=RuleChannel.SMS,
            )
            post(session, company, "collection.recorded", 1, {"party_code": "C1", **MONEY})
        handling.tend(home)
        run_worker(home, until_idle=True)
        run_worker(home, until_idle=True)
    (text,) = gateway.texts
    assert texts_of(home)["C1"].state is MessageState.UNCERTAIN
    client = create_app(home.settings, home).test_client()
    report(
        home,
        client,
        "status",
        account_id,
        {"reference": text.reference, "status": "failed", "error": "no phone"},
    )
    message = texts_of(home)["C1"]
    assert (message.state, message.last_detail) == (MessageState.BOUNCED, "no phone")


def test_advertising_by_text_asks_for_consent_to_texts(sqlite_home: Installation) -> None:
    """Consent to e-mail is none to SMS; a company without an SMS account is told so before anything leaves."""
    home = sqlite_home
    with home.database.write() as session:
        company, user = make_office(session)
        for code, channel in (("E", ConsentChannel.EMAIL), ("S", ConsentChannel.SMS)):
            party = factories.make_party(session, company, code=code)
            contact = factories.make_contact(session, party, (), ("receipt",), mobile=f"333 12345{ord(code)}")
            session.add(
                ConsentState(
                    company_id=company.id,
                    contact_id=contact.id,
                    address="",
                    purpose=Purpose.COMMERCIAL,
                    channel=channel,
                    decision=Decision.GIVEN,
                    at=now(),
                )
            )
            post(session, company, "collection.recorded", ord(code), {"party_code": code, **MONEY})
        make_rule(
            session,
            company,
            user,
            "collection.recorded",
            channel=RuleChannel.SMS,
            purpose=Purpose.COMMERCIAL.value,
        )
    handling.tend(home)
    with home.database.read() as session:
        message = session.scalars(select(Message)).one()
        assert (message.party_code, message.first_issue) == ("S", "no_sms_account")
        assert message.unsubscribe_url in message.content.body_text
        assert session.scalars(select(LeftOut.reason)).all() == ["no_consent"]
        assert session.scalars(select(EventRule.channel)).all() == [RuleChannel.SMS]
