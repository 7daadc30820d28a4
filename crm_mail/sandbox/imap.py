"""A real IMAP server on this computer: Dovecot, run by one private configuration file, with mailboxes in Maildir.

Where Dovecot is missing pymap does (`sandbox.pymap_server`), if it is installed: without a prefix of folders, without
quota, with STARTTLS. It listens on the loopback only, needs no rights (as root it drops them), touches no file of a
Dovecot that may run as a service, and ends with `stop`. Mail is put in by writing files, as a mail server would;
everything lies under one folder, so that a restart finds it again.
"""

import hashlib
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from crm_mail.sandbox.certificates import Certificates, ensure_certificates, write_privately
from crm_mail.sandbox.dovecot_config import dovecot_config
from crm_mail.sandbox.maildirs import INBOX, Maildirs, is_reachable, safe_name
from crm_mail.sandbox.pymap_server import pymap_command, pymap_is_installed, pymap_password

HOST = "127.0.0.1"
SENT_FOLDER = "Inviata"
_PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_PLACE_OF_ROOT = Path("/var/lib/crm-mail-imap")
"""Where root's mailboxes lie when nobody else may enter the folder (such as one in /root)."""
_PID_FILE = "imap.pid"
_RUNTIME = "crm-imap-"
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


class ImapUnavailable(RuntimeError):
    """No IMAP server can run here; the message says what is missing."""


