"""A person with a history: messages that must stay, messages that may go, evidence, an audit."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.contacts.models import Contact
from crm_mail.db import now
from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.envelope import Envelope
from crm_mail.delivery.mime import build
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.packing import pack
from crm_mail.delivery.routing import Channel
from crm_mail.evidence.models import ItemKind, MailItem
from crm_mail.installation import Installation
from crm_mail.outbox.models import (
    Attempt,
    LeftOut,
    Message,
    MessageContent,
    MessageEvent,
    MessageRevision,
    Run,
)
from crm_mail.outbox.states import MessageState, RunState
from tests.factories import make_account, make_actor, make_company, make_contact, make_party

NAME, ADDRESS = "Giuseppina Esposito", "g.esposito@person.example"
TRACES = ("esposito", "giuseppina", "333 1234567")


@dataclass
class Person:
    """The contact, and what was written to it."""

    company: Company
    contact: Contact
    account: SenderAccount
    invoice: Message
    advert: Message
    copy: Message
    reply_sha256: str


def make_message(
    session: Session, run: Run, contact: Contact | None, account: SenderAccount, **values: Any
) -> Message:
    """A sent message with its body, its attempt and its history."""
    message = Message(
        **{
            "run_id": run.id,
            "company_id": run.company_id,
            "party_id": values.pop("party_id", contact.party_id if contact else 0),
            "contact_id": contact.id if contact else None,
            "state": MessageState.SENT,
            "party_code": "1",
            "party_name": "Ditta",
            "recipient_name": contact.name if contact else "Other",
            "language": "it",
            "to_address": ADDRESS,
            "channel": Channel.SMTP,
            "account_id": account.id,
            "subject": f"For {NAME}",
            "search_key": f"{NAME} {ADDRESS}".lower(),
            "sent_at": now() - timedelta(days=30),
            **values,
        }
    )
    message.content = MessageContent(body_text=f"Dear {NAME}", body_html=f"<p>Dear {NAME}</p>")
    session.add(message)
    session.flush()
    message.message_id = f"<{message.id}@office.example>"
    segments = build(
        Envelope(
            message_id=message.message_id,
            date=now(),
            from_name="Office",
            from_address=account.from_address,
            to=message.to_address,
            cc=tuple(message.cc or ()),
            subject=message.subject,
            body_text=f"Dear {NAME}",
        )
    )
    exact = flatten(segments, lambda _sha: b"")
    session.add_all(
        [
            Attempt(
                message_id=message.id,
                started_at=now(),
                finished_at=now(),
                outcome="sent",
                detail=f"250 accepted for {ADDRESS}",
                mime=pack(segments),
                mime_sha256=hashlib.sha256(exact).hexdigest(),
            ),
            MessageEvent(message_id=message.id, kind="edited", detail={"before": ADDRESS}),
            MessageRevision(
                message_id=message.id,
                revision=1,
                to_address=ADDRESS,
                subject=f"Draft for {NAME}",
                body_text="",
                body_html="",
            ),
        ]
    )
    session.flush()
    return message


def make_person(session: Session, home: Installation) -> Person:
    """Somebody who was sent an invoice and an advertisement, and was copied on a quote to somebody else."""
    company = make_company(session)
    party = make_party(session, company, name="Ditta Unica")
    contact = make_contact(
        session,
        party,
        ((ADDRESS, "ordinary"),),
        ("invoice",),
        {"hobby": "sailing"},
        name=NAME,
        mobile="333 1234567",
        notes="met at the fair",
    )
    account = make_account(session, company)
    run = Run(company_id=company.id, title="October", state=RunState.FINISHED)
    session.add(run)
    session.flush()
    invoice = make_message(session, run, contact, account, document_types="invoice")
    advert = make_message(session, run, contact, account, document_types="generic")
    other = make_contact(session, party, (("somebody@else.example", "ordinary"),))
    copy = make_message(
        session,
        run,
        other,
        account,
        document_types="quote",
        to_address="somebody@else.example",
        cc=[ADDRESS, "third@else.example"],
        recipient_name=other.name,
    )
    reply = home.store.put(f"From: {ADDRESS}\r\nSubject: re\r\n\r\nI am {NAME}".encode())
    proof = home.store.put(b"a bounce about the invoice")
    for message, sha256 in ((advert, reply), (invoice, proof)):
        session.add(
            MailItem(
                account_id=account.id,
                company_id=company.id,
                message_id=message.id,
                kind=ItemKind.REPLY,
                sha256=sha256,
                size=10,
                recipient=ADDRESS,
                detail=f"from {NAME}",
            )
        )
    session.add(
        LeftOut(
            run_id=run.id,
            reason="contact_inactive",
            party_id=party.id,
            contact_id=contact.id,
            detail=f"of {NAME}",
        )
    )
    audit.record(
        session,
        make_actor(),
        "contacts.contact.created",
        company_id=company.id,
        subject=contact,
        label=NAME,
        after={"addresses": [ADDRESS], "mobile": "333 1234567"},
    )
    audit.record(
        session,
        make_actor(),
        "outbox.run.note",
        company_id=company.id,
        subject=run,
        reason=f"{ADDRESS} asked",
    )
    session.flush()
    return Person(company, contact, account, invoice, advert, copy, reply)
