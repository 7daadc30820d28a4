"""``crm-mail suppression``: an address on the list, off again, and what is refused."""

import json

import pytest
from click.testing import CliRunner

from crm_mail.cli.suppressions import suppression
from crm_mail.installation import Installation
from tests.factories import make_company


def test_an_address_is_put_on_the_list_and_lifted(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(sqlite_home.settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", sqlite_home.settings.database_url)
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)
    with sqlite_home.database.write() as session:
        code = make_company(session).code

    def run(*arguments: str) -> tuple[int, dict[str, object]]:
        result = CliRunner().invoke(suppression, [*arguments, "--company", code, "--json"])
        return result.exit_code, json.loads(result.stdout)

    assert run("add", "Zoe@x.example", "--why", "by telephone") == (0, {"added": "zoe@x.example"})
    assert run("add", "zoe@x.example")[0] == 1
    assert "not an e-mail address" in str(run("add", "nonsense")[1]["error"])
    listed = run("list")[1]
    assert listed["total"] == 1
    assert "Put on the list by hand" in str(listed["addresses"])
    assert run("lift", "zoe@x.example", "--why", "it works again")[0] == 0
    assert run("lift", "zoe@x.example", "--why", "again")[0] == 1
    assert run("list")[1]["total"] == 0
    assert run("list", "--lifted")[1]["total"] == 1
