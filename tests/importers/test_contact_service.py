"""Files of contacts are applied row by row, in one transaction, without revealing or spoiling anything."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company, Packaging
from crm_mail.contacts.models import Contact, ContactState, Party, RecipientKind, Role
from crm_mail.delivery.routing import AddressKind
from crm_mail.importers.base import ImportRefused
from crm_mail.importers.contacts import service as contact_service
from crm_mail.importers.contacts.import_result import ContactImportResult
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.importers.tables.mappings import (
    MappingNameInvalid,
    MappingUnknown,
    delete_mapping,
    list_mappings,
    load_mapping,
    save_mapping,
)
from crm_mail.permissions import Actor, Permission, PermissionDenied
from tests.factories import make_actor, make_company, make_contact, make_party, outbox_grants

CANONICAL = (
    "party_code,party_name,kind,vat_number,tax_code,address,postcode,city,province,country,zone,agent,category,"
    "credit_days,language,email,billing_email,contact_name,roles,contact_email,pec,phone,mobile,privacy_level,"
    "characteristics,subscriptions"
)
FULL = (
    "0007,Rossi S.r.l.,both,IT01879020517,RSSMRA80A01H501U,Via Roma 1,40100,Bologna,BO,IT,NORD,AG1,A,"
    "30 gg,it,info@rossi.example,fatture@rossi.example,Laura Bianchi,Amministrazione|Qualità,"
    '"laura@rossi.example; l.bianchi@rossi.example",rossi@pec.example,051 1,333 2,2,sector=food|fair-2026,'
    "invoice|credit_note:cc"
)
SHORT = "party_code;party_name;contact_name;contact_email"


@pytest.fixture
def company(session: Session) -> Company:
    return make_company(session, code="SM02")


def run(
    session: Session, company: Company, text: str | Iterable[str], actor: Actor | None = None, **options: Any
) -> ContactImportResult:
    source = text if isinstance(text, str) else "\n".join(text)
    result = import_contacts(session, actor or make_actor(), company, source.encode(), **options)
    session.flush()
    session.expire_all()
    return result


def counts(result: ContactImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.unchanged, result.error_rows


def codes(result: ContactImportResult) -> set[str]:
    return set(result.warning_codes)


def contacts(session: Session) -> list[Contact]:
    return list(session.scalars(select(Contact).order_by(Contact.id)))


def parties(session: Session) -> list[Party]:
    return list(session.scalars(select(Party).order_by(Party.id)))


def test_a_full_canonical_row_is_stored_whole(session: Session, company: Company) -> None:
    result = run(session, company, [CANONICAL, FULL])
    assert counts(result) == (1, 0, 0, 0)
    [party] = parties(session)
    [contact] = contacts(session)
    assert (party.code, party.name, party.name_key) == ("0007", "Rossi S.r.l.", "rossi s.r.l.")
    assert (party.is_customer, party.is_supplier, party.country) == (True, True, "IT")
    assert (party.vat_number, party.tax_code) == ("IT01879020517", "RSSMRA80A01H501U")
    assert (party.address, party.postcode, party.city, party.province) == (
        "Via Roma 1",
        "40100",
        "Bologna",
        "BO",
    )
    assert (party.zone, party.agent, party.category, party.language) == ("NORD", "AG1", "A", "it")
    assert party.credit_days == 30
    assert (party.email, party.billing_email) == ("info@rossi.example", "fatture@rossi.example")
    assert (contact.name, contact.name_key, contact.phone, contact.mobile) == (
        "Laura Bianchi",
        "laura bianchi",
        "051 1",
        "333 2",
    )
    assert (contact.privacy_level, contact.state, contact.source) == (2, ContactState.ACTIVE, "import")
    assert [(a.email, a.kind, a.position) for a in contact.addresses] == [
        ("laura@rossi.example", AddressKind.ORDINARY, 0),
        ("l.bianchi@rossi.example", AddressKind.ORDINARY, 1),
        ("rossi@pec.example", AddressKind.PEC, 2),
    ]
    assert {role.name for role in contact.roles} == {"Amministrazione", "Qualità"}
    assert {(c.key, c.value) for c in contact.characteristics} == {("sector", "food"), ("fair-2026", "")}
    assert {(s.document_type, s.recipient_kind) for s in contact.subscriptions} == {
        ("invoice", RecipientKind.TO),
        ("credit_note", RecipientKind.CC),
    }


def test_the_same_file_twice_changes_nothing(session: Session, company: Company) -> None:
    rows = [CANONICAL, FULL, FULL.replace("Laura Bianchi", "Ugo").replace("0007", "7")]
    assert counts(run(session, company, rows)) == (2, 0, 0, 0)
    before = session.scalar(select(func.max(Contact.updated_at)))
    assert counts(run(session, company, rows)) == (0, 0, 2, 0)
    assert session.scalar(select(func.max(Contact.updated_at))) == before


def test_several_rows_of_one_party_are_several_contacts(session: Session, company: Company) -> None:
    """IT-8."""
    rows = [
        SHORT,
        "C1;Rossi;Laura;l@rossi.example",
        "C1;Rossi;Ugo;u@rossi.example",
        "C1;Rossi;;x@rossi.example",
    ]
    assert counts(run(session, company, rows)) == (3, 0, 0, 0)
    assert len(parties(session)) == 1
    assert [contact.name for contact in contacts(session)] == ["Laura", "Ugo", "Rossi"]


def test_an_empty_cell_leaves_what_is_stored(session: Session, company: Company) -> None:
    run(session, company, [CANONICAL, FULL])
    header = "party_code,party_name,city,contact_name,contact_email,phone"
    result = run(session, company, [header, "0007,,,Laura Bianchi,laura@rossi.example,"])
    assert counts(result) == (0, 0, 1, 0)
    assert parties(session)[0].city == "Bologna"
    assert contacts(session)[0].phone == "051 1"


def test_what_differs_is_updated(session: Session, company: Company) -> None:
    run(session, company, [CANONICAL, FULL])
    header = "party_code,party_name,city,contact_name,contact_email,phone,subscriptions,characteristics"
    row = "0007,Rossi & Figli,Modena,Laura Bianchi,laura@rossi.example,052 9,invoice:cc|quote,sector=steel"
    result = run(session, company, [header, row])
    assert counts(result) == (0, 1, 0, 0)
    assert (result.parties_updated, result.contacts_updated) == (1, 1)
    [party], [contact] = parties(session), contacts(session)
    assert (party.name, party.name_key, party.city) == ("Rossi & Figli", "rossi & figli", "Modena")
    assert contact.phone == "052 9"
    assert {(s.document_type, s.recipient_kind.value) for s in contact.subscriptions} == {
        ("invoice", "cc"),
        ("credit_note", "cc"),
        ("quote", "to"),
    }
    assert {(c.key, c.value) for c in contact.characteristics} == {("sector", "steel"), ("fair-2026", "")}


def test_a_column_that_says_no_ends_a_subscription(session: Session, company: Company) -> None:
    """IT-9: a flag column holding N."""
    header = "party_code;party_name;contact_name;contact_email;Fattura;DDT"
    columns = {
        "party_code": "party_code",
        "contact_name": "contact_name",
        "contact_email": "contact_email",
        "Fattura": "subscription:invoice",
        "DDT": "subscription:delivery_note",
    }
    run(session, company, [header, "C1;Rossi;Laura;l@rossi.example;S;S"], columns=columns)
    result = run(session, company, [header, "C1;Rossi;Laura;l@rossi.example;N;S"], columns=columns)
    assert counts(result) == (0, 1, 0, 0)
    assert [s.document_type for s in contacts(session)[0].subscriptions] == ["delivery_note"]


def test_leading_zeros_make_two_parties_and_a_warning_names_both(session: Session, company: Company) -> None:
    """RP-16: the code is text."""
    make_party(session, company, code="000123", name="Alfa")
    result = run(session, company, [SHORT, "123;Beta;Ugo;u@beta.example"])
    assert [party.code for party in parties(session)] == ["000123", "123"]
    [warning] = result.warnings
    assert (warning.code, warning.row) == ("code_like_stored", 2)
    assert "“123”" in warning.message
    assert "“000123”" in warning.message
    make_party(session, company, code="77", name="Gamma")
    assert codes(run(session, company, [SHORT, "0077;Delta;Ugo;u@delta.example"])) == {"code_like_stored"}
    assert codes(run(session, company, [SHORT, "0077;Delta;Ugo;u@delta.example"])) == set()


def test_the_same_code_in_another_company_is_another_party(session: Session, company: Company) -> None:
    """RP-16."""
    other = make_company(session)
    make_party(session, other, code="C1", name="Altra")
    run(session, company, [SHORT, "C1;Rossi;Ugo;u@rossi.example"])
    assert {(p.company_id, p.name) for p in parties(session)} == {(other.id, "Altra"), (company.id, "Rossi")}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("vat_number", "IT 018.790.205.17"),
        ("vat_number", "01879020517"),
        ("tax_code", "RSSMRA80A01H501U"),
        ("party_name", "ROSSI  srl"),
    ],
)
def test_a_row_without_a_code_finds_the_party_by_number_or_name(
    session: Session, company: Company, header: str, row: str
) -> None:
    make_party(
        session, company, code="C9", name="Rossi srl", vat_number="IT01879020517", tax_code="RSSMRA80A01H501U"
    )
    run(session, company, [f"{header};contact_name;contact_email", f"{row};Ugo;u@rossi.example"])
    assert len(parties(session)) == 1


def test_a_code_decides_between_branches_with_one_vat_number(session: Session, company: Company) -> None:
    header = "party_code;party_name;vat_number"
    rows = [header, "F1;Sede;IT01879020517", "F2;Filiale;IT01879020517"]
    assert counts(run(session, company, rows)) == (2, 0, 0, 0)
    assert counts(run(session, company, rows)) == (0, 0, 2, 0)
    result = run(session, company, ["vat_number;party_name", "IT01879020517;Sede"])
    assert "ambiguous_party" in codes(result)


@pytest.mark.parametrize("number", ["IT01879020517", ""])
def test_a_party_known_from_an_invoice_takes_the_code_of_the_file(
    session: Session, company: Company, number: str
) -> None:
    """A document made it under its VAT number, for want of a code, or knew the number only as a code."""
    party = make_party(session, company, code="IT01879020517", name="Rossi", vat_number=number)
    result = run(session, company, ["party_code;party_name;vat_number", "000451;Rossi Srl;01879020517"])
    assert codes(result) == {"code_adopted"}
    session.refresh(party)
    assert (party.code, party.name) == ("000451", "Rossi Srl")
    assert len(parties(session)) == 1


def test_a_new_party_without_a_code_gets_one_that_can_be_read(session: Session, company: Company) -> None:
    header = "party_name;contact_name;contact_email"
    rows = [header, "Società Ñandú & C. S.r.l.;Ugo;u@n.example", "Altra;Ada;a@a.example"]
    make_party(session, company, code="ALTRA", name="Omonima per caso")
    result = run(session, company, rows)
    assert {party.code for party in parties(session)} == {"SOCIETA-NANDU-C-SRL", "ALTRA", "ALTRA-2"}
    assert {"matched_by_name", "code_made"} <= codes(result)
    assert counts(run(session, company, rows)) == (0, 0, 2, 0)


def test_a_supplier_who_is_also_a_customer_becomes_both(session: Session, company: Company) -> None:
    party = make_party(session, company, code="C1", is_customer=False, is_supplier=True)
    run(session, company, ["party_code;party_name;kind", f"C1;{party.name};customer"])
    session.refresh(party)
    assert (party.is_customer, party.is_supplier) == (True, True)


def test_two_people_may_share_a_mailbox_and_stay_two(session: Session, company: Company) -> None:
    rows = [SHORT, "C1;Rossi;Laura;acquisti@rossi.example", "C1;Rossi;Marco;acquisti@rossi.example"]
    assert counts(run(session, company, rows)) == (2, 0, 0, 0)
    assert counts(run(session, company, rows)) == (0, 0, 2, 0)
    assert counts(run(session, company, [SHORT, rows[2], rows[1]])) == (0, 0, 2, 0)


def test_namesakes_with_other_addresses_stay_two(session: Session, company: Company) -> None:
    rows = [SHORT, "C1;Rossi;Laura;laura1@rossi.example", "C1;Rossi;Laura;laura2@rossi.example"]
    assert counts(run(session, company, rows)) == (2, 0, 0, 0)
    assert counts(run(session, company, rows)) == (0, 0, 2, 0)


def test_a_corrected_name_is_found_by_its_address(session: Session, company: Company) -> None:
    run(session, company, [SHORT, "C1;Rossi;Laura Bianci;Laura@rossi.example"])
    assert counts(run(session, company, [SHORT, "C1;Rossi;Laura Bianchi;laura@rossi.example"])) == (
        0,
        1,
        0,
        0,
    )
    assert [contact.name for contact in contacts(session)] == ["Laura Bianchi"]


def test_a_new_address_of_a_known_person_goes_first_and_says_so(session: Session, company: Company) -> None:
    run(session, company, [SHORT, "C1;Rossi;Laura;old@rossi.example"])
    rows = [SHORT, "C1;Rossi;Laura;new@rossi.example"]
    result = run(session, company, rows)
    assert (counts(result), codes(result)) == ((0, 1, 0, 0), {"address_changed"})
    [contact] = contacts(session)
    assert [a.email for a in contact.addresses] == ["new@rossi.example", "old@rossi.example"]
    assert counts(run(session, company, rows)) == (0, 0, 1, 0)


def test_an_address_of_unknown_kind_is_settled_by_the_file_and_a_known_one_stays(
    session: Session, company: Company
) -> None:
    party = make_party(session, company, code="C1")
    addresses = (("a@pec.example", "unknown"), ("b@x.example", "ordinary"))
    contact = make_contact(session, party, name="Laura", addresses=addresses)
    header = "party_code;contact_name;contact_email;pec"
    result = run(session, company, [header, "C1;Laura;;a@pec.example|b@x.example"])
    session.refresh(contact)
    assert [(a.email, a.kind.value) for a in contact.addresses] == [
        ("a@pec.example", "pec"),
        ("b@x.example", "ordinary"),
    ]
    assert "kind_differs" in codes(result)


def test_several_master_addresses_are_all_recipients(session: Session, company: Company) -> None:
    """RP-2: a catalogue of company, customer number, addresses separated by semicolons."""
    rows = ["Sociedad\tNo. Cliente\tCorreo", "SM02\t0001004273\tpagos@p.example;cxp@p.example"]
    assert counts(run(session, company, rows)) == (1, 0, 0, 0)
    [party] = parties(session)
    assert (party.code, party.email) == ("0001004273", "pagos@p.example")
    made = contacts(session)
    assert [contact.name for contact in made] == ["pagos@p.example", "cxp@p.example"]
    for contact in made:
        types = {s.document_type for s in contact.subscriptions}
        assert {"invoice", "account_statement"} <= types
        assert "purchase_order" not in types
    made[1].subscriptions = []
    session.flush()
    assert counts(run(session, company, rows)) == (0, 0, 1, 0)
    assert contacts(session)[1].subscriptions == []


def test_a_subscribed_contact_keeps_its_types_from_the_master_addresses(
    session: Session, company: Company
) -> None:
    """PM-15."""
    header = "party_code;email;contact_name;contact_email;subscriptions"
    run(session, company, [header, 'C1;"a@r.example;b@r.example";Laura;l@r.example;invoice'])
    receivers = {c.name for c in contacts(session) if "invoice" in {s.document_type for s in c.subscriptions}}
    assert receivers == {"Laura"}


def test_several_billing_addresses_say_which_one_is_used(session: Session, company: Company) -> None:
    header = "party_code;party_name;billing_email"
    result = run(session, company, [header, 'C1;Rossi;"a@r.example;b@r.example"'])
    assert parties(session)[0].billing_email == "a@r.example"
    assert "billing_extra" in codes(result)


def test_a_bad_row_does_not_stop_the_others(session: Session, company: Company) -> None:
    rows = [
        SHORT,
        "C1;Rossi;Ugo;no-address",
        ";;;",
        "C2;" + "x" * 251 + ";Ada;a@x.example",
        "C3;Verdi;Ida;i@v.example",
    ]
    result = run(session, company, rows)
    assert counts(result) == (1, 0, 0, 2)
    assert [(e.row, e.column, e.code) for e in result.errors] == [
        (2, "contact_email", "address_invalid"),
        (4, "party_name", "too_long"),
    ]
    assert [party.code for party in parties(session)] == ["C3"]


def test_nobody_imports_above_the_own_clearance(session: Session, company: Company) -> None:
    """IT-17."""
    header = "party_code;party_name;contact_name;contact_email;privacy_level"
    rows = [header, "C1;Rossi;Ugo;u@rossi.example;2", "C1;Rossi;Ada;a@rossi.example;1"]
    result = run(session, company, rows, make_actor(clearance=1))
    assert counts(result) == (1, 0, 0, 1)
    assert [(e.row, e.column, e.code) for e in result.errors] == [(2, "privacy_level", "level_above_own")]
    assert [contact.name for contact in contacts(session)] == ["Ada"]


def test_a_contact_above_the_clearance_is_neither_changed_nor_betrayed(
    session: Session, company: Company
) -> None:
    """IT-17: the answer is the one that would be given if the hidden contact did not exist."""
    party = make_party(session, company, code="C1", name="Rossi")
    hidden = make_contact(
        session, party, name="Laura", addresses=(("l@rossi.example", "ordinary"),), privacy_level=3, phone="1"
    )
    clerk = make_actor(clearance=1)
    header = "party_code;party_name;contact_name;contact_email;phone"
    rows = [header, "C1;Rossi;Laura;l@rossi.example;2", "C2;Verdi;Laura;l@verdi.example;2"]
    result = run(session, company, rows, clerk)
    assert counts(result) == (2, 0, 0, 0)
    assert result.warnings == []
    session.refresh(hidden)
    assert (hidden.phone, hidden.privacy_level) == ("1", 3)
    assert [c.privacy_level for c in contacts(session)] == [3, 0, 0]
    assert counts(run(session, company, rows, clerk)) == (0, 0, 2, 0)


def test_a_suggested_contact_is_confirmed_by_the_file_and_a_dismissed_one_stays_so(
    session: Session, company: Company
) -> None:
    party = make_party(session, company, code="C1", name="Rossi")
    for name, state in (("Ugo", ContactState.SUGGESTED), ("Ada", ContactState.INACTIVE)):
        make_contact(session, party, name=name, addresses=((f"{name}@r.example", "unknown"),), state=state)
    run(session, company, [SHORT, "C1;Rossi;Ugo;ugo@r.example", "C1;Rossi;Ada;ada@r.example"])
    assert [c.state for c in contacts(session)] == [ContactState.ACTIVE, ContactState.INACTIVE]


def test_roles_that_are_new_join_the_list_of_the_company_once(session: Session, company: Company) -> None:
    """IT-10."""
    session.add(Role(company_id=company.id, name="Amministrazione"))
    session.flush()
    header = "party_code;contact_name;contact_email;roles"
    rows = [header, "C1;Ugo;u@r.example;amministrazione|Qualità", "C1;Ada;a@r.example;QUALITÀ"]
    result = run(session, company, rows)
    assert result.roles_created == ["Qualità"]
    assert {role.name for role in session.scalars(select(Role))} == {"Amministrazione", "Qualità"}


def test_a_dry_run_tells_the_same_and_writes_nothing(session: Session, company: Company) -> None:
    rows = [CANONICAL, FULL, FULL.replace("0007", "0008"), FULL.replace("0007", "0009,"), FULL]
    dry = run(session, company, rows, dry_run=True)
    for model in (Party, Contact, Role, AuditEvent):
        assert session.scalar(select(func.count()).select_from(model)) == 0
    real = run(session, company, rows)
    assert dry.as_json() | {"dry_run": False} == real.as_json()
    assert session.scalar(select(func.count()).select_from(Party)) == real.parties_created


def test_an_import_leaves_one_line_in_the_audit(session: Session, company: Company) -> None:
    run(session, company, [CANONICAL, FULL], name="clienti.csv")
    [event] = session.scalars(select(AuditEvent))
    assert (event.action, event.object_label, event.detail["created"]) == (
        "importers.contacts.imported",
        "clienti.csv",
        1,
    )


def test_a_crash_in_the_middle_leaves_nothing(
    session: Session, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.commit()
    monkeypatch.setattr(contact_service, "BATCH", 2)
    written = contact_service.write_contacts
    calls: list[int] = []

    def fail_later(*given: Any) -> tuple[int, int]:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("disk full")
        return written(*given)

    monkeypatch.setattr(contact_service, "write_contacts", fail_later)
    rows = [SHORT, *(f"C{n};Ditta {n};Ugo;u@d{n}.example" for n in range(9))]
    with pytest.raises(OSError, match="disk full"):
        run(session, company, rows)
    session.commit()  # even a door that committed would find nothing half-done
    assert parties(session) == []
    assert contacts(session) == []


def test_batches_know_what_earlier_ones_did(
    session: Session, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_service, "BATCH", 1)
    rows = [
        SHORT,
        "C1;Rossi;Laura;acquisti@rossi.example",
        "C1;Rossi;Marco;acquisti@rossi.example",
        "C1;Rossi;Laura;acquisti@rossi.example",
    ]
    for dry_run in (True, False):
        assert counts(run(session, company, rows, dry_run=dry_run)) == (2, 0, 1, 0)
    assert counts(run(session, company, rows)) == (0, 0, 3, 0)


def test_wrong_columns_are_refused_whole(session: Session, company: Company) -> None:
    with pytest.raises(ImportRefused) as refused:
        run(session, company, ["colour;size", "red;12"])
    assert refused.value.code == "no_header"


def test_only_who_manages_contacts_imports(session: Session, company: Company) -> None:
    clerk = make_actor(is_admin=False, grants=outbox_grants(company.id))
    with pytest.raises(PermissionDenied):
        run(session, company, [CANONICAL, FULL], clerk)
    with pytest.raises(PermissionDenied):
        list_mappings(session, clerk, company.id)
    manager = make_actor(is_admin=False, areas=frozenset({Permission.CONTACTS_MANAGE}))
    assert counts(run(session, company, [CANONICAL, FULL], manager)) == (1, 0, 0, 0)


def test_a_mapping_is_kept_under_a_name_and_used_again(session: Session, company: Company) -> None:
    actor = make_actor()
    columns = {"Kunde": "party_code", "Wer": "contact_name", "Post": "contact_email", "Egal": ""}
    saved = save_mapping(session, actor, company.id, " Aus  Wien ", columns)
    assert load_mapping(session, actor, company.id, "aus wien") == {k: v for k, v in columns.items() if v}
    result = run(session, company, ["Kunde;Wer;Post;Egal", "K1;Eva;eva@w.example;x"], mapping="Aus Wien")
    assert counts(result) == (1, 0, 0, 0)
    save_mapping(session, actor, company.id, "AUS WIEN", {"Kunde": "party_code"})
    assert len(list_mappings(session, actor, company.id)) == 1
    other = make_company(session)
    assert not delete_mapping(session, actor, other.id, saved.id)
    assert delete_mapping(session, actor, company.id, saved.id)
    with pytest.raises(MappingUnknown, match="Aus Wien"):
        load_mapping(session, actor, company.id, "Aus Wien")


def test_a_mapping_needs_a_name_and_fields_that_exist(session: Session, company: Company) -> None:
    with pytest.raises(MappingNameInvalid):
        save_mapping(session, make_actor(), company.id, "  ", {"a": "party_code"})
    with pytest.raises(ImportRefused, match="not a field"):
        save_mapping(session, make_actor(), company.id, "x", {"a": "no_such_field"})


def test_a_packaging_that_the_customer_cannot_name_is_told_and_left_out(
    session: Session, company: Company
) -> None:
    """PM-15: a packaging that is not there would pack as the default one, and nobody would know."""
    session.add_all(
        [
            Packaging(company_id=company.id, code="XML"),
            Packaging(company_id=company.id, code="OWN", party_code="C2"),
        ]
    )
    session.flush()
    rows = ["C1;Uno;xml", "C2;Due;OWN", "C3;Tre;OWN,a@x.example", "C4;Quattro;XLM", "C5;Cinque;gral"]
    result = run(session, company, ["party_code;party_name;packaging", *rows])
    told = [(one.row, one.params["known"]) for one in result.warnings if one.code == "unknown_packaging"]
    assert told == [(4, "GRAL, XML"), (5, "GRAL, XML")]
    kept = [(party.packaging, party.packaging_emails) for party in parties(session)]
    assert kept == [("XML", ""), ("OWN", ""), ("GRAL", "a@x.example"), ("GRAL", ""), ("GRAL", "")]
