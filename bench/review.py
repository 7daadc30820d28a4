"""How fast the review page answers on a run of 100,000 messages, against the same pages found by OFFSET.

Server time through the application itself (routing, session, rights, queries, template), as the browser would wait
for it. Baseline: the same filter, paged by LIMIT and OFFSET, at the middle of the list.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import load_only

from bench.figures import Figure
from bench.review_run import build_run
from config import Settings
from crm_mail.app import create_app
from crm_mail.db import Base
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.permissions import Sight
from crm_mail.schema import import_models
from crm_mail.users import sessions
from crm_mail.users.models import User

MESSAGES = 100_000
ROUNDS = 30
LIMIT_MS = 100
PAGES: dict[str, dict[str, str]] = {
    "first": {},
    "agent": {"agent": "A07"},
    "text": {"q": "rossi 41"},
    "nothing found": {"q": "there is no such text"},
    "problem": {"issue": "missing_file"},
    "blocked": {"state": "blocked"},
    "edited": {"edited": "yes"},
}


def measure(times: int = 5, count: int = MESSAGES) -> list[Figure]:
    """A figure for each page: the 95th percentile of each turn, in milliseconds of server time.

    Args:
        times: turns; each asks every page `ROUNDS` times.
        count: messages of the run.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = _installation(Path(folder))
        client, run_id = _client(home, count)
        pages = {
            name + place: arguments | more
            for name, arguments in PAGES.items()
            for place, more in (("", {}), (", deep", {"after": str(count // 2)}))
        }
        pages["with a preview"] = {"open": str(count // 2 + 7), "after": str(count // 2)}
        client.get(f"/outbox/{run_id}")  # templates are compiled once for each process
        figures = [Figure(f"review, {name}", "ms at the 95th percentile", target=LIMIT_MS) for name in pages]
        paging = Figure("review, query of a deep page", "ms", baseline_name="OFFSET")
        for _ in range(times):
            for figure, arguments in zip(figures, pages.values(), strict=True):
                asked = _ask(client, f"/outbox/{run_id}", arguments)
                figure.values.append(_p95(asked))
                figure.notes["median_ms"] = round(statistics.median(asked), 1)
            paging.values.append(statistics.median(_times(lambda: _keyset_page(home, run_id, count))))
            paging.baseline.append(statistics.median(_times(lambda: _offset_page(home, run_id, count))))
        home.database.dispose()
    return [*figures, paging]


def _installation(folder: Path) -> Installation:
    import_models()
    settings = Settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'bench.sqlite3'}",
        secret_key="only for measuring, long enough",
    )
    home = Installation(settings)
    Base.metadata.create_all(home.database.engine)
    return home


def _client(home: Installation, count: int) -> tuple[FlaskClient, int]:
    with home.database.write() as session:
        run_id = build_run(session, count).id
        user = User(email="bench@office.example", name="Bench", is_admin=True, clearance=3)
        session.add(user)
        session.flush()
        token = sessions.open_session(session, user.id, ip="127.0.0.1", user_agent="bench")
    client = create_app(home.settings, home).test_client()
    with client.session_transaction() as cookie:
        cookie[sessions.COOKIE_KEY] = token
    return client, run_id


def _ask(client: FlaskClient, path: str, arguments: dict[str, str]) -> list[float]:
    def ask() -> None:
        answer = client.get(path, query_string=arguments)
        assert answer.status_code == 200, answer.status

    return _times(ask)


def _times(action: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return times


def _p95(times: list[float]) -> float:
    return sorted(times)[max(0, round(len(times) * 0.95) - 1)]


_COLUMNS = (Message.id, Message.party_name, Message.to_address, Message.subject)


def _offset_page(home: Installation, run_id: int, count: int) -> object:
    query = select(Message).options(load_only(*_COLUMNS)).where(*ReviewFilter().conditions(run_id, Sight(3)))
    with home.database.read() as session:
        return session.scalars(query.order_by(Message.id).limit(50).offset(count // 2)).all()


def _keyset_page(home: Installation, run_id: int, count: int) -> object:
    query = select(Message).options(load_only(*_COLUMNS)).where(*ReviewFilter().conditions(run_id, Sight(3)))
    with home.database.read() as session:
        return session.scalars(query.where(Message.id > count // 2).order_by(Message.id).limit(50)).all()
