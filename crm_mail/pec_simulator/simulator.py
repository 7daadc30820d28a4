"""The whole operator on this computer: submission, what follows, and mailboxes over IMAP.

    with PecSimulator(folder) as pec:
        pec.add_mailbox("ufficio@pec.azienda.example")
        …send to pec.host, pec.smtp_port; read from pec.imap.port; trust pec.ca_file and pec.anchor…

Which scenario a message takes is in `scenarios`, and in docs/pec-simulator.md.
"""

import json
import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.clock import Clock, ManualClock, ShortWaits
from crm_mail.pec_simulator.operators import Operators
from crm_mail.pec_simulator.post_office import INBOX, PostOffice
from crm_mail.pec_simulator.queue import MailQueue
from crm_mail.pec_simulator.scenarios import Fault, fault_for
from crm_mail.pec_simulator.skins import ARUBA, DOMAINS, Skin
from crm_mail.pec_simulator.submission import HOST, SubmissionServer
from crm_mail.sandbox.certificates import ensure_certificates, write_privately
from crm_mail.sandbox.imap import ImapServer, ImapUnavailable

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.1
_KEPT = "simulator.json"


class PecSimulator:
    """One instance per folder at a time; between two starts the folder keeps everything.

    Args:
        clock: `ShortWaits` unless told; with a `ManualClock` nothing moves but by `advance`.
        skin: the operator of every domain that is not given another (`operators.manage(domain, skin=…)`).
        imap: a running server to share; else one of our own.
        keep: is given each message that was taken, as it came, with its sender and recipients.
        on_delivered: is told the address whose mailbox has got a mail.
        needs_imap: False lets it run where no IMAP server can: receipts are written and nobody can read them.
    """

    def __init__(
        self,
        folder: Path | str,
        clock: Clock | None = None,
        skin: Skin = ARUBA,
        imap: ImapServer | None = None,
        keep: Callable[[str, list[str], bytes], object] | None = None,
        on_delivered: Callable[[str], object] | None = None,
        needs_imap: bool = True,
    ) -> None:
        self.folder = Path(folder).absolute()
        self.host = HOST
        self.clock: Clock = clock or ShortWaits()
        self._kept = self._read_kept()
        certificates = ensure_certificates(self.folder / "tls")
        self.ca_file = certificates.ca_file
        authority = Authority.in_folder(self.folder / "authority", DOMAINS)
        self.anchor = self.folder / "authority" / "root.pem"
        self.operators = Operators(authority, skin)
        self._owns_imap = imap is None
        self.imap = imap or ImapServer(self.folder, port=self._kept["imap_port"])
        self.passwords: dict[str, str] = {}
        queue = MailQueue(self.folder / "queue")
        self.office = PostOffice(
            self.operators, self.clock, queue, self._deliver, lambda address: address in self.passwords
        )
        self.submission = SubmissionServer(
            certificates, self.passwords, self._take, self._kept["smtp_port"], self._fault
        )
        self._keep = keep
        self._on_delivered = on_delivered
        self._needs_imap = needs_imap
        self.imap_failure = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        for address, password in list(self._kept["passwords"].items()):
            self.add_mailbox(address, password)

    @property
    def smtp_port(self) -> int:
        """Port of the submission server (implicit TLS)."""
        return self.submission.port

    def start(self) -> "PecSimulator":
        """Starts everything. Raises `ImapUnavailable` or `OSError`."""
        self._start_imap()
        try:
            self.submission.start()
        except OSError:
            self.submission.port = 0
            self.submission.start()
        self._save_kept()
        if not isinstance(self.clock, ManualClock):
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="pec-post-office", daemon=True)
            self._thread.start()
        return self

    def _start_imap(self) -> None:
        if not self._owns_imap:
            return
        try:
            self.imap.start()
        except ImapUnavailable as unavailable:
            if self._needs_imap:
                raise
            self.imap_failure = str(unavailable)

    def stop(self) -> None:
        """Stops everything; what is waiting arrives after the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
        self._thread = None
        self.submission.stop()
        if self._owns_imap:
            self.imap.stop()

    def __enter__(self) -> "PecSimulator":
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def add_mailbox(self, address: str, password: str = "", quota_mb: int = 0) -> str:
        """A customer's mailbox, whose domain is managed from now on; the password of submission and IMAP."""
        address = address.lower()
        password = password or self.passwords.get(address) or secrets.token_urlsafe(12)
        self.passwords[address] = self.imap.add_user(address, password, quota_mb)
        if not self.operators.is_certified(address):
            self.operators.manage(address.rpartition("@")[2])
        if self._kept["passwords"].get(address) != password:
            self._kept["passwords"][address] = password
            self._save_kept()
        return password

    def script(self, address: str, word: str) -> None:
        """Lets an address play a scenario, whatever its name: `script("anna@pec.example", "piena")`."""
        self.office.rules.scenarios[address.lower()] = word

    def advance(self, wait: timedelta) -> int:
        """Moves a `ManualClock` and delivers what has become due; how many mails."""
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(wait)
        return self.office.run_due()

    def mails(self, address: str, folder: str = INBOX) -> list[bytes]:
        """The mails in a folder, in the order of their arrival."""
        return [path.read_bytes() for path in self.imap.paths(address, folder)]

    def deliver_ordinary(self, address: str, content: bytes, sender: str, at: datetime | None = None) -> None:
        """Ordinary mail arrives at a PEC mailbox: in an anomaly envelope."""
        issuer = self.operators.issuer_for(address)
        self._deliver(address, issuer.anomaly(content, sender, address, at or self.clock.now()), INBOX)

    def _take(self, content: bytes, sender: str, recipients: tuple[str, ...]) -> None:
        if self._keep is not None:
            self._keep(sender, list(recipients), content)
        self.office.take(content, sender, recipients)

    def _fault(self, recipients: tuple[str, ...]) -> Fault | None:
        words = [self.office.rules.scenarios.get(address.lower(), address) for address in recipients]
        return fault_for(tuple(words))

    def _deliver(self, user: str, content: bytes, folder: str) -> None:
        self.imap.deliver(user, content, folder)
        if self._on_delivered is None:
            return
        try:
            self._on_delivered(user)
        except Exception:  # the mail has arrived all the same, and must not arrive again
            log.exception("Nobody could be told of a mail for %s.", user)

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            try:
                self.office.run_due()
            except Exception:  # one mail must not end the post
                log.exception("A mail could not be delivered; it stays in the queue.")

    def _read_kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads((self.folder / _KEPT).read_bytes())
        except (OSError, ValueError):
            kept = {}  # first start, or a damaged file: begin anew
        return {"smtp_port": 0, "imap_port": 0, "passwords": {}} | kept

    def _save_kept(self) -> None:
        kept = {**self._kept, "smtp_port": self.submission.port, "imap_port": self.imap.port}
        write_privately(self.folder / _KEPT, json.dumps(kept, indent=1).encode())
