"""vCards of every version are contacts like those of a spreadsheet."""

import pytest
from sqlalchemy.orm import Session

from crm_mail.contacts.bulk import Picked
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.vcard_export import export_vcards
from crm_mail.importers.contacts.rows import open_contact_file
from crm_mail.importers.tables.vcards import HEADER, vcard_rows
from tests.conftest import samples_dir
from tests.factories import make_actor, make_company, make_contact, make_party

QUOTED = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Nu=C3=B1ez;Jos=\r\n=C3=A9;;;\r\n"
    b"ORG:Fiumi\\, Laghi e C.;Ufficio\r\nTEL;WORK;FAX:1\r\nTEL;CELL:333 1\r\nEMAIL;PREF;INTERNET:b@x.example\r\n"
    b"EMAIL;INTERNET:a@x.example\r\nitem1.EMAIL:p@pec.example\r\nitem1.X-ABLabel:PEC\r\nBDAY:1604-02-29\r\n"
    b"ADR;HOME:;;Via Casa 1;Roma;RM;00100;Italia\r\nADR;WORK:;;Via Lavoro 2;Milano;MI;20100;Italia\r\n"
    b"PHOTO;ENCODING=BASE64:\r\n    AAAA\r\n\r\nEND:VCARD\r\n"
)
PEOPLE = {
    "John_Doe_IPHONE": ("IBM", "Mr. John Richter James Doe Sr.", "john.doe@ibm.com"),
    "John_Doe_LOTUS_NOTES": ("IBM", "Mr. Doe John I Johny", "john.doe@ibm.com|billy_bob@gmail.com"),
    "gmail-single": ("TheCompany", "Greg Dartmouth", "gdartmouth@hotmail.com"),
    "outlook-2003": ("Company, The", "John Doe III", "jdoe@hotmail.com"),
    "outlook-2007": ("TheCompany", "Mr. Michael Angstadt Jr.", "mike.angstadt@gmail.com"),
    "rfc2426-example": (
        "Lotus Development Corporation",
        "Frank Dawson",
        "Frank_Dawson@Lotus.com|fdawson@earthlink.net",
    ),
    "rfc6350-example": ("Viagenie", "Simon Perreault", "simon.perreault@viagenie.ca"),
}


def cells(data: bytes) -> list[dict[str, str]]:
    return [dict(zip(HEADER, row, strict=True)) for _line, row in vcard_rows(data)]


def test_quoted_printable_groups_and_bare_parameters_are_read() -> None:
    [card] = cells(QUOTED)
    assert card["contact_name"] == "José Nuñez"
    assert card["party_name"] == "Fiumi, Laghi e C."
    assert (card["contact_email"], card["pec"]) == ("b@x.example|a@x.example", "p@pec.example")
    assert (card["phone"], card["mobile"]) == ("", "333 1")
    assert (card["address"], card["city"], card["province"]) == ("Via Lavoro 2", "Milano", "MI")


def test_a_card_becomes_a_party_and_its_contact() -> None:
    """As any contact file: the same mapping, the same checks; Apple's year 1604 means that none is known."""
    [row] = open_contact_file(QUOTED).rows()
    assert not row.errors
    assert row.party is not None
    assert row.contact is not None
    assert row.party.name == "Fiumi, Laghi e C."
    assert row.contact.birthday is not None
    assert row.contact.birthday.as_text() == "--02-29"
    assert [(a.email, a.kind.value) for a in row.contact.addresses][-1] == ("p@pec.example", "pec")


@pytest.mark.skipif(samples_dir() is None, reason="SAMPLES_DIR names no folder of sample files")
@pytest.mark.parametrize("name", PEOPLE)
def test_cards_of_real_programs_give_the_right_person(name: str) -> None:
    folder = samples_dir()
    assert folder is not None
    first = cells((folder / "vcards" / f"ezvcard__{name}.vcf").read_bytes())[0]
    assert (first["party_name"], first["contact_name"], first["contact_email"]) == PEOPLE[name]


def test_what_goes_out_as_vcards_comes_back_the_same(session: Session) -> None:
    company = make_company(session)
    party = make_party(session, company, name="Fiumi, Laghi; e C.", city="Forlì", address="Via \\ 1")
    addresses = (("pec@x.example", "pec"), ("a@x.example", "ordinary"))
    make_contact(
        session,
        party,
        addresses,
        (),
        {"sector": "food"},
        name="è" * 60,
        mobile="333 1",
        birth_month=2,
        birth_day=29,
    )
    make_contact(session, party, name="Hidden", privacy_level=2)
    written = "".join(export_vcards(session, make_actor(1), Picked(PartyFilter(company.id), is_all=True)))
    assert max(len(line.encode()) for line in written.split("\r\n")) <= 75
    [card] = cells(written.encode())
    assert card["contact_name"] == "è" * 60
    assert (card["party_name"], card["city"], card["address"]) == ("Fiumi, Laghi; e C.", "Forlì", "Via \\ 1")
    assert (card["pec"], card["contact_email"], card["mobile"]) == ("pec@x.example", "a@x.example", "333 1")
    assert (card["birthday"], card["characteristics"]) == ("--0229", "sector=food")
