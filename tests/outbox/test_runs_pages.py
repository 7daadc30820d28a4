"""The pages around a run: who may open them, the list, the commit with its undo window, progress and its buttons."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.delivery.models import SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Permission
from tests.factories import (
    make_account,
    make_actor,
    make_company,
    make_contact,
    make_document,
    make_party,
    make_user,
    outbox_grants,
)
from tests.outbox.preparing import prepare, rows

PAGES = (
    "/outbox",
    "/outbox/1/commit",
    "/outbox/1/progress",
    "/outbox/1/preparing",
    "/prepare",
    "/prepare/counts",
)
STEPS = ("undo", "pause", "resume", "cancel", "retry", "hasten")
Login = Callable[..., FlaskClient]


class Office:
    """A company with a prepared run of three messages, and people with different rights."""

    def __init__(self, home: Installation, login_as: Login) -> None:
        self.home = home
        with home.database.write() as session:
            self.company = make_company(session, undo_seconds=30)
            self.sender = make_account(session, self.company).from_address
            for name in ("Rossi", "Bianchi", "Verdi"):
                party = make_party(session, self.company, name=f"{name} & Figli S.p.A.")
                make_contact(session, party, subscriptions=("invoice",))
                make_document(session, party)
            self.run_id = prepare(session, make_actor(), self.company).id
            company_id = self.company.id
            people = {
                "committer": {"grants": outbox_grants(company_id), "clearance": 3},
                "second": {"grants": outbox_grants(company_id), "clearance": 3},
                "preparer": {"grants": [(Permission.OUTBOX_PREPARE, "invoice", company_id)]},
                "of_quotes": {"grants": outbox_grants(company_id, "quote")},
                "stranger": {"grants": outbox_grants(make_company(session).id)},
                "admin": {"is_admin": True, "clearance": 3},
                "settings": {"areas": [Permission.SETTINGS_MANAGE]},
            }
            users = {name: make_user(session, name=name, **values) for name, values in people.items()}
        self.browsers = {name: login_as(user) for name, user in users.items()}

    def get(self, who: str, path: str, **options: Any) -> TestResponse:
        return self.browsers[who].get(path, **options)

    def post(self, who: str, path: str, data: dict[str, Any] | None = None) -> TestResponse:
        return self.browsers[who].post(path, data=data or {})

    def run(self) -> Run:
        with self.home.database.read() as session:
            return session.get_one(Run, self.run_id)

    def messages(self) -> list[Message]:
        with self.home.database.read() as session:
            return rows(session, session.get_one(Run, self.run_id))

    def change(self, statement: Any) -> None:
        with self.home.database.write() as session:
            session.execute(statement)

    def commit(self, **options: Any) -> None:
        with self.home.database.write() as session:
            commit_run(session, make_actor(), session.get_one(Run, self.run_id), **options)


@pytest.fixture
def office(sqlite_home: Installation, login_as: Login) -> Office:
    return Office(sqlite_home, login_as)


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden" and found.get("name"):
            self.values[str(found["name"])] = found.get("value") or ""


def hidden(answer: TestResponse) -> dict[str, str]:
    """The hidden fields of a page."""
    parser = _Fields()
    parser.feed(answer.text)
    return {name: value for name, value in parser.values.items() if name in ("seen", "key")}


def test_guests_are_sent_to_the_login(office: Office, client: FlaskClient) -> None:
    for path in PAGES:
        assert client.get(path).status_code == 303, path
    for step in STEPS:
        assert client.post(f"/outbox/{office.run_id}/{step}").status_code == 303, step
    assert office.run().state is RunState.REVIEW


@pytest.mark.parametrize(
    ("who", "answers"),
    [
        ("committer", (200, 200, 303, 303, 200, 200)),
        ("admin", (200, 200, 303, 303, 200, 200)),
        ("preparer", (200, 403, 303, 303, 200, 200)),
        ("of_quotes", (200, 404, 404, 404, 200, 200)),
        ("stranger", (200, 404, 404, 404, 200, 200)),
        ("settings", (403, 403, 403, 403, 403, 403)),
    ],
)
def test_each_person_opens_what_the_rights_say(office: Office, who: str, answers: tuple[int, ...]) -> None:
    assert tuple(office.get(who, path).status_code for path in PAGES) == answers


@pytest.mark.parametrize(
    ("who", "answer"), [("preparer", 403), ("of_quotes", 404), ("stranger", 404), ("settings", 403)]
)
def test_only_who_may_commit_steers_a_run(office: Office, who: str, answer: int) -> None:
    office.commit()
    for path in (*STEPS, "commit"):
        assert office.post(who, f"/outbox/{office.run_id}/{path}").status_code == answer, path
    assert office.run().state is RunState.COMMITTED


def test_a_right_for_another_type_does_not_commit(office: Office) -> None:
    with office.home.database.write() as session:
        session.get_one(Run, office.run_id).document_types = ["invoice", "quote"]
    assert office.get("of_quotes", "/outbox/1/commit").status_code == 404
    assert office.post("of_quotes", "/outbox/1/cancel").status_code == 404
    assert office.run().state is RunState.REVIEW


def test_the_list_shows_only_runs_of_my_types(office: Office) -> None:
    assert "Verdi" not in office.get("stranger", "/outbox").text
    assert f'data-row="{office.run_id}"' in office.get("committer", "/outbox").text
    assert f'data-row="{office.run_id}"' not in office.get("of_quotes", "/outbox").text


def test_the_list_filters_by_state_and_says_when_nothing_matches(office: Office) -> None:
    assert f'data-row="{office.run_id}"' in office.get("committer", "/outbox?state=review").text
    assert "No run is in this state" in office.get("committer", "/outbox?state=sending").text
    assert f'data-row="{office.run_id}"' in office.get("committer", "/outbox?state=nonsense").text


def test_the_list_pages_by_keyset_in_both_directions(office: Office) -> None:
    with office.home.database.write() as session:
        company = session.get_one(Company, office.company.id)
        for _ in range(120):
            session.add(
                Run(company_id=company.id, title="", state=RunState.REVIEW, document_types=["invoice"])
            )

    seen: list[int] = []
    path = "/outbox"
    while path:
        page = office.get("committer", path).text
        seen += [int(id_) for id_ in re.findall(r'data-row="(\d+)"', page)]
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 121
    newer = office.get("committer", f"/outbox?before={seen[100]}").text
    assert [int(i) for i in re.findall(r'data-row="(\d+)"', newer)] == seen[50:100]


def test_the_commit_page_says_what_leaves(office: Office) -> None:
    page = office.get("committer", "/outbox/1/commit")

    assert "Send 3 messages" in page.text
    assert office.sender in page.text
    assert (
        office.get("committer", "/outbox/1/commit", headers={"HX-Request": "true"})
        .text.lstrip()
        .startswith('<div id="commit"')
    )


def test_the_commit_page_counts_what_stays_behind(office: Office) -> None:
    first, second, _third = office.messages()
    office.change(update(Party).where(Party.id == first.party_id).values(is_blocked=True))
    office.change(
        update(Message)
        .where(Message.id == second.id)
        .values(state=MessageState.WITHHELD, withheld_reason="no")
    )

    page = office.get("committer", "/outbox/1/commit")

    assert "Send 1 message" in page.text
    assert "1 file, " in page.text
    assert "blocked meanwhile" in page.text
    answer = office.post("committer", "/outbox/1/commit", hidden(page) | {"start": "now"})
    assert answer.status_code == 303, "what the page said already is no reason to ask again"
    assert office.run().state is RunState.COMMITTED


def test_a_commit_can_be_undone_while_its_window_is_open(office: Office) -> None:
    page = office.get("committer", "/outbox/1/commit")
    answer = office.post("committer", "/outbox/1/commit", hidden(page) | {"start": "now"})

    assert answer.location == "/outbox/1/progress"
    progress = office.get("committer", "/outbox/1/progress").text
    assert re.search(r"Sending begins in (29|30) seconds", progress)
    assert 'data-poll-seconds="1"' in progress
    undone = office.post("committer", "/outbox/1/undo")
    assert undone.location == "/outbox/1"
    assert {m.state for m in office.messages()} == {MessageState.PENDING}
    late = office.post("committer", "/outbox/1/undo")
    assert late.status_code == 303
    assert office.run().state is RunState.REVIEW


def test_two_clicks_lead_to_the_same_progress(office: Office) -> None:
    fields = hidden(office.get("committer", "/outbox/1/commit")) | {"start": "now"}

    first, second = (office.post("committer", "/outbox/1/commit", fields) for _ in range(2))

    assert first.location == second.location == "/outbox/1/progress"


def test_a_changed_list_is_explained_and_asked_again(office: Office) -> None:
    """BX-3: what dropped out stays out, although the answer is an error."""
    fields = hidden(office.get("committer", "/outbox/1/commit")) | {"start": "now"}
    first = office.messages()[0]
    office.change(update(Party).where(Party.id == first.party_id).values(is_blocked=True))

    answer = office.post("committer", "/outbox/1/commit", fields)

    assert answer.status_code == 409
    assert "The list changed" in answer.text
    assert "3 messages were ready when the page was opened; now there are 2" in answer.text
    assert "Send 2 messages" in answer.text
    assert office.messages()[0].state is MessageState.WITHHELD
    assert office.post("committer", "/outbox/1/commit", hidden(answer) | {"start": "now"}).status_code == 303


def test_a_commit_without_what_was_seen_is_asked_again(office: Office) -> None:
    answer = office.post("committer", "/outbox/1/commit", {"start": "now", "key": "0123456789abcdef"})

    assert answer.status_code == 409
    assert office.run().state is RunState.REVIEW


def test_a_later_start_is_read_in_the_companys_zone(office: Office) -> None:
    office.change(update(Company).values(timezone="Europe/Rome"))
    fields = hidden(office.get("committer", "/outbox/1/commit"))
    year = datetime.now(UTC).year + 1

    past = office.post(
        "committer", "/outbox/1/commit", fields | {"start": "at", "start_at": "2020-01-01T08:30"}
    )
    missing = office.post("committer", "/outbox/1/commit", fields | {"start": "at", "start_at": ""})
    good = office.post(
        "committer", "/outbox/1/commit", fields | {"start": "at", "start_at": f"{year}-07-01T08:30"}
    )

    assert (past.status_code, missing.status_code, good.status_code) == (422, 422, 303)
    assert "This time has passed" in past.text
    assert office.run().starts_at == datetime(year, 7, 1, 6, 30, tzinfo=UTC)
    assert "Sending begins on" in office.get("committer", "/outbox/1/progress").text


def test_a_time_left_half_written_hinders_nobody_who_starts_now(office: Office) -> None:
    fields = hidden(office.get("committer", "/outbox/1/commit"))

    answer = office.post("committer", "/outbox/1/commit", fields | {"start": "now", "start_at": "2026-"})

    assert answer.status_code == 303


def test_a_second_person_approves(office: Office) -> None:
    office.change(update(Company).values(needs_second_person=True))
    page = office.get("committer", "/outbox/1/commit")
    assert "two people" in page.text
    asked = office.post("committer", "/outbox/1/commit", hidden(page) | {"start": "now"})
    assert asked.location == "/outbox/1/commit"

    own = office.get("committer", "/outbox/1/commit")
    assert "committer committed this list" in own.text
    assert '<form method="post" action="/outbox/1/commit"' not in own.text
    other = office.get("second", "/outbox/1/commit")
    assert "Approve and send 3 messages" in other.text
    refused = office.post("committer", "/outbox/1/commit", hidden(other) | {"start": "now"})
    assert (refused.status_code, "somebody else" in refused.text) == (409, True)
    done = office.post("second", "/outbox/1/commit", hidden(other) | {"start": "now"})
    assert done.location == "/outbox/1/progress"


def test_a_run_with_nothing_ready_cannot_be_sent(office: Office) -> None:
    office.change(update(Message).values(blockers=1))

    page = office.get("committer", "/outbox/1/commit")

    assert re.search(r'<button class="btn btn-primary btn-lg" disabled', page.text)
    answer = office.post("committer", "/outbox/1/commit", hidden(page) | {"start": "now"})
    assert (answer.status_code, "No message of this run is ready" in answer.text) == (409, True)


def test_limits_make_the_duration(office: Office) -> None:
    office.change(update(SenderAccount).values(per_hour=1))

    assert "at least 2" in office.get("committer", "/outbox/1/commit").text


def test_progress_pauses_resumes_and_cancels(office: Office) -> None:
    office.commit(skip_undo=True)
    assert 'id="pause-button"' in office.get("committer", "/outbox/1/progress").text
    assert 'id="pause-button"' not in office.get("preparer", "/outbox/1/progress").text

    office.post("committer", "/outbox/1/pause")
    assert office.run().state is RunState.PAUSED
    assert "Resume" in office.get("committer", "/outbox/1/progress").text
    office.post("committer", "/outbox/1/resume")
    assert office.run().state is RunState.SENDING
    office.post("committer", "/outbox/1/cancel")
    assert office.run().state is RunState.CANCELLED
    assert {m.state for m in office.messages()} == {MessageState.CANCELLED}
    page = office.browsers["committer"].post("/outbox/1/pause", follow_redirects=True)
    assert "no longer in the state" in page.text


def test_progress_shows_figures_links_events_and_stopped_accounts(office: Office) -> None:
    office.commit(skip_undo=True)
    sent, failed, _waiting = office.messages()
    office.change(update(Run).values(state=RunState.SENDING))
    office.change(update(Message).where(Message.id == sent.id).values(state=MessageState.SENT, sent_at=now()))
    office.change(update(Message).where(Message.id == failed.id).values(state=MessageState.FAILED))
    office.change(update(SenderAccount).values(stopped_at=now(), stopped_reason="535 5.7.8 wrong password"))

    page = office.get("committer", "/outbox/1/progress", headers={"HX-Request": "true"}).text

    assert page.lstrip().startswith('<div id="run-live"')
    assert "2 of 3" in page
    assert "535 5.7.8 wrong password" in page
    assert "Somebody who manages the settings" in page
    assert "/accounts/" in office.get("admin", "/outbox/1/progress").text, "who may can start it again"
    assert "Try the waiting ones now" not in page
    office.change(
        update(Message)
        .where(Message.id == failed.id)
        .values(state=MessageState.RETRYING, next_attempt_at=now())
    )
    assert "Try the waiting ones now" in office.get("committer", "/outbox/1/progress").text
    assert (
        "1 message is tried"
        in office.browsers["committer"].post("/outbox/1/hasten", follow_redirects=True).text
    )
    assert "/outbox/1?state=failed" in page
    assert "Rossi &amp; Figli S.p.A." in page, "the last events name the recipient"
    assert page.count("data-announce=") == 1


def test_a_finished_run_stops_asking(office: Office) -> None:
    office.commit(skip_undo=True)
    office.change(update(Message).values(state=MessageState.SENT, sent_at=now()))
    office.change(update(Run).values(state=RunState.FINISHED, finished_at=now()))

    page = office.get("committer", "/outbox/1/progress", headers={"HX-Request": "true"}).text

    assert "data-poll" not in page
    assert "100% done" in page


def test_rows_above_the_clearance_are_not_counted_in_the_pages(office: Office) -> None:
    """IT-17: only how many are left for a colleague is said, at the commit."""
    office.change(update(Message).where(Message.id == office.messages()[0].id).values(privacy_level=3))
    with office.home.database.write() as session:
        low = make_user(session, grants=outbox_grants(office.company.id), clearance=0)
    office.browsers["low"] = office.browsers["committer"].application.test_client()
    from crm_mail.users import sessions

    with office.home.database.write() as session:
        token = sessions.open_session(session, low.id, ip="127.0.0.1", user_agent="test")
    with office.browsers["low"].session_transaction() as cookie:
        cookie[sessions.COOKIE_KEY] = token

    page = office.get("low", "/outbox/1/commit")

    assert "Send 2 messages" in page.text
    assert "1 recipient is left for a colleague" in page.text
    assert "Rossi" not in page.text
    done = office.browsers["low"].post(
        "/outbox/1/commit", data=hidden(page) | {"start": "now"}, follow_redirects=True
    )
    assert "left for a colleague" in done.text


def test_a_scheduled_start_can_be_undone_until_it_comes(office: Office) -> None:
    office.commit(start_at=now() + timedelta(hours=2))

    assert 'id="undo-button"' in office.get("committer", "/outbox/1/progress").text
    office.post("committer", "/outbox/1/undo")
    assert office.run().state is RunState.REVIEW


def test_an_unknown_run_is_not_found(office: Office, app: Flask) -> None:
    for path in ("commit", "progress", "preparing"):
        assert office.get("committer", f"/outbox/999/{path}").status_code == 404
