"""Send orders dropped into the folder of two workers, some of which are killed: each is sent once.

Judged from what the sink took down: none lost, none doubled unless it is marked uncertain (docs/send-orders.md).
"""

import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.figures import Figure
from bench.office import make_sender, office, text_of
from bench.sink import running_sink
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.db import today
from crm_mail.delivery.routing import AddressKind
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.standing.limits import Limits
from crm_mail.outbox.standing.service import give_standing
from crm_mail.permissions import INSTALLATION
from crm_mail.send_orders.models import SETTLED_ORDERS, SendOrder
from crm_mail.send_orders.settings import folder_of, read_choices, save_choices
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

CUSTOMERS = 200
PATIENCE = 1800.0


def measure(count: int = 10_000, kills: int = 10, seed: int = 1) -> list[Figure]:
    """Drop the orders, run two workers, kill one now and then, wait until every order is settled."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as place, office() as home:
        record = Path(place) / "taken"
        record.touch()
        with running_sink(record) as port:
            folder = _prepare(home, port)
            _drop(folder, count)
            began = time.monotonic()
            done = _work(home, count, kills, dice)
            seconds = time.monotonic() - began
        verdict = _judge(home, record, count)
    notes: dict[str, Any] = {"dropped": count, "kills": done, "seconds": round(seconds, 1), **verdict}
    return [
        Figure(
            "send orders of two workers", "lost or doubled", [float(verdict["wrong"])], target=0, notes=notes
        )
    ]


def _prepare(home: Installation, port: int) -> Path:
    with home.database.write() as session:
        account = make_sender(session, port, 2, is_default=True)
        company = session.get_one(Company, account.company_id)
        company.unknown_is_ordinary, company.undo_seconds = True, 0
        party = session.scalars(select(Party).where(Party.company_id == company.id)).one()
        for number in range(CUSTOMERS):
            contact = Contact(
                company_id=company.id,
                party_id=party.id,
                name=f"Cliente {number}",
                name_key=f"cliente {number}",
            )
            email = f"cliente{number}@customer.example"
            contact.addresses = [ContactAddress(email=email, kind=AddressKind.ORDINARY)]
            session.add(contact)
        giver = User(email="giver@office.example", name="Giver", is_admin=True, clearance=3, language="it")
        session.add(giver)
        session.flush()
        limits = Limits(
            frozenset({"invoice"}), 1000, 1_000_000, 0, 1440, frozenset(range(7)), today() + timedelta(days=2)
        )
        standing = give_standing(session, build_actor(session, giver), company, "Orders", limits)
        choices = replace(
            read_choices(session, company), path="", is_watched=True, authorisation_id=standing.id
        )
        folder = folder_of(home.settings, choices)
        folder.mkdir(parents=True, exist_ok=True)
        save_choices(session, INSTALLATION, home.settings, company, choices)
    return folder


def _drop(folder: Path, count: int) -> None:
    """Orders with one PDF each, ten of which are shared."""
    for number in range(10):
        (folder / f"factura-{number}.pdf").write_bytes(b"%PDF-1.7\n" + bytes([65 + number]) * 20_000)
    text = text_of(1000)
    for number in range(count):
        data = (
            f"<MailRequest><To>cliente{number % CUSTOMERS}@customer.example</To><Subject>CFDI {number}</Subject>"
            f"<Body>{text}</Body><Attachments><File>factura-{number % 10}.pdf</File></Attachments></MailRequest>"
        )
        (folder / f"_CFD_MAIL_REQ_{number:06}.XML").write_bytes(data.encode())


def _work(home: Installation, count: int, kills: int, dice: random.Random) -> int:
    """Two workers at a time until every order is settled; how many were killed."""
    killed, deadline = 0, time.monotonic() + PATIENCE
    with _workers(home) as workers:
        next_kill = time.monotonic() + dice.uniform(2, 5)
        while time.monotonic() < deadline and _settled(home) < count:
            time.sleep(0.2)
            if killed < kills and time.monotonic() >= next_kill:
                victim = dice.randrange(2)
                workers[victim].send_signal(signal.SIGKILL)
                workers[victim].wait()
                workers[victim] = _start(home)
                killed += 1
                next_kill = time.monotonic() + dice.uniform(2, 5)
    return killed


@contextlib.contextmanager
def _workers(home: Installation) -> Iterator[list[subprocess.Popen[bytes]]]:
    workers = [_start(home), _start(home)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(60)


def _start(home: Installation) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "bench.orders_worker", str(home.settings.data_dir)])


def _settled(home: Installation) -> int:
    with home.database.read() as session:
        query = select(func.count()).where(SendOrder.state.in_(sorted(SETTLED_ORDERS)))
        return session.scalar(query) or 0


def _judge(home: Installation, record: Path, count: int) -> dict[str, Any]:
    taken = Counter(line.split("\t")[1] for line in record.read_text().splitlines())
    with home.database.read() as session:
        orders = Counter(state.value for state in session.scalars(select(SendOrder.state)))
        rows = session.execute(select(Message.message_id, Message.state, Message.subject)).all()
    sure = [(str(id_), taken[str(id_)]) for id_, state, _subject in rows if state.value != "uncertain"]
    lost = sum(1 for _id, times in sure if times == 0) + count - len({subject for _i, _s, subject in rows})
    doubled = (
        sum(1 for _id, times in sure if times > 1) + len(rows) - len({subject for _i, _s, subject in rows})
    )
    states = Counter(state.value for _id, state, _subject in rows)
    return {
        "wrong": lost + doubled,
        "lost": lost,
        "doubled": doubled,
        "orders_by": dict(orders),
        "messages": dict(states),
    }
