"""Spreadsheets come in by schedule, with the columns that were saved for them (BX-12; issue 6, 2)."""

from pathlib import Path

import pytest
from sqlalchemy import select

from crm_mail.contacts.models import Contact
from crm_mail.importers.folders.settings import read_folder, resolve_path
from crm_mail.importers.tables.mappings import MappingUnknown, save_mapping
from crm_mail.installation import Installation
from crm_mail.permissions import Permission, PermissionDenied
from crm_mail.schedules import table_imports
from crm_mail.schedules.table_imports import TableImport, TableImportRefused, bring_in
from tests.factories import make_actor, make_company

ACTOR = make_actor()
LIST = "Codigo;Razon;Persona;Correo\nC1;Uno SA;Ana;ana@uno.example\nC2;Dos SA;Eva;eva@dos.example\n"
WRONG = LIST + "C3;Tres SA;Leo;nobody\n"


@pytest.fixture
def office(sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch) -> tuple[Installation, int, Path]:
    """A company with a saved mapping, and its folder."""
    monkeypatch.setattr(table_imports, "PAUSE_SECONDS", 0.0)
    with sqlite_home.database.write() as session:
        company = make_company(session)
        columns = {"Codigo": "party_code", "Razon": "party_name", "Persona": "contact_name"}
        save_mapping(session, ACTOR, company.id, "ERP", columns | {"Correo": "contact_email"})
        folder = resolve_path(
            sqlite_home.settings.resolved_hot_folder_root, read_folder(session, company).path
        )
        (folder / "lists").mkdir(parents=True)
        return sqlite_home, company.id, folder


def take(office: tuple[Installation, int, Path], place: str, what: str = "contacts:ERP") -> dict[str, int]:
    home, company_id, _folder = office
    return dict(bring_in(home, ACTOR, company_id, TableImport.parse(f"table:{what}", place)))


def contacts(home: Installation) -> list[str]:
    with home.database.read() as session:
        return list(session.scalars(select(Contact.name).order_by(Contact.name)))


def test_a_file_that_is_written_again_and_again_is_read_with_its_saved_columns(
    office: tuple[Installation, int, Path],
) -> None:
    home, _company_id, folder = office
    path = folder / "lists" / "customers.csv"
    path.write_text(WRONG)
    assert take(office, "lists/customers.csv") == {"files": 1, "rows": 3, "imported": 2, "failed": 1}
    assert contacts(home) == ["Ana", "Eva"]
    said = path.with_name("customers.csv.reason.txt")
    assert "4, Correo: " in said.read_text()
    path.write_text(LIST)
    assert take(office, "lists/customers.csv") == {"files": 1, "rows": 2, "unchanged": 2}
    assert [one.name for one in path.parent.iterdir()] == ["customers.csv"]


def test_of_a_folder_every_file_is_taken_and_moved(office: tuple[Installation, int, Path]) -> None:
    home, _company_id, folder = office
    lists = folder / "lists"
    (lists / "a.csv").write_text(LIST)
    (lists / "b.csv").write_text("nothing of the kind")
    assert take(office, "lists") == {"files": 2, "rows": 2, "imported": 2, "failed": 1}
    assert contacts(home) == ["Ana", "Eva"]
    left = sorted(path.relative_to(lists).as_posix() for path in lists.rglob("*") if path.is_file())
    assert [name.partition("/")[0] for name in left] == ["done", "error", "error"]
    assert "error/b.csv.reason.txt" in left
    assert take(office, "lists") == {}


@pytest.mark.parametrize("place", ["../other/x.csv", ".", "lists/none.csv", "/etc/passwd"])
def test_only_what_lies_in_the_companys_own_folder_is_read(
    office: tuple[Installation, int, Path], place: str
) -> None:
    (office[2].parent / "other").mkdir()
    (office[2].parent / "other" / "x.csv").write_text(LIST)
    with pytest.raises(TableImportRefused):
        take(office, place)
    assert contacts(office[0]) == []


def test_a_mapping_that_is_gone_and_a_right_that_is_missing_are_told(
    office: tuple[Installation, int, Path],
) -> None:
    home, company_id, folder = office
    (folder / "lists" / "a.csv").write_text(LIST)
    with pytest.raises(MappingUnknown):
        take(office, "lists/a.csv", "contacts:Other")
    weak = make_actor(is_admin=False)
    with pytest.raises(PermissionDenied) as denied:
        bring_in(home, weak, company_id, TableImport.parse("table:ledger", "lists/a.csv"))
    assert denied.value.permission is Permission.DOCUMENTS_MANAGE
