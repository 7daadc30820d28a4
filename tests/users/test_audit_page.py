"""The audit as a page: complete for whoever may read it, hidden above the clearance, paged without losing a line."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from crm_mail import audit, audit_chain
from crm_mail.audit import AuditEvent
from crm_mail.installation import Installation
from crm_mail.permissions import ANY, Actor, Permission, PermissionDenied
from crm_mail.reports.audit_details import flatten
from crm_mail.reports.audit_page import AuditFilter, read_audit
from crm_mail.reports.audit_words import action_label
from tests.factories import make_actor, make_user

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = AuditFilter()


def labels(
    session: Session, wanted: AuditFilter = EVERYTHING, clearance: int = 3, **paging: object
) -> list[str]:
    page = read_audit(session, make_actor(clearance), wanted, ZoneInfo("Europe/Rome"), **paging)  # type: ignore[arg-type]
    return [event.object_label for event in page.events]


def record(session: Session, label: str, action: str = "outbox.run.committed", **values: object) -> None:
    user_id = values.pop("user_id", 1)
    actor = make_actor(user_id=user_id, **({"name": values.pop("name")} if "name" in values else {}))  # type: ignore[arg-type]
    audit.record(session, actor, action, label=label, **values)  # type: ignore[arg-type]
    session.flush()


def test_only_administrators_read_the_audit(session: Session) -> None:
    everything_else = Actor(
        1,
        "Anna",
        "",
        3,
        False,
        frozenset({(Permission.OUTBOX_COMMIT, ANY, None), (Permission.USERS_MANAGE, "", None)}),
    )
    with pytest.raises(PermissionDenied):
        read_audit(session, everything_else, EVERYTHING)


def test_lines_about_contacts_above_the_clearance_do_not_exist(session: Session) -> None:
    """PRIVACY: not in the list, not in a search, not in the paging."""
    for level in range(4):
        record(session, f"contact {level}", privacy_level=level)
    assert labels(session, clearance=3) == ["contact 3", "contact 2", "contact 1", "contact 0"]
    assert labels(session, clearance=1) == ["contact 1", "contact 0"]
    assert labels(session, AuditFilter(text="contact 3"), clearance=2) == []
    page = read_audit(session, make_actor(1), EVERYTHING, size=2)
    assert page.next_cursor is None


def test_filters_limit_by_person_action_day_and_text(session: Session) -> None:
    record(session, "A", "users.user.created", user_id=1)
    record(session, "B", "outbox.run.committed", user_id=2)
    record(session, "100% C", "outbox.run.committed", user_id=2)
    assert labels(session, AuditFilter(user_id=2)) == ["100% C", "B"]
    assert labels(session, AuditFilter(action="users.user.created")) == ["A"]
    assert labels(session, AuditFilter(text="0% c")) == ["100% C"]
    assert labels(session, AuditFilter(text="%")) == ["100% C"]
    assert labels(session, AuditFilter(text="ANNA TEST")) == ["100% C", "B", "A"]


def test_a_day_is_the_readers_day(session: Session) -> None:
    record(session, "late")
    session.execute(
        update(AuditEvent).values(at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    )  # 0:30 on the 21st in Rome
    first, second = date(2026, 11, 20), date(2026, 11, 21)
    assert labels(session, AuditFilter(starting_on=second)) == ["late"]
    assert labels(session, AuditFilter(ending_on=first)) == []
    assert labels(session, AuditFilter(starting_on=second, ending_on=second)) == ["late"]


def test_pages_lead_to_every_line_once_and_back(session: Session) -> None:
    for number in range(7):
        record(session, str(number))
    actor, seen, after = make_actor(), [], None
    while True:
        page = read_audit(session, actor, EVERYTHING, after=after, size=3)
        seen += [event.object_label for event in page.events]
        after = page.next_cursor
        if after is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    back = read_audit(session, actor, EVERYTHING, before=page.previous_cursor, size=3)
    assert [event.object_label for event in back.events] == ["3", "2", "1"]
    first = read_audit(session, actor, EVERYTHING, before=back.previous_cursor, size=3)
    assert [event.object_label for event in first.events] == ["6", "5", "4"]
    assert first.previous_cursor is None


def test_before_and_after_stand_beside_each_other() -> None:
    assert flatten({"before": {"name": "A"}, "after": {"name": "B"}, "ip": "::1"}) == [
        ("name", "A → B"),
        ("ip", "::1"),
    ]
    assert flatten({"before": [], "after": ["invoice:commit:*"]}) == [("", "– → invoice:commit:*")]
    assert flatten({"after": {"areas": []}}) == [("areas", "–")]
    assert flatten({}) == []
    deleted = {"name": "Ada", "notes": "", "roles": [], "addresses": ["a@x.example (unknown)"]}
    assert flatten({"before": deleted, "merged_id": 7, "moved": {}, "password": "hunter2"}) == [
        ("name", "Ada"),
        ("addresses", "a@x.example"),
    ]
    assert len(flatten({"text": "x" * 5000})[0][1]) == 200


def test_the_page_shows_what_happened_and_to_whom(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        admin = make_user(session, name="Anna", is_admin=True, clearance=1, language="en")
        audit.record(
            session, make_actor(user_id=admin.id), "users.user.created", label="<b>bruno@office.example</b>"
        )
        audit.record(
            session, make_actor(), "contacts.contact.created", label="secret person", privacy_level=2
        )
    browser = login_as(admin)
    page = browser.get("/audit", headers={"Accept-Language": "en"}).text
    assert "&lt;b&gt;bruno@office.example" in page
    assert "User added" in page
    assert "secret person" not in page
    assert "No event matches" in browser.get("/audit?q=nothing").text
    assert browser.get("/audit?user=x&from=never&after=y").status_code == 200


def test_every_audited_action_has_words(app: Flask) -> None:
    """The audit speaks the reader's language: whoever audits a new action names it in `reports/audit_words.py`."""
    rooms = {path.name for path in (ROOT / "crm_mail").iterdir() if path.is_dir()}
    code = re.compile(r'"([a-z]+\.[a-z_]+\.[a-z_]+)"')
    used = {
        action
        for path in (ROOT / "crm_mail").rglob("*.py")
        if path.name != "audit_words.py" and "audit" in path.read_text(encoding="utf-8")
        for action in code.findall(path.read_text(encoding="utf-8"))
        if action.split(".")[0] in rooms
    }
    assert len(used) > 10
    with app.test_request_context():
        assert sorted(action for action in used if action_label(action) == action) == []


def test_the_page_says_whether_the_audit_is_whole(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        admin = make_user(session, is_admin=True, clearance=3)
        record(session, "the object")
    browser = login_as(admin)
    assert "Never verified" in browser.get("/audit").text
    audit_chain.seal(sqlite_home)
    assert browser.post("/audit/verify").status_code == 303
    assert "The audit is whole" in browser.get("/audit").text
    with sqlite_home.database.write() as session:
        session.execute(update(AuditEvent).values(actor_name="Nobody"))
    browser.post("/audit/verify")
    assert "The audit was touched" in browser.get("/audit").text
