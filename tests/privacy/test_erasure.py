"""Erasure takes a person out of everything but what law obliges to keep, and says what stays (art. 17 GDPR)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.audit_redactions import AuditRedaction, hide_redacted
from crm_mail.contacts.access import find_contact
from crm_mail.contacts.erased_addresses import digest_of, erased_digests
from crm_mail.db import Base, now, today
from crm_mail.installation import Installation
from crm_mail.outbox.models import Attempt, Message, MessageEvent, MessageIssue
from crm_mail.outbox.states import MessageState
from crm_mail.permissions import PermissionDenied
from crm_mail.privacy.erasing import ErasureRefused, erase_contact, preview_erasure
from crm_mail.privacy.keeping import KeptFor, years_later
from crm_mail.privacy.models import PrivacyRemain
from tests.factories import make_actor
from tests.privacy.people import ADDRESS, NAME, TRACES, make_person


def places_with_traces(session: Session, *, but: tuple[str, ...] = ()) -> list[str]:
    """Every table and row of the whole database in which the person can still be read."""
    session.flush()
    found = []
    for table in Base.metadata.sorted_tables:
        if table.name in but:
            continue
        for row in session.execute(select(table)).mappings():
            text = " ".join(str(bytes(v) if isinstance(v, memoryview) else v) for v in row.values()).lower()
            if any(trace in text for trace in TRACES):
                found.append(f"{table.name} {row.get('id') or row.get('message_id')}")
    return found


def test_nothing_of_the_person_is_left_but_the_invoice_and_the_proof_of_its_delivery(
    home: Installation, session: Session
) -> None:
    person = make_person(session, home)
    contact_id, company_id = person.contact.id, person.company.id
    invoice, advert, copy = person.invoice, person.advert, person.copy
    preview = preview_erasure(session, make_actor(), person.contact)
    assert person.contact.name == NAME
    done = erase_contact(session, make_actor(), person.contact, "letter of 3 November")

    left = set(places_with_traces(session, but=("audit_events",)))
    kept = {f"{name} {invoice.id}" for name in ("messages", "message_contents")}
    assert {one for one in left if one.split()[0] in ("messages", "message_contents")} == kept
    assert {one.split()[0] for one in left} == {
        "messages",
        "message_contents",
        "attempts",
        "message_events",
        "mail_items",
    }
    assert session.get_one(Message, invoice.id).to_address == ADDRESS
    assert session.get_one(Message, invoice.id).search_key == ""
    gone = session.get_one(Message, advert.id)
    assert (gone.to_address, gone.subject, gone.search_key) == ("", "", "")
    assert session.scalars(select(Attempt.mime).where(Attempt.message_id == advert.id)).one() is None
    assert session.get_one(Message, copy.id).cc == ["third@else.example"]
    assert not home.store.has(person.reply_sha256) or person.reply_sha256 in done.files
    assert find_contact(session, make_actor(), contact_id) is None

    remain = session.get_one(PrivacyRemain, invoice.id)
    assert (remain.reason, remain.kept_until_on) == (KeptFor.FISCAL, years_later(invoice.sent_at or now()))
    assert (preview.messages, preview.copies, preview.kept) == (done.messages, done.copies, done.kept)
    assert digest_of(company_id, ADDRESS.upper()) in erased_digests(session, company_id)


def test_the_audit_keeps_its_lines_and_shows_them_without_the_person(
    home: Installation, session: Session
) -> None:
    person = make_person(session, home)
    before = session.execute(select(AuditEvent.id, AuditEvent.detail)).all()
    erase_contact(session, make_actor(), person.contact)
    assert session.execute(select(AuditEvent.id, AuditEvent.detail)).all()[: len(before)] == before
    events = list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
    hide_redacted(session, events)
    shown = json.dumps([[one.object_label, one.detail] for one in events]).lower()
    assert not [trace for trace in TRACES if trace in shown]
    assert "asked" in shown
    assert len(list(session.scalars(select(AuditRedaction)))) == 2


def test_a_message_that_waits_is_called_back_and_one_under_way_stops_the_erasure(
    sqlite_home: Installation,
) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        person.advert.state = MessageState.SENDING
        session.flush()
        with pytest.raises(ErasureRefused, match=str(person.advert.run_id)):
            erase_contact(session, make_actor(), person.contact)
        person.advert.state, person.invoice.state = MessageState.COMMITTED, MessageState.PENDING
        person.advert.next_attempt_at = now()
        session.flush()
        advert, invoice = person.advert.id, person.invoice.id
        assert erase_contact(session, make_actor(), person.contact).withheld == 2
        waiting, pending = session.get_one(Message, advert), session.get_one(Message, invoice)
        assert (waiting.state, waiting.next_attempt_at) == (MessageState.CANCELLED, None)
        assert (pending.state, pending.blockers, pending.to_address) == (MessageState.WITHHELD, 1, "")
        assert session.scalars(select(MessageIssue.code).where(MessageIssue.message_id == invoice)).one()
        events = session.scalars(select(MessageEvent.kind).where(MessageEvent.message_id == advert))
        assert "cancelled" in set(events)


def test_an_old_invoice_has_no_reason_to_stay(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        person.invoice.sent_at = now() - timedelta(days=366 * 10)
        session.flush()
        done = erase_contact(session, make_actor(), person.contact)
        assert done.kept == []
        assert places_with_traces(session, but=("audit_events",)) == []
        assert years_later(now()) > today()


def test_who_does_not_manage_privacy_erases_nobody(sqlite_home: Installation) -> None:
    with sqlite_home.database.write() as session:
        person = make_person(session, sqlite_home)
        with pytest.raises(PermissionDenied):
            erase_contact(session, make_actor(is_admin=False), person.contact)
        assert places_with_traces(session)
