"""`crm-mail run report` as a program calls it: what stands on standard output is the report and nothing else."""

import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from crm_mail.installation import Installation
from crm_mail.schema import upgrade
from tests.cli.commands import crm_mail
from tests.conftest import make_settings
from tests.factories import make_account, make_company
from tests.outbox.sending import make_run


@pytest.fixture
def run_id(tmp_path: Path) -> int:
    """A run of one message in an installation as `crm-mail db upgrade` makes it, in ``tmp_path``."""
    home = Installation(make_settings(tmp_path, database_url=""))
    upgrade(home.database)
    with home.database.write() as session:
        company = make_company(session)
        account = make_account(session, company)
        run = make_run(session, account, party_name="Però & ñ")
        number = run.id
    home.database.dispose()
    return number


@pytest.mark.parametrize("arguments", [("--json",), ("--format", "json"), ("--format", "json", "--json")])
def test_the_report_is_one_json_object_when_json_is_asked_for_in_either_way(
    tmp_path: Path, run_id: int, arguments: tuple[str, ...]
) -> None:
    done = crm_mail(tmp_path, "run", "report", str(run_id), *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["messages"][0]["name"] == "Però & ñ"


def test_each_format_comes_whole_on_standard_output(tmp_path: Path, run_id: int) -> None:
    """Section 10, RP-15: text is the default; a spreadsheet can be piped like the others."""
    text = crm_mail(tmp_path, "run", "report", str(run_id))
    assert text.stdout.decode().startswith("Sociedad: ")
    sheet = crm_mail(tmp_path, "run", "report", str(run_id), "--format", "xlsx")
    assert load_workbook(io.BytesIO(sheet.stdout)).active is not None
    table = crm_mail(tmp_path, "run", "report", str(run_id), "--format", "csv")
    assert "Però & ñ" in table.stdout.decode("utf-8-sig")


def test_a_run_that_does_not_exist_is_named_and_fails(tmp_path: Path, run_id: int) -> None:
    done = crm_mail(tmp_path, "run", "report", str(run_id + 1), "--json")
    assert done.returncode == 1
    assert f"no run {run_id + 1}" in json.loads(done.stdout)["error"]
    assert b"Traceback" not in done.stderr
