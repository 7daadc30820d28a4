"""The whole operator over real connections: what a program meets that sends by it and reads at it."""

import imaplib
import smtplib
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from crm_mail.pec_simulator.clock import ManualClock, SimulatedClock
from crm_mail.pec_simulator.simulator import PecSimulator
from crm_mail.pec_simulator.submission import SubmissionLimits
from crm_mail.sandbox.imap import ImapServer
from tests.pec_simulator.conftest import SENDER, mail

TO = "anna@pec.example"


@pytest.fixture(scope="module")
def pec(imap_server: ImapServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PecSimulator]:
    with PecSimulator(tmp_path_factory.mktemp("pec"), ManualClock(), imap=imap_server) as pec:
        pec.add_mailbox(SENDER)
        pec.operators.manage("pec.example")
        yield pec


def connect(pec: PecSimulator, password: str = "") -> smtplib.SMTP_SSL:
    context = ssl.create_default_context(cafile=str(pec.ca_file))
    client = smtplib.SMTP_SSL(pec.host, pec.smtp_port, context=context, local_hostname="x", timeout=20)
    try:
        client.login(SENDER, password or pec.passwords[SENDER])
    except smtplib.SMTPException:
        client.close()
        raise
    return client


def test_from_submission_to_a_mailbox_that_is_read(pec: PecSimulator) -> None:
    with connect(pec) as client:
        client.sendmail(SENDER, [TO], mail(TO, message_id="<whole@azienda.example>"))
    assert pec.advance(timedelta(minutes=1)) == 2
    context = ssl.create_default_context(cafile=str(pec.imap.ca_file))
    with imaplib.IMAP4_SSL(pec.host, pec.imap.port, ssl_context=context) as reader:
        reader.login(SENDER, pec.passwords[SENDER])
        reader.select("INBOX", readonly=True)
        found = reader.search(None, "HEADER", "X-Riferimento-Message-ID", "<whole@azienda.example>")[1][
            0
        ].split()
        read = [reader.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in found]
    assert read == pec.mails(SENDER)[-2:]
    assert all(b"X-Ricevuta: " in content for content in read)


@pytest.mark.parametrize(
    ("name", "code"), [("troppa", 550), ("dopo", 451), ("cade", 0), ("persa", 0)], ids=str
)
def test_bad_days_of_the_submission_server(pec: PecSimulator, name: str, code: int) -> None:
    """`persa` is taken although its answer is lost, `cade` is not; both look the same to the client."""
    waiting = len(pec.office.queue)
    client = connect(pec)
    with pytest.raises(smtplib.SMTPException) as raised:
        client.sendmail(SENDER, [f"{name}@pec.example"], mail(f"{name}@pec.example"))
    client.close()
    if code:
        assert raised.value.recipients[f"{name}@pec.example"][0] == code
    else:
        assert isinstance(raised.value, smtplib.SMTPServerDisconnected)
    assert len(pec.office.queue) - waiting == (2 if name == "persa" else 0)


def test_foreign_senders_too_many_and_too_large_are_refused_at_once(pec: PecSimulator) -> None:
    before = pec.submission.limits
    try:
        pec.submission.limits = SubmissionLimits(per_minute=1, size=20_000)
        pec.submission._sent.clear()
        with connect(pec) as client:
            with pytest.raises(smtplib.SMTPSenderRefused) as foreign:
                client.sendmail("altri@pec.example", [TO], mail(TO))
            with pytest.raises(smtplib.SMTPException) as large:
                client.sendmail(SENDER, [TO], mail(TO) + b"x" * 30_000)
            with pytest.raises(smtplib.SMTPSenderRefused) as many:
                client.sendmail(SENDER, [TO], mail(TO)) or client.sendmail(SENDER, [TO], mail(TO))
    finally:
        pec.submission.limits = before
    assert foreign.value.smtp_code == 553
    assert large.value.smtp_code == 552  # type: ignore[attr-defined]
    assert many.value.smtp_code == 550
    assert b"Class Of Service" in many.value.smtp_error


def test_a_login_is_locked_after_wrong_passwords(pec: PecSimulator) -> None:
    pec.submission.limits = SubmissionLimits(failures=4)  # a client tries PLAIN, then LOGIN
    for code in (535, 535, 454):
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            connect(pec, "wrong")
        assert refused.value.smtp_code == code
    pec.submission._failures.clear()
    connect(pec).quit()
    pec.submission.limits = SubmissionLimits()


def test_what_waits_arrives_after_a_restart_under_the_same_anchor(
    imap_server: ImapServer, tmp_path: Path
) -> None:
    user = "riavvio@pec.riavvio.example"
    first = PecSimulator(tmp_path, SimulatedClock(), imap=imap_server)
    first.add_mailbox(user)
    first.office.take(mail(TO).replace(SENDER.encode(), user.encode()), user, (TO,))
    second = PecSimulator(tmp_path, ManualClock(), imap=imap_server)
    assert second.anchor.read_bytes() == first.operators.authority.root_pem
    assert second.passwords == first.passwords
    assert second.advance(timedelta(minutes=1)) == 1
    assert len(second.mails(user)) == 1
