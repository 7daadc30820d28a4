"""`crm-mail schedules`: list, run now, pause and resume, as JSON."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from crm_mail.cli import cli, frame
from crm_mail.installation import Installation
from tests.schedules.test_firing import EVENING, make_schedule


def test_schedules_are_listed_run_and_paused_from_the_shell(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_id = make_schedule(sqlite_home, EVENING, options={"types": ["invoice"]})
    monkeypatch.setattr(frame, "Settings", lambda: sqlite_home.settings)
    monkeypatch.setattr(frame, "is_current", lambda _database: True)

    def call(*words: str) -> dict[str, Any]:
        result = CliRunner().invoke(cli, ["schedules", *words, "--json"])
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    assert call("list")["schedules"][0]["next"] == "2026-12-05T07:30:00+00:00"
    ran = call("run", str(schedule_id))
    assert (ran["outcome"], ran["run"]) == ("waiting", 1)
    assert call("pause", str(schedule_id))["state"] == "paused"
    assert call("resume", str(schedule_id))["state"] == "active"
    assert CliRunner().invoke(cli, ["schedules", "run", "99"]).exit_code == 1
