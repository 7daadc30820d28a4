"""The product as a stranger has it: `crm-mail serve` in a process of its own, with pages and worker, on real SQLite."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import select

from config import Settings
from crm_mail.companies.models import Company
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.installation import Installation
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.preparation import prepare_run
from crm_mail.permissions import INSTALLATION
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from crm_mail.users.passwords import Passwords
from crm_mail.users.rights import Grant
from crm_mail.users.service import UserDraft, create_user

COMMAND = Path(sys.executable).with_name("crm-mail")
PASSWORD = "verde barca lenta"
ADMINISTRATOR = "admin@browser.example"
REVIEWER = "reviewer@browser.example"
JUNIOR = "junior@browser.example"
SECRET_NAME, SECRET_ADDRESS = "Contessa Serbelloni", "contessa@riservata.example"
SECRET_CONTACTS = f"""\
party_code;contact_name;contact_email;privacy_level;characteristics;subscriptions;roles
000101;{SECRET_NAME};{SECRET_ADDRESS};3;golf;invoice|credit_note|delivery_note;Direzione
"""
_SECRET = "a key for tests only, long enough"
_START_SECONDS = 120


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Office:
    """An installation in a folder, and the process that serves it while the block runs.

    Args:
        folder: its data folder; the database is made by the product's own migrations.
        environment: further variables of the process, such as `SSL_CERT_FILE`.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.home = Installation(Settings(data_dir=self.folder, secret_key=_SECRET))
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def _environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CRM_MAIL_")}
        own = {
            "CRM_MAIL_DATA_DIR": str(self.folder),
            "CRM_MAIL_SECRET_KEY": _SECRET,
            "CRM_MAIL_ARGON2_MEMORY_KIB": "64",
            "CRM_MAIL_PORT": str(self.port),
        }
        return inherited | own | dict(self.environment)

    def run(self, *arguments: str, stdin: str = "") -> str:
        """One command of the command line; what it printed. Its failure is the test's failure."""
        done = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, f"crm-mail {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_user(self, email: str, *grants: Grant, is_admin: bool = False, clearance: int = 0) -> None:
        """A user with the password of these tests, in English."""
        draft = UserDraft(email, email.split("@")[0].title(), is_admin, clearance, "en")
        with self.home.database.write() as session:
            create_user(
                session,
                INSTALLATION,
                draft,
                PASSWORD,
                Passwords(64),
                grants=grants,
                must_change_password=False,
            )

    def prepare(self, title: str, *, by: str = ADMINISTRATOR, again: bool = False, **parties: Any) -> int:
        """A run of the only company, prepared by a user; its id. Parties as `PartyFilter` names them."""
        with self.home.database.read() as session:
            actor = build_actor(session, session.scalars(select(User).where(User.email == by)).one())
            chosen = PartyFilter(session.scalars(select(Company.id)).one(), **parties)
        prepared = prepare_run(self.home, actor, Criteria(chosen, only_unsent=not again), title)
        return prepared.run_id

    def __enter__(self) -> "Office":
        self.log = (self.folder / "serve.log").open("ab")
        self._process = subprocess.Popen(
            [COMMAND, "serve"], env=self._environment(), stdout=self.log, stderr=subprocess.STDOUT
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._stop()
            raise
        return self

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, (self.folder / "serve.log").read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/login", timeout=5):
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"crm-mail serve does not answer at {self.url}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self.log.close()
            self.home.database.dispose()
