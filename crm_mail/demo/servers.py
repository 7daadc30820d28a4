"""The mail servers of the sample company: an ordinary one, a simulated PEC operator, and the mailboxes of both."""

import logging
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import select

from crm_mail.delivery.account_rules import AccountDetails
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.transports import Security
from crm_mail.evidence.anchors import anchors_folder
from crm_mail.evidence.due_mailboxes import ask_for_reading
from crm_mail.installation import Installation
from crm_mail.pec_simulator.clock import ShortWaits
from crm_mail.pec_simulator.simulator import PecSimulator
from crm_mail.sandbox.bouncing import bounce
from crm_mail.sandbox.maildrop import Maildrop
from crm_mail.sandbox.servers import SandboxFailed, SandboxServers, ServerInfo

log = logging.getLogger(__name__)

SANDBOX = "sandbox"
ADDRESSES = {
    Channel.SMTP: "amministrazione@officine-bassi.example",
    Channel.PEC: "amministrazione@pec.officine-bassi.example",
}
PEC_DOMAINS = ("pec.example", "legal.example", "comune-castelnovo.example")
COURSES = {"dalo.impianti@legal.example": "piena", "ceramichesecchia@pec.example": "lenta"}
"""What becomes of messages to the sample parties; the others' are delivered (docs/pec-simulator.md)."""
UNKNOWN = {"fatture@nordestpompe.example"}
"""Ordinary mail to these comes back: there is no such mailbox."""
SOON = timedelta(seconds=10)
NAME = "Officine Meccaniche Bassi"
_ANCHOR = "sample-company.pem"


def sandbox_folder(home: Installation) -> Path:
    """Where the local mail servers of the sample company keep what they receive."""
    return home.settings.data_dir / SANDBOX


@dataclass(frozen=True, slots=True)
class SampleAccount:
    """An account of the sample company and its password."""

    details: AccountDetails
    password: str


class SampleServers:
    """Runs while the block does. An installation made before there was a simulated operator keeps its plain servers.

    Args:
        haste: divisor of the seconds between sending and receipts.
    """

    def __init__(self, home: Installation, haste: float = 1.0) -> None:
        self._home = home
        self._folder = sandbox_folder(home)
        self._stack = ExitStack()
        is_old = (self._folder / "sandbox.json").exists() and not (self._folder / "simulator.json").exists()
        self._plain = SandboxServers(
            self._folder, ADDRESSES, tuple(ADDRESSES) if is_old else (Channel.SMTP,), self._return
        )
        self.pec: PecSimulator | None = None if is_old else self._simulator(haste)

    @property
    def missing_receipts(self) -> str:
        """Why there are no receipts here; empty when there are."""
        return self.pec.imap_failure if self.pec is not None else ""

    def __enter__(self) -> "SampleServers":
        ordinary = self._stack.enter_context(self._plain).ordinary
        if self.pec is None:
            return self
        self.pec.imap.add_user(ordinary.username, ordinary.password)
        self.pec.add_mailbox(ADDRESSES[Channel.PEC])
        self.pec.operators.manage(*PEC_DOMAINS)
        for address, word in COURSES.items():
            self.pec.script(address, word)
        try:
            self._stack.enter_context(self.pec)
        except OSError as error:
            self._stack.close()
            raise SandboxFailed(f"The simulated PEC operator did not start: {error}") from error
        anchors = anchors_folder(self._home)
        anchors.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.pec.anchor, anchors / _ANCHOR)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def awaits_receipts(self) -> bool:
        """Whether receipts are to come within the next seconds."""
        return self.pec is not None and self.pec.office.queue.has_before(datetime.now(UTC) + SOON)

    def accounts(self) -> list[SampleAccount]:
        """The accounts of the sample company on these servers."""
        assert self._plain.info is not None
        assert self.pec is not None
        ordinary, address = self._plain.info.ordinary, ADDRESSES[Channel.PEC]
        certified = AccountDetails(
            name="Officine Bassi PEC",
            kind=AccountKind.PEC,
            host=self.pec.host,
            port=self.pec.smtp_port,
            security=Security.TLS,
            username=address,
            from_address=address,
            from_name=NAME,
            ca_file=str(self.pec.ca_file),
            **self._mailbox(),
        )
        return [
            SampleAccount(self._ordinary(ordinary), ordinary.password),
            SampleAccount(certified, self.pec.passwords[address]),
        ]

    def _ordinary(self, server: ServerInfo) -> AccountDetails:
        return AccountDetails(
            name="Officine Bassi SMTP",
            kind=AccountKind.SMTP,
            host=server.host,
            port=server.port,
            security=server.security,
            username=server.username,
            from_address=server.username,
            from_name=NAME,
            ca_file=str(server.ca_file),
            **self._mailbox(),
        )

    def _mailbox(self) -> dict[str, Any]:
        assert self.pec is not None
        if self.pec.imap_failure:
            return {}
        return {
            "mailbox_is_read": True,
            "mailbox_host": self.pec.imap.host,
            "mailbox_port": self.pec.imap.port,
            "mailbox_security": Security(self.pec.imap.security),
            "mailbox_minutes": 1,
        }

    def _return(self, sender: str, recipients: list[str], content: bytes) -> None:
        for recipient in recipients:
            if self.pec is not None and recipient.lower() in UNKNOWN:
                words = f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"
                returned = bounce(content, sender, recipient, "5.1.1", words)
                self.pec.imap.deliver(ADDRESSES[Channel.SMTP], returned)

    def _simulator(self, haste: float) -> PecSimulator:
        return PecSimulator(
            self._folder,
            ShortWaits(haste=haste),
            keep=Maildrop(self._folder / Channel.PEC.value).keep,
            on_delivered=self._tell(),
            needs_imap=False,
        )

    def _tell(self) -> Callable[[str], None]:
        """Has the mailbox read soon after a mail came, as a server with IDLE would: nobody waits a minute here."""
        database = self._home.database

        def tell(address: str) -> None:
            with database.write() as session:
                query = select(SenderAccount.id).where(
                    SenderAccount.from_address == address, SenderAccount.mailbox_is_read
                )
                ask_for_reading(session, session.scalars(query).all())

        return tell
