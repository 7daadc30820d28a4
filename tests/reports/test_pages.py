"""Who may open and do what on the dashboard and the report, what they show, and what they never show."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.models import ContactState
from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import ANY, Permission
from crm_mail.reports.chart import FLOOR, draw_bars
from crm_mail.reports.dashboard import Day
from crm_mail.users.models import User
from tests.factories import make_company, make_contact, make_party, make_user, outbox_grants
from tests.reports.finished_run import FinishedRun, make_message, make_run

LoginAs = Callable[[User], FlaskClient]
SECRET = "segreto@customer.example"


class Office:
    """A finished run, and one of each kind of person with their browser."""

    def __init__(self, home: Installation, login_as: LoginAs, app: Flask) -> None:
        self.home = home
        with home.database.write() as session:
            made = FinishedRun(session, code="AA01")
            made.run.committed_at = made.run.starts_at = made.run.finished_at = now()
            for message in session.scalars(select(Message)):
                message.message_id = f"<{message.id}@office.example>"
            company = made.company
            export = Permission.DOCUMENTS_EXPORT
            reviewer = [(Permission.OUTBOX_REVIEW, ANY, company.id), (export, ANY, company.id)]
            other = [(Permission.OUTBOX_COMMIT, "invoice", company.id)]
            other += [(export, "invoice", company.id)]
            elsewhere = make_company(session)
            people = {
                "admin": make_user(session, language="en", is_admin=True, clearance=3),
                "committer": make_user(
                    session, language="en", grants=list(outbox_grants(company.id)), clearance=2
                ),
                "reviewer": make_user(session, language="en", grants=reviewer),
                "other_type": make_user(session, language="en", grants=other),
                "elsewhere": make_user(session, language="en", grants=list(outbox_grants(elsewhere.id))),
                "settings": make_user(session, language="en", areas=[Permission.SETTINGS_MANAGE]),
            }
            self.run_id, self.company_id = made.run.id, company.id
            self.uncertain_id, self.sent_id, self.secret_id = made.uncertain.id, made.sent.id, made.secret.id
        self.browsers = {name: login_as(user) for name, user in people.items()}
        self.browsers["guest"] = app.test_client()
        self.path = f"/outbox/{self.run_id}/report"

    def get(self, who: str, path: str = "") -> str:
        answer = self.browsers[who].get(self.path + path)
        assert answer.status_code == 200, answer.status_code
        return answer.get_data(as_text=True)

    def states(self) -> dict[MessageState, int]:
        with self.home.database.read() as session:
            found: dict[MessageState, int] = {}
            for state in session.scalars(select(Message.state).where(Message.run_id == self.run_id)):
                found[state] = found.get(state, 0) + 1
            return found


@pytest.fixture
def office(sqlite_home: Installation, login_as: LoginAs, app: Flask) -> Office:
    return Office(sqlite_home, login_as, app)


READ = ("", "/messages", "/agents", "/download?format=txt", "/download?format=csv", "/download?format=xlsx")


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("guest", 302),
        ("admin", 200),
        ("committer", 200),
        ("reviewer", 200),
        ("other_type", 404),
        ("elsewhere", 404),
        ("settings", 403),
    ],
)
def test_a_report_exists_only_for_who_holds_a_right_in_its_company_and_types(
    office: Office, path: str, who: str, status: int
) -> None:
    answer = office.browsers[who].get(office.path + path)
    assert answer.status_code in ((302, 303) if status == 302 else (status,))


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("guest", 302),
        ("committer", 303),
        ("reviewer", 403),
        ("other_type", 404),
        ("elsewhere", 404),
        ("settings", 403),
    ],
)
def test_only_who_may_commit_tries_failures_again_and_settles_the_uncertain(
    office: Office, who: str, status: int
) -> None:
    before = office.states()
    for path, data in (("/retry", {}), (f"/messages/{office.uncertain_id}/resolve", {"resolution": "sent"})):
        answer = office.browsers[who].post(office.path + path, data=data)
        assert answer.status_code == status or (status == 302 and answer.status_code == 303)
    assert (office.states() == before) == (who != "committer")


@pytest.mark.parametrize("path", ["", "/messages", "/download?format=txt", "/download?format=csv"])
def test_no_page_and_no_file_shows_what_is_above_the_clearance(office: Office, path: str) -> None:
    """IT-17."""
    answer = office.browsers["committer"].get(office.path + path).get_data(as_text=True)
    assert SECRET not in answer
    assert "Direttore Segreto" not in answer
    admin = office.browsers["admin"].get(office.path + path).get_data(as_text=True)
    assert (SECRET in admin) == (path != "")


def test_a_message_above_the_clearance_cannot_be_settled(office: Office) -> None:
    with office.home.database.write() as session:
        session.get_one(Message, office.uncertain_id).privacy_level = 3
    path = f"{office.path}/messages/{office.uncertain_id}/resolve"
    assert office.browsers["committer"].post(path, data={"resolution": "sent"}).status_code == 404


def test_the_report_says_cause_remedy_and_answer_and_offers_to_try_again(office: Office) -> None:
    """IT-7."""
    page = office.get("committer")
    assert "Mailbox does not exist" in page
    assert "Correct the address on the contact&#39;s card, then prepare again." in page
    assert "550 5.1.1 &lt;…&gt;: Recipient address rejected: User unknown" in page
    assert "Retry all failures (3)" in page
    assert "Retry these" in page
    assert "Retry these" not in office.get("reviewer")


def test_all_failures_are_tried_again_and_nothing_that_was_sent(office: Office) -> None:
    """IT-7: no double sends."""
    answer = office.browsers["committer"].post(office.path + "/retry", follow_redirects=True)
    assert "3 messages will be sent again." in answer.get_data(as_text=True)
    states = office.states()
    assert states[MessageState.COMMITTED] == 3
    assert states[MessageState.SENT] == 2
    assert MessageState.FAILED not in states


def test_one_group_is_tried_again_and_the_others_stay(office: Office) -> None:
    office.browsers["committer"].post(office.path + "/retry", data={"group": "recipient~550~5.1.1"})
    assert office.states()[MessageState.COMMITTED] == 2
    assert office.states()[MessageState.FAILED] == 1


@pytest.mark.parametrize(
    ("resolution", "state"), [("sent", MessageState.SENT), ("send_again", MessageState.COMMITTED)]
)
def test_a_person_settles_an_uncertain_message(office: Office, resolution: str, state: MessageState) -> None:
    path = f"{office.path}/messages/{office.uncertain_id}/resolve"
    browser = office.browsers["committer"]
    assert browser.post(path, data={"resolution": resolution}).status_code == 303
    with office.home.database.read() as session:
        assert session.get_one(Message, office.uncertain_id).state is state
    assert browser.post(path, data={"resolution": resolution}).status_code == 409
    assert browser.post(path, data={"resolution": "burn"}).status_code == 404


def test_the_dialog_to_settle_opens_without_javascript(office: Office) -> None:
    page = office.get("committer", f"?resolve={office.uncertain_id}")
    assert f'<dialog id="resolve-{office.uncertain_id}" class="dialog " aria-labelledby' in page
    assert "the recipient has it twice" in page


def test_the_list_narrows_to_a_state_and_to_a_group(office: Office) -> None:
    """RP-11."""
    page = office.get("committer", "/messages?state=failed+bounced")
    assert "uno@customer.example" in page
    assert "Connection refused" in page
    page = office.get("committer", "/messages?group=recipient~550~5.1.1")
    assert "uno@customer.example" in page
    assert "Connection refused" not in page
    assert "No messages match" in office.get("committer", "/messages?state=bounced")


def test_the_list_pages_forward_and_back_without_losing_a_row(office: Office) -> None:
    with office.home.database.write() as session:
        made = session.get_one(Message, office.sent_id)
        party, run = made.party_id, session.get_one(Run, office.run_id)
        for number in range(120):
            add_plain(session, run, party, number)
    page = office.get("committer", "/messages")
    seen = numbers_in(page)
    while (url := link_of(page, "next")) is not None:
        page = office.browsers["committer"].get(url).get_data(as_text=True)
        seen += numbers_in(page)
    assert seen == list(range(120))
    back = link_of(page, "prev")
    assert back is not None
    assert numbers_in(office.browsers["committer"].get(back).get_data(as_text=True))[-1] < seen[-1]


def add_plain(session: Session, run: Run, party_id: int, number: int) -> None:
    party = session.get_one(make_party.__globals__["Party"], party_id)
    make_message(session, run, party, None, to_address=f"n{number:03}@many.example")


def numbers_in(page: str) -> list[int]:
    return [int(part[:3]) for part in page.split("· n")[1:]]


def link_of(page: str, rel: str) -> str | None:
    start = page.find(f'rel="{rel}" href="')
    return page[start:].split('"')[3].replace("&amp;", "&") if start >= 0 else None


def test_the_text_log_downloads_under_its_name(office: Office) -> None:
    """RP-15."""
    answer = office.browsers["committer"].get(office.path + "/download")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="LogEnvioMasivo_')
    assert answer.data.decode().splitlines()[0].endswith("Enviado: ok")
    assert office.browsers["committer"].get(office.path + "/download?format=exe").status_code == 404


def test_a_report_that_cannot_be_mailed_says_why(office: Office) -> None:
    with office.home.database.write() as session:
        session.execute(Message.__table__.update().values(account_id=None))
        session.connection().exec_driver_sql("DELETE FROM sender_accounts")
    page = (
        office.browsers["committer"].post(office.path + "/mail", follow_redirects=True).get_data(as_text=True)
    )
    assert "The report was not mailed" in page
    assert "no ordinary account" in page


@pytest.mark.parametrize("who", ["admin", "committer", "reviewer", "other_type", "elsewhere", "settings"])
def test_everybody_who_is_signed_in_has_a_dashboard(office: Office, who: str) -> None:
    assert office.browsers[who].get("/").status_code == 200


def test_the_dashboard_shows_what_waits_and_leads_there(office: Office) -> None:
    with office.home.database.write() as session:
        company = session.get_one(Run, office.run_id).company
        run = make_run(session, company, state=RunState.REVIEW, title="Fatture di marzo", finished_at=None)
        party = make_party(session, company)
        make_message(session, run, party, None, state=MessageState.PENDING)
        make_contact(session, party, state=ContactState.SUGGESTED)
    page = office.browsers["admin"].get("/").get_data(as_text=True)
    assert "Fatture di marzo" in page
    assert "Suggested contacts" in page
    assert f'href="{office.path}/messages?state=failed+bounced"' in page or "state=failed%20bounced" in page
    assert "3 failed" in page
    assert "1 uncertain" in page


def test_the_dashboard_counts_nothing_above_the_clearance(office: Office) -> None:
    """IT-17."""
    with office.home.database.write() as session:
        for message in session.scalars(select(Message).where(Message.state == MessageState.FAILED)):
            message.privacy_level = 3
    page = office.browsers["committer"].get("/").get_data(as_text=True)
    assert "3 failed" not in page
    assert "3 failed" in office.browsers["admin"].get("/").get_data(as_text=True)


def test_a_settled_failure_leaves_the_dashboard_at_once(office: Office) -> None:
    """What is remembered of finished runs must not outlive a decision."""
    browser = office.browsers["committer"]
    assert "1 uncertain" in browser.get("/").get_data(as_text=True)
    browser.post(f"{office.path}/messages/{office.uncertain_id}/resolve", data={"resolution": "sent"})
    assert "1 uncertain" not in browser.get("/").get_data(as_text=True)


def test_a_new_installation_shows_the_four_steps(sqlite_home: Installation, login_as: LoginAs) -> None:
    with sqlite_home.database.write() as session:
        make_company(session)
        admin = make_user(session, language="en", is_admin=True)
    page = login_as(admin).get("/").get_data(as_text=True)
    for step in ("Add a sender account", "Bring in contacts", "Bring in documents", "Prepare the first run"):
        assert step in page


def test_without_a_company_the_dashboard_says_what_to_do(
    sqlite_home: Installation, login_as: LoginAs
) -> None:
    with sqlite_home.database.write() as session:
        admin, clerk = make_user(session, language="en", is_admin=True), make_user(session, language="en")
    assert "Add a company" in login_as(admin).get("/").get_data(as_text=True)
    assert "An administrator can give you rights" in login_as(clerk).get("/").get_data(as_text=True)


def test_messages_that_nobody_takes_raise_an_alarm(office: Office) -> None:
    """PD-14."""
    with office.home.database.write() as session:
        run = session.get_one(Run, office.run_id)
        run.state = RunState.SENDING
        message = session.get_one(Message, office.sent_id)
        message.state, message.next_attempt_at = MessageState.COMMITTED, now() - timedelta(minutes=10)
    assert "Nobody is sending" in office.browsers["admin"].get("/").get_data(as_text=True)
    with office.home.database.write() as session:
        session.get_one(Message, office.sent_id).next_attempt_at = now()
    assert "Nobody is sending" not in office.browsers["admin"].get("/").get_data(as_text=True)


def test_bars_stay_in_their_box_and_a_single_failure_is_visible() -> None:
    today = now().date()
    bars = draw_bars([Day(today - timedelta(days=1), 100_000, 1), Day(today, 0, 0)])
    assert bars[0].failed_height >= 2
    assert 0 <= bars[0].failed_y < bars[0].sent_y < FLOOR
    assert bars[1].sent_height == bars[1].failed_height == 0
