"""Taking events in from a file of the hot folder; the REST API has a door of its own (`crm_mail.api.events`).

A file is JSON: one event, a list of events, or an object with ``events``; each with ``id``, ``kind``, ``occurred_at``
and ``data`` as in `POST /api/v1/events`, without the company, which the folder knows.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.events.keeping import keep
from crm_mail.events.models import EventState
from crm_mail.refusals import Refusal

FOLDER: Final = "folder"
MOST_TOGETHER: Final = 10_000
LARGEST_DATA: Final = 64 * 1024
_KIND = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_SUFFIXES: Final = (".event.json", ".events.json")


class EventsWrong(Refusal):
    """A file of events cannot be taken in; the message says which event, and what to do."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


def is_event_file(name: str) -> bool:
    """Whether a file's name says that it holds events."""
    return name.lower().endswith(_SUFFIXES)


def take_file(session: Session, company_id: int, content: bytes) -> int:
    """Keep the events of a file; how many were new. The same event twice is one.

    Raises:
        EventsWrong: nothing was kept.
    """
    moment = now()
    rows = [_row(company_id, one, number, moment) for number, one in enumerate(_read(content), 1)]
    return sum(one.is_new for one in keep(session, rows))


def _read(content: bytes) -> Sequence[Any]:
    try:
        given = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise EventsWrong(f"it is not JSON in UTF-8 ({str(error)[:200]})") from None
    if isinstance(given, Mapping):
        given = given.get("events", [given])
    if not isinstance(given, list) or not given:
        raise EventsWrong("it holds no event: write one object, or a list of them")
    if len(given) > MOST_TOGETHER:
        raise EventsWrong(f"it holds more than {MOST_TOGETHER} events: write several files")
    return given


def _row(company_id: int, one: Any, number: int, moment: dt.datetime) -> dict[str, Any]:
    if not isinstance(one, Mapping):
        raise EventsWrong(f"event {number} is no object")
    id_, kind, data = str(one.get("id") or ""), one.get("kind"), one.get("data") or {}
    if not id_ or len(id_) > 120:
        raise EventsWrong(f"event {number} has no id of at most 120 characters: give it its own number")
    if not isinstance(kind, str) or len(kind) > 80 or not _KIND.fullmatch(kind):
        raise EventsWrong(f"event {id_} has no kind such as purchase_order.saved")
    if not isinstance(data, Mapping) or len(json.dumps(data)) > LARGEST_DATA:
        raise EventsWrong(f"the data of event {id_} is no object of at most 64 KB")
    return {
        "company_id": company_id,
        "source": FOLDER,
        "event_id": id_,
        "kind": kind,
        "occurred_at": _moment(id_, one.get("occurred_at")),
        "received_at": moment,
        "data": dict(data),
        "state": EventState.WAITING,
    }


def _moment(id_: str, given: Any) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(str(given))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise EventsWrong(
            f"event {id_} has no occurred_at with its offset, such as 2026-11-22T10:00:00+01:00"
        )
    return found.astimezone(dt.UTC)
