"""The index of words on SQLite: it knows what stands in the rows and nothing else, whoever writes them."""

import random

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.searching import find_parties
from crm_mail.contacts.finding.selection import party_query
from crm_mail.contacts.finding.words import parties_in_city, parties_named
from crm_mail.contacts.letters import plain
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.contacts.word_index import MOST, is_of_words, question
from crm_mail.db import Base
from crm_mail.delivery.routing import AddressKind
from crm_mail.installation import Installation
from crm_mail.many_rows import insert_many
from crm_mail.permissions import Sight
from crm_mail.privacy.erasing import erase_contact
from tests.factories import make_actor, make_company, make_contact, make_party
from tests.privacy.people import ADDRESS, NAME, make_person

INDEXES = ("parties_words", "contacts_words", "contact_addresses_words")


def _named(session: Session, index: str, word: str) -> set[int]:
    session.flush()
    return set(
        session.scalars(text(f"SELECT rowid FROM {index} WHERE {index} MATCH :q"), {"q": question(word)})
    )


def check_indexes(session: Session) -> None:
    """Compare every index with the rows it is of; SQLite raises an error when they differ."""
    session.flush()
    for index in INDEXES:
        session.execute(text(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"))


def test_the_index_follows_every_way_of_writing(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        party = make_party(session, make_company(session), name="Alfa Meccanica", email="Info@Alfa.example")
        contact = make_contact(session, party, (("Anna@Alfa.example", "ordinary"),), name="Anna Bianchi")
        assert _named(session, "parties_words", "meccanica") == {party.id}
        assert _named(session, "parties_words", "info@alfa") == {party.id}
        party.billing_email = "conti@beta.example"  # of what is computed from it
        contact.name_key = "anna verdi"
        session.execute(update(ContactAddress).values(email="anna@gamma.example"))
        assert _named(session, "parties_words", "conti@beta") == {party.id}
        assert _named(session, "contacts_words", "bianchi") == set()
        assert _named(session, "contacts_words", "verdi") == {contact.id}
        assert _named(session, "contact_addresses_words", "alfa") == set()
        rows = [
            {"contact_id": contact.id, "email": f"many{i}@delta.example", "kind": AddressKind.UNKNOWN}
            for i in range(150)
        ]
        insert_many(session, ContactAddress, rows)
        assert len(_named(session, "contact_addresses_words", "delta.example")) == 150
        check_indexes(session)
        session.execute(
            delete(Contact).where(Contact.id == contact.id)
        )  # its addresses go by ON DELETE CASCADE
        assert _named(session, "contacts_words", "verdi") == set()
        assert _named(session, "contact_addresses_words", "delta.example") == set()
        check_indexes(session)


def test_a_change_of_something_else_does_not_write_to_the_index(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        party = make_party(session, make_company(session), name="Alfa")
        session.commit()
        count = text("SELECT sum(length(block)), count(*) FROM parties_words_data")
        before = session.execute(count).one()
        party.agent = "Rossi"
        session.commit()
        assert session.execute(count).one() == before
        party.name_key = "beta"
        session.commit()
        assert session.execute(count).one() != before


def test_what_is_rolled_back_is_not_found(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company = make_company(session)
        session.commit()
        with session.begin_nested() as step:
            make_party(session, company, name="Passeggera")
            step.rollback()
        kept = make_party(session, company, name="Rimasta")
        session.commit()
        assert _named(session, "parties_words", "passeggera") == set()
        assert _named(session, "parties_words", "rimasta") == {kept.id}
        check_indexes(session)


def test_nothing_of_an_erased_person_is_found_in_the_index(sqlite_home: Installation) -> None:
    """Art. 17 GDPR."""
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        surname = NAME.split()[1].lower()
        assert _named(session, "contacts_words", surname)
        assert _named(session, "contact_addresses_words", ADDRESS)
        erase_contact(session, make_actor(), person.contact)
        assert not _named(session, "contacts_words", surname)
        assert not _named(session, "contact_addresses_words", ADDRESS)
        check_indexes(session)


def test_every_word_finds_what_a_look_into_each_text_finds(session: Session) -> None:
    """Quotes, signs of LIKE and of FTS5, letters of all kinds; on both databases."""
    company = make_company(session)
    chance = random.Random(7)
    pieces = (
        "o'neil",
        'the "best"',
        "100%",
        "a_b",
        "a/b",
        "àncora",
        "straße",
        "AND",
        "near(",
        "*",
        "^x",
        "ni",
        "😀😀",
    )
    names = [" ".join(chance.sample(pieces, 3)) for _ in range(40)]
    for name in names:
        make_party(session, company, name=name)
    keys = {row.id: row.search_key for row in session.execute(select(Party.id, Party.search_key))}
    words = {chance.choice(names)[at : at + length].strip() for at in range(9) for length in (1, 2, 3, 4, 9)}
    for word in words | {"ÀNCORA", "ancora", "O’Neil", "STRASSE", "nothing", '"""', "😀😀😀"}:
        meant = {id_ for id_, key in keys.items() if all(one in key for one in plain(word).split())}
        found = set(session.scalars(party_query(PartyFilter(company.id, text=word), Sight(3))))
        assert found == meant or not word, word


@pytest.mark.parametrize(
    "word", ["dalo", "d'alo", "D’Alò", "d'alò", "ALÒ", "inigo", "Iñigo", "íñigo", "nino@casa"]
)
def test_a_clerk_types_with_or_without_accents(session: Session, word: str) -> None:
    """Accents, capitals and the kind of apostrophe do not matter, in the name of a party or of a contact."""
    company = make_company(session)
    party = make_party(session, company, name="D'Alò Impianti", email="info@dalo.example")
    make_contact(
        session, party, (("niño@casa.example", "ordinary"), ("nino@casa.example", "ordinary")), name="Íñigo"
    )
    make_party(session, company, name="Another")
    assert set(session.scalars(party_query(PartyFilter(company.id, text=word), Sight(3)))) == {party.id}
    assert find_parties(session, PartyFilter(company.id, text=word), Sight(3)) == {party.id}


def test_an_address_with_an_accent_is_found_as_it_is_written(session: Session) -> None:
    """Addresses keep their accents: another accent is another mailbox."""
    company = make_company(session)
    party = make_party(session, company, name="Casa", email="niño@casa.example")
    assert find_parties(session, PartyFilter(company.id, text="niño@casa"), Sight(3)) == {party.id}
    assert find_parties(session, PartyFilter(company.id, text="nino@casa"), Sight(3)) == set()


def test_a_search_begins_with_the_index_and_reads_rows_by_their_number(sqlite_home: Installation) -> None:
    """Not with the company's index, whatever SQLite knows of its tables: it would read a million names."""
    with sqlite_home.database.write() as session:
        company = make_company(session)
        for i in range(9):  # below six, SQLite reads them all
            make_contact(session, make_party(session, company), ((f"anna@alfa{i}.example", "ordinary"),))
    for is_counted in (False, True):
        with sqlite_home.database.read() as session:
            for statement in parties_named(company.id, 0, "alfa"):
                first, *others = _plan(session, statement.limit(9))
                assert "VIRTUAL TABLE" in first, (is_counted, first)
                reads = [one for one in others if one.startswith(("SCAN", "SEARCH"))]
                assert reads, (is_counted, others)
                assert all("USING INTEGER PRIMARY KEY" in one for one in reads), (is_counted, others)
        sqlite_home.database.count_anew()


def test_a_city_is_looked_for_among_the_cities_in_use(sqlite_home: Installation) -> None:
    """By jumps in their index, and then by the city: no party is read that does not live there."""
    with sqlite_home.database.write() as session:
        company = make_company(session)
        for i in range(9):
            make_party(session, company, city=f"Alfa {i}")
    with sqlite_home.database.read() as session:
        plan = _plan(session, parties_in_city(company.id, "alfa"))
    reads = [one for one in plan if "parties" in one]
    assert reads
    assert all("SEARCH parties USING COVERING INDEX ix_parties_company_city" in one for one in reads), plan


def _plan(session: Session, statement: object) -> list[str]:
    sql = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
    return [row.detail for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]


def test_short_words_ask_the_index_nothing_and_long_ones_not_too_much() -> None:
    assert question("ab") == question("") == question("a\0b") == ""
    assert question('a"b"') == '"a""b" AND """b"""'
    assert question("aaaaaa") == '"aaa"'
    assert question("".join(map(chr, range(0x100, 0x400)))).count(" AND ") == MOST - 1


@pytest.mark.parametrize("name", ["parties_words", "contact_addresses_words_idx", "ix_contacts_words"])
def test_the_models_name_nothing_that_finds_words(name: str) -> None:
    assert is_of_words(name)
    assert not any(is_of_words(one) for one in Base.metadata.tables)
