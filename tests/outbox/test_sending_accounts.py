"""What an account adds to sending: a sign-in, a signature, the form of PEC receipts, a pause when it sent too much."""

import hashlib
from datetime import timedelta
from email import message_from_bytes

import dkim
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.db import now
from crm_mail.delivery.answers import answers_by_pec
from crm_mail.delivery.blobs import flatten
from crm_mail.delivery.dkim import make_key, public_record
from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.models import AccountKind, AuthMethod, ReceiptForm, SenderAccount
from crm_mail.delivery.oauth_consent import begin_sign_in, finish_sign_in
from crm_mail.delivery.packing import unpack
from crm_mail.delivery.replies import Reply, judge
from crm_mail.installation import Installation
from crm_mail.outbox.models import Attempt, Message, Run
from crm_mail.outbox.preparing.bulk_warnings import warn_ordinary_answers
from crm_mail.outbox.reviewing.checking import check_messages
from crm_mail.outbox.reviewing.review import Chosen
from crm_mail.outbox.sending.envelopes import raw_bytes
from tests.delivery.oauth_server import CLIENT_SECRET, OAuthServer
from tests.delivery.servers import Faults
from tests.factories import make_account, make_company
from tests.outbox.sending import ACTOR, NO_PAUSES, committed_run, make_run, messages, send, states

KEY = make_key()


def received_mail(data: bytes) -> bytes:
    """What a server heard, dots undone."""
    return data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")


def test_a_message_is_signed_last_and_kept_as_it_left(sqlite_home: Installation) -> None:
    """CO-1: the source shown later is what the server was given, signature included."""
    home = sqlite_home
    sha256 = home.store.put(b"%PDF " + bytes(range(256)) * 500)
    account = {
        "dkim_domain": "acme.example",
        "dkim_selector": "crm1",
        "dkim_key": home.encrypt(KEY),
        "dkim_is_used": True,
    }
    with committed_run(home, files=(("a.pdf", sha256, 128_005),), account=account) as (server, run_id):
        send(home)
    mail = received_mail(server.received[0][1])
    names = {b"crm1._domainkey.acme.example.": public_record(KEY).encode()}
    assert dkim.DKIM(mail).verify(dnsfunc=lambda name, timeout=5: names[name])
    (message,) = messages(home, run_id)
    with home.database.read() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.message_id == message.id)).one()
        assert attempt.mime is not None
        assert flatten(unpack(attempt.mime), home.store.read) == mail
        assert attempt.mime_sha256 == hashlib.sha256(mail).hexdigest()
        assert raw_bytes(session, home.store, session.merge(message, load=False)) == (mail, True)


def test_a_pec_message_is_not_signed_and_asks_for_its_kind_of_receipt(sqlite_home: Installation) -> None:
    home = sqlite_home
    account = {
        "kind": AccountKind.PEC,
        "receipt_form": ReceiptForm.BRIEF,
        "dkim_domain": "acme.example",
        "dkim_selector": "crm1",
        "dkim_key": home.encrypt(KEY),
        "dkim_is_used": True,
    }
    with committed_run(home, account=account) as (server, _run_id):
        send(home)
    mail = message_from_bytes(received_mail(server.received[0][1]))
    assert mail["X-TipoRicevuta"] == "breve"
    assert mail["DKIM-Signature"] is None


def test_a_message_larger_than_its_account_allows_is_not_handed_over(sqlite_home: Installation) -> None:
    """The whole message counts, text and all; PEC operators count it once for each recipient."""
    home = sqlite_home
    sha256 = home.store.put(bytes(900_000))
    account = {"kind": AccountKind.PEC, "max_message_mb": 1}
    with committed_run(home, files=(("a.bin", sha256, 900_000),), account=account) as (server, run_id):
        send(home)
    (message,) = messages(home, run_id)
    assert (message.state, message.last_cause) == ("failed", "size")
    assert "1.2 MB" in message.last_detail
    assert not server.commands


