"""What is older than its term goes by itself, and the run says what (issue 5, GDPR)."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from crm_mail.db import now
from crm_mail.installation import Installation
from crm_mail.outbox.models import Attempt, Message
from crm_mail.privacy.models import RetentionRun
from crm_mail.privacy.retention import months_before, retain, retain_daily
from crm_mail.privacy.retention_rules import TermInvalid, save_terms, terms_of
from tests.factories import make_actor
from tests.privacy.people import make_person


def test_a_message_goes_with_the_longest_term_of_what_it_carries(home: Installation) -> None:
    with home.database.write() as session:
        person = make_person(session, home)
        for message in (person.invoice, person.advert):
            message.sent_at = now() - timedelta(days=31 * 30)
        person.copy.sent_at = now() - timedelta(days=31 * 30)
        person.copy.document_types = "generic invoice"
        gone, ids = person.advert.id, (person.invoice.id, person.copy.id)
    trial = retain(home, dry_run=True)
    assert [(step.kind, step.document_type, step.count) for step in trial] == [("messages", "generic", 1)]
    assert [step.as_json() for step in retain(home)] == [step.as_json() for step in trial]
    with home.database.read() as session:
        assert session.get_one(Message, gone).to_address == ""
        assert session.scalars(select(Attempt.mime).where(Attempt.message_id == gone)).one() is None
        assert all(session.get_one(Message, id_).to_address for id_ in ids)
        assert session.scalars(select(RetentionRun)).one().report[0]["count"] == 1
    assert not home.store.has(person.reply_sha256)
    assert retain(home) == []
    assert not retain_daily(home)


def test_law_sets_the_least_term_of_invoices_and_none_of_advertising(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        wanted: dict[str, int | None] = {"messages:generic": 3, "messages:invoice": None}
        assert save_terms(session, make_actor(), person.company, wanted) == 2
        with pytest.raises(TermInvalid, match="between 120"):
            save_terms(session, make_actor(), person.company, {"messages:invoice": 119})
        terms = {term.key: term.months for term in terms_of(session, person.company.id)}
    assert (terms["messages:generic"], terms["messages:invoice"], terms["messages:receipt"]) == (3, None, 120)


def test_months_end_on_a_day_that_the_month_has() -> None:
    assert months_before(datetime(2028, 3, 31, tzinfo=UTC), 1).date().isoformat() == "2028-02-29"
    assert months_before(datetime(2028, 1, 15, tzinfo=UTC), 13).date().isoformat() == "2026-12-15"
