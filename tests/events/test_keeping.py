"""What many requests tell at the same time is written together, each event once (issue 6, figures)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, StatementError

from crm_mail.db import now
from crm_mail.events import keeping
from crm_mail.events.keeping import Keeper
from crm_mail.events.models import EventState, InboundEvent
from crm_mail.installation import Installation
from tests.factories import make_company


def row(company_id: int, name: str, **changes: Any) -> dict[str, Any]:
    values = {
        "company_id": company_id,
        "source": "till",
        "event_id": name,
        "kind": "a.b",
        "data": {"n": name},
    }
    return values | {"occurred_at": now(), "received_at": now(), "state": EventState.WAITING} | changes


def test_many_tell_at_once_and_each_event_is_kept_once(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one transaction is under way the others gather, and one of them writes for all; nobody is forgotten."""
    with home.database.write() as session:
        company_id = make_company(session).id
    keeper, begun, go, batches = Keeper(home.database), threading.Event(), threading.Event(), []
    write = Keeper._write

    def slow(self: Keeper, together: Any) -> None:
        batches.append(len(together))
        begun.set()
        assert go.wait(60)
        write(self, together)

    monkeypatch.setattr(keeping.Keeper, "_write", slow)
    with ThreadPoolExecutor(21) as pool:
        first = pool.submit(keeper.keep, [row(company_id, "e0")])
        assert begun.wait(60)
        names = [f"e{number % 10}" for number in range(20)]
        others = [pool.submit(keeper.keep, [row(company_id, name)]) for name in names]
        while len(keeper._waiting) < 20:
            threading.Event().wait(0.01)
        go.set()
        found = [one.result()[0] for one in (first, *others)]
    assert batches == [1, 20]
    assert sorted(one.event_id for one in found if one.is_new) == [f"e{number}" for number in range(10)]
    assert [one.event_id for one in found] == ["e0", *names]  # each is told of its own
    with home.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 10


def test_what_one_tells_wrongly_costs_nobody_else_an_event(home: Installation) -> None:
    with home.database.write() as session:
        company_id = make_company(session).id
    keeper = Keeper(home.database)
    good, bad = keeping._Told([row(company_id, "good")]), keeping._Told([row(company_id + 99, "bad")])
    keeper._waiting = [bad, good]
    keeper._write_for_all()
    assert (good.error, [one.is_new for one in good.kept]) == (None, [True])
    assert isinstance(bad.error, DBAPIError | StatementError)
    with pytest.raises(DBAPIError):
        keeper.keep([row(company_id + 99, "bad")])