def test_an_account_that_nobody_signed_in_stops_and_goes_on_after_the_sign_in(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    with OAuthServer() as provider:
        account = {
            "auth": AuthMethod.OAUTH2,
            "oauth_secret": home.encrypt(CLIENT_SECRET),
            **provider.columns(),
        }
        faults = Faults(abilities=("PIPELINING", "AUTH XOAUTH2"))
        with committed_run(home, faults, account=account) as (server, run_id):
            send(home)
            assert states(home, run_id) == {"committed": 1}
            assert not server.commands
            with home.database.read() as session:
                stopped = session.scalars(select(SenderAccount)).one()
                assert "sign in again" in stopped.stopped_reason
            answer = provider.consent(begin_sign_in(home, ACTOR, stopped, "http://localhost/x").url)
            finish_sign_in(home, ACTOR, answer["state"], answer["code"])
            send(home)
    assert states(home, run_id) == {"sent": 1}
    assert any(line.startswith("AUTH XOAUTH2 ") for line in server.commands)


TOO_MUCH = "550 5.7.1 Too much traffic from this sender"


def test_too_much_traffic_is_a_pause_and_no_failure(sqlite_home: Installation) -> None:
    """InfoCert: six messages a minute; more is answered with 550, which says nothing about the message."""
    with committed_run(sqlite_home, Faults(replies={"MAIL": TOO_MUCH}, times=1), 3) as (server, run_id):
        send(sqlite_home, pauses=NO_PAUSES)
    assert states(sqlite_home, run_id) == {"sent": 3}
    assert len(server.received) == 3


def test_while_an_account_rests_none_of_its_messages_is_tried(sqlite_home: Installation) -> None:
    hour = (timedelta(hours=1),)
    account = {"max_connections": 1}
    with committed_run(sqlite_home, Faults(replies={"MAIL": TOO_MUCH}), 5, account=account) as (
        server,
        run_id,
    ):
        send(sqlite_home, pauses=hour)
        tries = server.tries
        send(sqlite_home, pauses=hour)  # another worker knows of it too
    assert server.tries == tries == 1
    assert states(sqlite_home, run_id) == {"retrying": 1, "committed": 4}
    with sqlite_home.database.read() as session:
        slowed_until = session.scalars(select(SenderAccount.slowed_until)).one()
        assert slowed_until is not None
        assert slowed_until > now() + timedelta(minutes=50)


@pytest.mark.parametrize(
    ("code", "text", "about", "kind", "cause"),
    [
        (550, "5.7.1 Too much traffic from this sender", Cause.SENDER, "transient", "throttled"),
        (550, "Class Of Service limit", Cause.RECIPIENT, "transient", "throttled"),
        (550, "5.4.5 Daily user sending limit exceeded", Cause.CONTENT, "transient", "throttled"),
        (554, "5.2.0 SubmissionQuotaExceededException", Cause.CONTENT, "transient", "throttled"),
        (421, "4.7.0 Too many messages from you", Cause.SENDER, "transient", "throttled"),
        (552, "5.2.2 mailbox over its message quota", Cause.RECIPIENT, "permanent", "recipient"),
        (550, "5.1.1 no such user", Cause.RECIPIENT, "permanent", "recipient"),
        (553, "5.7.1 Sender address rejected: not owned by user", Cause.SENDER, "permanent", "sender"),
    ],
)
def test_what_an_answer_about_the_amount_of_mail_means(
    code: int, text: str, about: Cause, kind: str, cause: str
) -> None:
    outcome = judge(Reply(code, text), about)
    assert (outcome.kind, outcome.cause) == (OutcomeKind(kind), Cause(cause))


def test_answers_to_pec_that_would_come_back_by_ordinary_mail_are_warned_of(session: Session) -> None:
    """Reply-To must be a PEC address: an answer from a PEC box to an ordinary one is not certified."""
    account = make_account(session, make_company(session), kind=AccountKind.PEC, reply_to="office@gmail.com")
    run = make_run(session, account, 2)
    rows = messages_of(session, run)
    rows[0].reply_to = "answers@pec.it"  # a document type's own address for answers
    session.flush()
    assert warn_ordinary_answers(session, run) == 1
    session.expire_all()
    assert [{issue.code for issue in message.issues} for message in messages_of(session, run)] == [
        set(),
        {"pec_answers"},
    ]
    assert not answers_by_pec(session, account)
    account.reply_to = "answers@pec.it"
    assert answers_by_pec(session, account)
    check_messages(session, ACTOR, run, Chosen(is_all=True), lambda _sha256: True)
    assert not any(message.issues for message in messages_of(session, run))


def messages_of(session: Session, run: Run) -> list[Message]:
    return list(session.scalars(select(Message).where(Message.run_id == run.id).order_by(Message.id)))
