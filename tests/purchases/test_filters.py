"""What filters ask of purchases: the same answer by the one query and by the bounded search, on both databases."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.finding import purchase_conditions
from crm_mail.contacts.finding.counting import count_found
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.finding.searching import find_parties
from crm_mail.contacts.finding.selection import contact_query, party_query
from crm_mail.contacts.merging import service as merging
from crm_mail.contacts.merging.unmerging import undo_merge
from crm_mail.contacts.models import Party, PartyMerge
from crm_mail.permissions import Sight
from crm_mail.purchases.asked import days_back, read_fields, read_word
from crm_mail.purchases.models import PurchaseLine, PurchaseTotal
from crm_mail.purchases.recording import product_ids, work_out_totals
from crm_mail.purchases.sold import Sold
from tests.factories import make_actor, make_company, make_contact, make_party

TODAY, WHOLE = date(2026, 11, 22), Sight(3)
GROUPS = {"TYRE-1": "Tyres", "TYRE-2": "Tyres", "OIL": "Oil"}
SALES = (  # customer, product, day, pieces, amount, currency
    ("alpha", "TYRE-1", "2026-10-10", 4, 400, "EUR"),
    ("beta", "TYRE-1", "2026-01-15", 2, 200, "EUR"),
    ("beta", "TYRE-1", "2026-02-01", -2, -200, "EUR"),
    ("gamma", "OIL", "2026-11-01", 10, 100, "EUR"),
    ("gamma", "TYRE-2", "2025-03-01", 1, 90, "EUR"),
    ("gamma", "OIL", "2026-11-02", 1, 10, "MXN"),
    ("epsilon", "OIL", "2026-11-05", 1, 5000, "MXN"),
)


def sell(session: Session, company: Company, sales: Any = SALES) -> dict[str, Party]:
    """Customers alpha to epsilon, each with a contact, and what they bought; delta bought nothing."""
    parties = {}
    for number, code in enumerate(("alpha", "beta", "gamma", "delta", "epsilon")):
        parties[code] = make_party(session, company, code=code, agent="Rossi" if number % 2 else "Bianchi")
        make_contact(session, parties[code])
    ids, _changed = product_ids(
        session, company.id, [Sold(code, code, group) for code, group in GROUPS.items()]
    )
    for code, product, day, pieces, amount, currency in sales:
        line = PurchaseLine(
            company_id=company.id, party_id=parties[code].id, product_id=ids[product], currency=currency,
            bought_on=date.fromisoformat(day), quantity=Decimal(pieces), amount=Decimal(amount),
        )  # fmt: skip
        session.add(line)
    session.flush()
    work_out_totals(session, company.id)
    return parties


CASES = [
    ("act=bought&group=Tyres", "alpha beta gamma"),
    ("act=bought&group=tyres&quantity=1", "alpha gamma"),  # beta gave everything back
    ("act=bought&group=Tyres&recent=12m", "alpha beta"),
    ("act=bought&product=OIL&product=TYRE-2", "epsilon gamma"),
    ("act=bought&product=OIL&amount=50&currency=EUR", "gamma"),
    ("act=bought&amount=150&currency=EUR", "alpha gamma"),
    ("act=bought&amount=150&currency=EUR&recent=90d", "alpha"),
    ("act=bought&quantity=11", "gamma"),
    ("act=bought&quantity=2&from=2026-01-10&to=2026-01-31", "beta"),
    ("act=bought&quantity=1&from=2026-01-10&to=2026-02-01", ""),
    ("act=bought&quantity=1&from=2026-10-11&to=2026-11-01", "gamma"),
    ("act=bought&amount=1&currency=EUR&from=2026-10-01&to=2026-10-10", "alpha"),
    ("act=bought&amount=1&currency=EUR&from=2026-10-11&to=2026-10-31", ""),
    ("act=bought&from=2026-01-01&to=2026-01-31", "beta"),
    ("act=bought&recent=30d", "epsilon gamma"),
    ("act=bought", "alpha beta epsilon gamma"),
    ("act=not_bought&group=Oil", "alpha beta delta"),
    ("act=not_bought&recent=90d", "beta delta"),
    ("act=stopped&group=Tyres&recent=12m", "gamma"),
    ("act=stopped&recent=90d", "beta"),
    ("act=best&count=1&currency=EUR", "alpha"),
    ("act=best&count=2&currency=EUR", "alpha gamma"),
    ("act=best&count=3&currency=EUR&recent=30d", "gamma"),
    ("act=best&count=9&currency=EUR&group=Oil", "gamma"),
    ("act=best&count=9&currency=MXN", "epsilon gamma"),
]


def test_who_bought_what(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """IT-14, IT-16: bought, at least, within, not since, the best; in any combination with other filters."""
    monkeypatch.setattr(purchase_conditions, "today", lambda: TODAY)
    company = make_company(session)
    parties = sell(session, company)
    sell(session, make_company(session))  # another company's sales are nothing to this one
    names = {party.id: code for code, party in parties.items()}

    def found(*words: str, sight: Sight = WHOLE, **more: Any) -> str:
        chosen = PartyFilter.from_dict({"purchases": list(words), **more}, company.id)
        asked = set(session.scalars(party_query(chosen, sight)))
        assert find_parties(session, chosen, sight) == asked
        assert count_found(session, chosen, sight) == (len(asked), len(asked))
        assert len(session.scalars(contact_query(chosen, sight)).all()) == len(asked)
        return " ".join(sorted(names[id_] for id_ in asked))

    for word, expected in CASES:
        assert found(word) == expected, word
    assert found("act=bought&group=Tyres", "act=not_bought&recent=90d") == "beta"
    assert found("act=bought&group=Tyres", agents=("bianchi",)) == "alpha gamma"
    assert found("act=bought&group=Tyres", "act=bought&recent=30d") == "gamma"
    narrow = Sight(3, agents=frozenset({"Rossi"}))  # the best among the own customers
    assert found("act=best&count=1&currency=EUR&from=2026-01-01&to=2026-01-31", sight=narrow) == "beta"


def test_a_word_survives_addresses_and_json_and_nonsense_is_refused() -> None:
    typed = {"act": "bought", "product": "A1, B2", "quantity": "2,5", "amount": "100", "currency": "EUR"}
    asked = read_fields(lambda name: [typed.get(name.removeprefix("buy_"), "")])
    assert asked is not None
    assert (asked.products, asked.quantity, asked.recent) == (("A1", "B2"), Decimal("2.5"), "")
    assert read_word(asked.to_word()) == asked
    arguments: dict[str, list[str]] = {"buy_act": ["stopped"], "purchase": [asked.to_word()]}
    chosen = PartyFilter.from_arguments(7, lambda name: arguments.get(name, []))
    assert chosen.purchases == (asked.to_word(), "act=stopped&recent=12m")
    assert PartyFilter.from_dict(chosen.to_dict()) == chosen
    assert days_back("12m", date(2024, 2, 29)) == date(2023, 2, 28)
    nonsense = "act=best act=stopped act=x act=bought&amount=5 act=bought&shoe=1 act=bought&recent=1y"
    for word in nonsense.split():
        with pytest.raises(FilterInvalid):
            PartyFilter.from_dict({"purchases": [word]}, 7)


def test_who_is_merged_brings_the_purchases_along_and_takes_them_back(session: Session) -> None:
    company, actor = make_company(session), make_actor()
    parties = sell(session, company)
    word = {"purchases": ["act=bought&amount=450&currency=EUR"]}
    chosen = PartyFilter.from_dict(word, company.id)
    assert session.scalars(party_query(chosen, Sight(3))).all() == []
    kept, gamma_id = parties["alpha"].id, parties["gamma"].id
    merging.merge_parties(session, actor, parties["alpha"], parties["gamma"])
    assert session.scalars(party_query(chosen, Sight(3))).all() == [kept]
    merge = session.scalars(select(PartyMerge)).one()
    undo_merge(session, actor, merge)
    assert session.scalars(party_query(chosen, Sight(3))).all() == []
    total = select(PurchaseTotal.gross).where(PurchaseTotal.party_id == gamma_id)
    assert session.scalar(total) == Decimal(190)
