"""Agents and zones narrow what exists; what is left goes to a colleague; levels reach back; reading leaves a line."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.contacts import people
from crm_mail.contacts.access import find_party
from crm_mail.contacts.confidential import ONCE_IN, READ, Way, note_reading
from crm_mail.contacts.finding.listing import list_names
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.selection import contact_query, party_query
from crm_mail.contacts.models import Contact, Party
from crm_mail.contacts.values import AddressValues, ContactValues
from crm_mail.outbox.models import Message
from crm_mail.outbox.preparing.completing import can_complete, complete_run
from crm_mail.outbox.preparing.prepare import fill_run
from crm_mail.outbox.reviewing.review import count_run, find_message, find_run
from crm_mail.outbox.sight import messages_in_sight
from crm_mail.permissions import EVERYTHING, Sight
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import prepare, rows

BIANCHI = Sight(3, frozenset({"Bianchi"}))


def test_a_whole_sight_adds_nothing_to_a_query() -> None:
    for query in (party_query, contact_query):
        text = str(query(PartyFilter(1, agents=("Bianchi",)), EVERYTHING))
        assert "parties.zone" not in text.partition("WHERE")[2]
    assert str(messages_in_sight(EVERYTHING)) == "messages.privacy_level <= :privacy_level_1"
    assert str(~messages_in_sight(EVERYTHING)) == "messages.privacy_level > :privacy_level_1"
    assert "parties.agent" in str(messages_in_sight(BIANCHI))


def test_who_sees_beyond_whom() -> None:
    north = Sight(3, zones=frozenset({"Nord"}))
    assert EVERYTHING.sees_beyond(BIANCHI)
    assert north.sees_beyond(BIANCHI)
    assert Sight(3).sees_beyond(Sight(2))
    assert not BIANCHI.sees_beyond(EVERYTHING)
    assert not BIANCHI.sees_beyond(BIANCHI)
    assert BIANCHI.covers("Bianchi", "")
    assert not BIANCHI.covers("Verdi", "Nord")


def test_a_customer_who_gets_another_agent_takes_the_history_along(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    mine = make_party(session, company, agent="Bianchi", city="Milano")
    other = make_party(session, company, agent="Verdi", zone="Nord", city="Torino")
    for party in (mine, other):
        make_contact(session, party, subscriptions=("invoice",))
        make_document(session, party)
    run = prepare(session, make_actor(), company)
    agent = make_actor(user_id=7, agents=frozenset({"Bianchi"}))
    zone = make_actor(user_id=8, zones=frozenset({"Nord"}))
    first, second = sorted(rows(session, run), key=lambda row: row.party_id)
    assert find_party(session, agent, other.id) is None
    assert find_message(session, agent, second.id) is None
    assert find_message(session, zone, second.id) is not None
    assert sum(count_run(session, agent, run).states.values()) == 1
    assert list_names(session, agent.sight, company.id, Party.city) == ["Milano"]
    mine.agent = "Verdi"
    session.flush()
    assert find_message(session, agent, first.id) is None
    assert find_run(session, agent, run.id) is None, "nothing of it is left for this person"


def test_a_colleague_prepares_what_a_run_left(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    mine = make_party(session, company, agent="Bianchi", email="own@mine.example")
    other = make_party(session, company, agent="Verdi")
    make_contact(session, mine, subscriptions=("invoice",))
    secret = make_contact(session, mine, subscriptions=("invoice",), privacy_level=2)
    make_contact(session, other, subscriptions=("invoice",))
    make_document(session, mine)
    make_document(session, other)
    low = make_actor(clearance=0, agents=frozenset({"Bianchi"}))
    run = prepare(session, low, company)
    assert [row.party_id for row in rows(session, run)] == [mine.id]
    assert run.hidden_recipients == 2, "the contact above, and the other agent's customer"
    assert not can_complete(low, run)
    chief = make_actor()
    assert can_complete(chief, run)
    rest = complete_run(session, chief, run)
    fill_run(session, chief, rest, lambda _sha256: True)
    found = rows(session, rest)
    assert {row.party_id for row in found} == {mine.id, other.id}
    assert [row.contact_id for row in found if row.party_id == mine.id] == [secret.id]
    assert rest.hidden_recipients == 0
    assert not can_complete(chief, run), "once"


def test_raising_a_level_hides_what_was_written_before(session: Session) -> None:
    """IT-17. In copy too; lowering it brings nothing back."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    contact = make_contact(session, party, (("boss@customer.example", "ordinary"),), ("invoice",))
    make_contact(session, party, (("clerk@customer.example", "ordinary"),), ("credit_note",))
    make_document(session, party)
    make_document(session, party, type="credit_note")
    run = prepare(session, make_actor(), company, document_types=("invoice", "credit_note"))
    of_boss, of_clerk = sorted(rows(session, run), key=lambda row: row.to_address)
    changes = run.changes
    low = make_actor(clearance=1)
    assert find_message(session, low, of_boss.id) is not None
    for level, is_seen in ((2, False), (0, False)):
        values = ContactValues(
            contact.name, addresses=(AddressValues("boss@customer.example"),), privacy_level=level
        )
        people.update_contact(session, make_actor(), session.get_one(Contact, contact.id), values)
        assert (find_message(session, low, of_boss.id) is not None) is is_seen
    assert find_message(session, low, of_clerk.id) is not None
    assert session.get_one(type(run), run.id).changes > changes
    assert session.scalar(select(Message.privacy_level).where(Message.id == of_boss.id)) == 2


def test_reading_a_confidential_contact_is_told_once_in_ten_minutes(session: Session) -> None:
    party = make_party(session, make_company(session))
    secret, usual = (
        make_contact(session, party, privacy_level=3),
        make_contact(session, party, privacy_level=2),
    )
    anna, berta = make_actor(user_id=1), make_actor(user_id=2)
    assert note_reading(session, anna, [secret.id, usual.id], Way.CARD) == 1
    assert note_reading(session, anna, [secret.id], Way.EXPORT) == 0
    assert note_reading(session, berta, [secret.id], Way.PREVIEW) == 1
    lines = session.scalars(select(AuditEvent).where(AuditEvent.action == READ)).all()
    assert [(line.user_id, line.detail["how"], line.privacy_level) for line in lines] == [
        (1, "card", 3),
        (2, "preview", 3),
    ]
    assert timedelta(minutes=10) == ONCE_IN
