"""From an event to a mail at a real server (issue 6, section 3): GA-4, GA-5, GA-6, GA-7."""

from datetime import timedelta
from email import message_from_bytes, policy

from sqlalchemy import func, select

from crm_mail.api.keys import KeyValues, issue_key
from crm_mail.app import create_app
from crm_mail.db import now
from crm_mail.events import handling
from crm_mail.events.conditions import read_conditions
from crm_mail.events.kinds import Target
from crm_mail.events.models import ActionState, EventRule, EventState, InboundEvent
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageDocument, Run
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Permission
from crm_mail.privacy.retention import retain
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests import factories
from tests.delivery.servers import FaultyServer
from tests.events.making import actions, make_office, make_rule, make_standing, post

MONEY = {"amount": "1250.00", "currency": "EUR", "date": "2026-11-20"}


def read_mail(data: bytes) -> tuple[str, str]:
    """Subject and text."""
    mail = message_from_bytes(data, policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(mail["Subject"]), body.get_content()


def test_events_become_mail_by_a_standing_authorisation_and_act_once(home: Installation) -> None:
    """GA-4: order to the supplier, quote to the customer, order of payment to be brought signed, thanks."""
    kinds = {
        "purchase_order.saved": "purchase_order",
        "quote.saved": "quote",
        "payment_order.saved": "payment_order",
        "collection.recorded": "receipt",
    }
    with FaultyServer() as server:
        with home.database.write() as session:
            company, user = make_office(session, port=server.port)
            standing = make_standing(session, company, user, tuple(kinds.values()))
            party = factories.make_party(
                session, company, code="F1", name="Fornitore Uno", is_supplier=True, email="uno@firma.example"
            )
            factories.make_contact(
                session, party, (("pagos@firma.example", "ordinary"),), ("payment_order",), language="es"
            )
            for kind in kinds:
                make_rule(session, company, user, kind, authorisation_id=standing)
            values = KeyValues("ERP", (Permission.DOCUMENTS_MANAGE.value,), clearance=1)
            _key, token = issue_key(session, build_actor(session, user), values)
            code = company.code
        told = [
            {
                "company": code,
                "id": f"E{number}",
                "kind": kind,
                "occurred_at": "2026-11-20T10:00:00+01:00",
                "data": {"party_code": "F1", "number": f"N{number}", **MONEY},
            }
            for number, kind in enumerate(kinds)
        ]
        client = create_app(home.settings, home).test_client()
        for _round in range(2):
            headers = {"Authorization": f"Bearer {token}"}
            assert client.post("/api/v1/events", json=told, headers=headers).status_code == 202
            handling.tend(home)
            run_worker(home, until_idle=True)
    got = {tuple(to): read_mail(data) for to, data in server.received if "pagos" in to[0]}
    assert len(server.received) == 4
    subject, text = got[("pagos@firma.example",)]
    assert subject == "Orden de pago N2"
    assert "Rogamos traer la orden impresa y firmada" in text
    subjects = {read_mail(data)[0] for _to, data in server.received}
    assert {"Ordine N0", "Preventivo N1", "Grazie per il pagamento"} < subjects
    assert [(state, reason) for _kind, state, reason in actions(home)] == [
        (ActionState.COMMITTED, "authorisation")
    ] * 4


def test_cash_and_sales_closes_and_changed_records_reach_the_interested_staff(home: Installation) -> None:
    """GA-4 and GA-6: closes to the interested; changes and deletions to preset addresses: who, when, before, after."""
    with FaultyServer() as server:
        with home.database.write() as session:
            company, user = make_office(session, port=server.port)
            staff = ("capo@office.example", "cassa@office.example")
            make_rule(session, company, user, "cash_close.done", staff=staff)
            make_rule(session, company, user, "sales_close.done")
            make_rule(session, company, user, "record.changed")
            make_rule(session, company, user, "record.deleted")
            post(session, company, "cash_close.done", 1, {"shop": "Centro", "cashier": "Ana", **MONEY})
            post(session, company, "sales_close.done", 2, {"shop": "Centro", "tickets": 12, **MONEY})
            change = {"record": "cliente", "code": "C7", "user": "mario", "at": "2026-11-20 10:15"}
            before, after = {"email": "a@x.example"}, {"email": "b@x.example"}
            post(session, company, "record.changed", 3, change | {"before": before, "after": after})
            post(session, company, "record.deleted", 4, change | {"before": before})
        handling.tend(home)
        handling.tend(home)
    mails = [(to[0], *read_mail(data)) for to, data in server.received]
    assert len(mails) == 5
    assert {to for to, subject, _text in mails if "Chiusura di cassa 20/11/2026 Centro" in subject} == set(
        staff
    )
    (changed,) = [text for _to, subject, text in mails if subject == "Modificato: cliente C7"]
    assert "Da: mario" in changed
    assert "email: a@x.example → b@x.example" in changed
    assert {state for _kind, state, _reason in actions(home)} == {ActionState.TOLD}


def test_a_fuel_sale_reaches_only_customers_with_vehicle_control(sqlite_home: Installation) -> None:
    """GA-5: vehicle, plate, litres and amount; who has no vehicle control receives nothing."""
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        for code, marks in (("A", {"vehicle control": "yes"}), ("B", {})):
            party = factories.make_party(session, company, code=code, email=f"{code.lower()}@flota.example")
            factories.make_contact(session, party, characteristics=marks)
        make_rule(session, company, user, "fuel.sold")
        sale = {"vehicle": "Furgone", "plate": "AB123CD", "litres": 40.5, "amount": 70, "currency": "EUR"}
        for number, code in enumerate("ABX"):
            post(session, company, "fuel.sold", number, sale | {"party_code": code})
    handling.tend(sqlite_home)
    assert [(state, reason) for _kind, state, reason in actions(sqlite_home)] == [
        (ActionState.WAITING, "for_person"),
        (ActionState.NOTHING, "not_marked"),
        (ActionState.NOTHING, "no_party"),
    ]
    with sqlite_home.database.read() as session:
        message = session.scalars(select(Message)).one()
        assert message.to_address == "a@flota.example"
        text = message.content.body_text
        assert all(one in text for one in ("Furgone", "AB123CD", "40,5", "70,00"))


def test_a_rule_that_is_off_does_nothing_and_one_that_is_on_asks_its_conditions(
    sqlite_home: Installation,
) -> None:
    """GA-7: each can be switched on and off, and acts only where its conditions hold."""
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        factories.make_party(session, company, code="A", email="a@firma.example")
        rule = make_rule(
            session,
            company,
            user,
            "quote.saved",
            is_on=False,
            conditions=read_conditions([("amount", "at_least", "1000")]),
        )
        post(session, company, "quote.saved", 1, {"party_code": "A", **MONEY})
        rule_id = rule.id
    handling.tend(sqlite_home)
    assert actions(sqlite_home) == []
    with sqlite_home.database.write() as session:
        session.get_one(EventRule, rule_id).is_on = True
        post(session, company, "quote.saved", 2, {"party_code": "A", **MONEY})
        post(session, company, "quote.saved", 3, {"party_code": "A", **MONEY, "amount": "999.99"})
    handling.tend(sqlite_home)
    assert [(state, reason) for _kind, state, reason in actions(sqlite_home)] == [
        (ActionState.WAITING, "for_person"),
        (ActionState.SKIPPED, "condition"),
    ]
    with sqlite_home.database.read() as session:
        assert set(session.scalars(select(InboundEvent.state))) == {EventState.DONE}


def test_a_thousand_events_of_a_rule_share_a_run_with_a_message_each(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        factories.make_party(session, company, code="A", email="a@firma.example")
        make_rule(session, company, user, "collection.recorded")
        for number in range(1000):
            post(session, company, "collection.recorded", number, {"party_code": "A", **MONEY})
    handling.tend(sqlite_home)
    with sqlite_home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 1
        assert session.scalar(select(func.count()).select_from(Message)) == 1000


def test_a_stored_document_that_an_event_names_goes_the_normal_way(sqlite_home: Installation) -> None:
    """An invoice that was stamped leaves with its own text, files and packaging; one of another party never does."""
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        party = factories.make_party(session, company, code="A", email="a@firma.example")
        other = factories.make_party(session, company, code="B", email="b@firma.example")
        document = factories.make_document(session, party, number="77")
        make_rule(session, company, user, "invoice.stamped")
        post(session, company, "invoice.stamped", 1, {"party_code": "A", "number": "77"})
        post(session, company, "invoice.stamped", 2, {"party_code": "B", "number": "77", **MONEY})
        document_id, other_id = document.id, other.id
    handling.tend(sqlite_home)
    with sqlite_home.database.read() as session:
        assert session.scalars(select(MessageDocument.document_id)).all() == [document_id]
        plain = session.scalars(select(Message).where(Message.party_id == other_id)).one()
        assert (plain.is_composed, plain.document_count) == (True, 0)
    assert {state for _kind, state, _reason in actions(sqlite_home)} == {ActionState.WAITING}


def test_a_quote_goes_to_the_customer_with_the_rules_text_and_the_stored_pdf(home: Installation) -> None:
    """GA-4: the quote's own files are attached; without the stored document nothing leaves, and the history says so."""
    pdf = b"%PDF-1.7 the quote"
    with FaultyServer() as server:
        with home.database.write() as session:
            company, user = make_office(session, port=server.port)
            party = factories.make_party(session, company, code="A", email="a@firma.example")
            files = (("Preventivo Q7.pdf", home.store.put(pdf), len(pdf)),)
            document = factories.make_document(session, party, files, type="quote", number="Q7")
            standing = make_standing(session, company, user, ("quote",))
            make_rule(
                *(session, company, user, "quote.saved"),
                sends_document=False,
                attaches_document=True,
                authorisation_id=standing,
            )
            for number in (7, 8):
                told = {"party_code": "A", "number": f"Q{number}", "amount": "1250.00", "currency": "EUR"}
                post(session, company, "quote.saved", number, told)
            document_id = document.id
        handling.tend(home)
        run_worker(home, until_idle=True)
    ((_to, data),) = server.received
    assert read_mail(data)[0] == "Preventivo Q7"
    (attached,) = message_from_bytes(data, policy=policy.default).iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("Preventivo Q7.pdf", pdf)
    assert [(state, reason) for _kind, state, reason in actions(home)] == [
        (ActionState.COMMITTED, "authorisation"),
        (ActionState.FAILED, "no_document"),
    ]
    with home.database.read() as session:
        assert session.scalars(select(MessageDocument.document_id)).all() == [document_id]


def test_a_rule_acts_with_its_owners_rights_of_that_moment(sqlite_home: Installation) -> None:
    """Sight, rights and being active are asked when the event comes, not when the rule was written."""
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        party = factories.make_party(session, company, code="A", email="a@firma.example")
        factories.make_contact(session, party, subscriptions=("quote",), privacy_level=2)
        make_rule(session, company, user, "quote.saved")
        post(session, company, "quote.saved", 1, {"party_code": "A", **MONEY})
        user_id = user.id
    handling.tend(sqlite_home)
    with sqlite_home.database.write() as session:
        assert (
            session.scalars(select(Message)).all() == []
        )  # the only subscriber lies above the owner's clearance
        assert session.scalars(select(Run.state)).all() == [RunState.CANCELLED]
        session.get_one(User, user_id).is_active = False
        post(session, company, "quote.saved", 2, {"party_code": "A", **MONEY})
    handling.tend(sqlite_home)
    assert [(state, reason) for _kind, state, reason in actions(sqlite_home)] == [
        (ActionState.NOTHING, "left_out"),
        (ActionState.REFUSED, "owner_inactive"),
    ]


def test_values_that_a_text_cannot_use_stop_that_event_alone(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        factories.make_party(session, company, code="A", email="a@firma.example")
        text = {"subject": "Preventivo", "body": "{% if event.amount > 1000 %}Grande{% endif %}"}
        target = Target.EVENT_ADDRESS
        make_rule(session, company, user, "quote.saved", target=target, texts={"it": text})
        given = {"party_code": "A", "email": "lei@firma.example"}
        post(session, company, "quote.saved", 1, given | MONEY | {"amount": "a lot"})
        post(session, company, "quote.saved", 2, given | {"amount": 1250})
        post(session, company, "quote.saved", 3, MONEY | {"party_code": "A", "email": "nobody"})
    handling.tend(sqlite_home)
    assert [(state, reason) for _kind, state, reason in actions(sqlite_home)] == [
        (ActionState.FAILED, "text"),
        (ActionState.WAITING, "for_person"),
        (ActionState.NOTHING, "no_address"),
    ]
    with sqlite_home.database.read() as session:
        assert session.scalars(select(Message.to_address)).all() == ["lei@firma.example"]


def test_events_whose_term_is_over_go_with_what_was_made_of_them(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        factories.make_party(session, company, code="A", email="a@firma.example")
        make_rule(session, company, user, "quote.saved")
        old = post(session, company, "quote.saved", 1, {"party_code": "A", **MONEY})
        old.received_at = now() - timedelta(days=800)
        post(session, company, "quote.saved", 2, {"party_code": "A", **MONEY})
    handling.tend(sqlite_home)
    assert [(step.kind, step.count) for step in retain(sqlite_home)] == [("events", 1)]
    with sqlite_home.database.read() as session:
        assert session.scalars(select(InboundEvent.event_id)).all() == ["E2"]
    assert len(actions(sqlite_home)) == 1


def test_the_office_is_not_told_of_customers_whom_the_owner_may_not_see(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, user = make_office(session)
        user.zones = ["NORD"]
        factories.make_party(session, company, code="S", zone="SUD")
        make_rule(session, company, user, "fuel.sold", target=Target.STAFF, staff=("capo@office.example",))
        post(session, company, "fuel.sold", 1, {"party_code": "S", "plate": "AB123CD", **MONEY})
    handling.tend(sqlite_home)
    assert actions(sqlite_home) == [("fuel.sold", ActionState.NOTHING, "no_party")]
