"""`crm-mail campaign`: list, show, test and prepare, as JSON."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from crm_mail.campaigns.service import begin_campaign, change_text
from crm_mail.cli import cli, frame
from crm_mail.delivery.transports import Security
from crm_mail.documents.builtin_texts import MessageText
from crm_mail.installation import Installation
from tests.delivery.servers import FaultyServer
from tests.factories import make_account, make_actor, make_company, make_contact, make_party, make_user


def test_a_mailing_is_shown_tested_and_prepared_from_the_shell(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "Settings", lambda: sqlite_home.settings)
    monkeypatch.setattr(frame, "is_current", lambda _database: True)

    def call(*words: str, fails: bool = False) -> dict[str, Any]:
        done = CliRunner().invoke(cli, ["campaign", *words, "--json"])
        assert (done.exit_code != 0) is fails, done.output
        return dict(json.loads(done.stdout))

    with FaultyServer() as server:
        with sqlite_home.database.write() as session:
            company = make_company(session, code="ACME")
            make_account(session, company, port=server.port, security=Security.NONE, timeout_seconds=5)
            make_user(session, is_admin=True, email="anna@office.example")
            make_contact(session, make_party(session, company), (("ada@x.example", "ordinary"),))
            mailing = begin_campaign(session, make_actor(), company.id, "Hours in August", "generic", "")
            change_text(session, make_actor(), mailing, "it", MessageText("Orari", "Chiusi.", ""))
            number = str(mailing.id)
        assert [one["title"] for one in call("list", "--company", "ACME")["campaigns"]] == ["Hours in August"]
        shown = call("show", number)
        assert (shown["chosen"], shown["languages"], shown["is_tested"]) == (1, ["it"], False)
        as_anna = ("--as", "anna@office.example")
        assert "test" in call("prepare", number, *as_anna, fails=True)["error"]
        assert call("test", number, *as_anna)["is_tested"]
        assert [list(to) for to, _data in server.received] == [["anna@office.example"]]
        prepared = call("prepare", number, *as_anna)
    assert (prepared["run"], prepared["messages"], prepared["campaign"]) == (1, 1, int(number))
    assert "no mailing" in call("show", "99", fails=True)["error"]
