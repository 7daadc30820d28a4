"""Reading confidential contacts leaves a line in the audit, through whichever door (issue 5)."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm_mail.api.keys import KeyValues, issue_key
from crm_mail.api.scopes import SCOPES
from crm_mail.audit import AuditEvent
from crm_mail.contacts.confidential import READ, READ_MANY, Way, note_many_read
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.users.actors import build_actor
from tests.api.conftest import Api
from tests.factories import make_actor, make_company, make_contact, make_party, make_user
from tests.privacy.people import make_person


def lines(session: Session) -> list[tuple[str, dict[str, Any]]]:
    """What the audit tells of readings."""
    query = select(AuditEvent).where(AuditEvent.action.in_([READ, READ_MANY])).order_by(AuditEvent.id)
    return [(line.action, line.detail) for line in session.scalars(query)]


def test_many_read_at_once_are_one_line_also_from_a_session_that_only_reads(home: Installation) -> None:
    with home.database.write() as session:
        party = make_party(session, make_company(session))
        secret = [make_contact(session, party, privacy_level=3).id for _ in range(2)]
        usual = make_contact(session, party, privacy_level=2).id
    boss = make_actor()
    for _ in range(2):  # drawn twice: the same reading
        with home.database.read() as session:
            assert note_many_read(session, boss, [*secret, usual, None], Way.LIST) == 2
            assert note_many_read(session, make_actor(clearance=2), secret, Way.LIST) == 0
    hashed = hashlib.sha256(",".join(map(str, secret)).encode()).hexdigest()
    told = {"how": "list", "count": 2, "sha256": hashed, "contact_ids": secret}
    with home.database.read() as session:
        assert lines(session) == [(READ_MANY, told)]


DOORS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "card": ("GET", "/contacts/{party}", {}, READ),
    "contact": ("GET", "/contacts/people/{contact}", {}, READ),
    "timeline": ("GET", "/contacts/{party}/timeline", {}, READ),
    "consents": ("GET", "/contacts/people/{contact}/consents", {}, READ),
    "duplicates": ("GET", "/contacts/duplicates?kind=name", {}, READ_MANY),
    "spreadsheet": ("POST", "/contacts/export", {"action": "csv", "scope": "all"}, READ_MANY),
    "vcards": ("POST", "/contacts/export", {"action": "vcf", "scope": "all"}, READ_MANY),
    "consents of all": ("POST", "/contacts/consents/csv", {}, READ_MANY),
    "privacy": ("GET", "/privacy/contacts/{contact}", {}, READ),
    "subject access": ("POST", "/privacy/contacts/{contact}/export", {}, READ_MANY),
    "message": ("GET", "/outbox/{run}/messages/{message}", {}, READ),
    "message's source": ("GET", "/outbox/{run}/messages/{message}/source", {}, READ),
    "dossier": ("POST", "/dossiers/message/{message}", {}, READ_MANY),
    "report": ("GET", "/outbox/{run}/report/download?format=csv", {}, READ_MANY),
    "interface": ("GET", "/api/v1/contacts/{contact}", {}, READ),
    "interface's list": ("GET", "/api/v1/contacts?company={company}", {}, READ_MANY),
    "interface's message": ("GET", "/api/v1/messages/{message}", {}, READ),
}


@contextmanager
def _nothing_told_yet(home: Installation) -> Iterator[None]:
    with home.database.write() as session:
        session.execute(delete(AuditEvent))
    yield


def test_every_door_tells(
    app: Flask, login_as: Callable[..., FlaskClient], sqlite_home: Installation
) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        person.contact.privacy_level = 3
        make_contact(session, person.contact.party, name=person.contact.name)
        session.add(
            ConsentState(
                company_id=person.company.id,
                contact_id=person.contact.id,
                purpose="commercial",
                channel="email",
                decision="given",
                at=now(),
            )
        )
        reader = make_user(session, is_admin=True, clearance=3)
        scopes = tuple(one.value for one in SCOPES)
        _key, token = issue_key(session, build_actor(session, reader), KeyValues("ERP", scopes, clearance=3))
    ids = {
        "party": person.contact.party_id,
        "contact": person.contact.id,
        "run": person.invoice.run_id,
        "message": person.invoice.id,
        "company": person.company.code,
    }
    browser, program = login_as(reader), Api(app.test_client(), token)
    silent = []
    for door, (method, path, form, action) in DOORS.items():
        address = path.format(**ids)
        with _nothing_told_yet(sqlite_home):
            if address.startswith("/api/v1"):
                answer = program(method, address.removeprefix("/api/v1"))
            else:
                answer = browser.open(address, method=method, data=form, buffered=True)
            assert answer.status_code == 200, (door, answer.status_code)
            answer.get_data()
        with sqlite_home.database.read() as session:
            if action not in [told for told, _detail in lines(session)]:
                silent.append((door, lines(session)))
    assert not silent
