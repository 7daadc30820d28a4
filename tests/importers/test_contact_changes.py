"""What an import changes is told before it is applied, and afterwards the history tells it like an edit by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactState, Party, Role
from crm_mail.contacts.people import contact_values
from crm_mail.importers.contacts import import_result
from crm_mail.importers.contacts import service as contact_service
from crm_mail.importers.contacts.import_result import ContactImportResult
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.permissions import Actor
from tests.cli.commands import crm_mail
from tests.factories import make_actor, make_company, make_contact, make_party

HEADER = (
    "party_code,party_name,city,email,contact_name,roles,contact_email,pec,phone,privacy_level,characteristics,"
    "subscriptions,birthday"
)
BEFORE = (
    "C1,Rossi,Milano,info@r.example,Laura,Acquisti,laura@r.example,,051 1,0,sector=food,invoice,1980-03-31"
)
AFTER = (
    "C1,Rossi Srl,Roma,info@r.example,Laura,Qualità,laura@r.example,l@pec.example,051 2,1,sector=wine,"
    "invoice:cc|price_list,--04-01"
)
SHORT = "party_code;contact_name;contact_email;phone"


@pytest.fixture
def company(session: Session) -> Company:
    return make_company(session, code="SM02")


def run(
    session: Session, company: Company, *rows: str, actor: Actor | None = None, **options: Any
) -> ContactImportResult:
    text = "\n".join(rows).encode()
    result = import_contacts(session, actor or make_actor(), company, text, name="clienti.csv", **options)
    session.flush()
    session.expire_all()
    return result


def told(result: ContactImportResult) -> dict[tuple[int, str], tuple[Any, Any]]:
    return {(one["row"], one["field"]): (one["old"], one["new"]) for one in result.as_json()["changes"]}


def history(session: Session, action: str) -> list[AuditEvent]:
    return list(
        session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id))
    )


def test_a_dry_run_tells_each_field_as_it_is_and_as_it_would_be(session: Session, company: Company) -> None:
    run(session, company, HEADER, BEFORE)
    result = run(session, company, HEADER, AFTER, dry_run=True)
    assert told(result) == {
        (2, "name"): ("Rossi", "Rossi Srl"),
        (2, "city"): ("Milano", "Roma"),
        (2, "roles"): (["Acquisti"], ["Acquisti", "Qualità"]),
        (2, "addresses"): (
            ["laura@r.example (ordinary)"],
            ["laura@r.example (ordinary)", "l@pec.example (pec)"],
        ),
        (2, "phone"): ("051 1", "051 2"),
        (2, "privacy_level"): (0, 1),
        (2, "characteristics"): (["sector=food"], ["sector=wine"]),
        (2, "subscriptions"): ({"invoice": "to"}, {"invoice": "cc", "price_list": "to"}),
        (2, "birthday"): ("1980-03-31", "--04-01"),
    }
    whose = {(one["party"], one["contact"]) for one in result.as_json()["changes"]}
    assert whose == {("C1", None), ("C1", "Laura")}
    json.dumps(result.as_json())
    assert history(session, "contacts.contact.updated") == []
    assert told(run(session, company, HEADER, AFTER)) == told(result)


def test_what_is_told_is_what_is_stored_before_and_after(session: Session, company: Company) -> None:
    run(session, company, HEADER, BEFORE)
    contact = session.scalars(select(Contact)).one()
    before = contact_values(contact)
    run(session, company, HEADER, AFTER)
    after = contact_values(session.get_one(Contact, contact.id))
    [event] = history(session, "contacts.contact.updated")
    changed = {name for name in after if before[name] != after[name]}
    assert event.detail["before"] == {name: before[name] for name in changed}
    assert event.detail["after"] == {name: after[name] for name in changed}


def test_the_history_says_who_when_and_by_which_row_of_which_file(session: Session, company: Company) -> None:
    run(session, company, HEADER, BEFORE)
    assert history(session, "contacts.party.updated") == []
    actor = make_actor()
    run(session, company, HEADER, "", AFTER, actor=actor)
    party = session.scalars(select(Party)).one()
    [event] = history(session, "contacts.party.updated")
    assert (event.object_type, event.object_id, event.object_label) == ("parties", party.id, "C1 Rossi Srl")
    assert (event.actor_name, event.company_id, event.privacy_level) == (actor.name, company.id, 0)
    assert event.at is not None
    assert event.detail == {
        "before": {"name": "Rossi", "city": "Milano"},
        "after": {"name": "Rossi Srl", "city": "Roma"},
        "file": "clienti.csv",
        "row": 3,
    }
    run(session, company, HEADER, AFTER)
    assert len(history(session, "contacts.party.updated")) == 1


def test_a_line_of_the_history_has_the_higher_level_of_its_contact(
    session: Session, company: Company
) -> None:
    run(session, company, HEADER, AFTER)
    run(session, company, HEADER, BEFORE)
    run(session, company, HEADER, AFTER)
    assert [event.privacy_level for event in history(session, "contacts.contact.updated")] == [1, 1]


def test_rows_that_change_the_same_contact_each_tell_their_own(session: Session, company: Company) -> None:
    run(session, company, SHORT, "C1;Laura;laura@r.example;1")
    rows = ("C1;Laura;laura@r.example;2", "C1;Laura;laura@r.example;2", "C1;Laura;laura@r.example;3")
    result = run(session, company, SHORT, *rows)
    assert told(result) == {(2, "phone"): ("1", "2"), (4, "phone"): ("2", "3")}
    assert [event.detail["row"] for event in history(session, "contacts.contact.updated")] == [2, 4]


def test_rows_that_change_the_same_party_each_tell_their_own(session: Session, company: Company) -> None:
    header = "party_code;party_name;city"
    run(session, company, header, "C1;Rossi;Milano")
    result = run(session, company, header, "C1;Rossi;Roma", "C1;Rossi;Milano", "C1;Rossi Srl;Milano")
    assert told(result) == {
        (2, "city"): ("Milano", "Roma"),
        (3, "city"): ("Roma", "Milano"),
        (4, "name"): ("Rossi", "Rossi Srl"),
    }
    events = history(session, "contacts.party.updated")
    assert [event.detail["after"] for event in events] == [
        {"city": "Roma"},
        {"city": "Milano"},
        {"name": "Rossi Srl"},
    ]


def test_a_role_that_came_while_the_import_runs_does_not_end_it(
    session: Session, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(session, company, f"{SHORT};roles", "C1;Laura;l@r.example;1;Acquisti")
    monkeypatch.setattr(contact_service._Work, "_read_roles", lambda _self: ({}, {}))
    result = run(session, company, SHORT, "C1;Laura;l@r.example;2")
    assert told(result) == {(2, "phone"): ("1", "2")}


def test_what_a_row_makes_has_no_old_value(session: Session, company: Company) -> None:
    result = run(session, company, SHORT, "C1;Laura;l@r.example;1", "C1;Laura;l@r.example;2")
    assert (result.created, result.updated, result.as_json()["changes"]) == (1, 1, [])


def test_a_code_that_takes_the_place_of_a_number_is_a_change(session: Session, company: Company) -> None:
    make_party(session, company, code="01879020517", name="Neri", vat_number="01879020517")
    result = run(session, company, "party_code;party_name;vat_number", "N1;Neri;IT01879020517")
    assert (result.updated, told(result)) == (1, {(2, "code"): ("01879020517", "N1")})
    assert result.warning_codes["code_adopted"] == 1


def test_what_is_above_the_clearance_is_never_told(session: Session, company: Company) -> None:
    party = make_party(session, company, code="C1", name="Rossi")
    make_contact(
        session, party, name="Laura", phone="secret", privacy_level=3, addresses=(("l@r.example", "unknown"),)
    )
    clerk = make_actor(is_admin=True, clearance=1)
    result = run(session, company, SHORT, "C1;Laura;l@r.example;2", actor=clerk, dry_run=True)
    assert (result.created, result.as_json()["changes"]) == (1, [])


def test_a_suggestion_that_the_file_confirms_and_the_address_it_receives_by(
    session: Session, company: Company
) -> None:
    party = make_party(session, company, code="C1", name="Rossi")
    contact = make_contact(
        session,
        party,
        name="Laura",
        addresses=(("a@r.example", "unknown"), ("b@r.example", "unknown")),
        state=ContactState.SUGGESTED,
        subscriptions=("invoice",),
    )
    contact.subscriptions[0].address_id = contact.addresses[1].id
    session.flush()
    header = "party_code;contact_name;contact_email;subscriptions"
    found = told(run(session, company, header, "C1;Laura;a@r.example;invoice:cc"))
    assert found == {
        (2, "state"): ("suggested", "active"),
        (2, "subscriptions"): ({"invoice": "to b@r.example"}, {"invoice": "cc b@r.example"}),
    }


def test_a_new_word_of_consent_is_told_but_left_to_its_ledger(session: Session, company: Company) -> None:
    header = "party_code;contact_name;contact_email;consents"
    run(session, company, header, "C1;Laura;l@r.example;commercial/email=given")
    row = "C1;Laura;l@r.example;commercial/email=withdrawn"
    result = run(session, company, header, row)
    old, new = {"commercial/email": "given"}, {"commercial/email": "withdrawn"}
    assert told(result) == {(2, "consents"): (old, new)}
    assert history(session, "contacts.contact.updated") == []
    assert told(run(session, company, header, row)) == {}


def test_changes_are_counted_whole_and_kept_in_part(
    session: Session, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_service, "BATCH", 3)
    monkeypatch.setattr(import_result, "KEPT_CHANGES", 4)
    rows = [f"C{n};Laura;l@r{n}.example;{{}}" for n in range(10)]
    run(session, company, SHORT, *(row.format(1) for row in rows))
    result = run(session, company, SHORT, *(row.format(2) for row in rows))
    assert [change.row for change in result.changes] == [2, 3, 4, 5]
    assert (result.updated, result.as_json()["change_count"]) == (10, 10)
    assert len(history(session, "contacts.contact.updated")) == 10


def test_a_role_that_the_file_brings_has_its_name_in_the_history(session: Session, company: Company) -> None:
    session.add(Role(company_id=company.id, name="Acquisti"))
    header = "party_code;contact_name;contact_email;roles"
    run(session, company, header, "C1;Laura;l@r.example;acquisti")
    run(session, company, header, "C1;Laura;l@r.example;Vendite")
    [event] = history(session, "contacts.contact.updated")
    assert event.detail["before"] == {"roles": ["Acquisti"]}
    assert event.detail["after"] == {"roles": ["Acquisti", "Vendite"]}


def test_the_history_names_a_file_that_came_by_its_path(
    session: Session, company: Company, tmp_path: Path
) -> None:
    path = tmp_path / "clienti.csv"
    for phone in "12":
        path.write_text(f"{SHORT}\nC1;Laura;l@r.example;{phone}\n")
        import_contacts(session, make_actor(), company, path, name=path.name)
    [event] = history(session, "contacts.contact.updated")
    assert (event.detail["file"], event.detail["row"]) == ("clienti.csv", 2)


def test_the_command_lists_the_changes_beside_what_it_always_told(tmp_path: Path) -> None:
    assert crm_mail(tmp_path, "db", "upgrade").returncode == 0
    assert crm_mail(tmp_path, "company", "add", "SM02", "--name", "Noi").returncode == 0
    command = ("import", "contacts", "contacts.csv", "--company", "SM02", "--json")
    (tmp_path / "contacts.csv").write_text(f"{SHORT}\nC1;Laura;l@r.example;1\n")
    assert json.loads(crm_mail(tmp_path, *command).stdout)["changes"] == []
    (tmp_path / "contacts.csv").write_text(f"{SHORT}\nC1;Laura;l@r.example;2\nC2;Ugo;senza-arroba;\n")
    answer = json.loads(crm_mail(tmp_path, *command, "--dry-run").stdout)
    assert (answer["created"], answer["updated"], answer["unchanged"]) == (0, 1, 0)
    assert [(one["row"], "senza-arroba" in one["message"]) for one in answer["errors"]] == [(3, True)]
    assert answer["changes"] == [
        {"row": 2, "party": "C1", "contact": "Laura", "field": "phone", "old": "1", "new": "2"}
    ]
