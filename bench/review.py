"""How fast the review page answers on a run of 100,000 messages, against the same pages found by OFFSET.

Server time through the application itself (routing, session, rights, queries, template), as the browser would wait
for it. Baseline: the same filter, paged by LIMIT and OFFSET, at the middle of the list.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import load_only

from bench.review_run import build_run
from config import Settings
from crm_mail.app import create_app
from crm_mail.db import Base
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.review_filter import ReviewFilter
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
    "nothing_found": {"q": "there is no such text"},
    "problem": {"issue": "missing_file"},
    "blocked": {"state": "blocked"},
    "edited": {"edited": "yes"},
}


def main(json: bool = False) -> dict[str, Any]:
    """Measure and, unless asked for JSON, print a line for each page."""
    result = run(ROUNDS)
    if not json:
        for name, page in result["pages"].items():
            print(f"{name:24} median {page['median_ms']:6.1f} ms   p95 {page['p95_ms']:6.1f} ms")
        print(f"{'offset, same depth':24} median {result['baseline_offset_ms']:6.1f} ms (query alone)")
    return result


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Build the run and ask each page so many times; times are milliseconds of server time."""
    with tempfile.TemporaryDirectory() as folder:
        home = _installation(Path(folder))
        client, run_id = _client(home)
        pages = {}
        for name, arguments in PAGES.items():
            for place, more in (("", {}), ("_deep", {"after": str(MESSAGES // 2)})):
                pages[name + place] = _measure(client, f"/outbox/{run_id}", arguments | more, rounds)
        opened = {"open": str(MESSAGES // 2 + 7), "after": str(MESSAGES // 2)}
        pages["with_preview"] = _measure(client, f"/outbox/{run_id}", opened, rounds)
        offset = _times(lambda: _offset_page(home, run_id), rounds)
        keyset = _times(lambda: _keyset_page(home, run_id), rounds)
        home.database.dispose()
    worst = max(page["p95_ms"] for page in pages.values())
    return {
        "messages": MESSAGES,
        "pages": pages,
        "worst_p95_ms": worst,
        "limit_ms": LIMIT_MS,
        "passed": worst < LIMIT_MS,
        "baseline_offset_ms": statistics.median(offset),
        "keyset_ms": statistics.median(keyset),
        "ratio": round(statistics.median(offset) / statistics.median(keyset), 1),
    }


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


def _client(home: Installation) -> tuple[FlaskClient, int]:
    with home.database.write() as session:
        run_id = build_run(session, MESSAGES).id
        user = User(email="bench@office.example", name="Bench", is_admin=True, clearance=3)
        session.add(user)
        session.flush()
        token = sessions.open_session(session, user.id, ip="127.0.0.1", user_agent="bench")
    client = create_app(home.settings, home).test_client()
    with client.session_transaction() as cookie:
        cookie[sessions.COOKIE_KEY] = token
    return client, run_id


def _measure(client: FlaskClient, path: str, arguments: dict[str, str], rounds: int) -> dict[str, float]:
    def ask() -> None:
        answer = client.get(path, query_string=arguments)
        assert answer.status_code == 200, answer.status

    times = _times(ask, rounds)
    return {"median_ms": round(statistics.median(times), 1), "p95_ms": round(_p95(times), 1)}


def _times(action: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return times


def _p95(times: list[float]) -> float:
    return sorted(times)[max(0, round(len(times) * 0.95) - 1)]


_COLUMNS = (Message.id, Message.party_name, Message.to_address, Message.subject)


def _offset_page(home: Installation, run_id: int) -> object:
    query = select(Message).options(load_only(*_COLUMNS)).where(*ReviewFilter().conditions(run_id, 3))
    with home.database.read() as session:
        return session.scalars(query.order_by(Message.id).limit(50).offset(MESSAGES // 2)).all()


def _keyset_page(home: Installation, run_id: int) -> object:
    query = select(Message).options(load_only(*_COLUMNS)).where(*ReviewFilter().conditions(run_id, 3))
    with home.database.read() as session:
        return session.scalars(query.where(Message.id > MESSAGES // 2).order_by(Message.id).limit(50)).all()


if __name__ == "__main__":
    main()
