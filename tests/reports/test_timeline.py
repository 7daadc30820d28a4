"""The card's whole history in one list (issue 5, section 5)."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.contacts.consents.models import ConsentEvent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.db import now
from crm_mail.delivery.routing import Channel
from crm_mail.evidence.models import ItemKind, MailItem
from crm_mail.outbox.models import Message, Run
from crm_mail.reports.party_timeline import LineKind, Timeline, read_timeline
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party


def _told(timeline: Timeline) -> list[str]:
    return [line.kind.value for line in timeline.lines]


def _fill(session: Session) -> Any:
    company = make_company(session)
    party = make_party(session, company)
    open_one, hidden = (make_contact(session, party, privacy_level=level) for level in (0, 2))
    run = Run(company_id=company.id, title="x", criteria={})
    account = make_account(session, company)
    session.add(run)
    session.flush()
    begin = now() - timedelta(days=9)
    for day, contact in enumerate((open_one, hidden)):
        at = begin + timedelta(days=day)
        document = make_document(session, party, privacy_level=contact.privacy_level)
        document.created_at = at
        message = Message(
            run_id=run.id,
            company_id=company.id,
            party_id=party.id,
            contact_id=contact.id,
            privacy_level=contact.privacy_level,
            party_code="1",
            party_name="x",
            language="it",
            channel=Channel.SMTP,
            document_types="invoice",
            sent_at=at + timedelta(hours=1),
        )
        session.add(message)
        session.flush()
        came = {"taken_at": at + timedelta(hours=2), "sha256": str(day), "size": 1, "kind": ItemKind.BOUNCE}
        session.add(MailItem(account_id=account.id, company_id=company.id, message_id=message.id, **came))
        said = {"purpose": Purpose.COMMERCIAL, "channel": ConsentChannel.EMAIL, "decision": Decision.GIVEN}
        said |= {"at": at, "source": Source.PERSON, "recorded_at": at + timedelta(hours=3)}
        session.add(ConsentEvent(company_id=company.id, contact_id=contact.id, **said))
        audit.record(
            session,
            make_actor(),
            "contacts.contact.updated",
            company_id=company.id,
            subject=contact,
            privacy_level=contact.privacy_level,
        )
    session.flush()
    return SimpleNamespace(party=party, open=open_one, hidden=hidden)


def test_everything_stands_in_one_list_by_time_and_pages_join_without_a_gap(session: Session) -> None:
    world, actor = _fill(session), make_actor()
    whole = read_timeline(session, actor, world.party)
    one_day = ["consent", "answer", "message", "document"]
    assert _told(whole) == ["change", "change", *one_day, *one_day]
    assert whole.cursor == ""
    joined, cursor = [], ""
    while True:
        page = read_timeline(session, actor, world.party, after=cursor, size=3)
        joined += [(line.kind, line.id) for line in page.lines]
        cursor = page.cursor
        if not cursor:
            break
    assert joined == [(line.kind, line.id) for line in whole.lines]
    alone = read_timeline(session, actor, world.party, kinds=[LineKind.ANSWER, LineKind.CONSENT])
    assert _told(alone) == ["consent", "answer", "consent", "answer"]


def test_a_contact_above_the_clearance_leaves_no_trace_in_it(session: Session) -> None:
    """IT-17: neither its messages nor what came back, its words, its changes; and one contact is asked for alone."""
    world = _fill(session)
    assert _told(read_timeline(session, make_actor(clearance=1), world.party)) == [
        "change",
        "consent",
        "answer",
        "message",
        "document",
    ]
    of_one = read_timeline(session, make_actor(), world.party, world.hidden)
    assert _told(of_one) == ["change", "consent", "answer", "message"]
