"""One button (PD-7, PD-8): a document's page leads to a run of one, which is shown, confirmed once and followed."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.documents.models import Document
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.one_button.few_documents import Obstacle, find_obstacle
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
from tests.outbox.test_runs_pages import hidden

Login = Callable[..., FlaskClient]


class Desk:
    """A company with one invoice for two contacts, and people of different rights."""

    def __init__(self, home: Installation, login_as: Login) -> None:
        self.home = home
        home.store.has = lambda _sha256: True  # type: ignore[method-assign]
        with home.database.write() as session:
            company = make_company(session, undo_seconds=30)
            make_account(session, company)
            party = make_party(session, company, name="Rossi & Figli S.p.A.")
            for name, kind in (("Paola", ""), ("Ugo", ":cc")):
                address = ((f"{name.lower()}@rossi.example", "ordinary"),)
                make_contact(session, party, address, (f"invoice{kind}",), name=name)
            make_contact(session, party, name="Nessuno")
            self.document_id, self.company_id = make_document(session, party).id, company.id
            prepare, review = Permission.OUTBOX_PREPARE, Permission.OUTBOX_REVIEW
            people: dict[str, dict[str, Any]] = {
                "carla": {"grants": outbox_grants(company.id), "clearance": 3},
                "second": {"grants": outbox_grants(company.id), "clearance": 3},
                "preparer": {"grants": [(one, "invoice", company.id) for one in (prepare, review)]},
                "of_quotes": {"grants": outbox_grants(company.id, "quote")},
            }
            users = {name: make_user(session, name=name, **values) for name, values in people.items()}
        self.browsers = {name: login_as(user) for name, user in users.items()}

    def press(self, who: str = "carla") -> str:
        """The address that the button leads to."""
        answer = self.browsers[who].post("/outbox/send", data={"ids": self.document_id})
        assert answer.status_code == 303
        return answer.location

    def confirm(self, page: str, who: str = "carla", **fields: str) -> Any:
        browser = self.browsers[who]
        return browser.post(page, data=hidden(browser.get(page)) | fields)

    def change(self, statement: Any) -> None:
        with self.home.database.write() as session:
            session.execute(statement)

    def runs(self) -> list[Run]:
        with self.home.database.read() as session:
            return list(session.scalars(select(Run).order_by(Run.id)))


@pytest.fixture
def desk(sqlite_home: Installation, login_as: Login) -> Desk:
    return Desk(sqlite_home, login_as)


def test_one_press_shows_who_gets_what_and_one_confirmation_lets_it_go(desk: Desk) -> None:
    browser, path = desk.browsers["carla"], f"/documents/{desk.document_id}"
    assert "Send by e-mail" in browser.get(path).text
    page = desk.press()
    text = browser.get(page).text
    for one in ("paola@rossi.example", "ugo@rossi.example", "Ordinary mail", ".pdf", "Send 1 message"):
        assert one in text
    assert "Nessuno" in text
    assert "does not receive this document type" in text
    assert desk.confirm(page).location == page
    assert desk.runs()[0].state is RunState.COMMITTED
    assert "Sending begins in" in browser.get(page).text
    assert "data-poll" in browser.get(f"{path}/history").text
    undone = browser.post(page.replace("/send", "/undo"), data={"back": "send"})
    assert undone.location == page
    assert "Send 1 message" in browser.get(page).text


def test_what_somebody_has_already_is_sent_again_only_when_that_is_ticked(desk: Desk) -> None:
    desk.confirm(desk.press())
    desk.change(update(Message).values(state=MessageState.SENT, sent_at=now()))
    page = desk.press()
    assert "This recipient was sent" in desk.browsers["carla"].get(page).text
    assert desk.confirm(page).status_code == 422
    assert desk.confirm(page, again="y").status_code == 303
    assert desk.runs()[1].state is RunState.COMMITTED


def test_the_page_says_to_whom_it_went_and_what_failed_with_the_remedy(desk: Desk) -> None:
    page = desk.press()
    desk.confirm(page)
    failed = {"state": MessageState.FAILED, "last_cause": "recipient", "last_detail": "550 5.1.1 unknown"}
    desk.change(update(Message).values(**failed, last_code=550))
    desk.change(update(Run).values(state=RunState.FINISHED))
    text = desk.browsers["carla"].get(page).text
    for one in ("Not delivered to paola@rossi.example", "550 5.1.1 unknown", "Try failures again"):
        assert one in text
    desk.change(update(Message).values(state=MessageState.SENT, sent_at=now()))
    text = desk.browsers["carla"].get(page).text
    assert "It went to paola@rossi.example, ugo@rossi.example." in text
    assert "data-poll" not in text


def test_a_second_press_replaces_an_untouched_draft_and_keeps_one_that_was_corrected(desk: Desk) -> None:
    first, second = desk.press(), desk.press()
    assert first != second
    assert [run.state for run in desk.runs()] == [RunState.CANCELLED, RunState.REVIEW]
    assert "In another run" not in desk.browsers["carla"].get(second).text
    desk.change(update(Message).where(Message.state == MessageState.PENDING).values(is_edited=True))
    assert desk.press() == second
    thrown = desk.browsers["carla"].post(f"{second}/discard")
    assert thrown.location == f"/documents/{desk.document_id}"
    assert "Nothing was sent yet" in desk.browsers["carla"].get(thrown.location).text


def test_a_correction_made_from_the_page_leads_back_to_it(desk: Desk) -> None:
    page = desk.press()
    with desk.home.database.read() as session:
        message = session.scalars(select(Message)).one()
    browser, edit = desk.browsers["carla"], page.replace("/send", f"/messages/{message.id}/edit?back=send")
    fields = {
        "to_address": "altro@rossi.example",
        "to_kind": "ordinary",
        "subject": "Nuovo",
        "body_text": "Ciao",
    }
    seen = browser.get(edit).text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    answer = browser.post(edit, data=fields | {"account_id": message.account_id, "seen": seen})
    assert answer.location == page
    assert "altro@rossi.example" in browser.get(page).text


def test_without_the_right_to_commit_the_run_waits_and_the_page_says_who_may_send_it(desk: Desk) -> None:
    page = desk.press("preparer")
    text = desk.browsers["preparer"].get(page).text
    assert "It waits in the outbox for review" in text
    assert "carla, second" in text
    assert 'id="confirm"' not in text
    assert desk.browsers["preparer"].post(page).status_code == 403
    assert desk.browsers["of_quotes"].get(page).status_code == 404
    refused = desk.browsers["of_quotes"].post("/outbox/send", data={"ids": desk.document_id})
    assert refused.status_code == 303
    assert len(desk.runs()) == 1


def test_the_confirmation_does_not_pass_over_the_second_person(desk: Desk) -> None:
    desk.change(update(Company).where(Company.id == desk.company_id).values(needs_second_person=True))
    page = desk.press()
    desk.confirm(page)
    assert desk.runs()[0].state is RunState.APPROVAL
    assert 'id="confirm"' not in desk.browsers["carla"].get(page).text
    desk.confirm(page, "second")
    assert desk.runs()[0].state is RunState.COMMITTED


@pytest.mark.parametrize(
    ("column", "value", "obstacle", "words"),
    [
        (Document.voided_at, now(), Obstacle.VOIDED, "it is voided"),
        (Document.is_current, False, Obstacle.REPLACED, "newer version"),
        (Document.is_mailable, False, Obstacle.NOT_MAILABLE, "a person marked it"),
        (Party.is_blocked, True, Obstacle.PARTY_BLOCKED, "is blocked"),
    ],
)
def test_a_document_that_cannot_be_mailed_says_why_instead_of_the_button(
    desk: Desk, column: Any, value: Any, obstacle: Obstacle, words: str
) -> None:
    desk.change(update(column.class_).values({column: value}))
    with desk.home.database.read() as session:
        document = session.get_one(Document, desk.document_id)
        assert find_obstacle(session, make_actor(), document) is obstacle
    text = desk.browsers["carla"].get(f"/documents/{desk.document_id}").text
    assert 'action="/outbox/send"' not in text
    assert words in text.split("It is not sent by e-mail:")[1][:200]
    desk.browsers["carla"].post("/outbox/send", data={"ids": desk.document_id})
    assert not desk.runs()
