"""An office full of secrets: each is a word that stands in everything about one contact, document or customer."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.catalogue.models import CatalogueEntry
from crm_mail.companies.models import Company
from crm_mail.contacts.consents.models import ConsentEvent
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose, Source
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import Contact, Party, SavedFilter
from crm_mail.contacts.raising import raise_history
from crm_mail.db import now
from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.envelope import Envelope
from crm_mail.delivery.mime import build
from crm_mail.delivery.models import SenderAccount, Suppression
from crm_mail.delivery.packing import pack
from crm_mail.delivery.routing import Channel
from crm_mail.evidence.models import ItemKind, MailItem
from crm_mail.installation import Installation
from crm_mail.outbox.models import (
    Attempt,
    LeftOut,
    Message,
    MessageContent,
    MessageDocument,
    MessageEvent,
    MessageFile,
    MessageRevision,
    Run,
)
from crm_mail.outbox.states import MessageState, RunState
from crm_mail.privacy.models import ActKind, PrivacyAct
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.models import LedgerLine
from tests.factories import make_account, make_actor, make_company, make_contact, make_document, make_party

ONE, TWO, THREE = "vexluna", "vexdwoo", "vextria"
"""Words of contacts and documents of the levels 1, 2 and 3."""
AGENT, ZONE, COMPANY = "vexagon", "vexzoon", "vexcomp"
"""Words of another agent's customer, another zone's, and another company's."""
OWN = "palelily"


@dataclass
class Secret:
    """Everything that one word stands in: the values of the variable parts of addresses."""

    word: str
    ids: dict[str, int]
    more: list[dict[str, int]] = field(default_factory=list)


@dataclass
class Office:
    """The company, its runs and what is told by whom."""

    company: Company
    account: SenderAccount
    waiting: Run
    finished: Run
    secrets: dict[str, Secret] = field(default_factory=dict)


def make_office(session: Session, home: Installation, saver_id: int | None = None) -> Office:
    """Two companies, their customers, and history about all of them."""
    office = _empty_office(session, "SM02", "Officine San Marco")
    own = make_party(session, office.company, code=f"{OWN}1", name=f"{OWN} Srl", agent="Bianchi", zone="Nord")
    for word, level in ((OWN, 0), (ONE, 1), (TWO, 2), (THREE, 3)):
        office.secrets[word] = _secret(session, home, office, own, word, level, saver_id)
    for word, place in ((AGENT, {"agent": "Verdi"}), (ZONE, {"zone": "Sud"})):
        values = {
            "agent": f"{word} Neri", "zone": f"{word} est", "city": f"{word} city", "category": f"{word}-cat",
            "email": f"office@{word}.example", "vat_number": "TWIN0099", "province": word[:2],
        }  # fmt: skip
        party = make_party(session, office.company, code=f"{word}1", name=f"{word} Spa", **(values | place))
        office.secrets[word] = _secret(session, home, office, party, word, 0, saver_id)
    other = _empty_office(session, f"{COMPANY[:4]}9", f"{COMPANY} holding")
    party = make_party(session, other.company, code=f"{COMPANY}1", name=f"{COMPANY} Sa", agent="Bianchi")
    office.secrets[COMPANY] = _secret(session, home, other, party, COMPANY, 0, saver_id)
    session.flush()
    _raise(session, office.secrets[THREE].ids["contact_id"])
    return office


def _raise(session: Session, contact_id: int) -> None:
    """The contact of level 3 was public while all this happened."""
    contact = session.get_one(Contact, contact_id)
    contact.privacy_level = 3
    raise_history(session, [contact.id])


def _empty_office(session: Session, code: str, name: str) -> Office:
    company = make_company(session, code=code, name=name)
    runs = [
        Run(company_id=company.id, title="", state=state, document_types=["invoice"], criteria=criteria)
        for state, criteria in (
            (RunState.REVIEW, {"parties": PartyFilter(company.id).to_dict(), "document_types": ["invoice"]}),
            (
                RunState.FINISHED,
                {"parties": PartyFilter(company.id).to_dict(), "document_types": ["invoice"]},
            ),
        )
    ]
    session.add_all(runs)
    session.flush()
    return Office(company, make_account(session, company), *runs)


def _secret(
    session: Session,
    home: Installation,
    office: Office,
    party: Party,
    word: str,
    level: int,
    saver: int | None,
) -> Secret:
    address, then = f"{word}@{word}.example", 0 if level == 3 else level
    contact = make_contact(
        session,
        party,
        ((address, "ordinary"), (f"pec@{word}.example", "pec")),
        ("invoice", "account_statement"),
        {f"{word}-key": f"{word}-value"},
        name=f"{word} Person",
        mobile=f"333 {word}",
        notes=f"{word} note",
        privacy_level=then,
        birth_day=3,
        birth_month=4,
    )
    data = f"%PDF-1.4 {word} secret".encode()
    sha256 = home.store.put(data)
    document = make_document(
        session,
        party,
        ((f"{word}.pdf", sha256, len(data)),),
        number=f"{word}-1",
        privacy_level=level,
        gross_total=Decimal(100),
    )
    ids = {
        "contact_id": contact.id, "party_id": party.id, "document_id": document.id, "company_id": party.company_id,
        "file_id": document.files[0].id,
    }  # fmt: skip
    found = Secret(word, ids)
    for run, state in ((office.waiting, MessageState.PENDING), (office.finished, MessageState.SENT)):
        message = _message(session, run, contact, document, office.account, word, state, then)
        item = _item(session, home, message, office.account, word)
        found.more.append({"run_id": run.id, "message_id": message.id, "item_id": item.id})
        session.add(
            LeftOut(
                run_id=run.id, reason="contact_inactive", party_id=party.id, contact_id=contact.id,
                document_id=document.id, privacy_level=max(level, then), detail=f"{word} left",
            )
        )  # fmt: skip
    suppressed = Suppression(
        company_id=party.company_id, address=f"pec@{word}.example", reason="hard", detail=word
    )
    event = ConsentEvent(
        company_id=party.company_id, contact_id=contact.id, purpose=Purpose.COMMERCIAL, at=now(),
        channel=ConsentChannel.EMAIL, decision=Decision.GIVEN, source=next(iter(Source)), proof=f"{word} proof",
        proof_name=f"{word}.txt", proof_sha256=sha256,
    )  # fmt: skip
    act = PrivacyAct(
        company_id=party.company_id, contact_id=contact.id, party_id=party.id, privacy_level=then,
        kind=next(iter(ActKind)), user_name="Anna", reason=f"{word} asked",
    )  # fmt: skip
    session.add_all([suppressed, event, act])
    _ledger(session, party, word, level)
    session.flush()
    found.ids |= {"suppression_id": suppressed.id, "event_id": event.id}
    _audit(session, office, contact, document, suppressed, word, then)
    if saver is not None:
        session.add(
            SavedFilter(
                company_id=party.company_id, user_id=saver, name=f"{word} view", filter={"text": word}
            )
        )
    return found


