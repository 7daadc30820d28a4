"""Sending notifications: claimed under a lease, posted outside any transaction, tried again with growing pauses.

At least once: a process that dies after the post and before its record is repeated by another, under the same id.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from crm_mail.background import repeating
from crm_mail.db import now
from crm_mail.delivery.web_targets import Target, TargetRefused, Told
from crm_mail.installation import Installation
from crm_mail.webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from crm_mail.webhooks.payload import delivery_id, write_payload
from crm_mail.webhooks.signing import signed_headers

log = logging.getLogger(__name__)

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 7200, 21600, 43200, 86400, 86400)
)
"""After the first, second… failure; after the last one it is given up, and the endpoint stops: about three days."""
AT_ONCE = 100
"""Notifications of one endpoint that are claimed together."""
CONNECTIONS = 4
LEASE = timedelta(minutes=5)
LOOK_SECONDS, FORGET_SECONDS = 1.0, 3600.0
KEPT_DAYS = 30
GONE = 410


@dataclass(frozen=True, slots=True)
class _Job:
    id: int
    name: str
    body: str


def due_endpoints(session: Session, at: datetime) -> list[int]:
    """The endpoints for which something waits."""
    waits = exists().where(
        WebhookDelivery.endpoint_id == WebhookEndpoint.id, WebhookDelivery.next_attempt_at <= at
    )
    return list(session.scalars(select(WebhookEndpoint.id).where(WebhookEndpoint.is_active.is_(True), waits)))


def send_due(home: Installation, endpoint_id: int, at: datetime | None = None) -> int:
    """Send what waits for one endpoint, up to `AT_ONCE`; how many were taken over.

    After a failure the rest of the round is put off with it, so that a dead endpoint is asked once.
    """
    with home.database.write() as session:
        jobs = _claim(session, endpoint_id, at or now())
        endpoint = session.get(WebhookEndpoint, endpoint_id)
        if not jobs or endpoint is None:
            return 0
        url, secret = endpoint.url, home.decrypt(endpoint.secret)
    results = _post_all(home, url, secret, jobs)
    with home.database.write() as session:
        _record(session, endpoint_id, jobs, results)
    return sum(told.is_taken for told in results.values())


def _claim(session: Session, endpoint_id: int, at: datetime) -> list[_Job]:
    free = or_(WebhookDelivery.lease_until.is_(None), WebhookDelivery.lease_until <= at)
    rows = session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.next_attempt_at <= at, free)
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.lease_until = at + LEASE
        if not row.payload:
            row.payload = write_payload(session, row)
    return [_Job(row.id, delivery_id(row), row.payload) for row in rows]


def _post_all(home: Installation, url: str, secret: str, jobs: Sequence[_Job]) -> dict[int, Told]:
    """What became of each; one that is missing was not tried."""
    results: dict[int, Told] = {}
    try:
        target = Target(url, allow_private=home.settings.webhook_private_addresses, connections=CONNECTIONS)
    except TargetRefused as refused:
        return {jobs[0].id: Told(None, str(refused)[:300])}
    failed = threading.Event()

    def post(slice_: Sequence[_Job]) -> None:
        for job in slice_:
            if failed.is_set():
                return
            headers = signed_headers(secret, job.name, int(time.time()), job.body)
            results[job.id] = told = target.post(job.body.encode(), headers)
            if not told.is_taken:
                failed.set()

    try:
        slices = [one for one in (jobs[place::CONNECTIONS] for place in range(CONNECTIONS)) if one]
        with ThreadPoolExecutor(len(slices)) as pool:
            list(pool.map(post, slices))
    finally:
        target.close()
    return results


def _record(session: Session, endpoint_id: int, jobs: Sequence[_Job], results: dict[int, Told]) -> None:
    moment = now()
    rows = {
        row.id: row
        for row in session.scalars(
            select(WebhookDelivery).where(WebhookDelivery.id.in_([job.id for job in jobs])).with_for_update()
        )
    }
    later: datetime | None = None
    for id_, told in results.items():
        if (row := rows.get(id_)) is None:
            continue  # its endpoint was deleted meanwhile
        row.attempts += 1
        row.lease_until = None
        row.last_status, row.last_detail = told.status, told.detail[:300]
        if told.is_taken:
            row.state, row.delivered_at, row.next_attempt_at = DeliveryState.DELIVERED, moment, None
        elif told.status == GONE or row.attempts > len(PAUSES):
            row.state, row.next_attempt_at = DeliveryState.GIVEN_UP, None
            _stop(session, endpoint_id, moment)
        else:
            row.next_attempt_at = later = moment + PAUSES[row.attempts - 1]
    for id_, row in rows.items():
        if id_ not in results:
            row.lease_until = None
            row.next_attempt_at = later or row.next_attempt_at


def _stop(session: Session, endpoint_id: int, at: datetime) -> None:
    session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id)
        .values(is_active=False, stopped_at=at)
    )


def forget_old(session: Session) -> int:
    """Notifications that were taken over, or given up, so many days ago go; how many."""
    old = delete(WebhookDelivery).where(
        WebhookDelivery.next_attempt_at.is_(None), WebhookDelivery.at < now() - timedelta(days=KEPT_DAYS)
    )
    return session.connection().execute(old).rowcount


@dataclass(slots=True)
class WebhookSender:
    """Sends what is due, each endpoint in a thread of its own, so that a slow one holds up nobody else."""

    home: Installation
    stop: threading.Event = field(default_factory=threading.Event)
    _busy: dict[int, threading.Thread] = field(default_factory=dict)

    def turn(self) -> None:
        """Begin with every endpoint that is due and not under way here."""
        self._busy = {id_: thread for id_, thread in self._busy.items() if thread.is_alive()}
        with self.home.database.read() as session:
            due = due_endpoints(session, now())
        for endpoint_id in due:
            if endpoint_id not in self._busy and len(self._busy) < 16:
                thread = threading.Thread(target=self._send, args=(endpoint_id,), name="webhook", daemon=True)
                self._busy[endpoint_id] = thread
                thread.start()

    def _send(self, endpoint_id: int) -> None:
        try:
            while not self.stop.is_set() and send_due(self.home, endpoint_id):
                pass
        except Exception:  # the database is away: the leases end by themselves
            log.exception("The notifications of endpoint %s could not be sent.", endpoint_id)


@contextmanager
def sending_webhooks(home: Installation) -> Iterator[None]:
    """Send notifications in threads of this process while the block runs."""
    sender = WebhookSender(home)

    def forget() -> None:
        with home.database.write() as session:
            forget_old(session)

    with (
        repeating("webhooks", sender.turn, LOOK_SECONDS, stop=sender.stop),
        repeating("webhooks-forgetting", forget, FORGET_SECONDS, first=60.0),
    ):
        yield
