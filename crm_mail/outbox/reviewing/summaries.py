"""The numbers above a run's list, counted once for each change of the run and then remembered by this process.

A run under review changes only through `review.require_open` and `commit`, which make ``Run.changes`` grow; the
number is part of the key, so other processes and machines never serve old counts. A run that is being sent
changes by itself: its counts are counted each time.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar, cast

from sqlalchemy.orm import Session

from crm_mail.outbox.models import Run
from crm_mail.outbox.reviewing.review import RunCounts, count_issues, count_run, facet_values
from crm_mail.outbox.states import RunState
from crm_mail.permissions import Actor

T = TypeVar("T")

KEPT = 256
STANDS_STILL = frozenset({RunState.REVIEW, RunState.APPROVAL, RunState.FINISHED, RunState.CANCELLED})

_known: OrderedDict[tuple[Any, ...], object] = OrderedDict()
_lock = Lock()


def _remember(actor: Actor, key: tuple[Any, ...], count: Callable[[], T]) -> T:
    if not actor.sight.is_whole:  # customers change their agent without the run knowing
        return count()
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return cast("T", _known[key])
    value = count()
    with _lock:
        _known[key] = value
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return value


def _key(session: Session, actor: Actor, run: Run, name: str, *more: object) -> tuple[Any, ...]:
    return (name, str(session.get_bind().engine.url), run.id, run.created_at, actor.sight, *more)


def run_counts(session: Session, actor: Actor, run: Run) -> RunCounts:
    """As `review.count_run`."""
    if run.state not in STANDS_STILL:
        return count_run(session, actor, run)
    key = _key(session, actor, run, "counts", run.state, run.changes)
    return _remember(actor, key, lambda: count_run(session, actor, run))


def run_issues(session: Session, actor: Actor, run: Run) -> list[tuple[str, bool, int]]:
    """As `review.count_issues`; nothing once the run has left the review."""
    if run.state not in (RunState.REVIEW, RunState.APPROVAL):
        return []
    key = _key(session, actor, run, "issues", run.state, run.changes)
    return _remember(actor, key, lambda: count_issues(session, actor, run))


def run_facets(session: Session, actor: Actor, run: Run) -> dict[str, list[str]]:
    """As `review.facet_values`: they come from the preparation and no reviewer changes them."""
    if run.state is RunState.PREPARING:
        return {}
    return _remember(actor, _key(session, actor, run, "facets"), lambda: facet_values(session, actor, run))
