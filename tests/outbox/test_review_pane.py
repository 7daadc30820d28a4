"""The pane beside the list: leaving out with a reason, what comes next, and what a run still says once it is sent."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message, MessageEvent, Run
from crm_mail.outbox.states import MessageState, RunState
from tests.factories import make_contact, make_document, make_party
from tests.outbox.preparing import prepare, rows
from tests.outbox.reviewing import actor_of, reviewer

PANE = {"HX-Request": "true"}
SENT_AT = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def session(sqlite_home: Installation) -> Iterator[Session]:
    with sqlite_home.database.reading() as session:
        yield session
        session.rollback()


@pytest.fixture
def clerk(login_as: Callable[..., FlaskClient], session: Session) -> FlaskClient:
    user = reviewer(session)
    session.commit()
    return login_as(user)


def run_of(session: Session, company: Company, count: int, kind: str = "ordinary") -> Run:
    """A run of as many messages, to addresses of a kind."""
    for number in range(count):
        party = make_party(session, company)
        make_contact(session, party, ((f"c{number}@customer.example", kind),), ("invoice",))
        make_document(session, party)
    run = prepare(session, actor_of(reviewer(session)), company)
    session.commit()
    return run


def messages(session: Session, run: Run) -> list[Message]:
    session.rollback()
    session.expire_all()
    return rows(session, run)


def change(session: Session, of: list[Message], **values: object) -> None:
    session.execute(update(Message).where(Message.id.in_([one.id for one in of])).values(**values))
    session.commit()


def mark_sent(session: Session, run: Run) -> None:
    change(session, messages(session, run), state=MessageState.SENT, sent_at=SENT_AT)
    session.execute(update(Run).where(Run.id == run.id).values(state=RunState.FINISHED))
    session.commit()


def decide(clerk: FlaskClient, message: Message, action: str, query: str = "", **data: str) -> str:
    """A decision in the pane; what it answers, or where it sends the list."""
    url = f"/outbox/{message.run_id}/messages/{message.id}/decision{query}"
    answer = clerk.post(url, data={"action": action, **data}, headers=PANE)
    assert answer.status_code == 200
    return answer.headers.get("HX-Redirect") or answer.text


def shown_in(answer: str) -> int:
    found = re.search(r'data-message="(\d+)"', answer)
    assert found is not None
    return int(found[1])


def test_leaving_out_one_message_asks_for_a_reason_and_keeps_it(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 2)
    first = messages(session, run)[0]
    for address in (f"/outbox/{run.id}?open={first.id}", f"/outbox/{run.id}/messages/{first.id}"):
        page = clerk.get(address).text
        assert f'data-dialog-open="leave-out-{first.id}"' in page
        dialog = re.search(rf'<dialog id="leave-out-{first.id}".*?</dialog>', page, re.DOTALL)
        assert dialog is not None
        assert 'name="reason"' in dialog[0]
    assert "paid by hand" in decide(clerk, first, "exclude", reason="paid by hand")
    assert messages(session, run)[0].withheld_reason == "paid by hand"
    assert f"leave-out-{first.id}" not in clerk.get(f"/outbox/{run.id}?open={first.id}").text


def test_after_a_decision_comes_the_next_message_that_waits_for_one(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 5)
    first, out, approved, open_, _last = messages(session, run)
    change(session, [out], state=MessageState.WITHHELD, withheld_reason="by_person")
    change(session, [approved], is_approved=True)
    assert shown_in(decide(clerk, first, "approve")) == open_.id
    assert shown_in(decide(clerk, first, "exclude")) == open_.id


def test_a_blocked_message_still_waits_and_the_filter_is_kept(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 3)
    first, second, third = messages(session, run)
    change(session, [second], blockers=1)
    assert shown_in(decide(clerk, first, "approve")) == second.id
    assert shown_in(decide(clerk, first, "withdraw")) == first.id
    assert shown_in(decide(clerk, first, "approve", "?state=ready")) == third.id


def test_the_end_of_the_list_is_told(clerk: FlaskClient, session: Session, company: Company) -> None:
    run = run_of(session, company, 2)
    first, last = messages(session, run)
    change(session, [last], state=MessageState.WITHHELD)
    answer = decide(clerk, first, "approve")
    assert shown_in(answer) == first.id
    assert "No message further down this list waits for a decision." in answer


def test_the_next_message_may_stand_on_a_page_further_down(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 54)
    first, *between, wanted, last = messages(session, run)
    change(session, between, state=MessageState.WITHHELD)
    target = decide(clerk, first, "approve")
    assert f"open={wanted.id}" in target
    page = clerk.get(target).text
    assert re.findall(r'data-row="(\d+)"', page) == [str(wanted.id), str(last.id)]
    assert "53–54" in page


def test_a_decision_leaves_the_count_of_what_is_not_in_the_run_alone(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 1)
    (first,) = messages(session, run)
    assert "0 not in this run" in clerk.get(f"/outbox/{run.id}?open={first.id}").text
    answer = decide(clerk, first, "exclude")
    assert re.search(r'id="run-views"[^>]*hx-swap-oob', answer)
    assert "1 left out by hand" in answer
    assert 'id="run-counts"' not in answer


def test_a_row_says_what_the_commit_will_ask(clerk: FlaskClient, session: Session, company: Company) -> None:
    run = run_of(session, company, 1, "unknown")
    (message,) = messages(session, run)
    assert (message.to_kind.value, message.blockers) == ("unknown", 0)
    page = clerk.get(f"/outbox/{run.id}").text
    assert "PEC or not? Asked at commit" in page
    assert "Kind not known yet" in page
    session.execute(update(Company).values(unknown_is_ordinary=True))
    session.commit()
    page = clerk.get(f"/outbox/{run.id}").text
    assert "Asked at commit" not in page


def test_what_was_open_in_the_review_is_not_asked_of_a_sent_message(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 1, "unknown")
    (message,) = messages(session, run)
    open_ = clerk.get(f"/outbox/{run.id}?open={message.id}").text
    assert "Nobody knows whether this address is ordinary mail or PEC." in open_
    mark_sent(session, run)
    page = clerk.get(f"/outbox/{run.id}?open={message.id}").text
    for stale in ("Nobody knows whether", "Address kind not known", "Asked at commit", "Kind not known yet"):
        assert stale not in page
    assert "Not known yet" not in page


def test_a_sent_message_was_last_sent_when_it_left(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 1)
    mark_sent(session, run)
    (message,) = messages(session, run)
    page = clerk.get(f"/outbox/{run.id}").text
    cell = re.search(r'class="col-sent[^>]*>(.*?)</td>', page)
    assert cell is not None
    assert "03/11/2026" in cell[1]
    why = clerk.get(f"/outbox/{run.id}/messages/{message.id}?tab=why").text
    assert re.search(r"Last sent before this run</dt><dd>never", why)


def test_a_line_of_the_progress_names_an_address_once(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 1)
    (message,) = messages(session, run)
    session.add(
        MessageEvent(message_id=message.id, kind="pec_delivered", detail={"to": message.to_address.upper()})
    )
    session.add(MessageEvent(message_id=message.id, kind="sent", detail={}))
    session.commit()
    mark_sent(session, run)
    page = clerk.get(f"/outbox/{run.id}/progress").text
    lines = re.findall(r'<p class="timeline-title">.*?</li>', page, re.DOTALL)
    assert [line.casefold().count(message.to_address) for line in lines] == [1, 1]


def test_sent_rows_leave_as_a_file_without_stale_problems(
    clerk: FlaskClient, session: Session, company: Company
) -> None:
    run = run_of(session, company, 1, "unknown")
    mark_sent(session, run)
    ids = list(session.scalars(select(Message.id)))
    data = {"action": "csv", "ids": ids}
    text = clerk.post(f"/outbox/{run.id}/messages", data=data, buffered=True).data.decode("utf-8-sig")
    assert "Address kind not known" not in text
    assert "2026-11-03" in text or "03/11/2026" in text
