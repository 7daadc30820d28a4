"""Several people at the same moment: one commit, one list of messages, nothing twice (both databases)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import CommitRefused, Committed, commit_run, undo_commit
from crm_mail.outbox.models import MessageEvent, Run
from crm_mail.outbox.preparing.criteria import Criteria
from crm_mail.outbox.preparing.prepare import RunNotPreparing, create_run, fill_run
from crm_mail.outbox.reviewing.review import Chosen, RunNotOpen
from crm_mail.outbox.reviewing.review_changes import exclude_messages
from crm_mail.outbox.states import MessageState, RunState
from tests.factories import make_account, make_actor, make_company, make_document, make_party
from tests.outbox.preparing import prepare, rows

PEOPLE = 6
ROWS = 20
ACTOR = make_actor()


def build(home: Installation) -> int:
    """A prepared run; its id."""
    with home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        for number in range(ROWS):
            make_document(
                session, make_party(session, company, email=f"p{number}@x.example", email_kind="ordinary")
            )
        return prepare(session, ACTOR, company).id


def together(home: Installation, run_id: int, actions: list[Callable[[Any, Run], Any]]) -> list[Any]:
    """Do all of it at once, each in a transaction of its own; what came of each, or what was raised."""
    barrier = Barrier(len(actions))

    def act(action: Callable[[Any, Run], Any]) -> Any:
        barrier.wait()
        try:
            with home.database.write() as session:
                return action(session, session.get_one(Run, run_id))
        except (CommitRefused, RunNotOpen, RunNotPreparing) as refused:
            return refused

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions))


def test_two_people_committing_at_once_are_one_commit(home: Installation) -> None:
    run_id = build(home)

    def committing(key: str) -> Callable[[Any, Run], Any]:
        return lambda session, run: commit_run(session, ACTOR, run, key=key)

    results = together(home, run_id, [committing(f"k{n}") for n in range(PEOPLE)])

    assert [r.messages for r in results if isinstance(r, Committed)] == [ROWS]
    assert {r.code for r in results if isinstance(r, CommitRefused)} == {"wrong_state"}
    with home.database.read() as session:
        found = rows(session, session.get_one(Run, run_id))
        events = session.query(MessageEvent).filter_by(kind="committed").count()
    assert {m.state for m in found} == {MessageState.COMMITTED}
    assert (len({m.message_id for m in found}), events) == (ROWS, ROWS)


def test_many_clicks_of_one_person_give_the_same_answer(home: Installation) -> None:
    run_id = build(home)

    results = together(home, run_id, [lambda s, run: commit_run(s, ACTOR, run, key="same")] * PEOPLE)

    assert {(r.messages, r.starts_at) for r in results} == {(ROWS, results[0].starts_at)}


def test_an_exclusion_and_a_commit_at_once_never_send_the_excluded_row(home: Installation) -> None:
    run_id = build(home)
    with home.database.read() as session:
        first = rows(session, session.get_one(Run, run_id))[0].id

    results = together(
        home,
        run_id,
        [
            lambda s, run: exclude_messages(s, ACTOR, run, Chosen(ids=(first,)), "not this one"),
            lambda s, run: commit_run(s, ACTOR, run),
        ],
    )

    with home.database.read() as session:
        state = rows(session, session.get_one(Run, run_id))[0].state
    was_refused = isinstance(results[0], RunNotOpen)
    assert state is (MessageState.COMMITTED if was_refused else MessageState.WITHHELD)


def test_an_undo_and_a_commit_at_once_leave_one_of_the_two_states(home: Installation) -> None:
    run_id = build(home)
    with home.database.write() as session:
        commit_run(session, ACTOR, session.get_one(Run, run_id))

    together(home, run_id, [lambda s, run: undo_commit(s, ACTOR, run)] * 3)

    with home.database.read() as session:
        run = session.get_one(Run, run_id)
        assert run.state is RunState.REVIEW
        assert {m.state for m in rows(session, run)} == {MessageState.PENDING}
        assert session.query(MessageEvent).filter_by(kind="commit_undone").count() == ROWS


def test_one_preparation_fills_a_run_once(home: Installation) -> None:
    with home.database.write() as session:
        company = make_company(session)
        make_account(session, company)
        for number in range(ROWS):
            make_document(
                session, make_party(session, company, email=f"p{number}@x.example", email_kind="ordinary")
            )
        run_id = create_run(session, ACTOR, Criteria(PartyFilter(company.id))).id

    def fill(session: Any, run: Run) -> Any:
        session.refresh(run, with_for_update=True)
        return fill_run(session, ACTOR, run, lambda _sha256: True)

    results = together(home, run_id, [fill] * 3)

    assert sum(isinstance(r, RunNotPreparing) for r in results) == 2
    with home.database.read() as session:
        assert len(rows(session, session.get_one(Run, run_id))) == ROWS
