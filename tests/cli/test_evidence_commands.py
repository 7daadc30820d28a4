"""``crm-mail evidence``: the timeline of a message, and receipts handed in by hand."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from crm_mail.cli.evidence import evidence
from crm_mail.installation import Installation
from tests.evidence.mails import RECIPIENT, believe, certified, hours, issuer, pec_account, sent_message
from tests.factories import make_company, make_user


def test_receipts_saved_by_hand_are_taken_in_and_the_timeline_told(
    sqlite_home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sqlite_home.settings
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", settings.database_url)
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)
    believe(sqlite_home)
    with sqlite_home.database.write() as session:
        account = pec_account(session, make_company(session))
        message = sent_message(session, account)
        make_user(session, is_admin=True, clearance=3, email="anna@office.example")
        number, account_id, id_ = message.id, account.id, message.message_id or ""
        run_id = message.run_id
    (tmp_path / "a.eml").write_bytes(issuer().acceptance(certified(id_), hours(0.1)))
    (tmp_path / "b.eml").write_bytes(b"Subject: x\r\n\r\nnothing\r\n")
    files = [str(tmp_path / "a.eml"), str(tmp_path / "b.eml")]

    def run(*arguments: str) -> dict[str, object]:
        result = CliRunner().invoke(evidence, [*arguments, "--as", "anna@office.example", "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)  # type: ignore[no-any-return]

    taken = run("import", *files, "--account", str(account_id))
    assert [(one["file"], one["result"]) for one in taken["files"]] == [  # type: ignore[union-attr]
        ("a.eml", "taken"),
        ("b.eml", "nothing"),
    ]
    assert run("import", files[0], "--account", str(account_id))["taken"] == 0
    told = run("show", id_)
    assert (told["message"], told["stage"]) == (number, "accepted")
    assert f"Delivery to {RECIPIENT} is not proven yet." in str(told["summary"])
    assert run("show", "--run", str(run_id))["accepted"] == 1
