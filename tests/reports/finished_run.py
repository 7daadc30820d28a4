"""A run that is over, with one row of each fate; and the three sends of the mass-mailing manual (RP-15)."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.contacts.models import Party
from crm_mail.db import now
from crm_mail.delivery.models import SenderAccount
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.document_types import DocumentType
from crm_mail.outbox.models import LeftOut, Message, MessageContent, MessageDocument, MessageFile, Run
from crm_mail.outbox.states import MessageState, RunState
from tests.factories import make_account, make_company, make_document, make_party

_numbers = count(1)
FINISHED_AT = datetime(2020, 3, 2, 22, 45, tzinfo=UTC)
NO_SUCH_USER = "550 5.1.1 <{to}>: Recipient address rejected: User unknown"


def make_run(session: Session, company: Company, **overrides: Any) -> Run:
    values: dict[str, Any] = {
        "title": "Estados de cuenta",
        "state": RunState.FINISHED,
        "criteria": {},
        "document_types": ["account_statement"],
        "created_at": FINISHED_AT,
        "committed_at": FINISHED_AT,
        "starts_at": FINISHED_AT,
        "finished_at": FINISHED_AT,
    }
    run = Run(company_id=company.id, **(values | overrides))
    session.add(run)
    session.flush()
    return run


def make_message(
    session: Session, run: Run, party: Party, account: SenderAccount | None, **overrides: Any
) -> Message:
    state = overrides.get("state", MessageState.SENT)
    values: dict[str, Any] = {
        "state": state,
        "party_code": party.code,
        "party_name": party.name,
        "recipient_name": "",
        "language": "es",
        "to_address": f"cliente{next(_numbers)}@customer.example",
        "to_kind": AddressKind.ORDINARY,
        "channel": Channel.SMTP,
        "account_id": account.id if account else None,
        "subject": "Estado de cuenta",
        "document_types": "account_statement",
        "document_count": 1,
        "why": {"rule": "master_address"},
        "sent_at": now() if state is MessageState.SENT else None,
    }
    message = Message(
        run_id=run.id,
        company_id=run.company_id,
        party_id=party.id,
        content=MessageContent(body_text="…"),
        **(values | overrides),
    )
    session.add(message)
    session.flush()
    return message


def attach(
    session: Session, message: Message, party: Party, number: str, type_: str = "account_statement"
) -> None:
    document = make_document(session, party, type=DocumentType(type_), number=number)
    name = f"{party.code}.pdf"
    session.add(MessageDocument(message_id=message.id, document_id=document.id))
    session.add(
        MessageFile(
            message_id=message.id,
            position=0,
            document_id=document.id,
            name=name,
            mime="application/pdf",
            sha256="a" * 64,
            size=10,
        )
    )
    session.flush()


class FinishedRun:
    """Sent 2 (one above level 0), failed 2 alike and 1 otherwise, uncertain 1, withheld 1, cancelled 1."""

    def __init__(self, session: Session, **company: Any) -> None:
        self.company = make_company(session, **({"code": "SM77", "timezone": "Europe/Madrid"} | company))
        self.account = make_account(session, self.company, name="Oficina")
        self.party = make_party(
            session, self.company, code="0012", name="Ñandú | Hijos\n=SUM(A1)", agent="Rossi"
        )
        self.run = make_run(session, self.company)
        self.sent = self.add(session, agent="Rossi")
        attach(session, self.sent, self.party, "EC-1")
        self.secret = self.add(
            session,
            privacy_level=3,
            recipient_name="Direttore Segreto",
            to_address="segreto@customer.example",
        )
        refused = {
            "state": MessageState.FAILED,
            "last_cause": "recipient",
            "last_code": 550,
            "agent": "Rossi",
        }
        self.refused = [
            self.add(session, to_address=to, last_detail=f"{to}: " + NO_SUCH_USER.format(to=to), **refused)
            for to in ("uno@customer.example", "due@customer.example")
        ]
        self.unreachable = self.add(
            session, state=MessageState.FAILED, last_cause="connection", last_detail="Connection refused"
        )
        self.uncertain = self.add(
            session, state=MessageState.UNCERTAIN, last_cause="timeout", last_detail="no answer came"
        )
        self.withheld = self.add(session, state=MessageState.WITHHELD, withheld_reason="voided_meanwhile")
        self.cancelled = self.add(session, state=MessageState.CANCELLED)
        for level in (0, 3):
            session.add(
                LeftOut(
                    run_id=self.run.id,
                    reason="contact_not_subscribed",
                    party_id=self.party.id,
                    privacy_level=level,
                )
            )
        session.flush()

    def add(self, session: Session, **overrides: Any) -> Message:
        return make_message(session, self.run, self.party, self.account, **overrides)
