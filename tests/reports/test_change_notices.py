"""Changed records are told to preset addresses (GA-6): once, in words, and never more than the owner may read."""

import email
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import policy
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from crm_mail import audit, audit_chain
from crm_mail.audit import AuditEvent
from crm_mail.audit_redactions import AuditRedaction
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.many_rows import insert_many
from crm_mail.permissions import INSTALLATION, Permission
from crm_mail.reports.changes import notices as change_notices
from crm_mail.reports.changes.kinds import ChangeKind, ChangeWay, classify
from crm_mail.reports.changes.models import ChangeNotice, ChangeRule
from crm_mail.reports.changes.rules import RuleRefused, RuleValues, save_rule
from crm_mail.sandbox.servers import SandboxInfo, SandboxServers
from crm_mail.users.actors import build_actor
from tests.factories import make_account, make_company, make_contact, make_party, make_user

DESK = "desk@office.example"
ALL = tuple(kind.value for kind in ChangeKind)
CHANGED = (ChangeWay.CHANGED.value, ChangeWay.DELETED.value)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    with SandboxServers(tmp_path_factory.mktemp("mail")) as info:
        yield info


class Office:
    """A company with one customer and a rule of an administrator with clearance 2, and a real mail server."""

    def __init__(self, home: Installation, servers: SandboxInfo, **values: Any) -> None:
        self.home, self.drop, self.moment = home, servers.ordinary.maildrop, now()
        for path in self.drop.paths():
            path.unlink()
        with home.database.write() as session:
            company = make_company(session, name="Officine Rossi", error_address="errors@office.example")
            account = make_account(session, company)
            server = servers.ordinary
            account.host, account.port = server.host, server.port
            account.security = server.security
            account.username = account.from_address = server.username
            account.secret, account.ca_file = home.encrypt(server.password), str(server.ca_file)
            self.owner = make_user(session, is_admin=True, clearance=2, name="Olga Owner")
            self.company, self.account = company, account
            self.party = make_party(session, company, name="Bianchi S.r.l.")
            rule = save_rule(
                session,
                build_actor(session, self.owner),
                company,
                None,
                RuleValues("Master data", **({"kinds": ALL, "ways": CHANGED, "addresses": (DESK,)} | values)),
            )
            self.rule_id = rule.id
        audit_chain.seal(home)
        change_notices.collect(home, self.moment)

    def record(self, action: str, subject: Any = None, **detail: Any) -> None:
        with self.home.database.write() as session:
            audit.record(session, INSTALLATION, action, company_id=self.company.id, subject=subject, **detail)

    def pass_time(self, minutes: int = 6) -> None:
        """The worker's sweeps of some minutes."""
        audit_chain.seal(self.home)
        change_notices.collect(self.home, self.moment)
        self.moment += timedelta(minutes=minutes)
        change_notices.collect(self.home, self.moment)
        change_notices.send(self.home, self.moment)

    def mails(self) -> list[tuple[str, str, str]]:
        """Recipient, subject, text of what arrived."""
        found = []
        for mail in self.drop.messages():
            message = email.message_from_bytes(self.drop.content(mail), policy=policy.default)
            body = message.get_body(("plain",))
            assert body is not None
            found.append((", ".join(mail.recipients), str(message["Subject"]), body.get_content()))
        return found

    def waiting(self) -> int:
        with self.home.database.read() as session:
            return session.scalar(select(func.count(ChangeNotice.id))) or 0


def test_a_change_is_told_with_what_was_before_and_after_in_the_language_of_the_rule(
    home: Installation, servers: SandboxInfo
) -> None:
    """Who, when, what, before and after; what was not asked for (a sign-in, an addition) is not told."""
    office = Office(home, servers, language="it", addresses=(DESK, "boss@office.example"))
    office.record(
        "contacts.party.updated",
        office.party,
        label="000001 Bianchi S.r.l.",
        before={"city": "Milano", "agent": ""},
        after={"city": "Torino", "agent": "A1"},
    )
    office.record("contacts.party.created", office.party, label="000002 Nuovi")
    office.record("users.login.succeeded")
    office.pass_time()
    mails = office.mails()
    assert sorted(to for to, _subject, _text in mails) == ["boss@office.example", DESK]
    _to, subject, text = mails[0]
    assert subject == "Officine Rossi: Master data (1)"
    assert "CRM Mail" in text
    assert "000001 Bianchi S.r.l." in text
    assert "Città: Milano → Torino" in text
    assert "– → A1" in text
    assert "Nuovi" not in text
    assert office.waiting() == 0
    office.pass_time()
    assert len(office.mails()) == 2, "nothing new, nothing told"


