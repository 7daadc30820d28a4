"""Killing workers (`kill -9`) at random moments while they send, judged from what the sink took down by Message-ID.

None may be lost, and none doubled unless it is marked uncertain.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.figures import Figure
from bench.office import make_committed_run, make_sender, office
from bench.sink import running_sink
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import MessageState

MESSAGES_PER_KILL = 900  # a quick machine sends 6,000 a second, and a kill comes within 0.15 s


def measure(kills: int = 200, seed: int = 1) -> list[Figure]:
    """Kill, start again, kill…, then let a last worker finish; the worst counts are the figure."""
    dice = random.Random(seed)
    count = kills * MESSAGES_PER_KILL
    with tempfile.TemporaryDirectory(prefix="crash-bench-") as folder, office() as home:
        record = Path(folder) / "taken"
        record.touch()
        with running_sink(record) as port:
            with home.database.write() as session:
                account = make_sender(session, port, 2)
            run_id = make_committed_run(home, account, count, 3000, [])
            done = 0
            with _nursery(home) as nursery:
                while done < kills and _kill_one(nursery, record, dice):
                    done += 1  # the loop ends early when everything was sent before the last kill
            run_worker(home, until_idle=True, is_alone=True)
        verdict = judge(home, run_id, record)
    return [
        Figure(
            "kill -9 while sending",
            "lost",
            [float(verdict["lost"])],
            target=0,
            notes={"kills": done, **verdict},
        )
    ]


@contextmanager
def _nursery(home: Installation) -> Iterator[subprocess.Popen[str]]:
    """The process that starts the workers."""
    command = [sys.executable, "-m", "bench.crash_worker", str(home.settings.data_dir)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield process


def _kill_one(nursery: subprocess.Popen[str], record: Path, dice: random.Random) -> bool:
    """Start a worker, wait until it sends, kill it a random moment later; False when it had nothing to send."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    before = record.stat().st_size
    print(file=nursery.stdin, flush=True)
    worker = int(nursery.stdout.readline())
    deadline = time.monotonic() + 60
    while record.stat().st_size == before and time.monotonic() < deadline:
        time.sleep(0.001)
    is_sending = record.stat().st_size > before
    time.sleep(dice.uniform(0, 0.15))
    with suppress(ProcessLookupError):  # it sent the last message meanwhile
        os.kill(worker, signal.SIGKILL)
    nursery.stdout.readline()
    return is_sending


def judge(home: Installation, run_id: int, record: Path) -> dict[str, Any]:
    """What the sink took, against what the tables say."""
    taken = Counter(line.split("\t")[1] for line in record.read_text().splitlines())
    with home.database.read() as session:
        rows = session.execute(
            select(Message.message_id, Message.state).where(Message.run_id == run_id)
        ).all()
    states = Counter(state.value for _, state in rows)
    return {
        "messages": len(rows),
        "lost": sum(1 for id_, state in rows if state is not MessageState.UNCERTAIN and not taken[str(id_)]),
        "doubled": sum(
            1 for id_, state in rows if taken[str(id_)] > 1 and state is not MessageState.UNCERTAIN
        ),
        "sent_twice_though_uncertain": sum(
            1 for id_, state in rows if taken[str(id_)] > 1 and state is MessageState.UNCERTAIN
        ),
        "uncertain": states[MessageState.UNCERTAIN.value],
        "uncertain_that_had_arrived": sum(
            1 for id_, state in rows if state is MessageState.UNCERTAIN and taken[str(id_)]
        ),
        "states": dict(states),
    }
