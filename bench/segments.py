"""How fast segments by purchases are counted: customers and contacts, exactly, on SQLite and on PostgreSQL.

A million contacts of 400,000 customers with ten million sales lines of three years. Baseline: the same question asked
of the lines alone, without totals and without the indexes that cover it, as one GROUP BY over the company's lines.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.contacts import ACTOR, databases
from bench.contacts_data import fill
from bench.figures import Figure
from bench.purchases import sell
from config import Settings
from crm_mail.contacts.finding.counting import count_found
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.db import Base
from crm_mail.installation import Installation
from crm_mail.purchases.models import PurchaseLine
from crm_mail.schema import import_models

LINES = 10_000_000
LIMIT_MS = 300
LINES_OF_A_CONTACT = 10
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "bought a product in 12 months": ("act=bought&product=P77&recent=12m", {}),
    "bought 10 pieces of a group in 12 months": ("act=bought&group=G7&quantity=10&recent=12m", {}),
    "bought a group for 500 EUR in 12 months": (
        "act=bought&group=G7&amount=500&currency=EUR&recent=12m",
        {},
    ),
    "the same, of an agent": (
        "act=bought&group=G7&amount=500&currency=EUR&recent=12m",
        {"agents": ("agente 7",)},
    ),
    "bought a group, but not in 6 months": ("act=stopped&group=G7&recent=6m", {}),
    "bought anything in 30 days": ("act=bought&recent=30d", {}),
    "bought nothing in 12 months": ("act=stopped&recent=12m", {}),
    "did not buy a group, of an agent": ("act=not_bought&group=G7&recent=12m", {"agents": ("agente 7",)}),
    "for 50,000 EUR in 12 months": ("act=bought&amount=50000&currency=EUR&recent=12m", {}),
    "the 100 best in 12 months": ("act=best&count=100&currency=EUR&recent=12m", {}),
    "the 1,000 best ever": ("act=best&count=1000&currency=EUR", {}),
}


def measure(times: int = 3, count: int = LINES) -> list[Figure]:
    """A figure for each question, the median of its turns in milliseconds.

    Args:
        times: turns.
        count: sales lines; a tenth as many contacts.
    """
    import_models()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, url in databases(Path(folder)):
            settings = Settings(data_dir=Path(folder), database_url=url, secret_key="only for measuring it")
            home = Installation(settings)
            Base.metadata.create_all(home.database.engine)
            contacts = max(10, count // LINES_OF_A_CONTACT)
            parties = max(1, contacts * 2 // 5)
            company_id = fill(home, contacts, parties)
            start = time.perf_counter()
            sell(home, company_id, parties, count)
            made = time.perf_counter() - start
            figures += _ask(home, name, company_id, times)
            figures[-1].notes["lines made in"] = f"{made:.0f} s"
            home.database.dispose()
    return figures


def _ask(home: Installation, name: str, company_id: int, times: int) -> list[Figure]:
    found = []
    for asked, (word, more) in ASKED.items():
        figure = Figure(f"segments on {name}, {asked}", "ms", target=LIMIT_MS)
        chosen = PartyFilter.from_dict({"purchases": [word], **more}, company_id)
        for _ in range(times):
            with home.database.read() as session:
                figure.values.append(_time(lambda: _count(session, chosen)))  # noqa: B023
        with home.database.read() as session:
            parties, contacts = _count(session, chosen)
            figure.notes |= {"customers": parties, "contacts": contacts}
        found.append(figure)
    with home.database.read() as session:
        found[-1].baseline_name = "GROUP BY over all lines"
        found[-1].baseline.append(_time(lambda: _scan(session, company_id)))
    return found


def _count(session: Session, chosen: PartyFilter) -> tuple[int, int]:
    return count_found(session, chosen, ACTOR.sight)


def _scan(session: Session, company_id: int) -> int:
    """The naive way to the best customers: add up every line."""
    amount = func.sum(PurchaseLine.amount)
    query = select(PurchaseLine.party_id).where(PurchaseLine.company_id == company_id)
    best = query.group_by(PurchaseLine.party_id).order_by(amount.desc()).limit(1000)
    return len(session.scalars(best).all())


def _time(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000
