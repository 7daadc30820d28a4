"""Whether the mailer runs, since when, what it did last and what waits (PM-21, PM-23, PD-8, PD-14)."""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.background import AlreadyRunning, hold_instance
from crm_mail.cli import cli
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.permissions import Sight
from crm_mail.send_orders.settings import folder_of, read_choices
from crm_mail.status.beating import Kind, beating_process
from crm_mail.status.models import WorkerBeat
from crm_mail.status.reading import MailerStatus, Trouble, read_status
from tests.factories import make_company, make_user, outbox_grants
from tests.outbox.sending import committed_run, send
from tests.send_orders.making import drop, look, make_office, order_xml


def status(home: Installation, clearance: int = 3) -> MailerStatus:
    with home.database.read() as session:
        companies = session.scalars(select(Company).order_by(Company.code)).all()
        ids = [one.id for one in companies]
        return read_status(session, home.settings, companies, Sight(clearance), errors_of=ids)


def test_a_process_is_alive_while_it_gives_signs_and_ended_when_it_says_so(home: Installation) -> None:
    """PM-21, PD-14: on whatever machine."""
    assert [trouble for trouble, _detail in status(home).troubles] == [Trouble.NO_WORKER]
    with beating_process(home, Kind.WORKER, processes=2, every=0.05) as name:
        first = status(home).running[0]
        assert (first.name, first.pid, first.kind, first.processes) == (name, os.getpid(), "worker", 2)
        time.sleep(0.3)
        again = status(home)
        assert again.running[0].beat_at > first.beat_at
        assert again.since == first.started_at
        assert again.troubles == ()
    ended = status(home).processes[0]
    assert not ended.is_alive
    assert ended.ended_at is not None


def test_a_process_that_died_is_known_by_its_silence(home: Installation) -> None:
    moment = now()
    with home.database.write() as session:
        old = moment - timedelta(minutes=3)
        session.add(WorkerBeat(name="x-1-a", host="x", pid=1, kind="serve", started_at=old, beat_at=old))
    found = status(home)
    assert [(one.is_alive, one.ended_at) for one in found.processes] == [(False, None)]
    assert found.troubles[0][0] is Trouble.NO_WORKER


def test_the_status_tells_what_was_sent_last_and_what_waits(sqlite_home: Installation) -> None:
    """PD-8: processed orders are seen; PM-26: the last errors with their reason."""
    home = sqlite_home
    with committed_run(home, count=2) as (_server, _run), beating_process(home, Kind.WORKER) as name:
        with home.database.write() as session:
            session.scalars(select(Message)).first().privacy_level = 2  # type: ignore[union-attr]
        assert [status(home, level).queues[0].to_send for level in (1, 2)] == [1, 2]
        host_pid = name.rpartition("-")[0]
        send(home, name=f"{host_pid}-0123")
        found = status(home)
        assert found.last_outcome == "sent"
        assert found.running[0].last_at == found.last_at
    with home.database.write() as session:
        company, folder = make_office(session, home)
    drop(folder, order_xml(to="nobody@nowhere.example"), "1")
    drop(folder, None, "2")
    look(home)
    drop(folder, None, "3")
    old = time.time() - 3600
    os.utime(folder / "_CFD_MAIL_REQ_3.XML", (old, old))
    found = status(home)
    orders = next(one for one in found.folders if one.company == company.code)
    assert (orders.waiting, orders.accepted, orders.quarantine) == (1, 1, 1)
    assert found.orders == {"outbox": 1}
    assert (Trouble.FOLDER_STUCK, str(folder)) in found.troubles
    assert [(one.kind, one.code) for one in found.errors] == [("send_order", "unknown_recipient")]
    queue = next(one for one in found.queues if one.company == company.code)
    assert queue.in_review == 1


def test_a_folder_that_is_away_is_said(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        company, _folder = make_office(session, sqlite_home)
        path = folder_of(sqlite_home.settings, read_choices(session, company))
    path.rmdir() if not any(path.iterdir()) else path.rename(path.with_name("elsewhere"))
    assert (Trouble.FOLDER_AWAY, str(path)) in status(sqlite_home).troubles


def test_crm_mail_status_ends_with_1_when_nothing_runs(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sqlite_home
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(home.settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", home.settings.database_url)
    monkeypatch.setattr("crm_mail.cli.frame.is_current", lambda _database: True)
    with home.database.write() as session:
        make_company(session)

    def run() -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(cli, ["status", "--json"])
        return done.exit_code, json.loads(done.stdout.splitlines()[0])

    code, answer = run()
    assert (code, answer["runs"], answer["troubles"][0]["code"]) == (1, False, "no_worker")
    assert "crm-mail worker" in answer["error"]
    with beating_process(home, Kind.SERVE):
        code, answer = run()
    assert (code, answer["runs"], answer["troubles"]) == (0, True, [])
    assert answer["processes"][0]["is_alive"] is True


def test_a_second_mailer_of_one_office_closes_itself(sqlite_home: Installation) -> None:
    """PM-21: one instance only, and the second one says where the first is."""
    settings = sqlite_home.settings
    first = hold_instance(settings, "http://127.0.0.1:8080")
    with first, pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), hold_instance(settings):
        pass


def test_the_page_tells_machines_to_administrators_and_errors_to_reviewers_alone(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    home = sqlite_home
    with home.database.write() as session:
        company, folder = make_office(session, home)
        other, theirs = make_office(session, home)
        admin = make_user(session, is_admin=True, clearance=3)
        clerk = make_user(session, grants=list(outbox_grants(company.id)))
    drop(folder, order_xml(to="nobody@nowhere.example"), "mine")
    drop(theirs, order_xml(to="nobody@nowhere.example"), "theirs")
    look(home)
    with beating_process(home, Kind.SERVE):
        page = login_as(admin).get("/status").get_data(as_text=True)
        assert str(os.getpid()) in page
        assert "_CFD_MAIL_REQ_theirs.XML" in page
        page = login_as(clerk).get("/status/now").get_data(as_text=True)
    assert str(folder) not in page
    assert "_CFD_MAIL_REQ_mine.XML" in page
    assert "_CFD_MAIL_REQ_theirs.XML" not in page
    assert other.code not in page
