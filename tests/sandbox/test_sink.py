"""The sink takes everything and writes it down truthfully: what it says decides the crash tests."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.smtp_session import SmtpSession
from crm_mail.delivery.transports import AccountSettings, Security


@contextmanager
def running_sink(*arguments: str) -> Iterator[AccountSettings]:
    process = subprocess.Popen(
        [sys.executable, "-m", "crm_mail.sandbox.sink", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        yield AccountSettings(
            Channel.SMTP, "127.0.0.1", port, Security.NONE, "me@x.it", messages_per_connection=10_000
        )
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def mail(number: int, size: int = 3000) -> bytes:
    return b"Subject: x\r\nMessage-ID: <%d@x.it>\r\n\r\n.dot\r\n%s\r\n" % (number, b"y" * size)


def test_the_sink_records_every_recipient_with_the_message_id(tmp_path: Path) -> None:
    record = tmp_path / "record.tsv"
    with running_sink("--record", str(record)) as account, SmtpSession(account) as session:
        for number in range(20):
            recipients = [f"r{number}@x.it", "copy@x.it"][: 1 + number % 2]
            assert session.send("me@x.it", recipients, mail(number, 3000 * (1 + 30 * (number % 3)))).is_sent
        lines = record.read_text().splitlines()
    assert len(lines) == 30
    assert lines[:3] == ["r0@x.it\t<0@x.it>", "r1@x.it\t<1@x.it>", "copy@x.it\t<1@x.it>"]


def test_the_sink_refuses_the_share_that_was_asked_for(tmp_path: Path) -> None:
    with running_sink("--ratio-451", "0.2", "--ratio-550", "0.1") as account, SmtpSession(account) as session:
        kinds = [session.send("me@x.it", ["a@x.it"], mail(n)).kind for n in range(300)]
    assert 30 <= kinds.count(OutcomeKind.TRANSIENT) <= 90
    assert 10 <= kinds.count(OutcomeKind.PERMANENT) <= 55
    assert kinds.count(OutcomeKind.SENT) > 150
