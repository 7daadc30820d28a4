"""What a reviewer does to many rows at once, on both databases (IT-5, RP-10): selection, reasons, undo, clearance."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.delivery.models import AccountKind
from crm_mail.outbox.issues import Issue
from crm_mail.outbox.models import Message, MessageEvent, Run
from crm_mail.outbox.reviewing.review import Chosen, RunNotOpen, count_messages, count_run, list_messages
from crm_mail.outbox.reviewing.review_changes import (
    AccountUnfit,
    approve_messages,
    as_ranges,
    change_account,
    exclude_messages,
    include_messages,
)
from crm_mail.outbox.reviewing.review_filter import ReviewFilter
from crm_mail.outbox.reviewing.selecting import (
    SelectionLost,
    TooManyExceptions,
    active_selection,
    chosen_rows,
    count_chosen,
    select_all,
    untick,
)
from crm_mail.outbox.reviewing.summaries import run_counts
from crm_mail.outbox.reviewing.undoing import find_action, undo_action
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.permissions import Actor, PermissionDenied
from tests.factories import make_account, make_company, make_contact, make_document, make_party
from tests.outbox.preparing import prepare, rows
from tests.outbox.reviewing import actor_of, reviewer

EVERYTHING = Chosen(is_all=True)


@pytest.fixture
def reviewing(session: Session) -> Actor:
    """A person who may review everything and sees every contact."""
    return actor_of(reviewer(session))


def run_of(session: Session, actor: Actor, count: int = 6, **party: str) -> Run:
    """A run of messages to one contact each; parties are called after cities."""
    company = make_company(session)
    make_account(session, company, name="Office")
    for number in range(count):
        one = make_party(session, company, city=("Milano", "Torino")[number % 2], **party)
        make_contact(session, one, subscriptions=("invoice",), privacy_level=3 if number == count - 1 else 0)
        make_document(session, one)
    return prepare(session, actor, company)


def states(session: Session, run: Run) -> list[str]:
    session.expire_all()
    return [message.state.value for message in rows(session, run)]


def test_what_is_left_out_keeps_its_reason_and_can_be_put_back(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    done = exclude_messages(session, reviewing, run, EVERYTHING, "waits for\nthe credit note")
    assert done is not None
    assert done.count == 6
    assert {row.withheld_reason for row in rows(session, run)} == {"waits for the credit note"}
    back = include_messages(session, reviewing, run, Chosen(ids=(rows(session, run)[0].id,)))
    assert back is not None
    assert back.count == 1
    assert states(session, run) == ["pending"] + ["withheld"] * 5


def test_each_changed_row_has_a_line_of_history_and_the_audit_has_one(
    session: Session, reviewing: Actor
) -> None:
    run = run_of(session, reviewing)
    exclude_messages(session, reviewing, run, EVERYTHING, "")
    kinds = session.scalars(select(MessageEvent.kind)).all()
    assert kinds == ["excluded"] * 6
    audited = session.scalars(select(AuditEvent).where(AuditEvent.action == "outbox.messages.excluded")).all()
    assert [event.detail["count"] for event in audited] == [6]


def test_all_that_a_filter_means_is_changed_but_for_the_exceptions(
    session: Session, reviewing: Actor
) -> None:
    run = run_of(session, reviewing)
    milano = [row.id for row in rows(session, run) if row.city == "Milano"]
    wanted = Chosen(ReviewFilter(city="Milano"), is_all=True, exceptions=(milano[0],))
    assert count_chosen(session, reviewing, run, wanted) == 2
    exclude_messages(session, reviewing, run, wanted, "")
    out = [row.id for row in rows(session, run) if row.state is MessageState.WITHHELD]
    assert out == milano[1:]


def test_a_selection_is_a_filter_and_exceptions_kept_on_the_server(
    session: Session, reviewing: Actor
) -> None:
    run = run_of(session, reviewing)
    ids = [row.id for row in rows(session, run)]
    chosen = ReviewFilter(state="ready")
    select_all(session, reviewing, run, chosen)
    kept = active_selection(session, reviewing, run, chosen)
    assert kept is not None
    untick(kept, shown=ids[:3], ticked=ids[:2])
    untick(kept, shown=ids[3:], ticked=ids[3:5])
    assert kept.exceptions == [ids[2], ids[5]]
    untick(kept, shown=ids[:3], ticked=ids[:3])
    assert kept.exceptions == [ids[5]], "ticked again"
    rows_meant = chosen_rows(session, reviewing, run, chosen, ids[:2], ids[:3], is_all=True)
    assert rows_meant.exceptions == (ids[2], ids[5]), "the page that is posted counts as well"


def test_a_selection_made_under_another_filter_is_refused_instead_of_guessed(
    session: Session, reviewing: Actor
) -> None:
    run = run_of(session, reviewing)
    select_all(session, reviewing, run, ReviewFilter(city="Milano"))
    with pytest.raises(SelectionLost):
        chosen_rows(session, reviewing, run, ReviewFilter(), [], [], is_all=True)


def test_too_many_exceptions_are_refused(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    select_all(session, reviewing, run, ReviewFilter())
    kept = active_selection(session, reviewing, run, ReviewFilter())
    assert kept is not None
    with pytest.raises(TooManyExceptions):
        untick(kept, shown=range(20_000), ticked=[])


def test_undo_gives_back_exactly_the_rows_that_were_changed(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    ids = [row.id for row in rows(session, run)]
    exclude_messages(session, reviewing, run, Chosen(ids=(ids[0],)), "by hand")
    done = exclude_messages(session, reviewing, run, EVERYTHING, "")
    assert done is not None
    assert done.count == 5, "one was out already"
    include_messages(session, reviewing, run, Chosen(ids=(ids[3],)))
    assert undo_action(session, reviewing, run, done) == 4, "what changed since is left alone"
    assert states(session, run) == ["withheld", *["pending"] * 5]
    assert find_action(session, reviewing, run, done.id) is None, "an action is undone once"


def test_undoing_put_back_restores_each_reason(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    ids = [row.id for row in rows(session, run)]
    exclude_messages(session, reviewing, run, Chosen(ids=tuple(ids[:2])), "first")
    exclude_messages(session, reviewing, run, Chosen(ids=tuple(ids[2:3])), "second")
    done = include_messages(session, reviewing, run, EVERYTHING)
    assert done is not None
    undo_action(session, reviewing, run, done)
    assert [row.withheld_reason for row in rows(session, run)][:4] == ["first", "first", "second", ""]


def test_ranges_join_neighbours_of_the_same_value() -> None:
    assert as_ranges([(1, "a"), (2, "a"), (3, "b"), (7, "b"), (8, "b")]) == [
        [1, 2, "a"],
        [3, 3, "b"],
        [7, 8, "b"],
    ]


def test_a_blocked_row_cannot_be_approved(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    make_account(session, company)
    make_document(session, make_party(session, company, email="someone@customer.example"))
    make_document(session, make_party(session, company))
    run = prepare(session, reviewing, company)
    done = approve_messages(session, reviewing, run, EVERYTHING)
    assert done is not None
    assert done.count == 1
    assert [row.is_approved for row in rows(session, run)] == [True, False]


def test_an_account_changes_only_rows_of_its_own_kind_and_undo_gives_each_its_old_one(
    session: Session, reviewing: Actor
) -> None:
    """IT-18: PEC if and only if the address is PEC."""
    company = make_company(session)
    first = make_account(session, company, name="First")
    pec = make_account(session, company, kind=AccountKind.PEC)
    for kind in ("ordinary", "pec", "ordinary"):
        party = make_party(session, company)
        make_contact(session, party, ((f"a{party.id}@customer.example", kind),), ("invoice",))
        make_document(session, party)
    run = prepare(session, reviewing, company)
    second = make_account(session, company, name="Second", is_default=False)
    done = change_account(session, reviewing, run, EVERYTHING, second.id)
    assert done is not None
    assert [row.account_id for row in rows(session, run)] == [second.id, pec.id, second.id]
    undo_action(session, reviewing, run, done)
    assert [row.account_id for row in rows(session, run)] == [first.id, pec.id, first.id]


def test_a_new_account_settles_the_blocker_of_having_none(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    make_document(session, make_party(session, company, email="someone@customer.example"))
    run = prepare(session, reviewing, company)
    assert Issue.NO_ACCOUNT in {issue.code for issue in rows(session, run)[0].issues}
    account = make_account(session, company)
    change_account(session, reviewing, run, EVERYTHING, account.id)
    [row] = rows(session, run)
    assert row.blockers == 0
    assert row.first_issue != Issue.NO_ACCOUNT


def test_an_account_of_another_company_or_user_is_refused(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    foreign = make_account(session, make_company(session))
    colleague = make_account(session, run.company, user_id=reviewer(session).id)
    for account in (foreign, colleague):
        with pytest.raises(AccountUnfit):
            change_account(session, reviewing, run, EVERYTHING, account.id)


def test_rows_above_the_clearance_are_not_changed_even_when_their_id_is_posted(
    session: Session, reviewing: Actor
) -> None:
    run = run_of(session, reviewing)
    secret = next(row.id for row in rows(session, run) if row.privacy_level == 3)
    low = actor_of(reviewer(session, clearance=2))
    assert exclude_messages(session, low, run, Chosen(ids=(secret,)), "") is None
    done = exclude_messages(session, low, run, EVERYTHING, "")
    assert done is not None
    assert done.count == 5
    assert states(session, run)[-1] == "pending"


def test_rows_of_another_run_are_not_changed(session: Session, reviewing: Actor) -> None:
    run, other = run_of(session, reviewing), run_of(session, reviewing)
    foreign = rows(session, other)[0].id
    assert exclude_messages(session, reviewing, run, Chosen(ids=(foreign,)), "") is None


def test_without_the_right_to_review_nothing_is_changed(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    with pytest.raises(PermissionDenied):
        exclude_messages(session, Actor(None, "Nobody", clearance=3), run, EVERYTHING, "")
    assert "withheld" not in states(session, run)


def test_a_run_that_is_being_sent_is_closed(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    run.state = RunState.SENDING
    session.flush()
    with pytest.raises(RunNotOpen):
        exclude_messages(session, reviewing, run, EVERYTHING, "")


def test_a_change_takes_the_run_back_from_waiting_for_a_second_person(
    session: Session, reviewing: Actor
) -> None:
    """BX-2: the second person approves the list that the first one saw."""
    run = run_of(session, reviewing)
    run.state = RunState.APPROVAL
    session.flush()
    exclude_messages(session, reviewing, run, Chosen(ids=(rows(session, run)[0].id,)), "")
    assert run.state is RunState.REVIEW


def test_the_remembered_counts_follow_every_change(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    assert run_counts(session, reviewing, run).ready == 6
    exclude_messages(session, reviewing, run, Chosen(ids=(rows(session, run)[0].id,)), "")
    counts = run_counts(session, reviewing, run)
    assert (counts.ready, counts.states["withheld"]) == (5, 1)
    assert counts == count_run(session, reviewing, run)


def test_counts_end_at_the_clearance(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing)
    low = actor_of(reviewer(session, clearance=0))
    assert run_counts(session, low, run).total == 5
    assert run_counts(session, reviewing, run).total == 6


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, 4),
        ({"state": "ready"}, 2),
        ({"state": "blocked"}, 2),
        ({"state": "withheld"}, 0),
        ({"state": "nonsense"}, 0),
        ({"issue": "no_address"}, 1),
        ({"issue": "missing_file"}, 1),
        ({"document_type": "invoice"}, 3),
        ({"document_type": "credit_note"}, 1),
        ({"agent": "A1"}, 1),
        ({"zone": "Nord"}, 1),
        ({"city": "Sevilla"}, 1),
        ({"language": "es"}, 1),
        ({"channel": "pec"}, 1),
        ({"channel": "other"}, 0),
        ({"text": "NUÑEZ"}, 1),
        ({"text": "s.l nunez"}, 1),
        ({"text": "100%"}, 0),
        ({"larger_than": "1"}, 1),
        ({"larger_than": "²"}, 0),
        ({"account": "9" * 40}, 0),
        ({"edited": "yes"}, 0),
        ({"edited": "no"}, 4),
        ({"approved": "no", "state": "ready"}, 2),
        ({"sent_before": "yes"}, 0),
        ({"sent_before": "no"}, 4),
    ],
)
def test_every_filter_narrows_the_list(
    session: Session, reviewing: Actor, values: dict[str, str], found: int
) -> None:
    """RP-10. A value that cannot be right finds nothing and breaks nothing."""
    company = make_company(session)
    make_account(session, company)
    make_account(session, company, kind=AccountKind.PEC)
    one = make_party(session, company, name="Núñez S.L.", agent="A1", zone="Nord", email="n@customer.example")
    make_document(session, one, files=(("big.pdf", "a" * 64, 3_000_000),))
    two = make_party(session, company, city="Sevilla", language="es")
    make_document(session, two)
    three = make_party(session, company)
    make_contact(session, three, (("x@pec.customer.example", "pec"),), ("credit_note",))
    make_document(session, three, type="credit_note")
    make_document(session, make_party(session, company, email="c@customer.example"), files=())
    run = prepare(session, reviewing, company, document_types=("invoice", "credit_note"))
    chosen = ReviewFilter(**values)
    assert len(list_messages(session, reviewing, run, chosen).messages) == found
    assert count_messages(session, reviewing, run, chosen) == found


def test_paging_forth_and_back_shows_every_row_once(session: Session, reviewing: Actor) -> None:
    run = run_of(session, reviewing, count=7)
    ids = [row.id for row in rows(session, run)]
    first = list_messages(session, reviewing, run, ReviewFilter(), size=3)
    second = list_messages(session, reviewing, run, ReviewFilter(), after=first.next, size=3)
    third = list_messages(session, reviewing, run, ReviewFilter(), after=second.next, size=3)
    assert [m.id for page in (first, second, third) for m in page.messages] == ids
    assert (first.previous, third.next) == (None, None)
    back = list_messages(session, reviewing, run, ReviewFilter(), before=third.previous, size=3)
    assert [m.id for m in back.messages] == ids[3:6]
    assert (
        list_messages(session, reviewing, run, ReviewFilter(), before=back.previous, size=3).previous is None
    )


def test_a_row_knows_its_document_numbers_when_searched(session: Session, reviewing: Actor) -> None:
    company = make_company(session)
    make_account(session, company)
    party = make_party(session, company, email="n@customer.example")
    make_document(session, party, number="FE/77")
    run = prepare(session, reviewing, company)
    assert count_messages(session, reviewing, run, ReviewFilter(text="fe/77")) == 1
    assert session.scalars(select(Message.search_key)).one() != ""
