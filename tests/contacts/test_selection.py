"""A filter means exactly the parties and contacts it says (PD-12, IT-10, IT-14, IT-17)."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.selection import (
    FilterInvalid,
    PartyFilter,
    PartyKind,
    contact_query,
    party_query,
)
from crm_mail.contacts.models import Contact, ContactState, Party, Role
from crm_mail.installation import Installation
from crm_mail.permissions import Sight
from tests.factories import make_company, make_contact, make_party


def codes(session: Session, company: Company, clearance: int = 3, **criteria: Any) -> list[str]:
    """The codes of the parties that a filter finds."""
    found = party_query(PartyFilter(company.id, **criteria), Sight(clearance))
    return sorted(session.scalars(select(Party.code).where(Party.id.in_(found))))


def names(session: Session, company: Company, clearance: int = 3, **criteria: Any) -> list[str]:
    """The names of the contacts that a filter finds."""
    found = contact_query(PartyFilter(company.id, **criteria), Sight(clearance))
    return sorted(session.scalars(select(Contact.name).where(Contact.id.in_(found))))


def with_role(session: Session, contact: Contact, name: str) -> None:
    role = session.scalar(select(Role).where(Role.company_id == contact.company_id, Role.name == name))
    contact.roles.append(role or Role(company_id=contact.company_id, name=name))
    session.flush()


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, ["0001", "0002", "0003"]),
        ({"kind": PartyKind.SUPPLIER}, ["0002", "0003"]),
        ({"kind": PartyKind.CUSTOMER}, ["0001", "0003"]),
        ({"agents": ("bianchi",)}, ["0001"]),
        ({"agents": ("BIANCHI ", "Verdi")}, ["0001", "0002"]),
        ({"agents": ("Bianchi",), "cities": ("Milano",)}, []),
        ({"zones": ("nord",)}, ["0001", "0002"]),
        ({"cities": ("forlì",)}, ["0001"]),
        ({"cities": ("FORLÌ",)}, ["0001"]),
        ({"provinces": ("fc",)}, ["0001"]),
        ({"categories": ("Gold",)}, ["0003"]),
        ({"languages": ("es",)}, ["0002"]),
        ({"languages": ("it",)}, ["0001", "0003"]),
        ({"codes": ("0001", "1")}, ["0001"]),
        ({"blocked": True}, ["0003"]),
        ({"blocked": False}, ["0001", "0002"]),
        ({"text": "rossi"}, ["0001"]),
        ({"text": "ROSSI 0001"}, ["0001"]),
        ({"text": "rossi 0002"}, []),
        ({"text": "IT0123"}, ["0002"]),
        ({"text": "100%"}, []),
        ({"text": "info@verdi"}, ["0002"]),
    ],
)
def test_each_criterion_finds_its_parties(
    session: Session, criteria: dict[str, Any], expected: list[str]
) -> None:
    company = make_company(session, language="it")
    make_party(
        session, company, code="0001", name="Rossi", agent="Bianchi", zone="Nord", city="FORLÌ", province="FC"
    )
    make_party(
        session,
        company,
        code="0002",
        name="Verdi",
        agent="VERDI",
        zone="NORD",
        city="Milano",
        language="es",
        vat_number="IT01234567890",
        email="Info@Verdi.example",
        is_customer=False,
        is_supplier=True,
    )
    make_party(session, company, code="0003", name="Neri", category="gold", is_supplier=True, is_blocked=True)
    other = make_company(session)
    make_party(session, other, code="0001", name="Rossi", agent="Bianchi", zone="Nord", city="Forlì")
    assert codes(session, company, **criteria) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("000100", "000200", ["000100", "000150"]),
        ("100", "200", ["150"]),
        ("1", "20", ["2", "20"]),
        ("", "2", ["2"]),
        ("150", "", ["000100", "000150", "000201", "150"]),
        ("A", "B", ["A12"]),
    ],
)
def test_a_code_range_keeps_leading_zeros_and_counts_like_people(
    session: Session, first: str, last: str, expected: list[str]
) -> None:
    """RP-16: codes are text, `150` and `000150` are two parties."""
    company = make_company(session)
    for code in ("000100", "000150", "000201", "150", "2", "20", "A12", "B7"):
        make_party(session, company, code=code)
    assert codes(session, company, code_from=first, code_to=last) == expected


def test_a_role_restricts_both_contacts_and_parties(session: Session) -> None:
    """IT-10."""
    company = make_company(session)
    one, two = make_party(session, company, code="1"), make_party(session, company, code="2")
    with_role(session, make_contact(session, one, name="Anna"), "Logistica")
    make_contact(session, one, name="Bruno")
    with_role(session, make_contact(session, two, name="Carla", state=ContactState.INACTIVE), "Logistica")
    assert codes(session, company, roles=("logistica",)) == ["1"]
    assert names(session, company, roles=("LOGISTICA",)) == ["Anna"]
    assert names(session, company) == ["Anna", "Bruno"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("sector",), ["Anna", "Bruno"]),
        (("Sector=FOOD",), ["Anna"]),
        (("sector=food", "sector=steel"), ["Anna", "Bruno"]),
        (("sector=food", "fair-2026"), ["Anna"]),
        (("sector=steel", "fair-2026"), []),
        (("fair-2026=",), ["Anna"]),
        (("unknown",), []),
    ],
)
def test_characteristics_are_alternatives_within_a_key_and_all_keys_hold_on_one_contact(
    session: Session, wanted: tuple[str, ...], expected: list[str]
) -> None:
    """IT-14."""
    company = make_company(session)
    party = make_party(session, company)
    make_contact(session, party, name="Anna", characteristics={"sector": "food", "fair-2026": ""})
    make_contact(session, party, name="Bruno", characteristics={"sector": "steel"})
    assert names(session, company, characteristics=wanted) == expected
    assert bool(codes(session, company, characteristics=wanted)) == bool(expected)


def test_subscriptions_restrict_to_who_receives_the_type(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company)
    make_contact(session, party, name="Anna", subscriptions=("invoice", "quote:cc"))
    make_contact(session, party, name="Bruno", subscriptions=("quote",))
    assert names(session, company, subscribed_to=("invoice",)) == ["Anna"]
    assert names(session, company, subscribed_to=("quote",)) == ["Anna", "Bruno"]


def test_party_criteria_restrict_contacts_too(session: Session) -> None:
    company = make_company(session)
    make_contact(session, make_party(session, company, agent="Bianchi"), name="Anna")
    make_contact(session, make_party(session, company, agent="Verdi"), name="Bruno")
    assert names(session, company, agents=("bianchi",)) == ["Anna"]


@pytest.mark.parametrize("clearance", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "criteria",
    [
        {"text": "segretissimo"},
        {"text": "hidden@customer.example"},
        {"roles": ("direzione",)},
        {"characteristics": ("vip",)},
        {"subscribed_to": ("invoice",)},
        {"has_address": True},
    ],
)
def test_a_contact_above_the_clearance_makes_no_party_found(
    session: Session, clearance: int, criteria: dict[str, Any]
) -> None:
    """IT-17."""
    company = make_company(session)
    party = make_party(session, company, code="1")
    contact = make_contact(
        session,
        party,
        (("Hidden@customer.example", "ordinary"),),
        ("invoice",),
        {"vip": "yes"},
        name="Segretissimo",
        privacy_level=2,
    )
    with_role(session, contact, "Direzione")
    visible = clearance >= 2
    assert codes(session, company, clearance, **criteria) == (["1"] if visible else [])
    assert names(session, company, clearance, **criteria) == (["Segretissimo"] if visible else [])


def test_a_filter_survives_json_and_the_address_bar() -> None:
    chosen = PartyFilter(
        7,
        kind=PartyKind.SUPPLIER,
        code_from="001",
        codes=("01", "1"),
        agents=("Bianchi", "De Rossi"),
        characteristics=("sector=food",),
        text="milano",
        blocked=False,
        has_address=True,
    )
    assert PartyFilter.from_dict(chosen.to_dict()) == chosen
    arguments: MultiDict[str, str] = MultiDict(chosen.to_arguments())
    assert PartyFilter.from_arguments(7, arguments.getlist) == chosen
    assert PartyFilter(7).is_empty
    assert not chosen.is_empty
    assert chosen.without("agents", "Bianchi").agents == ("De Rossi",)
    assert chosen.without("kind").kind is None


@pytest.mark.parametrize(
    "values", [{"kind": "other"}, {"colour": "red"}, {"blocked": "perhaps"}, {"company_id": "7"}]
)
def test_an_unknown_criterion_is_refused_by_name(values: dict[str, Any]) -> None:
    with pytest.raises(FilterInvalid, match=next(iter(values))):
        PartyFilter.from_dict({"company_id": 7} | values)


@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        ({"agents": ("bianchi",)}, "ix_parties_company_agent (company_id=? AND agent=?)"),
        ({"zones": ("nord",)}, "ix_parties_company_zone (company_id=? AND zone=?)"),
        ({"cities": ("roma",)}, "ix_parties_company_city (company_id=? AND city=?)"),
        ({"codes": ("0001",)}, "(company_id=? AND code=?)"),
        ({"code_from": "0001", "code_to": "0009"}, "(company_id=? AND code>? AND code<?)"),
        ({"roles": ("logistica",)}, "ix_contact_roles_role_id (role_id=?)"),
        ({"subscribed_to": ("invoice",)}, "ix_subscriptions_type_contact (document_type=?)"),
    ],
)
def test_a_criterion_is_answered_by_its_index(
    sqlite_home: Installation, criteria: dict[str, Any], index: str
) -> None:
    with sqlite_home.database.read() as session:
        query = party_query(PartyFilter(1, **criteria), Sight(0))
        sql = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        plan = [row.detail for row in session.execute(text("EXPLAIN QUERY PLAN " + sql.replace(":", "\\:")))]
    assert any(index in line for line in plan), plan