def test_two_workers_make_one_notice_and_mail_it_once(home: Installation, servers: SandboxInfo) -> None:
    office = Office(home, servers)
    office.record("documents.document.voided", label="invoice 7/A")
    audit_chain.seal(home)
    change_notices.collect(home, office.moment)
    later = office.moment + timedelta(minutes=6)

    def work(_worker: int) -> tuple[int, int]:
        return change_notices.collect(home, later), change_notices.send(home, later)

    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(work, range(4)))
    change_notices.send(home, later)
    assert sum(made for made, _sent in done) == 1
    assert len(office.mails()) == 1
    assert office.waiting() == 0


def test_a_burst_of_ten_thousand_changes_is_one_bounded_notice(
    home: Installation, servers: SandboxInfo
) -> None:
    office = Office(home, servers)
    with home.database.write() as session:
        line = {
            "at": now(),
            "actor_name": "Anna",
            "action": "contacts.party.updated",
            "company_id": office.company.id,
            "object_label": "000001 Bianchi",
            "detail": {"before": {"city": "Milano"}, "after": {"city": "Torino"}},
        }
        insert_many(session, AuditEvent, [line] * 10_000)
    office.pass_time()
    office.pass_time()
    ((_to, subject, text),) = office.mails()
    assert "(10000)" in subject
    assert "Party changed: 10000" in text
    assert text.count("Milano → Torino") == 200
    assert "9800 more" in text
    assert len(text) < 30_000


def test_a_confidential_contact_is_told_of_without_its_name(home: Installation, servers: SandboxInfo) -> None:
    """Level 1 is told by name, 2 without, 3 does not exist for the owner; raised since counts as raised."""
    office = Office(home, servers, clearance=1)
    with home.database.write() as session:
        raised = make_contact(session, office.party, name="Rita Raised", privacy_level=2)
    for level, name in ((1, "Ivo Internal"), (2, "Carla Reserved"), (3, "Zeno Secret")):
        office.record(
            "contacts.contact.deleted",
            label=name,
            privacy_level=level,
            before={"name": name, "addresses": [f"{name[:4]}@x.example"]},
        )
    office.record("contacts.contact.updated", raised, label="Rita Raised", before={"notes": "Rita"}, after={})
    office.pass_time()
    ((_to, subject, text),) = office.mails()
    assert "(3)" in subject
    assert "Ivo Internal" in text
    assert "Ivo @x.example" in text
    assert "A confidential contact was deleted" in text
    assert "A confidential contact was changed" in text
    for name in ("Carla", "Zeno", "Rita"):
        assert name not in text


def test_what_an_erasure_took_out_and_secrets_are_not_told(home: Installation, servers: SandboxInfo) -> None:
    """The erasure came between the change and the mail: the mail says what the audit says now."""
    office = Office(home, servers)
    office.record(
        "contacts.contact.updated", label="Mario Erased", before={"name": "M"}, after={"name": "Mario"}
    )
    office.record(
        "delivery.account.changed",
        label="Office",
        before={"has_secret": False, "password": "hunter2"},
        after={"has_secret": True, "options": {"client_secret": "hunter3", "host": "mail.example"}},
    )
    audit_chain.seal(home)
    change_notices.collect(home, office.moment)
    later = office.moment + timedelta(minutes=6)
    change_notices.collect(home, later)
    with home.database.write() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.object_label == "Mario Erased")).one()
        session.add(AuditRedaction(event_id=event.id, object_label="", detail={}))
    change_notices.send(home, later)
    ((_to, _subject, text),) = office.mails()
    assert "Contact changed" in text
    assert "Mario" not in text
    assert "mail.example" in text
    assert "hunter" not in text


