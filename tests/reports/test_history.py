"""What a card shows of the messages written to a contact, to a party, or with a document: complete, and no more."""

from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.outbox.history import contact_history, document_history, message_steps, party_history
from crm_mail.outbox.models import Attempt, MessageEvent
from crm_mail.permissions import ANY, Permission
from tests.factories import make_actor, make_company, make_contact, make_document
from tests.reports.finished_run import FinishedRun, attach, make_message


def test_a_party_has_all_its_messages_newest_first_and_pages_by_id(session: Session) -> None:
    """CO-1."""
    made = FinishedRun(session)
    lines = party_history(session, make_actor(), made.party)
    ids = [line.message_id for line in lines]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 8
    assert [line.message_id for line in party_history(session, make_actor(), made.party, ids[2], 3)] == ids[
        3:6
    ]


def test_a_contact_and_a_document_have_their_own_messages_only(session: Session) -> None:
    """CO-1."""
    made = FinishedRun(session)
    contact = make_contact(session, made.party)
    message = made.add(session, contact_id=contact.id)
    attach(session, message, made.party, "EC-2")
    other = make_document(session, made.party)
    assert [line.message_id for line in contact_history(session, make_actor(), contact)] == [message.id]
    assert document_history(session, make_actor(), other) == []


def test_a_history_ends_at_the_clearance(session: Session) -> None:
    """IT-17."""
    made = FinishedRun(session)
    secret = make_contact(session, made.party, privacy_level=3)
    message = made.add(session, contact_id=secret.id, privacy_level=3)
    low = make_actor(clearance=2)
    assert contact_history(session, low, secret) == []
    assert message.id not in [line.message_id for line in party_history(session, low, made.party)]
    assert message_steps(session, low, message) == []


def test_a_history_ends_at_the_company_and_the_document_types(session: Session) -> None:
    made = FinishedRun(session)
    invoice = make_message(session, made.run, made.party, made.account, document_types="invoice")

    def lines(*grants: tuple[Permission, str, int]) -> list[int]:
        actor = make_actor(is_admin=False, grants=frozenset(grants))
        return [line.message_id for line in party_history(session, actor, made.party)]

    assert lines((Permission.OUTBOX_PREPARE, "invoice", made.company.id)) == [invoice.id]
    assert lines((Permission.OUTBOX_PREPARE, "invoice", make_company(session).id)) == []


def test_who_only_manages_contacts_sees_the_line_and_cannot_open_the_message(session: Session) -> None:
    made = FinishedRun(session)
    actor = make_actor(is_admin=False, grants=frozenset({(Permission.DOCUMENTS_SEE, ANY, None)}))
    assert [line.may_open for line in party_history(session, actor, made.party)] == [False] * 8
    assert party_history(session, make_actor(), made.party)[0].may_open


def test_the_steps_of_a_message_tell_which_try_has_its_exact_bytes(session: Session) -> None:
    """CO-1."""
    made = FinishedRun(session)
    session.add(MessageEvent(message_id=made.sent.id, kind="committed", actor_name="Anna"))
    session.flush()
    session.add(
        Attempt(
            message_id=made.sent.id,
            started_at=now(),
            finished_at=now(),
            outcome="sent",
            detail="250 Ok",
            mime=b"x",
        )
    )
    session.flush()
    steps = message_steps(session, make_actor(), made.sent)
    assert [(step.kind, step.who, step.has_source) for step in steps] == [
        ("committed", "Anna", False),
        ("attempt_sent", "", True),
    ]
