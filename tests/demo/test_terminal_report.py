"""What the sample company tells on the terminal when its main job is over."""

import pytest

from crm_mail.demo.main_job import DemoResult, print_report
from crm_mail.installation import Installation
from tests.reports.finished_run import FinishedRun


def test_the_terminal_says_why_messages_did_not_arrive(
    sqlite_home: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_home.database.write() as session:
        run_id = FinishedRun(session).run.id
    print_report(sqlite_home, DemoResult(is_new=True, run_id=run_id, waiting_run_id=run_id))
    told = capsys.readouterr().out
    assert "Mailbox does not exist (" in told
    assert "Correct the address" in told
