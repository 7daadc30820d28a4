"""The services of the contacts room, on both databases."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.contacts import access, parties, people, vocabulary
from crm_mail.contacts.finding.listing import PartyOrder, count_parties, list_names, list_parties
from crm_mail.contacts.finding.matching import index_parties, match_party
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Contact, ContactState, Party, RecipientKind, Role
from crm_mail.contacts.problems import ContactRefused, Problem
from crm_mail.contacts.subscriptions import MatrixCell, set_matrix
from crm_mail.contacts.values import AddressValues, ContactValues, PartyValues, SubscriptionValues
from crm_mail.delivery.routing import Channel
from crm_mail.outbox.models import Message, Run
from crm_mail.permissions import EVERYTHING, Permission, PermissionDenied
from tests.contacts.conftest import make_world
from tests.factories import make_actor, make_company, make_contact, make_party


def walk(session: Session, company_id: int, order: PartyOrder, step: str, size: int = 3) -> list[list[str]]:
    """The codes of each page, from the first to the last (``after``) or back again (``before``)."""
    actor, chosen, pages, cursor = make_actor(), PartyFilter(company_id), [], ""
    while True:
        page = list_parties(session, actor, chosen, order=order, size=size, **{step: cursor})
        pages.append([row.party.code for row in page.rows])
        assert page.first == (pages and 1 + sum(map(len, pages[:-1])) if step == "after" else page.first)
        cursor = (page.next_cursor if step == "after" else page.previous_cursor) or ""
        if not cursor:
            return pages


@pytest.mark.parametrize("order", list(PartyOrder))
def test_paging_shows_every_party_once_in_order_and_back_again(session: Session, order: PartyOrder) -> None:
    company = make_company(session)
    for number, name in enumerate(["beta", "Alfa", "gamma", "alfa", "delta", "Beta", "alfa"]):
        make_party(session, company, code=f"{number:03}", name=name)
    forward = [code for page in walk(session, company.id, order, "after") for code in page]
    found = session.scalars(select(Party).where(Party.company_id == company.id)).all()

    def place(party: Party) -> tuple[str, int]:
        return (party.code if "code" in order else party.name_key, party.id)

    assert forward == [p.code for p in sorted(found, key=place, reverse=order.startswith("-"))]
    last = list_parties(session, make_actor(), PartyFilter(company.id), order=order, size=3)
    while last.next_cursor:
        last = list_parties(
            session, make_actor(), PartyFilter(company.id), order=order, size=3, after=last.next_cursor
        )
    assert (last.first, last.last, last.total) == (7, 7, 7)
    back = list_parties(
        session, make_actor(), PartyFilter(company.id), order=order, size=3, before=last.previous_cursor or ""
    )
    assert ([row.party.code for row in back.rows], back.first) == (forward[3:6], 4)
    first = list_parties(
        session, make_actor(), PartyFilter(company.id), order=order, size=3, before=back.previous_cursor or ""
    )
    assert ([row.party.code for row in first.rows], first.previous_cursor) == (forward[:3], None)


def test_a_broken_cursor_gives_the_first_page(session: Session) -> None:
    company = make_company(session)
    make_party(session, company)
    page = list_parties(session, make_actor(), PartyFilter(company.id), after="nonsense")
    assert (len(page.rows), page.first) == (1, 1)


def test_a_page_costs_the_same_statements_however_many_rows_it_has(session: Session) -> None:
    company = make_company(session)
    for _ in range(30):
        make_contact(session, make_party(session, company))
    session.commit()
    counted: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *a: counted.append(a[2]))
    list_parties(session, make_actor(), PartyFilter(company.id))
    assert sum(1 for one in counted if one.startswith("SELECT")) <= 4
    session.execute(select(1))


def test_names_offered_by_a_filter_are_those_in_use(session: Session) -> None:
    company, other = make_company(session), make_company(session)
    for agent in ("Verdi", "Bianchi", "", "Bianchi"):
        make_party(session, company, agent=agent)
    make_party(session, other, agent="Neri")
    assert list_names(session, EVERYTHING, company.id, Party.agent) == ["Bianchi", "Verdi"]
    assert list_names(session, EVERYTHING, company.id, Party.zone) == []


@pytest.mark.parametrize("clearance", [0, 1, 2, 3])
def test_every_list_search_and_count_obeys_the_clearance(session: Session, clearance: int) -> None:
    """IT-17: a contact above the clearance does not exist."""
    world, actor = make_world(session), make_actor(clearance)
    company_id, visible = world.company.id, clearance >= 2
    for criteria in ({"text": "segretissimo"}, {"roles": ("direzione",)}, {"subscribed_to": ("quote",)}):
        chosen = PartyFilter(company_id, **criteria)  # type: ignore[arg-type]
        assert count_parties(session, actor, chosen) == int(visible)
        assert len(list_parties(session, actor, chosen).rows) == int(visible)
    row = list_parties(session, actor, PartyFilter(company_id)).rows[0]
    assert row.contact_count == (2 if visible else 1)
    assert any("hidden" in address.email for address in row.addresses) is visible
    assert len(access.list_contacts(session, actor, world.party.id)) == (3 if visible else 1)
    assert (access.find_contact(session, actor, world.hidden.id) is not None) is visible
    assert access.count_suggestions(session, actor, company_id) == int(visible)
    assert len(access.list_suggestions(session, actor, company_id)) == int(visible)
    assert [use.contacts for use in vocabulary.count_roles(session, actor, company_id)] == [int(visible)]
    assert bool(vocabulary.list_characteristics(session, actor, company_id)) is visible
    changed = set_matrix(
        session, actor, world.party, [MatrixCell(world.hidden.id, "invoice", RecipientKind.CC)]
    )
    assert changed == int(visible)


@pytest.mark.parametrize("clearance", [0, 1, 2])
def test_nobody_gives_a_level_above_the_own_clearance(session: Session, clearance: int) -> None:
    party = make_party(session, make_company(session))
    with pytest.raises(ContactRefused) as refused:
        people.create_contact(
            session, make_actor(clearance), party, ContactValues("Anna", privacy_level=clearance + 1)
        )
    assert refused.value.problem is Problem.LEVEL_ABOVE_OWN
    assert session.scalars(select(Contact)).all() == []


def test_changing_contacts_needs_the_right(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)
    contact = make_contact(session, party)
    clerk = make_actor(is_admin=False, grants=frozenset({(Permission.OUTBOX_PREPARE, "*", company.id)}))
    changes: Sequence[Any] = (
        lambda: parties.create_party(session, clerk, company.id, PartyValues("9", "Nuova")),
        lambda: parties.update_party(session, clerk, party, PartyValues("9", "Nuova")),
        lambda: parties.block_party(session, clerk, party, blocked=True),
        lambda: people.create_contact(session, clerk, party, ContactValues("Anna")),
        lambda: people.update_contact(session, clerk, contact, ContactValues("Anna")),
        lambda: people.delete_contact(session, clerk, contact),
        lambda: set_matrix(session, clerk, party, []),
        lambda: vocabulary.add_role(session, clerk, company.id, "Nuovo"),
        lambda: vocabulary.name_levels(session, clerk, company.id, {0: "x"}),
    )
    for change in changes:
        with pytest.raises(PermissionDenied):
            change()


def test_a_contact_can_lose_swap_and_keep_addresses(session: Session) -> None:
    party = make_party(session, make_company(session))
    one, two = AddressValues("one@rossi.example"), AddressValues("two@rossi.example")
    by_two = {
        "invoice": SubscriptionValues(email="two@rossi.example"),
        "quote": SubscriptionValues(RecipientKind.CC),
    }
    contact = people.create_contact(
        session, make_actor(), party, ContactValues("Anna", addresses=(one, two), subscriptions=by_two)
    )
    kept_id = contact.addresses[1].id
    people.update_contact(
        session, make_actor(), contact, ContactValues("Anna", addresses=(two, one), subscriptions=by_two)
    )
    session.refresh(contact)
    assert [a.email for a in contact.addresses] == ["two@rossi.example", "one@rossi.example"]
    assert contact.addresses[0].id == kept_id
    people.update_contact(session, make_actor(), contact, ContactValues("Anna", addresses=(one,)))
    session.expire_all()
    received = {s.document_type: s.address_id for s in contact.subscriptions}
    assert received == {"invoice": None, "quote": None}


def test_a_contact_that_was_written_to_becomes_inactive_instead_of_vanishing(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)
    written, other = (
        make_contact(session, party, subscriptions=("invoice",)),
        make_contact(session, party, name="Altro"),
    )
    run = Run(company_id=company.id, title="Run")
    session.add(run)
    session.flush()
    session.add(
        Message(
            run_id=run.id,
            company_id=company.id,
            party_id=party.id,
            contact_id=written.id,
            party_code=party.code,
            party_name=party.name,
            language="it",
            channel=Channel.SMTP,
        )
    )
    assert people.delete_contact(session, make_actor(), written) is people.Removal.KEPT_INACTIVE
    assert people.delete_contact(session, make_actor(), other) is people.Removal.DELETED
    session.flush()
    assert written.state is ContactState.INACTIVE
    assert [c.id for c in session.scalars(select(Contact))] == [written.id]
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["contacts.contact.deactivated", "contacts.contact.deleted"]


def test_roles_are_unique_in_any_case_and_removed_only_by_who_sees_everybody(session: Session) -> None:
    company = make_company(session)
    role = vocabulary.add_role(session, make_actor(), company.id, " Ufficio  qualità ")
    assert role.name == "Ufficio qualità"
    with pytest.raises(ContactRefused, match="exists already"):
        vocabulary.add_role(session, make_actor(), company.id, "UFFICIO QUALITÀ")
    contact = make_contact(session, make_party(session, company), privacy_level=3)
    contact.roles.append(role)
    session.flush()
    with pytest.raises(ContactRefused, match="clearance 3"):
        vocabulary.remove_role(session, make_actor(2), role)
    vocabulary.remove_role(session, make_actor(3), role)
    session.expire_all()
    assert contact.roles == []
    assert session.scalars(select(Role)).all() == []


def test_levels_are_named_and_go_back_to_the_built_in_names(session: Session) -> None:
    company = make_company(session)
    vocabulary.name_levels(session, make_actor(), company.id, {0: "Aperto", 3: " Riservato "})
    vocabulary.name_levels(session, make_actor(), company.id, {0: ""})
    assert vocabulary.level_names(session, company.id) == {3: "Riservato"}
    with pytest.raises(ContactRefused):
        vocabulary.name_levels(session, make_actor(), company.id, {4: "Altro"})


@pytest.mark.parametrize(
    ("asked", "code", "by"),
    [
        ({"vat_number": "IT01234567890"}, "A", "vat_number"),
        ({"vat_number": "01234567890"}, "A", "vat_number"),
        ({"vat_number": "it 012.345.678-90", "code": "A2"}, "A2", "vat_number"),
        ({"vat_number": "99999999999"}, "B", "vat_number"),
        ({"tax_code": "rssmra80a01h501u"}, "C", "tax_code"),
        ({"vat_number": "IT00000000000", "tax_code": "RSSMRA80A01H501U"}, "C", "tax_code"),
        ({"code": "0001"}, "0001", "code"),
        ({"code": "1"}, None, None),
        ({}, None, None),
    ],
)
def test_a_party_is_matched_by_vat_then_tax_code_then_code(
    session: Session, asked: dict[str, str], code: str | None, by: str | None
) -> None:
    """RP-16: leading zeros count; another company's parties are not considered."""
    company, other = make_company(session), make_company(session)
    make_party(session, company, code="A", vat_number="IT01234567890")
    make_party(session, company, code="A2", vat_number="01234567890")
    make_party(session, company, code="B", vat_number="IT99999999999")
    make_party(session, company, code="C", tax_code="RSSMRA80A01H501U")
    make_party(session, company, code="0001")
    make_party(session, other, code="1", vat_number="IT00000000000")
    match = match_party(session, company.id, **asked)
    found = session.get_one(Party, match.party_id).code if match else None
    assert (found, match.by if match else None) == (code, by)


def test_parties_of_a_whole_file_are_indexed_in_few_statements_and_new_ones_remembered(
    session: Session,
) -> None:
    company = make_company(session)
    for number in range(900):
        session.add(Party(company_id=company.id, code=f"{number:05}", name="x", name_key="x"))
    session.flush()
    index = index_parties(session, company.id, codes=[f"{number:05}" for number in range(900)])
    assert len(index.by_code) == 900
    added = make_party(session, company, code="new", vat_number="IT01234567890")
    index.remember(added)
    match = index.match(vat_number="01234567890")
    assert match is not None
    assert match.party_id == added.id
