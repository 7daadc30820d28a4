"""Sending to a local sink with a durable outcome per message, beside django-post_office on the same kind of database.

Ours and the peer's turns alternate. What counts is from the first look into the queue to the last outcome recorded.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from bench.figures import Figure, interleave
from bench.office import make_committed_run, make_sender, office, store_files
from bench.sink import running_sink
from crm_mail.outbox.models import Attempt
from crm_mail.outbox.sending.processes import run_worker_processes
from crm_mail.outbox.sending.sender import Tally

CONNECTIONS = 2  # of each process; four in all, as many as the peer has threads
PROCESSES = 2  # one for each core
PDF_BYTES = 60_000
TEXT_BYTES = 3_000


class Incomplete(Exception):
    """Fewer messages arrived than were queued: the figure means nothing."""


def send_ours(count: int, file_bytes: int) -> float:
    """Messages a second of this product; every message has a file of its own when ``file_bytes`` is given.

    From the start of the first attempt to the moment the last outcome is recorded; the start of the processes and
    the end's last looks into an empty queue are not part of it, as the peer's start is not.
    """
    with running_sink() as port, office() as home:
        with home.database.write() as session:
            account = make_sender(session, port, CONNECTIONS)
        files = store_files(home, count, file_bytes) if file_bytes else []
        make_committed_run(home, account, count, TEXT_BYTES, files)
        ended: list[float] = []

        def look(tally: Tally) -> None:
            if tally.sent >= count and not ended:
                ended.append(time.time())

        tally = run_worker_processes(home, PROCESSES, until_idle=True, on_progress=look)
        if tally.sent != count:
            raise Incomplete(f"{tally.sent} of {count} sent: {tally}")
        with home.database.read() as session:
            began = session.scalar(select(func.min(Attempt.started_at)))
        assert began is not None
        return count / (ended[0] - began.timestamp())


def send_peer(count: int, file_bytes: int) -> float:
    """Messages a second of django-post_office's own sending command (batches of 100, four threads)."""
    with running_sink() as port, tempfile.TemporaryDirectory(prefix="peer-bench-") as folder:
        file = "-"
        if file_bytes:
            path = Path(folder) / "file.pdf"
            path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * (file_bytes // 256))
            file = str(path)
        command = [sys.executable, "-m", "bench.peer", folder, str(port), str(count), str(TEXT_BYTES), file]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1200)
        found = json.loads(answer.stdout.splitlines()[-1])
        if found["done"] != count:
            raise Incomplete(f"the peer sent {found['done']} of {count}")
        return float(found["sent"])


def measure(times: int = 5, count: int = 20_000) -> list[Figure]:
    """3 KB of text, then 3 KB of text with a 60 KB PDF (a tenth as many messages; the peer a tenth of ours, at least
    500)."""
    figures = []
    for name, size, ours, target in (
        ("send 3 KB text", 0, count, 1500.0),
        ("send 60 KB PDF", PDF_BYTES, max(100, count // 10), 700.0),
    ):
        peers = max(500, ours // 10)
        values, baseline = interleave(
            times,
            lambda ours=ours, size=size: send_ours(ours, size),  # type: ignore[misc]
            lambda peers=peers, size=size: send_peer(peers, size),  # type: ignore[misc]
        )
        figures.append(
            Figure(
                name,
                "messages/s",
                values,
                "django-post_office",
                baseline,
                target,
                5.0,
                {"messages": ours, "peer_messages": peers, "connections": CONNECTIONS},
            )
        )
    return figures
