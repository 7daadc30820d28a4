"""Who receives: the order of PM-15, filters by role and characteristic, clearance (IT-9, IT-10, IT-14, IT-17)."""

from sqlalchemy.orm import Session

from crm_mail.contacts.models import ContactState, Role
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import attached, left_out, prepare, receivers, rows


def test_the_billing_address_alone_receives_when_it_is_set(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(
        session, company, email="office@customer.example", billing_email="billing@customer.example"
    )
    contact = make_contact(session, party, subscriptions=("invoice",))
    make_document(session, party)

    run = prepare(session, make_actor(), company)

    (message,) = rows(session, run)
    assert (message.to_address, message.contact_id) == ("billing@customer.example", None)
    assert message.why["rule"] == "billing_override"
    assert ("billing_override", None, contact.id) in left_out(session, run)


def test_a_subscribed_contact_silences_the_master_address(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="office@customer.example")
    contact = make_contact(session, party, (("anna@customer.example", "ordinary"),), ("invoice",))
    make_document(session, party)

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert (message.to_address, message.contact_id) == ("anna@customer.example", contact.id)
    assert message.why["rule"] == "subscription"
    assert message.why["contact"] == contact.name


def test_the_master_address_steps_in_when_nobody_is_subscribed(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="office@customer.example")
    other = make_contact(session, party, subscriptions=("price_list",))
    make_document(session, party)

    run = prepare(session, make_actor(), company)

    (message,) = rows(session, run)
    assert (message.to_address, message.why["rule"]) == ("office@customer.example", "master_address")
    assert ("contact_not_subscribed", None, other.id) in left_out(session, run)


def test_each_type_of_one_party_follows_its_own_subscriptions(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="office@customer.example")
    make_contact(session, party, (("anna@customer.example", "ordinary"),), ("invoice",))
    make_document(session, party, (("invoice.pdf", "a" * 64, 1),))
    make_document(session, party, (("note.pdf", "b" * 64, 1),), type="delivery_note")

    run = prepare(session, make_actor(), company, document_types=("invoice", "delivery_note"))

    found = {message.to_address: attached(session, message) for message in rows(session, run)}
    assert found == {"anna@customer.example": ["invoice.pdf"], "office@customer.example": ["note.pdf"]}


def test_a_subscription_may_name_one_of_several_addresses(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    addresses = (("first@customer.example", "ordinary"), ("second@customer.example", "ordinary"))
    contact = make_contact(session, party, addresses, ("invoice",))
    contact.subscriptions[0].address_id = contact.addresses[1].id
    make_document(session, party)

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert message.to_address == "second@customer.example"
    assert message.why["address_chosen"] is True


def test_a_chosen_address_that_is_gone_gives_way_to_the_others(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    addresses = (("first@customer.example", "ordinary"), ("second@customer.example", "ordinary"))
    contact = make_contact(session, party, addresses, ("invoice",))
    contact.subscriptions[0].address_id = contact.addresses[1].id
    make_document(session, party)
    session.flush()
    session.delete(contact.addresses[1])
    session.flush()

    assert receivers(session, prepare(session, make_actor(), company)) == ["first@customer.example"]


def test_only_contacts_with_the_role_receive(session: Session) -> None:
    """IT-10: and the party's own address does not step in for those without."""
    company = make_company(session)
    make_account(session, company)
    role = Role(company_id=company.id, name="Quality office")
    party = make_party(session, company, email="office@customer.example")
    other = make_party(session, company, email="office@other.example")
    wanted = make_contact(session, party, (("quality@customer.example", "ordinary"),), ("invoice",))
    wanted.roles.append(role)
    without = make_contact(session, party, subscriptions=("invoice",))
    for one in (party, other):
        make_document(session, one)

    run = prepare(session, make_actor(), company, parties={"roles": ("Quality office",)})

    assert receivers(session, run) == ["quality@customer.example"]
    assert ("contact_filtered", None, without.id) in left_out(session, run)


def test_only_contacts_with_the_characteristic_receive(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    for address, value in (("food@customer.example", "food"), ("steel@customer.example", "steel")):
        make_contact(session, party, ((address, "ordinary"),), ("invoice",), {"sector": value})
    make_document(session, party)

    run = prepare(session, make_actor(), company, parties={"characteristics": ("sector=food",)})

    assert receivers(session, run) == ["food@customer.example"]


def test_filters_of_the_party_narrow_the_run(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    for agent, city in (("Rossi", "Milano"), ("Rossi", "Roma"), ("Verdi", "Milano")):
        address = f"{agent}.{city}@customer.example".lower()
        party = make_party(session, company, agent=agent, city=city, email=address)
        make_document(session, party)

    run = prepare(session, make_actor(), company, parties={"agents": ("Rossi",), "cities": ("Milano",)})

    assert receivers(session, run) == ["rossi.milano@customer.example"]


def test_suggested_and_inactive_contacts_receive_nothing_and_are_listed(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="office@customer.example")
    suggested = make_contact(session, party, subscriptions=("invoice",), state=ContactState.SUGGESTED)
    inactive = make_contact(session, party, subscriptions=("invoice",), state=ContactState.INACTIVE)
    make_document(session, party)

    run = prepare(session, make_actor(), company)

    assert receivers(session, run) == ["office@customer.example"]
    assert {("contact_suggested", None, suggested.id), ("contact_inactive", None, inactive.id)} <= left_out(
        session, run
    )


def test_a_contact_above_the_clearance_is_only_counted_and_nobody_steps_in(session: Session) -> None:
    """IT-17: neither the message nor the list of what was left out betrays the contact."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="office@customer.example")
    hidden = make_contact(session, party, subscriptions=("invoice",), privacy_level=2)
    make_document(session, party)

    run = prepare(session, make_actor(clearance=1), company)

    assert rows(session, run) == []
    assert run.hidden_recipients == 1
    assert hidden.id not in {contact for _reason, _document, contact in left_out(session, run)}


def test_visible_contacts_receive_beside_a_hidden_one(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    make_contact(session, party, (("seen@customer.example", "ordinary"),), ("invoice",))
    make_contact(session, party, subscriptions=("invoice",), privacy_level=3)
    make_document(session, party)

    run = prepare(session, make_actor(clearance=2), company)

    assert receivers(session, run) == ["seen@customer.example"]
    assert run.hidden_recipients == 1


def test_hidden_contacts_that_would_receive_nothing_are_not_counted(session: Session) -> None:
    """Subscribed to another type than the documents at hand, silenced by the billing address, or filtered out."""
    company = make_company(session)
    make_account(session, company)
    of_other_type = make_party(session, company, email="a@customer.example")
    make_contact(session, of_other_type, subscriptions=("price_list",), privacy_level=3)
    silenced = make_party(session, company, billing_email="b@customer.example")
    make_contact(session, silenced, subscriptions=("invoice",), privacy_level=3)
    for party in (of_other_type, silenced):
        make_document(session, party)

    run = prepare(session, make_actor(clearance=0), company, document_types=("invoice", "price_list"))

    assert receivers(session, run) == ["a@customer.example", "b@customer.example"]
    assert run.hidden_recipients == 0


def test_a_hidden_contact_without_the_role_asked_for_is_not_counted(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    role = Role(company_id=company.id, name="Logistics")
    party = make_party(session, company)
    seen = make_contact(session, party, subscriptions=("invoice",))
    seen.roles.append(role)
    make_contact(session, party, subscriptions=("invoice",), privacy_level=3)
    make_document(session, party)

    run = prepare(session, make_actor(clearance=0), company, parties={"roles": ("Logistics",)})

    assert len(rows(session, run)) == 1
    assert run.hidden_recipients == 0


def test_a_cc_contact_is_copied_on_the_message_of_the_first(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    make_contact(session, party, (("to@customer.example", "ordinary"),), ("invoice",))
    make_contact(session, party, (("cc@customer.example", "ordinary"),), ("invoice:cc",), privacy_level=2)
    make_document(session, party)

    (message,) = rows(session, prepare(session, make_actor(), company))

    assert (message.to_address, message.cc) == ("to@customer.example", ["cc@customer.example"])
    assert message.privacy_level == 2, "who may not know the copied contact may not know the message"


def test_a_cc_contact_never_sees_a_document_it_does_not_receive(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company)
    make_contact(session, party, (("to@customer.example", "ordinary"),), ("invoice", "quote"))
    make_contact(session, party, (("cc@customer.example", "ordinary"),), ("invoice:cc",))
    make_document(session, party, (("invoice.pdf", "a" * 64, 1),))
    make_document(session, party, (("quote.pdf", "b" * 64, 1),), type="quote")

    run = prepare(session, make_actor(), company, document_types=("invoice", "quote"))

    found = {m.to_address: (m.cc, attached(session, m)) for m in rows(session, run)}
    assert found["to@customer.example"] == ([], ["invoice.pdf", "quote.pdf"])
    assert found["cc@customer.example"] == ([], ["invoice.pdf"])


def test_a_cc_contact_with_pec_gets_a_message_of_its_own(session: Session) -> None:
    """PEC carries one recipient per message, so that each has a receipt of its own."""
    company = make_company(session)
    make_account(session, company)
    make_account(session, company, kind="pec")
    party = make_party(session, company)
    make_contact(session, party, (("to@pec.example", "pec"),), ("invoice",))
    make_contact(session, party, (("cc@pec.example", "pec"),), ("invoice:cc",))
    make_document(session, party)

    run = prepare(session, make_actor(), company)

    assert [(m.to_address, m.cc) for m in rows(session, run)] == [
        ("to@pec.example", []),
        ("cc@pec.example", []),
    ]


def test_an_ordinary_cc_beside_a_pec_message_gets_a_message_of_its_own(session: Session) -> None:
    company = make_company(session)
    make_account(session, company)
    make_account(session, company, kind="pec")
    party = make_party(session, company)
    make_contact(session, party, (("to@pec.example", "pec"),), ("invoice",))
    make_contact(session, party, (("cc@customer.example", "ordinary"),), ("invoice:cc",))
    make_document(session, party)

    run = prepare(session, make_actor(), company)

    found = {m.to_address: m for m in rows(session, run)}
    assert found["to@pec.example"].cc == []
    assert found["cc@customer.example"].why["rule"] == "cc_alone"


def test_a_confidential_document_exists_only_for_who_is_cleared_for_it(session: Session) -> None:
    """IT-17: neither sent nor named to others; its message is as confidential as the document."""
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="office@customer.example")
    make_document(session, party, privacy_level=2)

    assert rows(session, prepare(session, make_actor(clearance=1), company)) == []

    (message,) = rows(session, prepare(session, make_actor(clearance=2), company))
    assert message.privacy_level == 2


def test_none_of_a_characteristic_leaves_out_its_contacts_and_nobody_else(session: Session) -> None:
    """IT-14: who has no contact receives at the own address; it does not step in for a contact left out."""
    company = make_company(session)
    make_account(session, company)
    for code, tags in (("1", {"no-paper": ""}), ("2", {}), ("3", None)):
        party = make_party(session, company, code=code, email=f"own{code}@x.example")
        if tags is not None:
            make_contact(session, party, ((f"c{code}@x.example", "ordinary"),), ("invoice",), tags)
        make_document(session, party)
    mixed = make_party(session, company, code="4", email="own4@x.example")
    make_contact(session, mixed, None, ("invoice",), {"no-paper": ""})
    make_contact(session, mixed)
    make_document(session, mixed)

    run = prepare(session, make_actor(), company, parties={"no_characteristics": ("no-paper", "no-mail=x")})

    assert sorted(receivers(session, run)) == ["c2@x.example", "own3@x.example"]
