"""PM-1 to PM-3, PM-21, PM-23, PM-24, PM-26, PD-8, PD-14: the mailer as a process that is told by files alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select

from crm_mail.background import AlreadyRunning, hold_instance
from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.permissions import Sight
from crm_mail.schema import alembic_config
from crm_mail.status.reading import read_status
from tests.cli.commands import ROOT
from tests.delivery.servers import FaultyServer
from tests.send_orders.making import drop, make_office, make_standing, order_xml, watch

PATIENCE = 90.0


def until(is_so: Callable[[], bool]) -> None:
    """Wait for another process; how quick the machine is does not matter."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_mailer_runs_unattended_and_a_second_one_closes_itself(sqlite_home: Installation) -> None:
    """PM-1, PM-2, PM-3, PM-21, PM-23, PM-24, PM-26, PD-8, PD-14: it watches, sends, answers and tells."""
    home, data = sqlite_home, sqlite_home.settings.data_dir
    command.stamp(alembic_config(home.database), "head")  # the tables are made from the models
    with FaultyServer() as server:
        with home.database.write() as session:
            company, folder = make_office(session, home, port=server.port)
            watch(session, home, company, authorisation_id=make_standing(session, company).id)
        (folder / "A1.pdf").write_bytes(b"%PDF-1.7 x")
        drop(folder, order_xml(files=["A1.pdf"]), "1")
        long_ago = time.time() - 60  # nobody is still writing it
        os.utime(drop(folder, b"<cut", "2"), (long_ago, long_ago))
        environment = {
            "CRM_MAIL_DATABASE_URL": home.settings.database_url,
            "CRM_MAIL_SECRET_KEY": home.settings.secret_key.get_secret_value(),
            "CRM_MAIL_MAILER_DIR": str(home.settings.resolved_mailer_dir),
            "CRM_MAIL_MAILER_SECONDS": "1",
        }
        worker = _worker(data, environment)
        try:
            until(lambda: len(_answers(folder)) == 1 and _is_quarantined(folder, "2"))
            second = hold_instance(home.settings)
            with pytest.raises(AlreadyRunning, match=f"process {worker.pid}"), second:
                pass
            with home.database.read() as session:
                status = read_status(session, home.settings, session.scalars(select(Company)).all(), Sight(3))
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(PATIENCE) == 0
    got = [to for recipients, _data in server.received for to in recipients]
    assert got.count("compras@cedimu.example") == 1
    assert [(one.kind, one.pid) for one in status.running] == [("worker", worker.pid)]


def _worker(data: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRM_MAIL_")}
    return subprocess.Popen(
        [sys.executable, "-c", "from crm_mail.cli import main; main()", "worker"],
        env=kept | {"CRM_MAIL_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)} | environment,
        cwd=data,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _answers(folder: Path) -> list[Path]:
    return [path for path in (folder / "done").glob("*/*_RES_*.XML")]


def _is_quarantined(folder: Path, id_: str) -> bool:
    return (folder / "quarantine" / f"_CFD_MAIL_REQ_{id_}.XML.reason.txt").is_file()