def _message(
    session: Session, run: Run, contact: Contact, document: Any, account: SenderAccount, word: str,
    state: MessageState, level: int,
) -> Message:  # fmt: skip
    address = f"{word}@{word}.example"
    message = Message(
        run_id=run.id, company_id=run.company_id, party_id=contact.party_id, contact_id=contact.id, state=state,
        party_code=contact.party.code, party_name=contact.party.name, recipient_name=contact.name, language="it",
        to_address=address, cc=[f"copy@{word}.example"], channel=Channel.SMTP, account_id=account.id,
        subject=f"{word} subject", search_key=f"{word} {address}", privacy_level=max(level, document.privacy_level),
        sent_at=now() - timedelta(days=2) if state is MessageState.SENT else None, document_types="invoice",
        document_count=1, first_documents=[["invoice", document.number]], agent=contact.party.agent,
        zone=contact.party.zone, last_detail=f"{word} detail",
    )  # fmt: skip
    message.content = MessageContent(body_text=f"Dear {word}", body_html=f"<p>Dear {word}</p>")
    session.add(message)
    session.flush()
    message.message_id = f"<{message.id}@office.example>"
    envelope = Envelope(
        message_id=message.message_id, date=now(), from_name="Office", from_address=account.from_address,
        to=address, cc=(), subject=message.subject, body_text=f"Dear {word}",
    )  # fmt: skip
    segments = build(envelope)
    file = document.files[0]
    session.add_all(
        [
            MessageDocument(message_id=message.id, document_id=document.id, position=0),
            MessageFile(
                message_id=message.id, position=0, document_id=document.id, name=file.name, mime=file.mime,
                sha256=file.sha256, size=file.size,
            ),
            Attempt(
                message_id=message.id, started_at=now(), finished_at=now(), outcome="sent", detail=f"250 {address}",
                mime=pack(segments), mime_sha256=hashlib.sha256(flatten(segments, lambda _sha: b"")).hexdigest(),
            ),
            MessageEvent(message_id=message.id, kind="edited", detail={"before": address}),
            MessageRevision(
                message_id=message.id, revision=1, to_address=address, subject=f"{word} draft", body_text="",
                body_html="",
            ),
        ]
    )  # fmt: skip
    return message


def _item(
    session: Session, home: Installation, message: Message, account: SenderAccount, word: str
) -> MailItem:
    sha256 = home.store.put(f"From: {word}@{word}.example\r\nSubject: re {message.id}\r\n\r\n{word}".encode())
    item = MailItem(
        account_id=account.id, company_id=message.company_id, message_id=message.id, kind=ItemKind.REPLY,
        sha256=sha256, size=10, recipient=message.to_address, detail=f"{word} wrote", alarm="",
    )  # fmt: skip
    session.add(item)
    session.flush()
    return item


def _ledger(session: Session, party: Party, word: str, level: int) -> None:
    if level:
        return  # what is owed is the customer's, and has no level
    session.add(
        LedgerLine(
            company_id=party.company_id, party_id=party.id, kind=Kind.OPEN_ITEMS, source_key=word, number=f"{word}-7",
            doc_on=date(2026, 9, 1), due_on=date(2026, 10, 1), description=f"{word} owes", debit=Decimal(100),
            open_amount=Decimal(100), fingerprint=word,
        )
    )  # fmt: skip
    if session.scalar(select(CatalogueEntry).where(CatalogueEntry.party_id == party.id)) is None:
        session.add(CatalogueEntry(party_id=party.id, company_id=party.company_id))


def _audit(
    session: Session,
    office: Office,
    contact: Contact,
    document: Any,
    suppressed: Suppression,
    word: str,
    level: int,
) -> None:
    values = {"company_id": contact.company_id, "privacy_level": level}
    of_document = values | {"privacy_level": document.privacy_level}
    for subject, label, detail in (
        (contact, f"{word} Person", values),
        (suppressed, suppressed.address, values),
        (document, f"invoice {word}-1", of_document),
    ):
        audit.record(session, make_actor(), "contacts.contact.updated", subject=subject, label=label,
                     after={"name": word}, **detail)  # fmt: skip
    if not level and contact.privacy_level == 0 and word in (AGENT, ZONE, COMPANY):
        audit.record(
            session, make_actor(), "contacts.party.updated", subject=contact.party, label=word, **values
        )
