"""Rows of a contact file become parties and contacts; a bad row never stops the others (IT-8, IT-9, IT-17)."""

import json

import pytest

from crm_mail.importers.base import AddressKind, ImportRefused, ParsedRow, PartyKind, RecipientKind
from crm_mail.importers.contacts.columns import guess_mapping
from crm_mail.importers.contacts.rows import RowContext, open_contact_file

CANONICAL = (
    "party_code,party_name,kind,vat_number,tax_code,address,postcode,city,province,country,zone,agent,category,"
    "credit_days,language,email,billing_email,contact_name,roles,contact_email,pec,phone,mobile,privacy_level,"
    "characteristics,subscriptions"
)


def parse(text: str, **options: object) -> list[ParsedRow]:
    return list(open_contact_file(text.encode(), **options).rows())  # type: ignore[arg-type]


def one(header: str, row: str) -> ParsedRow:
    [parsed] = parse(f"{header}\n{row}\n")
    return parsed


def errors(row: ParsedRow) -> list[tuple[str | None, str]]:
    return [(error.column, error.code) for error in row.errors]


def test_every_canonical_header_is_understood_as_itself() -> None:
    names = CANONICAL.split(",")
    assert guess_mapping(names).columns == {name: name for name in names}


def test_a_full_canonical_row_gives_party_and_contact() -> None:
    row = one(
        CANONICAL,
        "0007,Rossi S.r.l.,both,IT01879020517,RSSMRA80A01H501U,Via Roma 1,40100,Bologna,BO,Italia,NORD,AG1,A,"
        "30,it_IT,info@rossi.example,fatture@rossi.example,Laura Bianchi,Amministrazione|Qualità,"
        '"laura@rossi.example; l.bianchi@rossi.example",rossi@pec.example,051 1,333 2,2,sector=food|fair-2026,'
        "invoice|credit_note:cc",
    )
    assert row.is_valid
    party, contact = row.party, row.contact
    assert party is not None
    assert contact is not None
    assert (party.code, party.kind, party.country, party.language) == ("0007", PartyKind.BOTH, "IT", "it")
    assert (party.emails, party.billing_emails) == (("info@rossi.example",), ("fatture@rossi.example",))
    assert contact.roles == ("Amministrazione", "Qualità")
    assert [(item.email, item.kind) for item in contact.addresses] == [
        ("laura@rossi.example", AddressKind.ORDINARY),
        ("l.bianchi@rossi.example", AddressKind.ORDINARY),
        ("rossi@pec.example", AddressKind.PEC),
    ]
    assert (contact.phones, contact.mobiles, contact.privacy_level) == (("051 1",), ("333 2",), 2)
    assert contact.characteristics == (("sector", "food"), ("fair-2026", None))
    assert [(item.document_type, item.recipient_kind) for item in contact.subscriptions] == [
        ("invoice", RecipientKind.TO),
        ("credit_note", RecipientKind.CC),
    ]


@pytest.mark.parametrize(
    ("header", "row", "column", "code"),
    [
        ("party_code;contact_email", "1;not-an-address", "contact_email", "address_invalid"),
        ("party_code;contact_email", '1;"a@b.example\nBcc: x"', "contact_email", "address_invalid"),
        ("Codice;Tipo;Nome", "1;Z;x", "Tipo", "bad_kind"),
        ("Codice;Riservatezza;Nome", "1;9;x", "Riservatezza", "bad_privacy_level"),
        ("Codice;Fattura;Nome", "1;forse;x", "Fattura", "bad_yes_no"),
        ("party_code;subscriptions", "1;fatturone", "subscriptions", "unknown_document_type"),
        ("party_code;subscriptions", "1;invoice:bcc", "subscriptions", "bad_subscription"),
        ("party_code;characteristics", "1;=x", "characteristics", "bad_characteristic"),
        ("party_code;language", "1;klingon", "language", "bad_language"),
        ("Codice;Ragione sociale", ";Rossi", "Codice", "party_missing"),
        ("Codice;Ragione sociale", "1E+05;Rossi", "Codice", "scientific_code"),
        ("Codice;Ragione sociale", "1;Rossi;srl", None, "too_many_cells"),
    ],
)
def test_an_error_names_column_and_cause_and_leaves_the_next_row_alone(
    header: str, row: str, column: str | None, code: str
) -> None:
    good = "2" + ";" * header.count(";")
    bad, other = parse(f"{header}\n{row}\n{good}\n")
    assert (column, code) in errors(bad)
    assert not bad.is_valid
    assert other.is_valid
    assert all(len(error.message) > 30 for error in bad.errors)


