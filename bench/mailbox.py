"""A mailbox with very many mails (Dovecot, Maildir): how fast it is looked through, and the memory that takes.

Half of the mails are older than the first message that was ever sent: those are never asked for. Of the others each
fiftieth is a PEC receipt of somebody else's message, which is fetched whole and left alone. Afterwards every file has
the name it had (its flags are part of it). A second reading finds nothing new.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from bench.figures import Figure
from bench.receipts import sample_receipts
from config import Settings
from crm_mail.companies.models import Company
from crm_mail.db import Base
from crm_mail.delivery.mailbox.reader import ReadOnlyMailbox
from crm_mail.delivery.mailbox_access import reach_mailbox
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.transports import Security
from crm_mail.evidence.reading import read_mailbox
from crm_mail.installation import Installation
from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.skins import DOMAINS
from crm_mail.sandbox.imap import ImapServer
from crm_mail.schema import import_models

USER = "ufficio@pec.azienda.example"
OLD = datetime(2020, 1, 1, tzinfo=UTC)
RECEIPT_EVERY = 50
WANTED_MB = 100


def fill(server: ImapServer, count: int) -> None:
    """Half of the mails old, then the others with receipts among them."""
    receipts = iter(sample_receipts(Authority(DOMAINS), count // 2 // RECEIPT_EVERY + 1))
    body = "Buongiorno,\r\n" + "una riga di testo come tante altre.\r\n" * 20
    for number in range(count):
        is_old = number < count // 2
        if not is_old and number % RECEIPT_EVERY == 0:
            data = next(receipts)
        else:
            data = (
                f"Return-Path: <n{number}@example.com>\r\nFrom: Notizie <n{number}@example.com>\r\nTo: {USER}\r\n"
                f"Subject: Offerta {number}\r\nMessage-ID: <{number}@example.com>\r\n\r\n{body}"
            ).encode()
        server.deliver(USER, data, received_at=OLD if is_old else None)


def make_account(home: Installation, server: ImapServer, password: str) -> int:
    """A PEC account whose mailbox is read."""
    with home.database.write() as session:
        company = Company(code="BENCH", name="Bench")
        session.add(company)
        session.flush()
        account = SenderAccount(
            company_id=company.id,
            name="PEC",
            kind=AccountKind.PEC,
            host="127.0.0.1",
            port=1,
            security=Security.TLS,
            from_address=USER,
            username=USER,
            secret=home.encrypt(password),
            ca_file=str(server.ca_file),
            mailbox_is_read=True,
            mailbox_host=server.host,
            mailbox_port=server.port,
        )
        session.add(account)
        session.flush()
        return account.id


def reading(folder: str, account_id: int) -> dict[str, Any]:
    """One reading in this process; memory in MB above what the program takes by itself."""
    home = Installation(Settings(data_dir=Path(folder)))
    import_models()
    home.database.engine.connect().close()
    before = _peak_mb()
    begun = time.perf_counter()
    report = read_mailbox(home, account_id)
    seconds = time.perf_counter() - begun
    peak = _peak_mb()
    failure = str(report.failure or "")
    told = {
        "seconds": seconds,
        "grown": peak - before,
        "peak": round(peak),
        "looked_at": report.looked_at,
        "failure": failure,
    }
    return told | {"kept": report.taken, "unreadable": report.unreadable}


def _peak_mb() -> float:
    """The most memory of this process since its program began (`getrusage` would count its parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def measure(count: int = 100_000) -> list[Figure]:
    """Look through a mailbox of ``count`` mails, twice."""
    import_models()
    with tempfile.TemporaryDirectory(prefix="crm-mail-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        home = Installation(Settings(data_dir=folder / "office"))
        Base.metadata.create_all(create_engine(home.settings.resolved_database_url))
        with ImapServer(folder / "imap") as server:
            account_id = make_account(home, server, server.add_user(USER))
            fill(server, count)
            list_mailbox(home, account_id)  # the server makes its index, and moves new mails to `cur`
            before = names(server)
            first, second = (_in_a_process(home, account_id) for _ in range(2))
            is_untouched = names(server) == before
    for told in (first, second):
        if told["failure"] or not is_untouched:
            raise RuntimeError(f"the figure means nothing: {told}, untouched: {is_untouched}")
    looked_at = first["looked_at"]
    return [
        Figure(
            f"mails looked through, of {count:,} in the mailbox",
            "a second",
            [looked_at / first["seconds"]],
            notes={
                "seconds": round(first["seconds"], 1),
                "looked at": f"{looked_at:,}",
                "left alone as older": f"{count - looked_at:,}",
            },
        ),
        Figure(
            "memory of the first reading",
            "MB",
            [first["grown"]],
            target=WANTED_MB,
            notes={"the process in all": f"{first['peak']} MB"},
        ),
        Figure("second reading, nothing new", "seconds", [second["seconds"]]),
    ]


def list_mailbox(home: Installation, account_id: int) -> None:
    """Open the inbox once, as any mail program does."""
    with home.database.read() as session:
        account = session.get_one(SenderAccount, account_id)
    with ReadOnlyMailbox(reach_mailbox(home, account)) as mailbox:
        mailbox.examine("INBOX")


def names(server: ImapServer) -> list[str]:
    """Every mail's file with its flags."""
    return sorted(path.name for path in server.paths(USER))


def _in_a_process(home: Installation, account_id: int) -> dict[str, Any]:
    """A reading in a process of its own, whose memory is only its own."""
    call = f"reading({str(home.settings.data_dir)!r}, {account_id})"
    code = f"import json; from bench.mailbox import reading; print(json.dumps({call}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "."},
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
