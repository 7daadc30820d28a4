"""Operators and a post office without any server: what a message brings about, as a list."""

import email
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.clock import ManualClock
from crm_mail.pec_simulator.issuer import Accepted
from crm_mail.pec_simulator.operators import Operators
from crm_mail.pec_simulator.original import read_original
from crm_mail.pec_simulator.post_office import PostOffice
from crm_mail.pec_simulator.queue import MailQueue
from crm_mail.pec_simulator.skins import DOMAINS

SENDER = "ufficio@pec.azienda.example"
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority(DOMAINS)


@pytest.fixture(scope="session")
def anchor(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("anchor") / "root.pem"
    path.write_bytes(authority.root_pem)
    return path


@pytest.fixture(scope="session")
def operators(authority: Authority) -> Operators:
    operators = Operators(authority)
    operators.manage("pec.azienda.example", "pec.example")
    for name in ("namirial", "tim", "aruba-rem", "infocert"):
        operators.manage(f"{name}.example", skin=name)
    return operators


@dataclass
class Office:
    """A post office on a manual clock; `arrived`: hours since the start, folder's user, mail."""

    post_office: PostOffice
    clock: ManualClock
    arrived: list[tuple[float, str, bytes]] = field(default_factory=list)

    def send(self, content: bytes, to: tuple[str, ...] = (), sender: str = SENDER) -> Accepted:
        named = read_original(content, sender, ()).recipients
        return self.post_office.take(content, sender, to or named)

    def run(self, hours: int = 30) -> list[email.message.Message]:
        for _ in range(hours * 2):
            self.clock.advance(timedelta(minutes=30))
            self.post_office.run_due()
        return [email.message_from_bytes(content) for _, _, content in self.arrived]


@pytest.fixture
def office(operators: Operators, tmp_path: Path) -> Office:
    clock = ManualClock(NOON)

    def deliver(user: str, content: bytes, folder: str) -> None:
        office.arrived.append(((clock.now() - NOON) / timedelta(hours=1), user, content))

    queue = MailQueue(tmp_path / "queue")
    post_office = PostOffice(operators, clock, queue, deliver, lambda address: address == SENDER)
    office = Office(post_office, clock)
    return office


def mail(to: str, cc: str = "", form: str = "", message_id: str = "<1@azienda.example>") -> bytes:
    """A message with a PDF, as the product would send it."""
    message = EmailMessage()
    message["From"] = f"Ufficio è qui <{SENDER}>"
    message["To"] = to
    if cc:
        message["Cc"] = cc
    message["Subject"] = "Fattura n. 12 & altro"
    if message_id:
        message["Message-ID"] = message_id
    if form:
        message["X-TipoRicevuta"] = form
    message.set_content("Buongiorno.\n")
    message.add_attachment(
        b"%PDF-1.7 " * 400, maintype="application", subtype="pdf", filename="Fattura 12.pdf"
    )
    return message.as_bytes().replace(b"\n", b"\r\n")
