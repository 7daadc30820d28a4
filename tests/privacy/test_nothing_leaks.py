"""What lies outside a person's sight does not exist: every address is asked, and no answer holds a trace (IT-17).

The walk goes over the application's own map of addresses, so that a new page, export or answer of the programming
interface is walked as soon as it is there.
"""

import io
import logging
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable, Iterator
from email import policy
from email.parser import BytesParser

import pytest
import weasyprint
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from crm_mail.api.keys import KeyValues, issue_key
from crm_mail.api.scopes import SCOPES
from crm_mail.installation import Installation
from crm_mail.permissions import AREA_PERMISSIONS, TYPE_PERMISSIONS
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User
from tests.factories import make_user
from tests.privacy.secrets_office import (
    AGENT,
    COMPANY,
    ONE,
    OWN,
    THREE,
    TWO,
    ZONE,
    Office,
    Secret,
    make_office,
)

WORDS = {"name": "invoice", "language": "it", "type_name": "invoice", "document_type": "invoice", "code": "GRAL",
         "token": "nothing", "kind": "csv", "position": "0", "filename": "app.css"}  # fmt: skip
FIND = "vex"
"""What every secret word begins with."""
NOT_WALKED = ("static", "users.logout")
READERS: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "level 0": ({"clearance": 0}, (ONE, TWO, THREE, COMPANY)),
    "own agent": ({"clearance": 2, "agents": ["Bianchi"]}, (THREE, AGENT, ZONE, COMPANY)),
    "administrator of level 1": ({"clearance": 1, "is_admin": True}, (TWO, THREE)),
}
"""Who looks, and the words that nothing told to them may hold."""
POSTED = (
    ("/contacts/export", {"action": "csv", "all": "1"}),
    ("/contacts/export", {"action": "xlsx", "all": "1"}),
    ("/contacts/export", {"action": "vcf", "all": "1"}),
    ("/suppressions/export", {}),
    ("/privacy/contacts/{contact_id}/export", {}),
    ("/privacy/parties/{party_id}/export", {}),
    ("/dossiers/message/{message_id}", {}),
    ("/dossiers/document/{document_id}", {}),
    ("/dossiers/run/{run_id}", {}),
    ("/documents/texts/invoice/it/preview", {}),
)


def rules(app: Flask) -> list[Rule]:
    return sorted(
        (
            rule
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_WALKED
        ),
        key=lambda rule: rule.rule,
    )


def addresses(rule: Rule, secrets: list[Secret], user_id: int) -> Iterator[str]:
    """A rule with the ids of each secret in turn."""
    seen = set()
    for secret in secrets:
        for more in secret.more:
            values = {**WORDS, "user_id": user_id, **secret.ids, **more}
            path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda m, v=values: str(v.get(m[1], 1)), rule.rule)
            if path not in seen:
                seen.add(path)
                yield path


def texts(data: bytes, kind: str) -> Iterator[str]:
    """Everything readable in an answer: inside archives, workbooks and mails too."""
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name
                yield from texts(archive.read(name), name.rpartition(".")[2])
        return
    if "rfc822" in kind or kind == "eml":
        for part in BytesParser(policy=policy.default).parsebytes(data).walk():
            yield str(part.items())
            if not part.is_multipart():
                yield str(part.get_content())
    yield data.decode("utf-8", "replace")


class Reader:
    """A signed-in person, and the traces that were found in what they were told."""

    def __init__(self, browser: FlaskClient, token: str, forbidden: tuple[str, ...]) -> None:
        self.browser, self.token, self.forbidden = browser, token, forbidden
        self.traces: list[str] = []
        self.seen = 0
        self.answers = 0

    def ask(self, path: str, method: str = "GET", **options: object) -> None:
        headers = {"Authorization": f"Bearer {self.token}"} if path.startswith("/api/") else {}
        answer = self.browser.open(path, method=method, headers=headers, **options)
        self.answers += 1
        if answer.status_code >= 500:
            self.traces.append(f"{answer.status_code} of {method} {path}")
        told = [str(answer.headers), *texts(answer.data, answer.content_type or "")]
        for text in told:
            low = text.lower()
            self.seen += OWN in low
            self.traces += [
                f"{word} in {method} {path} ({answer.status_code})" for word in self.forbidden if word in low
            ]
        answer.close()


@pytest.fixture(autouse=True)
def pages_in_place_of_pdfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be drawn, as it is handed to the drawing: seconds are saved, and no word is hyphenated."""
    monkeypatch.setattr(
        weasyprint.HTML, "write_pdf", lambda self, *_args, **_values: ElementTree.tostring(self.etree_element)
    )


@pytest.fixture
def office(app: Flask) -> Office:
    home: Installation = app.extensions["crm_mail"]
    with home.database.write() as session:
        saver = make_user(session, name="Somebody else")
        made = make_office(session, home, saver.id)
        session.flush()
        session.expunge_all()
    return made


def reader(app: Flask, office: Office, login: Callable[..., FlaskClient], who: str) -> tuple[Reader, int]:
    """Somebody with every right in the company, of a limited sight."""
    home: Installation = app.extensions["crm_mail"]
    values, forbidden = READERS[who]
    company_id = office.secrets[OWN].ids["company_id"]
    grants = [(one, "*", company_id) for one in TYPE_PERMISSIONS]
    grants += [(one, "", company_id) for one in AREA_PERMISSIONS]
    with home.database.write() as session:
        user = make_user(session, name=who, grants=grants, **values)
        session.flush()
        user_id = user.id
        actor = build_actor(session, session.get_one(User, user_id))
        scopes = tuple(one.value for one in SCOPES if actor.can(one))
        _key, token = issue_key(session, actor, KeyValues(who, scopes, clearance=actor.clearance))
        session.expunge_all()
    return Reader(login(user), token, forbidden), user_id


@pytest.mark.parametrize("who", READERS)
def test_no_answer_holds_a_trace_of_what_lies_outside_a_persons_sight(
    app: Flask,
    office: Office,
    login_as: Callable[..., FlaskClient],
    who: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="crm_mail")
    one, user_id = reader(app, office, login_as, who)
    hidden = [office.secrets[word] for word in one.forbidden]
    for rule in rules(app):
        for path in addresses(rule, [office.secrets[OWN], *hidden], user_id):
            one.ask(path)
            if "<" not in rule.rule:
                one.ask(f"{path}?q={FIND}&text={FIND}&term={FIND}")
    known = [secret.ids | more for secret in (office.secrets[OWN], *hidden) for more in secret.more]
    for path, form in POSTED:
        for once in dict.fromkeys(path.format(**ids) for ids in known):
            one.ask(once, "POST", data=form)
    assert one.traces == [], "\n".join([str(len(one.traces)), *one.traces[:60]])
    assert one.answers > 300
    assert one.seen > 40, "what lies within is told"
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert not re.search(r"vex\w+@|@vex\w+\.example|palelily@", logged)
