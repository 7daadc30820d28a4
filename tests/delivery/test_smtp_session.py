"""What becomes of a message when servers answer, refuse, hang up or say nothing (outbox laws 4, 5; IT-17 to IT-20).

Everything over real sockets on loopback; the faults of issue section 12.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.smtp_session import SmtpSession, check_account, dot_stuffed
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Mail, Security

from .servers import Faults, FaultyServer, certificate_context

TO = "mario@cliente.example"
SENDER = "office@acme.example"
MAIL = b"Subject: hi\r\nMessage-ID: <1@acme.example>\r\n\r\n.dot\r\nciao\r\n"
BIG = MAIL + b"x" * 76 * 1000 + b"\r\n"
HUGE = MAIL + (b"x" * 76 + b"\r\n") * 400_000
PLAIN_SERVER = ("SIZE 50000000", "8BITMIME", "AUTH PLAIN LOGIN")


@contextmanager
def session_with(faults: Faults, **changes: object) -> Iterator[tuple[FaultyServer, SmtpSession]]:
    with FaultyServer(faults) as server, SmtpSession(server.account(**changes)) as session:
        yield server, session


def send(session: SmtpSession, data: bytes = MAIL, to: tuple[str, ...] = (TO,)) -> Outcome:
    return session.send(SENDER, to, data)


def failure_of(settings: AccountSettings) -> Outcome:
    with pytest.raises(ConnectionFailed) as caught:
        SmtpSession(settings).connect()
    assert caught.value.outcome == check_account(settings)
    return caught.value.outcome


@pytest.mark.parametrize("abilities", [Faults().abilities, PLAIN_SERVER])
def test_messages_go_over_one_connection_with_and_without_pipelining(abilities: tuple[str, ...]) -> None:
    with session_with(Faults(abilities=abilities)) as (server, session):
        outcomes = [send(session, BIG) for _ in range(5)]
        assert all(o == Outcome(OutcomeKind.SENT, 250, "250 2.0.0 Ok: queued", "2.0.0") for o in outcomes)
        assert (server.connections, len(server.received)) == (1, 5)
        assert server.received[0] == ((TO,), BIG.replace(b"\r\n.dot", b"\r\n..dot") + b".\r\n")
        assert session.message_count == 5


def test_several_recipients_get_one_message_and_data_waits_for_all_of_them() -> None:
    with session_with(Faults()) as (server, session):
        assert send(session, to=(TO, "b@x.it")).is_sent
        assert server.received[0][0] == (TO, "b@x.it")
        assert any(command.startswith("MAIL FROM:<office@acme.example> SIZE=") for command in server.commands)


@pytest.mark.parametrize("abilities", [Faults().abilities, PLAIN_SERVER])
@pytest.mark.parametrize(
    ("stage", "reply", "kind", "cause"),
    [
        ("MAIL", "450 4.7.1 Slow down", OutcomeKind.TRANSIENT, Cause.SENDER),
        ("MAIL", "553 5.7.1 Sender address rejected: not owned by user", OutcomeKind.PERMANENT, Cause.SENDER),
        ("MAIL", "530 5.7.0 Authentication required", OutcomeKind.ACCOUNT_REFUSED, Cause.LOGIN),
        ("MAIL", "552 5.3.4 Message too big", OutcomeKind.PERMANENT, Cause.SIZE),
        ("RCPT", "450 4.2.1 Mailbox busy", OutcomeKind.TRANSIENT, Cause.RECIPIENT),
        ("RCPT", "550-5.1.1 No such\r\n550 5.1.1 user", OutcomeKind.PERMANENT, Cause.RECIPIENT),
        ("RCPT", "552 5.2.2 Mailbox full", OutcomeKind.PERMANENT, Cause.RECIPIENT),
        ("RCPT", "451 Greylisted", OutcomeKind.TRANSIENT, Cause.RECIPIENT),
        ("DATA", "451 4.3.0 Later", OutcomeKind.TRANSIENT, Cause.CONTENT),
        ("END", "552 Too big", OutcomeKind.PERMANENT, Cause.SIZE),
        ("END", "550 5.7.1 Spam", OutcomeKind.PERMANENT, Cause.CONTENT),
        ("END", "452 4.3.1 Disk full", OutcomeKind.TRANSIENT, Cause.CONTENT),
    ],
)
def test_a_refusal_is_told_by_its_code_and_the_connection_goes_on(
    abilities: tuple[str, ...], stage: str, reply: str, kind: OutcomeKind, cause: Cause
) -> None:
    faults = Faults(replies={stage: reply}, abilities=abilities, times=1)
    with session_with(faults) as (server, session):
        outcome = send(session)
        assert (outcome.kind, outcome.cause, outcome.code) == (kind, cause, int(reply[:3]))
        assert reply.split("\r\n")[-1][-4:] in outcome.detail
        assert session.is_usable()
        assert send(session).is_sent
        assert server.connections == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "END"])
def test_a_421_is_for_later_and_ends_the_connection(stage: str) -> None:
    with session_with(Faults(replies={stage: "421 4.3.2 Shutting down"})) as (_, session):
        outcome = send(session)
        assert (outcome.kind, outcome.code, outcome.cause) == (OutcomeKind.TRANSIENT, 421, Cause.BUSY)
        assert not session.is_open
        assert not session.is_usable()


@pytest.mark.parametrize("abilities", [Faults().abilities, PLAIN_SERVER])
def test_one_refused_recipient_refuses_the_message_by_name(abilities: tuple[str, ...]) -> None:
    faults = Faults(replies={"RCPT b@x.it": "550 5.1.1 No such user"}, abilities=abilities)
    with session_with(faults) as (server, session):
        outcome = send(session, to=(TO, "b@x.it"))
        assert outcome == Outcome(
            OutcomeKind.PERMANENT, 550, "b@x.it: 550 5.1.1 No such user", "5.1.1", Cause.RECIPIENT
        )
        assert "DATA" not in server.commands
        assert send(session).is_sent
        assert len(server.received) == 1


def test_a_server_that_opens_data_after_refusing_everybody_gets_nothing() -> None:
    faults = Faults(replies={"RCPT": "550 5.1.1 No", "DATA": "354 Go ahead"}, times=1)
    with session_with(faults) as (server, session):
        assert send(session).kind is OutcomeKind.PERMANENT
        assert not session.is_open
        assert server.received == []


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_breaks_before_the_message_is_for_later(stage: str, reset: bool) -> None:
    with session_with(Faults(hang_up={stage}, reset=reset)) as (_, session):
        outcome = send(session)
        assert (outcome.kind, outcome.code, outcome.cause) == (OutcomeKind.TRANSIENT, None, Cause.DROPPED)
        assert not session.is_open


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_breaks_in_the_middle_of_the_message_is_for_later(reset: bool) -> None:
    """Issue section 12: closes in the middle of DATA. The rest of the message had not left yet."""
    with session_with(Faults(hang_up_after_bytes=50_000, reset=reset)) as (server, session):
        outcome = send(session, HUGE)
        assert (outcome.kind, outcome.cause) == (OutcomeKind.TRANSIENT, Cause.DROPPED)
        assert server.received == []


@pytest.mark.parametrize("reset", [False, True])
def test_an_accepted_message_whose_reply_was_lost_is_uncertain(reset: bool) -> None:
    with session_with(Faults(hang_up={"END"}, reset=reset)) as (server, session):
        outcome = send(session)
        assert (outcome.kind, outcome.code, outcome.cause) == (OutcomeKind.UNCERTAIN, None, Cause.DROPPED)
        assert len(server.received) == 1
        assert not session.is_open


def test_no_answer_after_the_message_is_uncertain_and_before_it_for_later() -> None:
    with session_with(Faults(pause={"END": 1.0}), timeout_seconds=0.3) as (_, session):
        outcome = send(session)
        assert (outcome.kind, outcome.cause) == (OutcomeKind.UNCERTAIN, Cause.TIMEOUT)
    with session_with(Faults(pause={"RCPT": 1.0}), timeout_seconds=0.3) as (_, session):
        outcome = send(session)
        assert (outcome.kind, outcome.cause) == (OutcomeKind.TRANSIENT, Cause.TIMEOUT)
        assert "0.3 s" in outcome.detail


def test_an_answer_that_is_no_smtp_is_for_later_before_the_message_and_uncertain_after() -> None:
    with session_with(Faults(replies={"MAIL": "hello there"})) as (_, session):
        assert (send(session).kind, session.is_open) == (OutcomeKind.TRANSIENT, False)
    for answer in ("hello there", "354 Go on"):
        with session_with(Faults(replies={"END": answer})) as (_, session):
            outcome = send(session)
            assert (outcome.kind, outcome.cause) == (OutcomeKind.UNCERTAIN, Cause.PROTOCOL)
            assert not session.is_open


def test_a_message_over_the_servers_limit_is_not_even_begun() -> None:
    with session_with(Faults(abilities=("SIZE 1000",))) as (server, session):
        outcome = send(session, BIG)
        assert (outcome.kind, outcome.code, outcome.cause) == (OutcomeKind.PERMANENT, 552, Cause.SIZE)
        assert "1000" in outcome.detail
        assert server.tries == 0
        assert send(session).is_sent


def test_letters_outside_ascii_before_the_at_need_a_server_that_knows_them() -> None:
    with session_with(Faults()) as (server, session):
        outcome = send(session, to=("niño@x.es",))
        assert (outcome.kind, outcome.cause, server.tries) == (OutcomeKind.PERMANENT, Cause.SMTPUTF8, 0)
        assert send(session, to=("info@españa.es",)).is_sent
        assert "RCPT TO:<info@xn--espaa-rta.es>" in server.commands
    with session_with(Faults(abilities=("SMTPUTF8",))) as (server, session):
        assert send(session, to=("niño@x.es",)).is_sent
        assert server.commands[-3:-1] == ["MAIL FROM:<office@acme.example> SMTPUTF8", "RCPT TO:<niño@x.es>"]


def test_an_address_that_would_write_commands_is_refused() -> None:
    with session_with(Faults()) as (server, session):
        for bad in ("a@b.it>\r\nRCPT TO:<x@y.it", "a b@c.it", ""):
            outcome = send(session, to=(bad,))
            assert (outcome.kind, outcome.cause) == (OutcomeKind.PERMANENT, Cause.ADDRESS)
        assert send(session, to=()).cause is Cause.ADDRESS
        assert server.tries == 0


def test_an_eight_bit_message_says_so() -> None:
    with session_with(Faults()) as (server, session):
        assert send(session, "Subject: x\r\n\r\nperché\r\n".encode()).is_sent
        assert any(command.endswith("BODY=8BITMIME") for command in server.commands)


def test_a_kept_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    with session_with(Faults(times=1, hang_up={"QUIT"})) as (server, session):
        assert session.is_usable()
        server.faults = Faults(hang_up={"NOOP"})
        assert session._wire is not None
        session._wire.write(b"NOOP\r\n")
        deadline = time.monotonic() + 5
        while session.is_usable() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not session.is_usable()
        session.close()
        session.connect()
        assert send(session).is_sent


def test_a_connection_is_renewed_after_the_agreed_number_of_messages() -> None:
    with session_with(Faults(), messages_per_connection=2) as (server, session):
        for _ in range(5):
            if not session.is_usable():
                session.close()
                session.connect()
            assert send(session).is_sent
        assert server.connections == 3


def test_a_closed_session_says_not_connected() -> None:
    with FaultyServer() as server:
        assert send(SmtpSession(server.account())).kind is OutcomeKind.TRANSIENT


# --- connecting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("abilities", [("AUTH PLAIN LOGIN",), ("AUTH LOGIN",)])
def test_a_login_with_accents_works(abilities: tuple[str, ...]) -> None:
    with FaultyServer(Faults(abilities=abilities)) as server:
        assert check_account(server.account(username="niño", password="contraseña")) is None
        assert any(command.startswith("AUTH ") for command in server.commands)


@pytest.mark.parametrize(
    "code", ["535 5.7.8 Bad credentials", "534 5.7.9 Too weak", "530 5.7.0 No", "550 5.7.1 No"]
)
def test_a_refused_login_stops_the_account_after_one_try(code: str) -> None:
    with FaultyServer(Faults(replies={"AUTH": code})) as server:
        outcome = failure_of(server.account(username="u", password="secret-word"))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.LOGIN)
        assert (outcome.code, outcome.detail) == (int(code[:3]), code)
        assert len([c for c in server.commands if c.startswith("AUTH")]) == server.connections


def test_a_login_that_fails_for_the_moment_is_for_later() -> None:
    with FaultyServer(Faults(replies={"AUTH": "454 4.7.0 Temporary authentication failure"})) as server:
        assert failure_of(server.account(username="u", password="p")).kind is OutcomeKind.TRANSIENT


def test_a_server_without_login_stops_an_account_that_has_one() -> None:
    with FaultyServer(Faults(abilities=())) as server:
        outcome = failure_of(server.account(username="u", password="p"))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.LOGIN_NOT_OFFERED)


def test_a_password_is_never_shown() -> None:
    with FaultyServer(Faults(replies={"AUTH": "535 wrong password hunter2 for u"})) as server:
        settings = server.account(username="u", password="hunter2")
        assert "hunter2" not in failure_of(settings).detail
        assert "hunter2" not in repr(settings)


def test_nobody_listening_an_unknown_name_and_a_greeting_421_are_for_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with FaultyServer() as server:
            settings = server.account(port=taken.getsockname()[1])
            assert (failure_of(settings).kind, failure_of(settings).cause) == (
                OutcomeKind.TRANSIENT,
                Cause.CONNECTION,
            )
            unknown = failure_of(server.account(host="no-such-host.invalid"))
            assert (unknown.kind, unknown.cause) == (OutcomeKind.TRANSIENT, Cause.DNS)
    with FaultyServer(Faults(replies={"GREETING": "421 4.3.2 Too busy"})) as server:
        busy = failure_of(server.account())
        assert (busy.kind, busy.code, busy.cause) == (OutcomeKind.TRANSIENT, 421, Cause.BUSY)
    with FaultyServer(Faults(replies={"GREETING": "554 5.7.1 You are blocked"})) as server:
        assert failure_of(server.account()).kind is OutcomeKind.ACCOUNT_REFUSED


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "AUTH"])
def test_a_silent_or_vanishing_server_is_for_later(stage: str) -> None:
    login = {"username": "u", "password": "p"}
    with FaultyServer(Faults(pause={stage: 1.0})) as server:
        outcome = failure_of(server.account(timeout_seconds=0.2, **login))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.TRANSIENT, Cause.TIMEOUT)
    with FaultyServer(Faults(hang_up={stage})) as server:
        outcome = failure_of(server.account(**login))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.TRANSIENT, Cause.DROPPED)


def test_encryption_is_verified_in_both_ways(tmp_path: Path) -> None:
    context = certificate_context(tmp_path)
    trusted = {"ca_file": str(tmp_path / "ca.pem")}
    with FaultyServer(implicit_tls=context) as server:
        with SmtpSession(server.account(security=Security.TLS, **trusted)) as session:
            assert send(session, BIG).is_sent
            assert session.is_usable()
        assert failure_of(server.account(security=Security.TLS)).cause is Cause.CERTIFICATE
    with FaultyServer(starttls=context) as server:
        with SmtpSession(server.account(security=Security.STARTTLS, **trusted)) as session:
            assert send(session).is_sent
        bad = failure_of(server.account(security=Security.STARTTLS))
        assert (bad.kind, bad.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.CERTIFICATE)
        assert "self" in bad.detail or "issuer" in bad.detail


def test_a_certificate_for_another_name_stops_the_account(tmp_path: Path) -> None:
    with FaultyServer(implicit_tls=certificate_context(tmp_path, "other.example")) as server:
        outcome = failure_of(server.account(security=Security.TLS, ca_file=str(tmp_path / "ca.pem")))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.CERTIFICATE)
        missing = failure_of(server.account(security=Security.TLS, ca_file=str(tmp_path / "gone.pem")))
        assert missing.cause is Cause.CERTIFICATE


def test_a_server_that_refuses_tls_stops_the_account_and_no_password_is_sent(tmp_path: Path) -> None:
    login = {"username": "u", "password": "p"}
    with FaultyServer() as server:
        outcome = failure_of(server.account(security=Security.STARTTLS, **login))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.TLS_NOT_OFFERED)
        outcome = failure_of(server.account(security=Security.TLS, **login))
        assert (outcome.kind, outcome.cause) == (OutcomeKind.ACCOUNT_REFUSED, Cause.TLS)
        assert not any(command.startswith("AUTH") for command in server.commands)
    faults = Faults(replies={"STARTTLS": "454 4.7.0 TLS not available"})
    with FaultyServer(faults, starttls=certificate_context(tmp_path)) as server:
        assert failure_of(server.account(security=Security.STARTTLS)).kind is OutcomeKind.TRANSIENT


def test_a_connection_that_ends_in_the_middle_of_a_tls_message_is_for_later(tmp_path: Path) -> None:
    settings = {"security": Security.TLS, "ca_file": str(tmp_path / "ca.pem")}
    faults = Faults(hang_up_after_bytes=50_000, reset=True)
    with FaultyServer(faults, implicit_tls=certificate_context(tmp_path)) as server:
        session = SmtpSession(server.account(**settings))
        session.connect()
        assert send(session, HUGE).kind is OutcomeKind.TRANSIENT


def test_settings_refuse_what_makes_no_sense() -> None:
    with FaultyServer() as server:
        for bad in ({"timeout_seconds": 601}, {"timeout_seconds": 0}, {"messages_per_connection": 0}):
            with pytest.raises(ValueError, match=r"time-out|message"):
                server.account(**bad)


def test_a_server_that_stops_reading_is_for_later() -> None:
    """The kernel's buffers fill up, then nothing moves: the message cannot have arrived."""
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def stall() -> None:
            peer, _ = listener.accept()
            with peer:
                for answer in (b"220 x\r\n", b"250-x\r\n250 PIPELINING\r\n"):
                    peer.sendall(answer)
                    peer.recv(4096)
                peer.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
                release.wait(10)

        thread = threading.Thread(target=stall, daemon=True)
        thread.start()
        with FaultyServer() as server:
            settings = server.account(port=listener.getsockname()[1], timeout_seconds=0.5)
        session = SmtpSession(settings)
        session.connect()
        outcome = send(session, HUGE)
        release.set()
        thread.join()
    assert (outcome.kind, outcome.cause) == (OutcomeKind.TRANSIENT, Cause.TIMEOUT)


