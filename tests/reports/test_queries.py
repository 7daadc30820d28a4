"""The figures of the end report, on both databases: right, grouped by cause, and blind above the clearance."""

from sqlalchemy.orm import Session

from crm_mail.outbox.states import MessageState
from crm_mail.permissions import Permission
from crm_mail.reports import queries
from crm_mail.reports.rows import row_page, run_rows
from tests.factories import make_actor
from tests.reports.finished_run import FinishedRun, make_message


def test_totals_count_the_rows_of_each_fate(session: Session) -> None:
    made = FinishedRun(session)
    totals = queries.run_totals(session, make_actor(), made.run)
    assert (totals.total, totals.sent, totals.failed, totals.uncertain) == (8, 2, 3, 1)
    assert (totals.not_sent, totals.waiting) == (2, 0)


def test_a_message_above_the_clearance_is_in_no_figure_and_in_no_list(session: Session) -> None:
    """IT-17."""
    made = FinishedRun(session)
    actor = make_actor(clearance=2)
    assert queries.run_totals(session, actor, made.run).sent == 1
    assert made.secret.id not in [row.id for row in run_rows(session, actor, made.run)]
    assert row_page(session, actor, made.run, ids=[made.secret.id]) == []
    assert sum(line.sent for line in queries.per_account(session, actor, made.run)) == 1
    assert queries.left_out_reasons(session, actor, made.run) == [("contact_not_subscribed", 1)]


def test_refusals_that_differ_only_by_the_address_are_one_group_with_the_servers_answer(
    session: Session,
) -> None:
    """IT-7."""
    made = FinishedRun(session)
    first, second = queries.failure_groups(session, make_actor(), made.run)
    assert (first.cause, first.code, first.enhanced, first.count) == ("recipient", 550, "5.1.1", 2)
    assert first.answer == "…: 550 5.1.1 <…>: Recipient address rejected: User unknown"
    assert [example.to for example in first.examples] == ["uno@customer.example"]
    assert (second.cause, second.code, second.count) == ("connection", None, 1)


def test_a_group_names_its_own_messages_and_no_others(session: Session) -> None:
    made = FinishedRun(session)
    groups = queries.failure_groups(session, make_actor(), made.run)
    found = [queries.ids_of_group(session, make_actor(), made.run, group.key) for group in groups]
    assert found == [[message.id for message in made.refused], [made.unreachable.id]]
    assert queries.ids_of_group(session, make_actor(), made.run, "nonsense") == []


def test_two_statuses_under_one_code_are_two_groups(session: Session) -> None:
    made = FinishedRun(session)
    made.add(
        session,
        state=MessageState.FAILED,
        last_cause="recipient",
        last_code=550,
        last_detail="550 5.2.1 Mailbox disabled",
    )
    groups = queries.failure_groups(session, make_actor(), made.run)
    assert [(group.enhanced, group.count) for group in groups] == [("5.1.1", 2), ("", 1), ("5.2.1", 1)]


def test_agents_and_accounts_have_a_line_each(session: Session) -> None:
    made = FinishedRun(session)
    assert {
        line.name: (line.total, line.failed) for line in queries.per_agent(session, make_actor(), made.run)
    } == {"Rossi": (3, 2), "": (5, 1)}
    assert [(line.name, line.total) for line in queries.per_account(session, make_actor(), made.run)] == [
        (f"Oficina <{made.account.from_address}>", 8)
    ]


def test_who_holds_rights_for_one_type_sees_only_messages_that_carry_it(session: Session) -> None:
    """IT-11."""
    made = FinishedRun(session)
    made.run.document_types = ["account_statement", "invoice"]
    invoice = make_message(session, made.run, made.party, made.account, document_types="invoice")
    both = make_message(
        session, made.run, made.party, made.account, document_types="account_statement invoice"
    )
    grant = (Permission.OUTBOX_REVIEW, "invoice", made.company.id)
    actor = make_actor(is_admin=False, grants=frozenset({grant}))
    assert [row.id for row in run_rows(session, actor, made.run)] == [invoice.id, both.id]
    assert queries.run_totals(session, actor, made.run).total == 2


def test_rows_come_in_batches_with_their_documents_and_files(session: Session) -> None:
    made = FinishedRun(session)
    rows = list(run_rows(session, make_actor(), made.run, batch=3))
    assert len(rows) == 8
    assert rows[0].documents == [("account_statement", "EC-1")]
    assert rows[0].attachments == ["0012.pdf"]
    assert rows[0].account.startswith("Oficina <")


def test_pages_go_forward_and_back(session: Session) -> None:
    made = FinishedRun(session)
    actor = make_actor()
    ids = [row.id for row in run_rows(session, actor, made.run)]
    assert [row.id for row in row_page(session, actor, made.run, after=ids[2], size=3)] == ids[3:6]
    assert [row.id for row in row_page(session, actor, made.run, before=ids[6], size=3)] == ids[3:6]


def test_withheld_rows_are_counted_by_reason(session: Session) -> None:
    made = FinishedRun(session)
    assert queries.withheld_reasons(session, make_actor(), made.run) == [("voided_meanwhile", 1)]
