"""Killing workers (`kill -9`) while they send by PEC, then reading what came back: what receipts can settle is settled.

The operator is the simulator: TLS, login, signed receipts, real IMAP. What it took down by Message-ID is the truth. An
uncertain message that it has got must end as delivered by its receipts, without anyone; one that it never got must end
as failed, because the mailbox that is read a day later has neither receipt nor copy of it. None may stay uncertain.
"""

import random
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import func, select

from bench.crash import _kill_one, _nursery
from bench.figures import Figure
from bench.office import make_committed_run, make_sender, office
from crm_mail.db import now
from crm_mail.delivery.models import AccountKind, Security, SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.evidence import resolving
from crm_mail.evidence.anchors import anchors_folder
from crm_mail.evidence.models import MailItem
from crm_mail.evidence.never_accepted import settle_never_accepted
from crm_mail.evidence.reading import read_mailbox
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import MessageState
from crm_mail.pec_simulator.clock import ShortWaits
from crm_mail.pec_simulator.simulator import PecSimulator

MESSAGES_PER_KILL = 20
SENDER = "ufficio@pec.bianchi.example"
DOMAIN = "pec.example"


def measure(kills: int = 200, seed: int = 1) -> list[Figure]:
    """Kill, start again, kill…, let a last worker finish, read the mailbox; what is left uncertain is the figure."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="crash-bench-") as folder, office() as home:
        record = Path(folder) / "taken"
        record.touch()
        pec = PecSimulator(Path(folder) / "pec", ShortWaits(haste=1000), keep=_taker(record))
        pec.operators.manage(DOMAIN)
        pec.add_mailbox(SENDER)
        with pec:
            account_id, run_id = _commit(home, pec, kills * MESSAGES_PER_KILL)
            done = 0
            with _nursery(home) as nursery:
                while done < kills and _kill_one(nursery, record, dice):
                    done += 1
            run_worker(home, until_idle=True, is_alone=True)
            before = _states(home, run_id)
            began = time.perf_counter()
            taken = _read_all(home, account_id, record)
            seconds = time.perf_counter() - began
            _look_a_day_later(home, account_id)
        verdict = _judge(home, run_id, record, before)
    wrong = float(verdict["lost"] + verdict["doubled"])
    notes = {"kills": done, **verdict}
    return [
        Figure("kill -9 while sending by PEC", "lost or doubled", [wrong], target=0, notes=notes),
        Figure("not settled by evidence", "messages", [float(verdict["unsettled"])], target=0),
        Figure("receipts read, verified and applied", "receipts/s", [taken / seconds]),
    ]


def _taker(record: Path) -> Any:
    lock = threading.Lock()

    def take(_sender: str, _recipients: list[str], content: bytes) -> None:
        head = content[: content.index(b"\r\n\r\n")].decode("utf-8", "replace")
        found = next(line for line in head.split("\r\n") if line.lower().startswith("message-id:"))
        with lock, record.open("a") as file:
            file.write(f"pec\t{found.partition(':')[2].strip()}\n")

    return take


def _commit(home: Installation, pec: PecSimulator, count: int) -> tuple[int, int]:
    anchors = anchors_folder(home)
    anchors.mkdir(parents=True, exist_ok=True)
    (anchors / "simulator.pem").write_bytes(pec.anchor.read_bytes())
    with home.database.write() as session:
        account = make_sender(
            session,
            pec.smtp_port,
            2,
            kind=AccountKind.PEC,
            security=Security.TLS,
            ca_file=str(pec.ca_file),
            username=SENDER,
            from_address=SENDER,
            secret=home.encrypt(pec.passwords[SENDER]),
            mailbox_is_read=True,
            mailbox_host=pec.imap.host,
            mailbox_port=pec.imap.port,
        )
        account_id = account.id
    with home.database.read() as session:
        kept = session.get_one(SenderAccount, account_id)
        run_id = make_committed_run(home, kept, count, 1000, [], Channel.PEC, AddressKind.PEC, DOMAIN)
    return account_id, run_id


def _states(home: Installation, run_id: int) -> dict[str, MessageState]:
    with home.database.read() as session:
        rows = session.execute(select(Message.message_id, Message.state).where(Message.run_id == run_id))
        return {str(id_): state for id_, state in rows}


def _read_all(home: Installation, account_id: int, record: Path) -> int:
    """Read until both receipts of everything that was taken are in; how many mails were kept."""
    wanted = 2 * len(record.read_text().splitlines())
    deadline = time.monotonic() + 600
    kept = 0
    while kept < wanted and time.monotonic() < deadline:
        read_mailbox(home, account_id)
        with home.database.read() as session:
            kept = session.scalar(select(func.count()).select_from(MailItem)) or 0
        time.sleep(0.2)
    return kept


def _look_a_day_later(home: Installation, account_id: int) -> None:
    """What a worker does by itself when 25 hours have passed: search, read, settle."""
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        while resolving.search_mailboxes(home) or _has_wanted(home):
            pass
        read_mailbox(home, account_id)
        with home.database.write() as session:
            settle_never_accepted(session, now())


def _has_wanted(home: Installation) -> bool:
    with home.database.read() as session:
        return resolving.has_wanted(session, now())


def _judge(home: Installation, run_id: int, record: Path, before: dict[str, MessageState]) -> dict[str, Any]:
    taken = Counter(line.split("\t")[1] for line in record.read_text().splitlines())
    after = _states(home, run_id)
    uncertain = [id_ for id_, state in before.items() if state is MessageState.UNCERTAIN]
    return {
        "messages": len(after),
        "lost": sum(
            1 for id_, state in before.items() if state is not MessageState.UNCERTAIN and not taken[id_]
        ),
        "doubled": sum(1 for id_ in after if taken[id_] > 1),
        "uncertain_before": len(uncertain),
        "settled_by_receipts": sum(1 for id_ in uncertain if after[id_] is MessageState.DELIVERED),
        "settled_by_silence": sum(
            1 for id_ in uncertain if after[id_] is MessageState.FAILED and not taken[id_]
        ),
        "unsettled": sum(
            1
            for id_ in uncertain
            if after[id_] is not (MessageState.DELIVERED if taken[id_] else MessageState.FAILED)
        ),
        "states": dict(Counter(state.value for state in after.values())),
    }
