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

from config import Settings
from crm_mail.installation import Installation

COMMAND = Path(sys.executable).with_name("crm-mail")
PASSWORD = "verde barca lenta"
_SECRET = "a key for tests only, long enough"
_START_SECONDS = 40


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

    def add_user(self, email: str, *options: str) -> None:
        """A user with the password of these tests."""
        self.run(
            "user",
            "add",
            email,
            "--name",
            email.split("@")[0].title(),
            *options,
            "--password-stdin",
            stdin=PASSWORD,
        )

    def __enter__(self) -> "Office":
        self.log = (self.folder / "serve.log").open("ab")
        self._process = subprocess.Popen(
            [COMMAND, "serve"], env=self._environment(), stdout=self.log, stderr=subprocess.STDOUT
        )
        self._wait_until_it_answers()
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
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            if kind is None:
                raise
        finally:
            self.log.close()
            self.home.database.dispose()
