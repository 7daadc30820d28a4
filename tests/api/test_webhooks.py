"""Webhooks out: told in the transaction of what happened, signed, at least once, never into the private network."""

import base64
import hashlib
import hmac
import ipaddress
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.web_targets import TargetRefused, check_url, is_public
from crm_mail.installation import Installation
from crm_mail.users.models import User
from crm_mail.webhooks import service
from crm_mail.webhooks.models import ASKED, DeliveryState, Topic, WebhookDelivery, WebhookEndpoint
from crm_mail.webhooks.noting import note_messages
from crm_mail.webhooks.sending import PAUSES, due_endpoints, send_due
from crm_mail.webhooks.service import EndpointValues
from tests.conftest import make_settings
from tests.factories import make_account, make_actor, make_company, make_user
from tests.outbox.sending import make_run

ALL = tuple(topic.value for topic in ASKED)


class Listener:
    """A real server that keeps what it is told and answers as it is set."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.status, self.location = 200, ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.told.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    thread = threading.Thread(target=listener.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.server.shutdown()
        listener.server.server_close()
        thread.join()


def private(home: Installation) -> Installation:
    """The same office, with webhooks into its own network allowed."""
    home.settings = home.settings.model_copy(update={"webhook_private_addresses": True})
    return home


def office(session: Session, home: Installation, url: str, **values: Any) -> tuple[Any, list[int], str, User]:
    """A company with a run of two messages, the second above clearance 1, and one endpoint."""
    company = make_company(session, code="SM02")
    account = make_account(session, company)
    run = make_run(session, account, 2)
    user = make_user(session, clearance=values.pop("user_clearance", 3), is_admin=True)
    actor = make_actor(user_id=user.id)
    given = EndpointValues("ERP", url, values.pop("topics", ALL), **({"clearance": 3} | values))
    endpoint, secret = service.create_endpoint(session, actor, home, company.id, given)
    from crm_mail.outbox.models import Message

    messages = session.scalars(select(Message).where(Message.run_id == run.id).order_by(Message.id)).all()
    messages[1].privacy_level = 2
    session.flush()
    return endpoint, [one.id for one in messages], secret, user


def deliveries(home: Installation) -> list[WebhookDelivery]:
    with home.database.read() as session:
        return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def test_who_asks_is_told_signed_and_once_under_one_id(home: Installation) -> None:
    private(home)
    with listening() as erp:
        with home.database.write() as session:
            endpoint, ids, secret, _user = office(session, home, erp.url, topics=("message.sent",))
            note_messages(session, Topic.MESSAGE_SENT, ids)
            note_messages(session, Topic.MESSAGE_FAILED, ids)
        assert send_due(home, endpoint.id) == 2
        assert send_due(home, endpoint.id) == 0
        headers, body = erp.told[0]
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        told = json.loads(body)
        assert (told["type"], told["data"]["company"]) == ("message.sent", "SM02")
        assert {json.loads(one)["data"]["message_id"] for _headers, one in erp.told} == set(ids)
        assert "@" not in body.decode().replace(str(told["data"]["internet_message_id"]), "")
        with home.database.write() as session:
            kept = session.get_one(WebhookEndpoint, endpoint.id)
            assert service.replay(session, make_actor(), kept, deliveries(home)[0].id) == 1
        send_due(home, endpoint.id)
        assert erp.told[2][1] in (erp.told[0][1], erp.told[1][1])
        assert erp.told[2][0]["webhook-id"] in {one[0]["webhook-id"] for one in erp.told[:2]}


def test_a_notification_is_lost_neither_with_the_change_nor_without_it(sqlite_home: Installation) -> None:
    private(sqlite_home)
    with sqlite_home.database.write() as session:
        endpoint, ids, _secret, _user = office(session, sqlite_home, "http://127.0.0.1:9/")
    with sqlite_home.database.writing() as session:
        note_messages(session, Topic.MESSAGE_SENT, ids)
        session.rollback()
    assert deliveries(sqlite_home) == []
    with sqlite_home.database.write() as session:
        note_messages(session, Topic.MESSAGE_SENT, ids)
    assert [one.state for one in deliveries(sqlite_home)] == [DeliveryState.WAITING] * 2
    send_due(sqlite_home, endpoint.id)  # nobody listens there
    first, second = deliveries(sqlite_home)
    assert {first.attempts, second.attempts} <= {0, 1}
    assert all(
        one.next_attempt_at and one.next_attempt_at > now() + timedelta(seconds=2) for one in (first, second)
    )
    with sqlite_home.database.read() as session:
        assert due_endpoints(session, now()) == []
        assert due_endpoints(session, now() + PAUSES[0]) == [endpoint.id]


def test_what_lies_above_the_clearance_of_who_asked_is_not_told(sqlite_home: Installation) -> None:
    private(sqlite_home)
    with sqlite_home.database.write() as session:
        _endpoint, ids, _secret, user = office(session, sqlite_home, "http://127.0.0.1:9/", user_clearance=1)
        note_messages(session, Topic.MESSAGE_BOUNCED, ids)
        user.is_active = False
        session.flush()
        note_messages(session, Topic.MESSAGE_DELIVERED, ids)
    assert [(one.message_id, one.topic) for one in deliveries(sqlite_home)] == [
        (ids[0], Topic.MESSAGE_BOUNCED)
    ]


def test_after_the_last_try_an_endpoint_stops_and_is_told_again_when_a_person_asks(
    sqlite_home: Installation, login_as: Callable[..., Any]
) -> None:
    private(sqlite_home)
    with listening() as erp:
        erp.status, erp.location = 307, erp.url
        with sqlite_home.database.write() as session:
            endpoint, ids, _secret, user = office(session, sqlite_home, erp.url)
            note_messages(session, Topic.MESSAGE_FAILED, ids[:1])
        at = now()
        for pause in (timedelta(0), *PAUSES):
            at += pause + timedelta(seconds=1)
            send_due(sqlite_home, endpoint.id, at)
            with sqlite_home.database.write() as session:
                row = session.scalars(select(WebhookDelivery)).one()
                if row.next_attempt_at:
                    row.next_attempt_at = at
        assert len(erp.told) == len(PAUSES) + 1  # a redirect is a failure, never followed
        assert (row.state, row.last_status) == (DeliveryState.GIVEN_UP, 307)
        browser = login_as(user)
        assert "307" in browser.get(f"/webhooks/{endpoint.id}").get_data(as_text=True)
        erp.status, erp.location = 204, ""
        form = {"name": "ERP", "url": erp.url, "topics": list(ALL), "clearance": "0", "is_active": "y"}
        assert browser.post(f"/webhooks/{endpoint.id}/edit", data=form).status_code == 303
        assert browser.post(f"/webhooks/{endpoint.id}/replay").status_code == 303
        assert send_due(sqlite_home, endpoint.id) == 1


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://erp.example/x", ""),
        ("http://erp.example/x", "scheme"),
        ("https://127.0.0.1/", "private"),
        ("https://[::1]/", "private"),
        ("https://[::ffff:10.0.0.1]/", "private"),
        ("https://169.254.169.254/latest", "private"),
        ("https://user:pass@erp.example/", "url"),
        ("https://erp.example:99999/", "url"),
        ("ftp://erp.example/", "url"),
        ("https://erp.example/\r\nX: y", "url"),
        ("//erp.example", "url"),
    ],
)
def test_only_public_encrypted_addresses_are_kept(url: str, problem: str) -> None:
    try:
        check_url(url, allow_private=False)
        found = ""
    except TargetRefused as refused:
        found = refused.problem
    assert found == problem


def test_private_addresses_are_known_in_every_disguise(sqlite_home: Installation) -> None:
    hidden = (
        "10.1.2.3",
        "100.64.0.1",
        "fc00::1",
        "fe80::1",
        "::ffff:192.168.0.1",
        "64:ff9b::10.0.0.1",
        "2002:a00:1::",
    )
    assert not [
        one for one in (*hidden, "0.0.0.0", "224.0.0.1", "::") if is_public(ipaddress.ip_address(one))
    ]
    assert is_public(ipaddress.ip_address("93.184.215.14"))
    private(sqlite_home)
    with listening() as erp:
        with sqlite_home.database.write() as session:
            endpoint, ids, _secret, _user = office(
                session, sqlite_home, erp.url.replace("127.0.0.1", "localhost")
            )
            note_messages(session, Topic.MESSAGE_SENT, ids)
        sqlite_home.settings = make_settings(sqlite_home.settings.data_dir)  # forbidden from now on
        send_due(sqlite_home, endpoint.id)
        assert erp.told == []
    assert any(
        "private network" in one.last_detail or "https" in one.last_detail for one in deliveries(sqlite_home)
    )


def test_without_an_endpoint_sending_pays_one_look_at_an_empty_table(sqlite_home: Installation) -> None:
    """Negligible cost: one statement for a whole batch, and nothing is written."""
    seen: list[str] = []
    with sqlite_home.database.write() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *args: seen.append(args[2]))
        note_messages(session, Topic.MESSAGE_SENT, range(1, 1001))
    assert len(seen) == 1


def test_sending_tells_of_messages_and_of_the_run(sqlite_home: Installation) -> None:
    """The whole way: a real worker, a real mail server, a real listener."""
    from crm_mail.outbox.models import Run
    from crm_mail.outbox.sending.worker import run_worker
    from tests.delivery.servers import Faults
    from tests.outbox.sending import committed_run

    private(sqlite_home)
    with listening() as erp, committed_run(sqlite_home, Faults(), count=2) as (_server, run_id):
        with sqlite_home.database.write() as session:
            run = session.get_one(Run, run_id)
            user = make_user(session, is_admin=True)
            values = EndpointValues("ERP", erp.url, ALL)
            service.create_endpoint(session, make_actor(user_id=user.id), sqlite_home, run.company_id, values)
        run_worker(sqlite_home, until_idle=True)
        told = sorted((one.topic.value, one.message_id is None) for one in deliveries(sqlite_home))
    assert told == [("message.sent", False), ("message.sent", False), ("run.finished", True)]
