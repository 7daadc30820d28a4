"""Finding among very many contacts: the quick ways find exactly what the plain query means, or say *more than*."""

import random
from itertools import product
from typing import Any

import pytest
from sqlalchemy.orm import Session

from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose
from crm_mail.contacts.finding import searching
from crm_mail.contacts.finding.listing import list_parties
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.searching import checked_query, find_parties, needs_search
from crm_mail.contacts.finding.selection import party_query
from crm_mail.contacts.models import Characteristic, ContactState
from crm_mail.db import now
from crm_mail.delivery.models import Suppression
from crm_mail.permissions import Sight
from tests.factories import make_actor, make_company, make_contact, make_party

FILTERS: tuple[dict[str, Any], ...] = (
    {"characteristics": ("sector=food",)},
    {"all_characteristics": ("sector=food", "fair")},
    {"any_characteristics": ("sector=food", "fair=2026")},
    {"no_characteristics": ("fair",)},
    {"no_characteristics": ("fair",), "subscribed_to": ("invoice",)},
    {"subscribed_to": ("invoice",)},
    {"subscribed_to": ("invoice", "order"), "address_kinds": ("pec",)},
    {"address_kinds": ("pec",), "agents": ("rossi",)},
    {"address_kinds": ("pec",), "has_bounced": True, "text": "firm"},
    {"has_bounced": True},
    {"has_bounced": False, "text": "1"},
    {"has_address": False},
    {"birthday_within": 366},
    {"consents": ("commercial/email=given",)},
    {"consents": ("commercial/email=withdrawn", "commercial/sms=given")},
    {"consents": ("commercial/email=none",), "subscribed_to": ("invoice",)},
    {"text": "firm 1"},
    {"text": "who1"},
    {"text": "_"},
    {"text": "nobody"},
    {"text": "FORLÌ"},
    {"text": "aquila firm"},
    {"text": "emilia", "agents": ("rossi",)},
)


def _fill(session: Session) -> int:
    chance = random.Random(5)
    company = make_company(session)
    kinds = ("pec", "ordinary", "unknown")
    for i in range(30):
        party = make_party(
            session,
            company,
            code=str(i),
            name=f"Firm {i}",
            agent=chance.choice(("Rossi", "Bianchi")),
            city=chance.choice(("", "Forlì", "REGGIO NELL'EMILIA", "L'Aquila")),
            email=chance.choice(("", f"firm{i}@x.test")),
        )
        for n in range(chance.randrange(4)):
            contact = make_contact(
                session,
                party,
                ((f"who{i}.{n}@x.test", chance.choice(kinds)),) if chance.random() < 0.8 else (),
                chance.choice(((), ("invoice",), ("invoice", "order"))),
                name=f"Who{i} {n}",
                privacy_level=chance.choice((0, 0, 2)),
                state=chance.choice((ContactState.ACTIVE, ContactState.ACTIVE, ContactState.INACTIVE)),
                birth_month=chance.choice((None, 3)),
                birth_day=7,
            )
            for key, value in (("sector", "food"), ("fair", "2026"), ("Fair", "2025")):
                if chance.random() < 0.4:
                    session.add(Characteristic(contact_id=contact.id, key=key, value=value))
            if chance.random() < 0.5:
                said = ConsentState(company_id=company.id, contact_id=contact.id, purpose=Purpose.COMMERCIAL)
                said.channel, said.at = chance.choice((ConsentChannel.EMAIL, ConsentChannel.SMS)), now()
                said.decision = chance.choice(tuple(Decision))
                session.add(said)
        if chance.random() < 0.3:
            address = chance.choice((f"firm{i}@x.test", f"who{i}.0@x.test"))
            reason = "no_such_user"
            session.add(Suppression(company_id=company.id, address=address, reason=reason, is_active=True))
    session.flush()
    return company.id


def test_every_way_finds_what_the_filter_means(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """IT-14, IT-16, IT-17: beginning with the few, checking the many, and reading page by page give one answer."""
    company_id = _fill(session)
    sights = (Sight(0), Sight(3), Sight(3, frozenset({"Rossi"})))
    for values, sight, most in product(FILTERS, sights, (2, 8, 10_000)):
        monkeypatch.setattr(searching, "MOST", most)
        monkeypatch.setattr(searching, "_ROWS", 2 * most)
        chosen = PartyFilter(company_id, **values)
        assert needs_search(chosen)
        meant = set(session.scalars(party_query(chosen, sight)))
        found = find_parties(session, chosen, sight)
        assert (found == meant) if len(meant) <= most else (found is None), (values, sight, most)
        assert {one.id for one in session.scalars(checked_query(chosen, sight))} == meant, (values, sight)


def test_a_long_list_says_more_than_and_counts_exactly_when_asked(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    company_id = _fill(session)
    monkeypatch.setattr(searching, "MOST", 3)
    monkeypatch.setattr("crm_mail.contacts.finding.listing.MOST", 3)
    chosen = PartyFilter(company_id, text="firm")
    page = list_parties(session, make_actor(), chosen, size=5)
    assert (page.total, page.has_more, len(page.rows)) == (3, True, 5)
    following = list_parties(
        session, make_actor(), chosen, size=5, after=page.next_cursor or "", is_exact=True
    )
    assert (following.total, following.has_more, following.first) == (30, False, 6)


def test_a_word_finds_the_city_of_one_company_in_any_case(session: Session) -> None:
    company, other = make_company(session), make_company(session, code="XX")
    for owner, code, city in (
        (company, "1", "Forlì"),
        (company, "2", "FORLÌ"),
        (company, "3", "100%"),
        (other, "4", "Forlì"),
    ):
        make_party(session, owner, code=code, name="Nobody", city=city)
    session.flush()

    def codes(text: str) -> list[str]:
        page = list_parties(session, make_actor(3), PartyFilter(company.id, text=text))
        return sorted(line.party.code for line in page.rows)

    assert codes("forlì") == codes("FORLÌ") == codes("orl") == ["1", "2"]
    assert codes("0%") == ["3"]
    assert codes("forlì nobody") == ["1", "2"]
