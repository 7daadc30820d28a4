"""Mails for the tests of evidence: a sent PEC message, and every genuine or forged mail that may come back."""

import hashlib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from itertools import count

from sqlalchemy.orm import Session

from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.envelope import Attachment, Envelope
from crm_mail.delivery.mailbox.reader import ReceivedMail
from crm_mail.delivery.mime import build
from crm_mail.delivery.models import AccountKind, SenderAccount
from crm_mail.delivery.packing import pack
from crm_mail.delivery.routing import AddressKind, Channel
from crm_mail.evidence.intake import take_in
from crm_mail.evidence.models import MailItem
from crm_mail.installation import Installation
from crm_mail.outbox.models import Attempt, Message
from crm_mail.outbox.states import MessageState
from crm_mail.pec_simulator.authority import Authority
from crm_mail.pec_simulator.issuer import Accepted, Issuer
from crm_mail.pec_simulator.operators import Operators
from crm_mail.pec_simulator.original import read_original
from crm_mail.pec_simulator.skins import DOMAINS
from tests.factories import make_account, make_party
from tests.reports.finished_run import make_message, make_run

INVOICE = b"%PDF-1.7 a courtesy copy of invoice 41/2026"
SENDER = "ufficio@pec.azienda.example"
RECIPIENT = "cliente@pec.example"
SENT_AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
_numbers = count(1)


@cache
def _authority(name: str) -> Authority:
    return Authority(DOMAINS, name=name)


@cache
def issuer(name: str = "Simulated PEC", is_certified: bool = True) -> Issuer:
    """An operator; another name is another authority, which nobody believes."""
    operators = Operators(_authority(name))
    operators.manage("pec.azienda.example", "pec.example")
    one = operators.issuer_for(SENDER)
    return Issuer(one.skin, one.signer, lambda _address: is_certified)


def believe(home: Installation) -> None:
    """Put the simulated operators' root among those that this installation believes."""
    folder = home.settings.data_dir / "pec-anchors"
    folder.mkdir(exist_ok=True)
    (folder / "root.pem").write_bytes(_authority("Simulated PEC").root_pem)


def pec_account(session: Session, company: object, **overrides: object) -> SenderAccount:
    values = {"kind": AccountKind.PEC, "from_address": SENDER, "mailbox_is_read": True}
    return make_account(session, company, **(values | overrides))  # type: ignore[arg-type]


def sent_message(session: Session, account: SenderAccount, **overrides: object) -> Message:
    """A message that the account's server took."""
    from crm_mail.companies.models import Company

    company = session.get_one(Company, account.company_id)
    is_pec = account.kind is AccountKind.PEC
    run = make_run(session, company)
    values: dict[str, object] = {
        "to_address": RECIPIENT if is_pec else "cliente@customer.example",
        "to_kind": AddressKind.PEC if is_pec else AddressKind.ORDINARY,
        "channel": Channel.PEC if is_pec else Channel.SMTP,
        "message_id": f"<{next(_numbers):024x}@pec.azienda.example>",
        "state": MessageState.SENT,
        "claimed_at": SENT_AT,
        "sent_at": SENT_AT,
        "attempt_count": 1,
    }
    return make_message(session, run, make_party(session, company), account, **(values | overrides))


def keep_source(session: Session, home: Installation, account: SenderAccount, message: Message) -> bytes:
    """The exact bytes of a sent message with a file, kept as the sender keeps them."""
    file = Attachment("fattura 41.pdf", "application/pdf", home.store.put(INVOICE), len(INVOICE))
    envelope = Envelope(
        message_id=message.message_id or "",
        date=SENT_AT,
        from_name="Officina",
        from_address=account.from_address,
        to=message.to_address,
        subject=message.subject,
        body_text="In allegato la fattura.",
        attachments=(file,),
    )
    segments = build(envelope)
    exact = flatten(segments, home.store.read)
    session.add(
        Attempt(
            message_id=message.id,
            account_id=account.id,
            started_at=SENT_AT,
            finished_at=SENT_AT,
            outcome="sent",
            code=250,
            detail="2.0.0 Ok",
            mime=pack(segments),
            mime_sha256=hashlib.sha256(exact).hexdigest(),
        )
    )
    session.flush()
    return exact


def certified(
    message_id: str, sender: str = SENDER, to: str = RECIPIENT, by: Issuer | None = None
) -> Accepted:
    """The message as the operator took it in."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = sender, to, "Fattura 1", message_id
    mail.set_content("Buongiorno.\n")
    return (by or issuer()).take(read_original(mail.as_bytes(), sender, (to,)), SENT_AT)


def hours(number: float) -> datetime:
    """So long after the message was sent."""
    return SENT_AT + timedelta(hours=number)


def receive(
    session: Session,
    home: Installation,
    account: SenderAccount,
    data: bytes,
    folder: str = "INBOX",
    **more: object,
) -> MailItem | None:
    """Take in a mail as if it had come to the account's mailbox."""
    mail = ReceivedMail(folder, 1, next(_numbers), hours(1), data)
    return take_in(session, home, account, mail, **more)  # type: ignore[arg-type]


def bounce(message_id: str, to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    """What an ordinary server sends back (RFC 3464)."""
    code = "550" if status.startswith("5") else "451"
    text = f"""From: MAILER-DAEMON@mx.example
To: office@azienda.example
Subject: Undelivered Mail Returned to Sender
Date: Tue, 03 Nov 2026 13:30:00 +0000
Message-ID: <{next(_numbers)}.bounce@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {to}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {code} {status} <{to}>: User unknown

--b
Content-Type: message/rfc822

From: office@azienda.example
To: {to}
Subject: Fattura 1
Message-ID: {message_id}

Buongiorno.

--b--
"""
    return text.replace("\n", "\r\n").encode()


def ordinary(subject: str, **headers: str) -> bytes:
    """Any ordinary mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "cliente@customer.example", "office@azienda.example", subject
    mail["Date"], mail["Message-ID"] = (
        "Tue, 03 Nov 2026 14:00:00 +0000",
        f"<{next(_numbers)}@customer.example>",
    )
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content("Buongiorno.\n")
    return mail.as_bytes()