def test_a_refused_privacy_level_names_the_allowed_ones() -> None:
    [error] = one("party_code;privacy_level", "1;9").errors
    assert "0 (public), 1, 2 or 3" in error.message


@pytest.mark.parametrize(
    ("word", "subscribed", "refused"),
    [
        ("S", True, False),
        ("sì", True, False),
        ("x", True, False),
        ("1", True, False),
        ("true", True, False),
        ("N", False, True),
        ("0", False, True),
        ("no", False, True),
        ("", False, False),
    ],
)
def test_a_flag_column_is_a_subscription(word: str, subscribed: bool, refused: bool) -> None:
    row = one("Codice;Nome contatto;Estr.conto", f"1;Anna;{word}")
    assert row.contact is not None
    assert bool(row.contact.subscriptions) is subscribed
    assert bool(row.contact.not_subscribed) is refused


def test_several_rows_of_one_party_are_several_contacts() -> None:
    rows = parse("party_code;contact_name\n1;Anna\n1;Bruno\n")
    assert [row.contact.name for row in rows if row.contact] == ["Anna", "Bruno"]
    assert {row.party.code for row in rows if row.party} == {"1"}


def test_codes_that_differ_by_leading_zeros_are_two_parties_and_a_warning() -> None:
    first, second = parse("party_code;party_name\n000123;Rossi\n123;Rossi\n")
    assert not first.warnings
    [warning] = second.warnings
    assert (warning.code, warning.params["other"], warning.params["other_row"]) == (
        "code_like_another",
        "000123",
        2,
    )
    assert second.is_valid


def test_without_codes_the_name_recognises_the_party_and_says_so() -> None:
    row = one("First Name,Last Name,Company,E-mail Address", "Anna,Verdi,Alfa  S.r.l.,anna@alfa.example")
    assert row.party is not None
    assert row.party.match_key == ("name", "alfa s.r.l.")
    assert [note.code for note in row.warnings] == ["matched_by_name"]


def test_a_person_without_company_is_a_party_of_their_own_and_says_so() -> None:
    row = one("First Name,Last Name,Company,E-mail Address", "Anna,Verdi,,anna@alfa.example")
    assert row.party is not None
    assert row.party.name == "Anna Verdi"
    assert [note.code for note in row.warnings] == ["party_named_as_contact"]


def test_the_same_address_twice_is_kept_once_with_a_warning() -> None:
    row = one("party_code;contact_email;E-mail contatto", "1;a@b.example;A@B.example")
    assert row.contact is not None
    assert len(row.contact.addresses) == 1
    assert "duplicate_address" in {note.code for note in row.warnings}


def test_a_row_of_another_company_is_an_error() -> None:
    rows = parse(
        "Sociedad\tNo. Cliente\tCorreo\nsm02\t1\ta@b.example\nSM99\t2\ta@b.example\n",
        context=RowContext(company_code="SM02"),
    )
    assert [errors(row) for row in rows] == [[], [("Sociedad", "other_company")]]


def test_a_saved_mapping_survives_json_and_rules_the_columns() -> None:
    columns = json.loads(
        json.dumps({"A": "party_code", "B": "subscription:quote:cc", "C": "characteristic:plate"})
    )
    [row] = parse("A;B;C\n7;S;AB123\n", columns=columns)
    assert row.contact is not None
    assert row.contact.subscriptions[0].recipient_kind is RecipientKind.CC
    assert row.contact.characteristics == (("plate", "AB123"),)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"Codice": "no_such_field"}, "unknown_mapping_field"),
        ({"Colonna": "party_code"}, "mapping_column_absent"),
        ({"Codice": "zone"}, "missing_columns"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(columns: dict[str, str], code: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        parse("Codice;Nome\n1;x\n", columns=columns)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Cod.cliente;Scadenza;Dare;Avere\n1;2026-01-01;10;\n", "open_items_not_contacts"),
        ("Telefono;Città\n051;Bologna\n", "missing_columns"),
        ("foo;bar\n1;2\n", "no_header"),
    ],
)
def test_a_table_that_holds_no_contacts_is_refused(text: str, code: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        parse(text)
    assert refused.value.code == code
