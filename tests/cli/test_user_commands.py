"""``crm-mail user``: whose customers a user sees, and the limits of commits."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from crm_mail.cli.users import user
from crm_mail.installation import Installation
from tests.factories import make_user


def test_sight_and_limits_are_set_at_the_shell(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(sqlite_home.settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", sqlite_home.settings.database_url)
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)
    with sqlite_home.database.write() as session:
        email = make_user(session, timezone="Europe/Rome").email

    def run(command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(user, [command, email, *arguments, "--json"])
        return result.exit_code, json.loads(result.stdout)

    seen = {"email": email, "clearance": 2, "agents": ["Bianchi"], "zones": []}
    assert run("sight", "--clearance", "2", "--agent", "Bianchi") == (0, seen)
    assert run("sight", "--all-customers")[1] == seen | {"agents": []}
    assert run("sight", "--all-customers", "--zone", "Nord")[0] == 1
    limited = run("limits", "--most", "500", "--hours", "08:00-18:00", "--day", "mon", "--day", "tue")[1]
    assert limited == {
        "email": email,
        "most_messages": 500,
        "second_person_above": None,
        "hours": "08:00-18:00",
        "weekdays": "Mon Tue",
        "time_zone": "Europe/Rome",
    }
    assert run("limits", "--second-person-above", "0")[1] == limited | {"second_person_above": 0}
    assert run("limits", "--hours", "8-25:00")[0] == 1
    assert run("limits", "--none")[1]["most_messages"] is None