def dovecot_program() -> str | None:
    """Path of Dovecot with its IMAP part, or None when it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_PROGRAMS])
    program = shutil.which("dovecot", path=path)
    has_imap = any(Path(folder, "imap").exists() for folder in ("/usr/lib/dovecot", "/usr/libexec/dovecot"))
    return program if program and has_imap else None


class ImapServer(Maildirs):
    """Mailboxes of any number of users. One instance per folder at a time.

    Args:
        folder: where certificates and mailboxes lie.
        port: a free one when 0.
        prefix: of every folder beside INBOX, as Aruba has it; empty for none.
        sent_folder: made for each user and marked as the folder of sent mail (RFC 6154), without the prefix.
        extra_config: more lines of Dovecot's configuration.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        port: int = 0,
        prefix: str = "INBOX.",
        sent_folder: str = SENT_FOLDER,
        extra_config: str = "",
    ) -> None:
        self.folder = Path(folder).absolute()
        self.is_dovecot = dovecot_program() is not None or not pymap_is_installed()
        self.security = "tls" if self.is_dovecot else "starttls"
        prefix = prefix if self.is_dovecot else ""
        super().__init__(self.folder / "mail", prefix)
        if not self.is_dovecot:
            self._owner = None
        if self._owner is not None and not is_reachable(self.mail_folder):
            name = hashlib.sha256(bytes(self.folder)).hexdigest()[:16]
            self.mail_folder = _PLACE_OF_ROOT / name
        self.host = HOST
        self.port = port
        self.sent_folder = f"{prefix}{sent_folder}"
        self.passwords: dict[str, str] = {}
        self._extra_config = extra_config
        self._quotas: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._runtime: Path | None = None
        self._lock = threading.Lock()
        self._certificates: Certificates | None = None

    @property
    def ca_file(self) -> Path:
        """The authority that vouches for the server's certificate."""
        if self._certificates is None:
            self._certificates = ensure_certificates(self.folder / "tls")
        return self._certificates.ca_file

    def start(self) -> "ImapServer":
        """Starts and returns when it answers. Raises ImapUnavailable."""
        if self._process is not None:
            return self
        program = dovecot_program()
        if self.is_dovecot and program is None:
            raise ImapUnavailable("Dovecot is not installed (on Debian: apt-get install dovecot-imapd)")
        assert self.ca_file
        self._end_orphan()
        self._make_folders()
        self.port = self.port or _free_port()
        assert self._runtime is not None
        for user in self.passwords:
            self._write_user(user)
        if program is not None and self.is_dovecot:
            config = self._runtime / "dovecot.conf"
            config.write_text(self._config(), encoding="utf-8")
            command = [program, "-F", "-c", str(config)]
        else:
            assert self._certificates is not None
            tls = self._certificates
            command = pymap_command(self.mail_folder, self.host, self.port, tls.cert_file, tls.key_file)
        log = (self._runtime / "stderr.log").open("wb")
        identity = {} if self._owner is None else {"user": self._owner[0], "group": self._owner[1]}
        self._process = subprocess.Popen(  # noqa: S603 our own words, no shell
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            extra_groups=None if self._owner is None else [],
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(
                    self.mail_folder
                ),  # pymap moves its files to the mails, which another disk refuses
            },
            **identity,  # type: ignore[call-overload]
        )
        log.close()
        told = [str(self._process.pid), command[-1], str(self._runtime)]
        (self.folder / _PID_FILE).write_text("\n".join(told), encoding="utf-8")
        self._wait_until_it_answers()
        return self

    def stop(self) -> None:
        """Stops it; mailboxes stay. Nothing happens when it does not run."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_STOP_SECONDS)
            (self.folder / _PID_FILE).unlink(missing_ok=True)
        self._process = None
        if self._runtime is not None:
            shutil.rmtree(self._runtime, ignore_errors=True)
        self._runtime = None

    def __enter__(self) -> "ImapServer":
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def add_user(self, user: str, password: str = "", quota_mb: int = 0) -> str:
        """Adds a mailbox, or changes its password or quota, also while the server runs; returns the password."""
        with self._lock:
            self.passwords[user] = password or self.passwords.get(user) or secrets.token_urlsafe(12)
            self._quotas[user] = quota_mb
            self._write_user(user)
        self.make_folder(user, INBOX)
        return self.passwords[user]

    def _end_orphan(self) -> None:
        """Ends the server of a process that was killed before it could: it would hold the port."""
        try:
            number, mark, runtime = (self.folder / _PID_FILE).read_text("utf-8").split("\n")
            pid = int(number)
        except (OSError, ValueError):
            return
        until = time.monotonic() + _STOP_SECONDS
        while mark in _words_of(pid) and time.monotonic() < until:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.1)
        if Path(runtime).name.startswith(_RUNTIME):
            shutil.rmtree(runtime, ignore_errors=True)

    def _make_folders(self) -> None:
        self._runtime = Path(tempfile.mkdtemp(prefix=_RUNTIME))  # short: names of sockets are limited
        self.mail_folder.mkdir(parents=True, exist_ok=True)
        for place in (self._runtime, self.mail_folder):
            self.give_away(place)

    def _write_user(self, user: str) -> None:
        if self._runtime is None:
            return
        if not self.is_dovecot:
            self._write_users_of_pymap()
            return
        home, limit = self.mail_folder / safe_name(user), self._quotas[user]
        quota = f"userdb_quota_rule=*:storage={limit}M" if limit else ""
        path = self._runtime / "users" / user
        write_privately(path, f"{user}:{{PLAIN}}{self.passwords[user]}::::{home}::{quota}\n".encode())
        self.give_away(path.parent)
        self.give_away(path)

    def _write_users_of_pymap(self) -> None:
        names = "".join(f"{user}:x::::{safe_name(user)}/Maildir:\n" for user in self.passwords)
        hashes = "".join(f"{user}:{pymap_password(word)}:::::::\n" for user, word in self.passwords.items())
        for name, text in (("passwd", names), ("shadow", hashes), ("group", "")):
            write_privately(self.mail_folder / f"pymap-etc-{name}", text.encode())

    def _config(self) -> str:
        assert self._certificates is not None
        assert self._runtime is not None
        key = self._runtime / "server.key"
        write_privately(key, self._certificates.key_file.read_bytes())
        cert = self._runtime / "server.pem"
        cert.write_bytes(self._certificates.cert_file.read_bytes())
        for path in (key, cert):
            self.give_away(path)
        uid, gid = self._owner or (os.getuid(), os.getgid())
        return dovecot_config(
            runtime=self._runtime,
            uid=uid,
            gid=gid,
            host=self.host,
            port=self.port,
            prefix=self.prefix,
            sent_folder=self.sent_folder,
            extra=self._extra_config,
        )

    def _wait_until_it_answers(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with ExitStack() as stack:
                    plain = stack.enter_context(socket.create_connection((self.host, self.port), 5))
                    if self.security == "tls":
                        plain = stack.enter_context(context.wrap_socket(plain, server_hostname=self.host))
                    if plain.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        told = self.log()[-1000:]
        self.stop()
        raise ImapUnavailable(f"The IMAP server does not start: {told}")

    def log(self) -> str:
        """What the server wrote since its start."""
        if self._runtime is None:
            return ""
        files = (self._runtime / name for name in ("stderr.log", "dovecot.log"))
        return "".join(path.read_text("utf-8", "replace") for path in files if path.exists())


def _words_of(pid: int) -> list[str]:
    """A process's command; empty when there is none, or where the system does not tell."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
    except OSError:
        return []


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port