@pytest.mark.parametrize(
    ("data", "stuffed"),
    [
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n..a\r\n", b"..\r\n...a\r\n.\r\n"),
        (b"a\n.\nb\r.\r\n", b"a\r\n..\r\nb\r\n..\r\n.\r\n"),
        (b"", b".\r\n"),
    ],
)
def test_leading_dots_are_doubled_and_loose_line_ends_mended(data: bytes, stuffed: bytes) -> None:
    """RFC 5321 4.5.2; a loose line end before a dot would let a second message in."""
    assert dot_stuffed(data) == stuffed


def test_a_message_may_have_a_time_out_of_its_own_and_the_next_one_has_the_accounts_again() -> None:
    """PM-10: two minutes, extensible; a packaging may say so for its messages."""
    message = b"From: a@b.example\r\n\r\nHello\r\n"
    with session_with(Faults(pause={"END": 0.6}), timeout_seconds=0.2) as (_, session):
        patient = session.hand_over(Mail("a@b.example", ["c@d.example"], dot_stuffed(message), 5.0))
        assert patient.kind is OutcomeKind.SENT
        hasty = session.hand_over(Mail("a@b.example", ["c@d.example"], dot_stuffed(message)))
        assert (hasty.kind, hasty.cause) == (OutcomeKind.UNCERTAIN, Cause.TIMEOUT)