def test_a_server_that_is_down_delays_a_notice_and_a_day_later_the_error_address_is_told(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    office = Office(sqlite_home, servers)
    with sqlite_home.database.write() as session:
        account = session.merge(office.account)
        right_port, account.port = account.port, 9
    office.record(
        "contacts.party.updated", office.party, label="Bianchi", before={"city": "A"}, after={"city": "B"}
    )
    office.pass_time()
    assert office.mails() == []
    assert office.waiting() == 1
    office.pass_time(25 * 60)
    assert office.waiting() == 0
    with sqlite_home.database.write() as session:
        rule = session.get_one(ChangeRule, office.rule_id)
        assert DESK in rule.problem
        assert session.scalar(
            select(AuditEvent.id).where(AuditEvent.action == "reports.change_notice.given_up")
        )
        session.merge(office.account).port = right_port
    office.record("contacts.party.blocked", office.party, label="Bianchi")
    office.pass_time()
    assert [to for to, _subject, _text in office.mails()] == [DESK]
    with sqlite_home.database.read() as session:
        assert session.get_one(ChangeRule, office.rule_id).problem == ""


def test_a_rule_tells_nothing_when_its_owner_may_no_longer_read_the_audit(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    office = Office(sqlite_home, servers)
    with sqlite_home.database.write() as session:
        session.merge(office.owner).is_admin = False
    office.record(
        "contacts.party.updated", office.party, label="Bianchi", before={"city": "A"}, after={"city": "B"}
    )
    office.pass_time()
    assert office.mails() == []
    assert office.waiting() == 0


def test_changes_of_another_company_and_of_rights_are_told_only_to_who_may_read_them(
    sqlite_home: Installation, servers: SandboxInfo
) -> None:
    """Rights belong to the whole installation: only an owner who reads the audit of every company is told."""
    office = Office(sqlite_home, servers)
    with sqlite_home.database.write() as session:
        other = make_company(session)
        rights = [(one, "", office.company.id) for one in (Permission.SETTINGS_MANAGE, Permission.AUDIT_SEE)]
        clerk = make_user(session, grants=rights)
        values = RuleValues("Mine", ALL, CHANGED, ("clerk@office.example",))
        save_rule(session, build_actor(session, clerk), office.company, None, values)
        with pytest.raises(RuleRefused):
            save_rule(
                session,
                build_actor(session, clerk),
                office.company,
                None,
                RuleValues("Above", ALL, CHANGED, (DESK,), clearance=1),
            )
    audit_chain.seal(sqlite_home)
    with sqlite_home.database.write() as session:
        audit.record(session, INSTALLATION, "users.grants.changed", label="eve@office.example")
        audit.record(session, INSTALLATION, "companies.company.changed", company_id=other.id, label="other")
    office.record(
        "contacts.party.updated", office.party, label="Bianchi", before={"city": "A"}, after={"city": "B"}
    )
    office.pass_time()
    texts = {to: text for to, _subject, text in office.mails()}
    assert "eve@office.example" in texts[DESK]
    assert "Bianchi" in texts["clerk@office.example"]
    assert "eve@" not in texts["clerk@office.example"]
    assert all("other" not in text for text in texts.values())


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("contacts.parties.changed", (ChangeKind.PARTIES, ChangeWay.CHANGED)),
        ("privacy.contact.erased", (ChangeKind.CONTACTS, ChangeWay.DELETED)),
        ("documents.document.voided", (ChangeKind.DOCUMENTS, ChangeWay.DELETED)),
        ("documents.layout.saved", (ChangeKind.TEXTS, ChangeWay.CHANGED)),
        ("delivery.account.added", (ChangeKind.ACCOUNTS, ChangeWay.ADDED)),
        ("users.grants.changed", (ChangeKind.RIGHTS, ChangeWay.CHANGED)),
        ("companies.policy.changed", (ChangeKind.SETTINGS, ChangeWay.CHANGED)),
        ("events.rule.removed", (ChangeKind.SETTINGS, ChangeWay.DELETED)),
        ("contacts.contact.read", None),
        ("users.login.failed", None),
        ("outbox.run.committed", None),
    ],
)
def test_each_action_is_told_as_what_it_is(action: str, told: tuple[ChangeKind, ChangeWay] | None) -> None:
    assert classify(action) == told


def test_the_page_adds_tries_switches_and_deletes_a_notice(
    sqlite_home: Installation, servers: SandboxInfo, login_as: Callable[..., FlaskClient], client: FlaskClient
) -> None:
    del client
    office = Office(sqlite_home, servers)
    browser = login_as(office.owner)
    base = f"/companies/{office.company.id}/change-notices"
    form = {"name": "Papers", "kinds": ["documents"], "ways": ["deleted"], "language": "es", "clearance": "2"}
    form |= {"every_minutes": "10", "is_on": "y"}
    assert browser.post(f"{base}/new", data=form | {"addresses": "nobody"}).status_code == 422
    answer = browser.post(f"{base}/new", data=form | {"addresses": "a@office.example\nb@office.example"})
    assert answer.status_code == 303, answer.text
    with sqlite_home.database.read() as session:
        rule = session.scalars(select(ChangeRule).where(ChangeRule.name == "Papers")).one()
    assert rule.addresses == ["a@office.example", "b@office.example"]
    assert rule.clearance == 2
    assert "Papers" in browser.get(base).text
    assert browser.get(f"{base}/{rule.id}").status_code == 200
    browser.post(f"{base}/{rule.id}/try")
    assert sorted(to for to, _subject, _text in office.mails()) == rule.addresses
    browser.post(f"{base}/{rule.id}/switch", data={"is_on": "0"})
    browser.post(f"{base}/{rule.id}/delete")
    with sqlite_home.database.read() as session:
        assert session.get(ChangeRule, rule.id) is None
        actions = session.scalars(select(AuditEvent.action).where(AuditEvent.object_label == "Papers")).all()
    assert [one.rpartition(".")[2] for one in actions] == ["added", "tried", "changed", "deleted"]
    assert browser.get(f"{base}/{rule.id}").status_code == 404
