"""The next message announced together with the text of the one before (RFC 2920 3.1): quick, and still exact."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from crm_mail.delivery.envelope import Cause, OutcomeKind
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.smtp_session import SmtpSession, dot_stuffed
from crm_mail.delivery.transports import Mail, Security
from crm_mail.delivery.wire import Wire, WireLost

from .servers import Faults, FaultyServer, certificate_context


def mail(number: int, *more: str) -> Mail:
    text = f"Subject: {number}\r\n\r\n.first\r\n{'x' * 70}\r\n".encode()
    return Mail("office@acme.example", (f"c{number}@customer.example", *more), dot_stuffed(text))


def send_all(session: SmtpSession, mails: list[Mail]) -> list[OutcomeKind]:
    """One after the other, each with the next one announced, connecting anew where needed."""
    kinds = []
    for one, following in zip(mails, [*mails[1:], None], strict=True):
        if not session.is_usable():
            session.close()
            session.connect()
        kinds.append(session.hand_over(one, following).kind)
    return kinds


def recipients(server: FaultyServer) -> list[str]:
    return [received[0][0] for received in server.received]


def wait_for(server: FaultyServer, command: str, count: int) -> None:
    deadline = time.monotonic() + 10
    while sum(said.startswith(command) for said in server.commands) < count:
        assert time.monotonic() < deadline, server.commands
        time.sleep(0.005)


def test_the_next_message_is_announced_before_its_turn_and_arrives_whole() -> None:
    mails = [mail(number) for number in range(6)]
    with FaultyServer() as server, SmtpSession(server.account()) as session:
        assert session.hand_over(mails[0], mails[1]).is_sent
        wait_for(server, "DATA", 2)
        assert recipients(server) == ["c0@customer.example"]
        assert send_all(session, mails[1:]) == [OutcomeKind.SENT] * 5
        assert server.received == [(one.recipients, one.payload) for one in mails]
        assert (server.connections, session.message_count) == (1, 6)


def test_it_works_through_tls(tmp_path: Path) -> None:
    context = certificate_context(tmp_path)
    with FaultyServer(implicit_tls=context) as server:
        settings = server.account(security=Security.TLS, ca_file=str(tmp_path / "ca.pem"))
        with SmtpSession(settings) as session:
            assert session.hand_over(mail(1), mail(2)).is_sent
            wait_for(server, "DATA", 2)


def test_a_refusal_is_told_when_its_turn_comes_and_the_others_go_on() -> None:
    faults = Faults(replies={"RCPT c1@customer.example": "550 5.1.1 No such user"})
    with FaultyServer(faults) as server, SmtpSession(server.account()) as session:
        kinds = send_all(session, [mail(number) for number in range(4)])
        assert kinds == [OutcomeKind.SENT, OutcomeKind.PERMANENT, OutcomeKind.SENT, OutcomeKind.SENT]
        assert recipients(server) == [f"c{n}@customer.example" for n in (0, 2, 3)]
        assert server.connections == 1


@pytest.mark.parametrize(
    "farewell", [{"RCPT c1@customer.example": "421 4.3.2 Enough"}, {}], ids=["421", "silent"]
)
def test_a_server_that_leaves_after_a_message_costs_a_connection_and_no_attempt(
    farewell: dict[str, str],
) -> None:
    with FaultyServer(Faults(replies=farewell)) as server, SmtpSession(server.account()) as session:
        first, second = mail(0), mail(1)
        assert session.hand_over(first, second).is_sent
        if not farewell:
            assert session._wire is not None
            session._wire._sock.shutdown(socket.SHUT_RD)  # its answers will not come
        assert not session.is_usable()
        server.faults = Faults()
        assert send_all(session, [second]) == [OutcomeKind.SENT]
        assert recipients(server) == ["c0@customer.example", "c1@customer.example"]


def test_a_server_that_refuses_early_commands_is_told_each_message_in_its_turn() -> None:
    """Such an answer is no verdict on the message, which goes by another connection."""
    replies = {"MAIL early@acme.example": "554 5.5.0 Error: SMTP protocol synchronization"}
    with FaultyServer(Faults(replies=replies)) as server, SmtpSession(server.account()) as session:
        first, second = mail(0), mail(1)._replace(sender="early@acme.example")
        assert session.hand_over(first, second).is_sent
        assert not session.is_usable()
        server.faults = Faults()
        assert send_all(session, [second, mail(2)]) == [OutcomeKind.SENT] * 2
        assert (server.tries, server.connections) == (4, 2)
        assert session.hand_over(mail(3), mail(4)).is_sent
        session.close()
        wait_for(server, "QUIT", 1)
        assert server.tries == 5  # nothing was announced ahead any more


def test_a_server_that_leaves_while_the_text_is_awaited_costs_no_attempt() -> None:
    with FaultyServer() as server, SmtpSession(server.account()) as session:
        assert session.hand_over(mail(0), mail(1)).is_sent
        wait_for(server, "DATA", 2)
        assert session._wire is not None
        session._answers = session._read_replies(session._wire, 3)
        session._wire._sock.shutdown(socket.SHUT_RD)
        assert send_all(session, [mail(1)]) == [OutcomeKind.SENT]
        assert recipients(server) == ["c0@customer.example", "c1@customer.example"]


def test_a_lost_answer_leaves_the_first_uncertain_and_the_announced_one_unsent() -> None:
    with FaultyServer(Faults(hang_up={"END"}, times=1)) as server, SmtpSession(server.account()) as session:
        first, second = mail(0), mail(1)
        assert session.hand_over(first, second).kind is OutcomeKind.UNCERTAIN
        assert not session.is_open
        assert session.hand_over(second).cause is Cause.DROPPED
        assert recipients(server) == ["c0@customer.example"]
        assert send_all(session, [second]) == [OutcomeKind.SENT]


@pytest.mark.parametrize(
    ("changes", "abilities", "following"),
    [
        ({"kind": Channel.PEC}, Faults().abilities, mail(1)),
        ({}, ("SIZE 50000000", "8BITMIME"), mail(1)),
        ({"messages_per_connection": 1}, Faults().abilities, mail(1)),
        ({}, Faults().abilities, mail(1, "second@customer.example")),
        ({}, ("PIPELINING", "SIZE 150"), mail(1)._replace(payload=b"x" * 200 + b"\r\n.\r\n")),
        ({}, Faults().abilities, mail(1)._replace(recipients=("no\r\naddress@customer.example",))),
    ],
    ids=["PEC", "no pipelining", "used up", "two recipients", "too large", "no address"],
)
def test_what_may_not_be_announced_waits(
    changes: dict[str, Any], abilities: tuple[str, ...], following: Mail
) -> None:
    with (
        FaultyServer(Faults(abilities=abilities)) as server,
        SmtpSession(server.account(**changes)) as session,
    ):
        assert session.hand_over(mail(0), following).is_sent
        session.close()
        wait_for(server, "QUIT", 1)
        assert server.tries == 1


def test_an_announced_message_that_does_not_come_is_never_made_up_of_something_else() -> None:
    with FaultyServer() as server, SmtpSession(server.account()) as session:
        assert session.hand_over(mail(0), mail(1)).is_sent
        wait_for(server, "DATA", 2)
        outcome = session.hand_over(mail(2))
        assert (outcome.kind, session.is_open) == (OutcomeKind.TRANSIENT, False)
        session.connect()
        assert session.hand_over(mail(0), mail(1)).is_sent
        wait_for(server, "DATA", 4)
        session.close()
        assert "QUIT" not in server.commands
        assert recipients(server) == ["c0@customer.example"] * 2


class Tired(socket.socket):
    """Takes so many bytes, then breaks."""

    room = 0

    def send(self, data: Any, flags: int = 0) -> int:
        taken = min(self.room, len(data))
        self.room -= taken
        if not taken:
            raise ConnectionResetError(104, "reset")
        return taken


@pytest.mark.parametrize(("room", "is_lost"), [(9, True), (10, False), (14, False)])
def test_a_break_among_the_commands_is_no_break_of_the_message_before_them(room: int, is_lost: bool) -> None:
    tired = Tired(socket.AF_INET, socket.SOCK_STREAM)
    tired.room = room
    with tired:
        wire = Wire(tired, 5)
        if is_lost:
            with pytest.raises(WireLost):
                wire.write(b"0123456789", b"MAIL\r\n")
        else:
            wire.write(b"0123456789", b"MAIL\r\n")
