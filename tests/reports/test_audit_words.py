"""The audit in words: every action, every field and every time that the product writes, in the reader's language."""

import ast
import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.policies import PolicyView
from crm_mail.companies.service import CompanyDetails
from crm_mail.contacts.values import PartyValues
from crm_mail.delivery.service import AccountDetails
from crm_mail.documents.packagings import PackagingValues
from crm_mail.documents.pdf_theme import Theme
from crm_mail.importers.folders.settings import FolderChoices
from crm_mail.installation import Installation
from crm_mail.privacy.retention_rules import Kind
from crm_mail.receivables.settings import Rules
from crm_mail.reports import audit_values
from crm_mail.reports.audit_details import codes, fields_without_words, flatten
from crm_mail.reports.audit_fields import field_label
from crm_mail.reports.audit_page import AuditFilter, export_events
from crm_mail.reports.audit_words import action_label
from crm_mail.reports.changes.rules import RuleValues
from crm_mail.reports.languages import words_in
from crm_mail.reports.saved.service import ReportValues
from crm_mail.send_orders.settings import OrderChoices
from tests.factories import make_actor, make_user

ROOT = Path(__file__).resolve().parents[2] / "crm_mail"
SHAPES = (
    *(AccountDetails, CompanyDetails, FolderChoices, OrderChoices, PackagingValues, PartyValues, PolicyView),
    *(ReportValues, Rules, RuleValues, Theme),
)
"""What is written down field by field, before and after."""

OF_RECORD = {"session", "actor", "action", "company_id", "subject", "label", "privacy_level"}
CERTIFICATE_FILE = {"allows_unencrypted", "ca_pem"}
"""Fields of an account that are not written down: see `delivery.service`."""


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Each call of `audit.record`, and of a function that hands its arguments on to it."""
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        wrappers = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and any(_is_record(call) and _hands_on(call) for call in ast.walk(node))
        }
        yield from ((str(path), call) for call in calls if _is_record(call) or _name(call) in wrappers)


def _is_record(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record"


def _hands_on(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(one.arg is None for one in node.keywords)


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _written_fields() -> set[str]:
    found: set[str] = set()
    for _path, call in _calls():
        for one in call.keywords:
            found |= {one.arg} - OF_RECORD - {"before", "after"} if one.arg else set()
            if one.arg in ("before", "after") and isinstance(one.value, ast.Dict):
                found |= {key.value for key in one.value.keys if isinstance(key, ast.Constant)}  # type: ignore[misc]
    return found


def test_every_field_that_the_code_writes_has_words(app: Flask) -> None:
    written = _written_fields()
    assert {"messages", "starts_at", "is_blocked"} <= written
    kept = {field.name for shape in SHAPES for field in dataclasses.fields(shape)}
    with app.test_request_context():
        unnamed = fields_without_words(dict.fromkeys((written | kept | set(Kind)) - CERTIFICATE_FILE))
    assert unnamed == []


def test_every_step_of_a_run_that_the_code_writes_has_words(app: Flask) -> None:
    """Actions that are put together: `_note(…, "hastened")` writes ``outbox.run.hastened``."""
    calls = [
        call for path, call in _calls() if path.endswith("sending/control.py") and _name(call) == "_note"
    ]
    steps = {f"outbox.run.{ast.literal_eval(call.args[3])}" for call in calls}
    assert "outbox.run.paused" in steps
    with app.test_request_context():
        assert sorted(step for step in steps if action_label(step) == step) == []


def test_times_and_codes_are_told_on_the_readers_clock_and_in_words() -> None:
    detail = {"starts_at": "2026-11-23T00:08:56.762336+00:00", "dropped": {"suppressed_meanwhile": 2}}
    with words_in("it", ZoneInfo("Europe/Rome")):
        told = dict(flatten(detail))
        changed = flatten({"before": {"email_kind": "unknown"}, "after": {"email_kind": "pec"}})
        born = flatten({"after": {"expires_on": "2026-12-31"}})
    assert told["starts_at"] == "23/11/2026 01:08"
    assert told["dropped"].endswith("(2)")
    assert "suppressed" not in told["dropped"]
    assert changed[0][1].endswith("→ PEC")
    assert "unknown" not in changed[0][1]
    assert born == [("expires_on", "31/12/2026")]


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "0000-00-00", "٢٠٢٦-٠١-٠١", "2026-13-01T00:00:00Z", "9999-12-31T23:59:00Z"],
)
def test_a_text_that_only_looks_like_a_time_is_told_as_it_is(text: str) -> None:
    with words_in("it", ZoneInfo("Asia/Tokyo")):
        assert flatten({"before": {"name": "Rossi"}, "after": {"name": text}}) == [
            ("name", f"Rossi → {text}"),
        ]


def test_every_code_that_has_words_is_looked_up() -> None:
    with words_in("it"):
        tables = {**audit_values._by_field(), "kind": audit_values._words_of("kind")}
        for name, words in tables.items():
            assert {code: audit_values.value_label(name, code) for code in words} == words


def test_a_name_of_many_parts_is_told() -> None:
    with words_in("it"):
        assert field_label("." * 2000)


@pytest.mark.parametrize("language", ["it", "es", "en"])
def test_why_an_address_is_not_written_to_and_what_said_so_are_two_things(language: str) -> None:
    with words_in(language):
        labels = [
            field_label(name) for name, _value in flatten({"reason": "user_unknown", "word": "message 6"})
        ]
        values = [value for _name, value in flatten({"reason": "user_unknown", "word": "message 6"})]
    assert len(set(labels)) == 2
    assert "user_unknown" not in values


def test_a_part_of_a_setting_is_told_with_the_name_of_its_type(app: Flask) -> None:
    with app.test_request_context():
        assert field_label("columns.invoice") == "Columns: Invoice"
        assert field_label("messages:invoice") == "Messages: Invoice"
        assert field_label("nobody_named_it") == "nobody_named_it"
        assert fields_without_words({"nobody_named_it": 1, "after": {"nor_this": 2}}) == [
            "nobody_named_it",
            "nor_this",
        ]


def test_a_file_for_other_programs_keeps_the_codes(session: Session) -> None:
    detail: dict[str, Any] = {
        "starts_at": "2026-11-23T00:08:00+00:00",
        "before": None,
        "after": {"email_kind": "pec"},
    }
    audit.record(session, make_actor(), "outbox.run.committed", label="run 1", **detail)
    session.flush()
    [[_at, _who, words, code, _object, kept]] = export_events(session, make_actor(), AuditFilter())
    assert (words, code) == ("Run committed", "outbox.run.committed")
    assert json.loads(str(kept)) == detail
    assert codes({"password": "x", "after": {"api_key": "y"}}) == '{"after": {}}'


def test_the_page_is_in_words_and_keeps_the_codes_for_the_auditor(
    sqlite_home: Installation, login_as: Callable[..., FlaskClient]
) -> None:
    with sqlite_home.database.write() as session:
        admin = make_user(session, is_admin=True, clearance=3, language="it", timezone="Europe/Rome")
        moment = datetime(2026, 11, 23, 0, 8, tzinfo=UTC).isoformat()
        audit.record(session, make_actor(), "outbox.run.committed", label="run 1", starts_at=moment)
        audit.record(
            session,
            make_actor(),
            "contacts.party.updated",
            before={"is_customer": True},
            after={"is_customer": False},
        )
    page = login_as(admin).get("/audit").text
    assert "23/11/2026 01:08" in page
    assert moment not in page
    assert 'title="outbox.run.committed"' in page
    assert 'title="is_customer"' in page
    for code in (">outbox.run.committed<", ">is_customer<"):
        assert code not in page
