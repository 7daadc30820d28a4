"""How many events a second the real server takes in: answered 202 only when they are on disk, each counted once.

Two processes of gunicorn on the cores of this machine, the programs that tell of events on the same cores, over kept
connections. Told one by one and a hundred at a time; what stands in the database afterwards is the judge.
"""

import http.client
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench.figures import Figure
from config import ROOT, Settings
from crm_mail.api.keys import hash_key
from crm_mail.api.models import ApiKey
from crm_mail.companies.models import Company
from crm_mail.db import Base, now
from crm_mail.events.models import InboundEvent
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.schema import import_models
from crm_mail.users.models import User

WANTED = 1000
TOKEN = "crm_bench-only-not-a-secret"
PROCESSES, CLIENTS = 2, 8


def measure(times: int = 5, count: int = 10_000) -> list[Figure]:
    """Events a second, one by one and a hundred at a time.

    Args:
        times: turns, of which the median is taken.
        count: events of a turn; one by one a fifth of them.
    """
    figures = [
        Figure(f"events, {size} a request", "a second", target=WANTED, notes={"processes": PROCESSES})
        for size in (1, 100)
    ]
    with _office() as (home, port):
        told = 0
        for _ in range(times):
            for figure, size in zip(figures, (1, 100), strict=True):
                number = count // 5 if size == 1 else count
                number -= number % (size * CLIENTS)
                figure.values.append(_tell(port, told, number, size))
                told += number
        with home.database.read() as session:
            kept = session.scalar(select(func.count()).select_from(InboundEvent))
        assert kept == told, f"{told} events were answered 202 and {kept} are kept"
    return figures


def _tell(port: int, first: int, count: int, size: int) -> float:
    each = count // CLIENTS
    with multiprocessing.Pool(CLIENTS) as pool:
        pool.map(abs, range(CLIENTS * 4))  # they have started
        begin = time.perf_counter()
        pool.starmap(_client, [(port, first + place * each, each, size) for place in range(CLIENTS)])
        return count / (time.perf_counter() - begin)


def _client(port: int, first: int, count: int, size: int) -> None:
    """One program that tells of its events over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for at in range(first, first + count, size):
        events = [
            {
                "company": "SM02",
                "id": f"e{number}",
                "kind": "fuel.sold",
                "occurred_at": "2026-11-22T10:00:00+01:00",
                "data": {"vehicle": "AA 123 BB", "litres": "40.12", "amount": "71.90", "customer": "000123"},
            }
            for number in range(at, at + size)
        ]
        body = json.dumps(events[0] if size == 1 else events)
        connection.request("POST", "/api/v1/events", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 202, said
    connection.close()


@contextmanager
def _office() -> Iterator[tuple[Installation, int]]:
    folder = Path(tempfile.mkdtemp(prefix="crm-mail-events-", dir=os.environ.get("BENCH_DIR")))
    home = Installation(Settings(data_dir=folder, secret_key="bench"))  # type: ignore[arg-type]
    import_models()
    Base.metadata.create_all(home.database.engine)
    with home.database.write() as session:
        session.add(Company(code="SM02", name="Bench"))
        user = User(email="bench@bench.example", name="Bench", is_admin=True)
        session.add(user)
        session.flush()
        session.add(
            ApiKey(
                name="bench",
                prefix="crm_bench",
                key_hash=hash_key(TOKEN),
                owner_id=user.id,
                scopes=[Permission.DOCUMENTS_MANAGE.value],
                per_minute=10_000_000,
                expires_at=now() + timedelta(days=1),
            )
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"CRM_MAIL_DATA_DIR": str(folder), "CRM_MAIL_SECRET_KEY": "bench"}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "-w", str(PROCESSES), "-k", "gthread"]
    command += ["--threads", str(CLIENTS), "--keep-alive", "30", "-b", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield home, port
    finally:
        server.terminate()
        server.wait(30)
        home.database.dispose()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/api/v1/openapi.json")
            if connection.getresponse().status == 200:
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)
