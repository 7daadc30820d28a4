"""Sending messages over one kept SMTP connection, fast, with an exact outcome for each (outbox laws 4 and 5).

Connecting and logging in is the standard library's work (smtp_connect.py). The exchange itself is lean: where the
server offers PIPELINING (RFC 2920) MAIL, RCPT and DATA go out in one write; with several recipients DATA waits
until all were accepted, because it could not be taken back. The next message, where it is known and has one recipient,
is announced in the same go as the text of the one before (RFC 2920 3.1): one wait for each message in place of two. Not
by PEC, whose operators are in no hurry. Rules for the outcome:

* until the last byte of the message has been handed over, every failure is transient or permanent by its code
  (4xx, 5xx); a broken connection is transient: the server has no complete message to deliver;
* after that, no readable answer means `uncertain`;
* one refused recipient refuses the message: nothing is sent to the others, the detail names the address.
"""

import re
from collections.abc import Callable, Sequence

from crm_mail.delivery.addresses import AddressInvalid, wire_address
from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.replies import CLOSING, Reply, judge, printable
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.smtp_connect import open_connection
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Mail
from crm_mail.delivery.wire import Wire, WireLost

_LOOSE_LINE_END = re.compile(rb"\r\n|\r|\n")
_END = b".\r\n"
_DATA = b"DATA\r\n"
_ANNOUNCED = 3  # answers to MAIL, RCPT and DATA


class SmtpSession:
    """One connection of one account. Not for several threads at once. The caller reconnects."""

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings
        self.message_count = 0
        """Messages tried on the present connection."""
        self._wire: Wire | None = None
        self._features: dict[str, str] = {}
        self._ahead: Mail | None = None  # announced with the text of the one before
        self._answers: list[Reply] = []  # to that
        self._takes_early: bool | None = None  # whether the server understands that; None: not tried yet

    def connect(self) -> None:
        """Connects, encrypts, logs in. Raises ConnectionFailed, whose outcome is transient or account_refused."""
        self.close()
        connection = open_connection(self.settings)
        sock = connection.sock
        if sock is None:  # cannot be: kept for the type checker and for honesty
            raise ConnectionFailed(
                Outcome(OutcomeKind.TRANSIENT, None, "Not connected.", None, Cause.DROPPED)
            )
        self._features = dict(connection.esmtp_features)
        self._wire = Wire(sock, self.settings.timeout_seconds)
        self.message_count = 0

    @property
    def is_open(self) -> bool:
        return self._wire is not None

    def is_usable(self) -> bool:
        """Whether another message may go over this connection: open, not used up, and the server still there.

        Ask before each message of a kept connection: a server that hung up meanwhile then costs a new
        connection and not an attempt. A message announced ahead must be the next one.
        """
        if self._wire is None:
            return False
        if self._ahead is not None:
            return self._is_answered(self._wire, self._ahead)
        return self.message_count < self.settings.messages_per_connection and self._wire.is_quiet()

    def _is_answered(self, wire: Wire, ahead: Mail) -> bool:
        """Whether the server took what was announced ahead, and has not gone since.

        One that loses such commands or refuses them all is told the message anew, and nothing ahead any more: what it
        said was no verdict on the message.
        """
        wire.wait_for(ahead.timeout_seconds or self.settings.timeout_seconds)
        try:
            self._answers = self._answers or self._read_replies(wire, _ANNOUNCED)
            is_said = self._takes_early or self._answers[0].is_good
            is_taken = is_said and self._answers[-1].code != CLOSING and wire.is_quiet()
        except WireLost:
            is_taken = False
        if self._takes_early is None:
            self._takes_early = is_taken
        if not is_taken:
            self._drop()
        return is_taken

    def close(self) -> None:
        """Says goodbye and closes; nothing happens when it is closed already. Never raises."""
        wire, self._wire = self._wire, None
        is_polite = self._ahead is None and wire is not None and wire.is_quiet()
        self._ahead, self._answers = None, []
        if wire is not None:
            wire.close(b"QUIT\r\n" if is_polite else b"")

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        self._ahead, self._answers = None, []
        if wire is not None:
            wire.close()

    def __enter__(self) -> "SmtpSession":
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, envelope_from: str, recipients: Sequence[str], data: bytes) -> Outcome:
        """Sends one message (the bytes of a mail, as built). Never raises for what servers or networks do.

        After a broken or closing connection `is_open` is False.
        """
        return self.hand_over(Mail(envelope_from, recipients, dot_stuffed(data)))

    def hand_over(
        self, mail: Mail, following: Mail | None = None, meanwhile: Callable[[], None] = lambda: None
    ) -> Outcome:
        """As `send`, for a message already in DATA's form (`EncodedBlobs.payload`): spares a look at every byte.

        Args:
            following: what is handed over next by this connection, announced with this one where that is allowed.
            meanwhile: called while the server reads the message.
        """
        wire = self._wire
        if wire is not None and self._ahead is not None and self._ahead is not mail:
            self._drop()  # an opened DATA cannot be closed without sending something
            wire = None
        if wire is None:
            return Outcome(OutcomeKind.TRANSIENT, None, "Not connected.", None, Cause.DROPPED)
        wire.wait_for(mail.timeout_seconds or self.settings.timeout_seconds)
        try:
            refusal = self._announce(wire, mail)
        except AddressInvalid as error:
            detail = f"{printable(error.text)}: {error}"
            return Outcome(OutcomeKind.PERMANENT, None, detail, None, Cause.ADDRESS)
        except WireLost as lost:
            self._drop()
            return Outcome(OutcomeKind.TRANSIENT, None, lost.detail, None, lost.cause)
        return refusal or self._deliver(wire, mail.payload, following, meanwhile)

    def _refusal_before_sending(self, recipients: Sequence[str], payload: bytes) -> Outcome | None:
        """What can be known from the server's own list of abilities, without troubling it."""
        if not recipients:
            return Outcome(OutcomeKind.PERMANENT, None, "The message has no recipient.", None, Cause.ADDRESS)
        limit = self._features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(payload):
            detail = f"The message has {len(payload)} bytes, the server takes at most {limit}."
            return Outcome(OutcomeKind.PERMANENT, 552, detail, "5.3.4", Cause.SIZE)
        for address in recipients:
            if not address.rpartition("@")[0].isascii() and "smtputf8" not in self._features:
                detail = (
                    f"{printable(address)}: the server cannot send to names with such letters (SMTPUTF8)."
                )
                return Outcome(OutcomeKind.PERMANENT, None, detail, "5.6.7", Cause.SMTPUTF8)
        return None

    def _commands(self, mail: Mail) -> list[bytes]:
        options = f" SIZE={len(mail.payload)}" if "size" in self._features else ""
        if not mail.payload.isascii() and "8bitmime" in self._features:
            options += " BODY=8BITMIME"
        sender = wire_address(mail.sender)
        targets = [wire_address(address) for address in mail.recipients]
        if not all(address.isascii() for address in (sender, *targets)):
            options += " SMTPUTF8"
        return [
            f"MAIL FROM:<{sender}>{options}\r\n".encode(),
            *(f"RCPT TO:<{to}>\r\n".encode() for to in targets),
        ]

    def _announce(self, wire: Wire, mail: Mail) -> Outcome | None:
        """MAIL, RCPT and DATA. None: go on. Raises WireLost, AddressInvalid."""
        parties = (mail.sender, *mail.recipients)
        at_once = len(parties) == 2
        if self._ahead is not None:
            replies = self._answers or self._read_replies(wire, _ANNOUNCED)
            self._ahead, self._answers = None, []
        else:
            refusal = self._refusal_before_sending(mail.recipients, mail.payload)
            commands = self._commands(mail)
            if refusal is not None:
                return refusal
            self.message_count += 1
            replies = self._exchange(wire, [*commands, _DATA] if at_once else commands)
        refusal = self._first_refusal(replies, parties)
        if refusal is None and not at_once:
            replies += self._exchange(wire, [_DATA])
            refusal = self._first_refusal(replies, parties)
        if refusal is not None:
            self._settle(wire, replies, data_was_open=replies[-1].code == 354)
        return refusal

    def _look_ahead(self, following: Mail | None) -> bytes:
        """The commands that announce the next message with the text of this one; empty where that may not be."""
        if (
            following is None
            or self._takes_early is False
            or len(following.recipients) != 1
            or "pipelining" not in self._features
            or self.settings.kind is not Channel.SMTP
            or self.message_count >= self.settings.messages_per_connection
        ):
            return b""
        try:
            if self._refusal_before_sending(following.recipients, following.payload) is not None:
                return b""
            return b"".join([*self._commands(following), _DATA])
        except AddressInvalid:
            return b""  # it is told when its turn comes

    def _exchange(self, wire: Wire, commands: list[bytes]) -> list[Reply]:
        """Sends commands, together where allowed, and reads their answers; stops early when it is over."""
        if "pipelining" in self._features:
            wire.write(b"".join(commands))
            return self._read_replies(wire, len(commands))
        replies: list[Reply] = []
        for command in commands:
            wire.write(command)
            replies.append(wire.read_reply())
            if replies[-1].code >= 400:
                break
        return replies

    def _read_replies(self, wire: Wire, count: int) -> list[Reply]:
        """The answers to commands that left together; fewer when the server says goodbye."""
        replies: list[Reply] = []
        while len(replies) < count and not (replies and replies[-1].code == CLOSING):
            replies.append(wire.read_reply())
        return replies

    def _first_refusal(self, replies: list[Reply], parties: Sequence[str]) -> Outcome | None:
        secret = self.settings.password
        for place, reply in enumerate(replies):
            if place == 0 and not reply.is_good:
                return judge(reply, Cause.SENDER, about=parties[0], secret=secret)
            if 0 < place < len(parties) and not reply.is_good:
                return judge(reply, Cause.RECIPIENT, about=parties[place], secret=secret)
            if place >= len(parties) and reply.code != 354:
                return judge(reply, Cause.CONTENT, secret=secret)
        return None

    def _settle(self, wire: Wire, replies: list[Reply], *, data_was_open: bool) -> None:
        """After a refusal: makes the connection fit for the next message, or gives it up."""
        if data_was_open or replies[-1].code == CLOSING:
            self._drop()  # an opened DATA cannot be closed without sending something
            return
        try:
            wire.write(b"RSET\r\n")
            if not wire.read_reply().is_good:
                self._drop()
        except WireLost:
            self._drop()

    def _deliver(
        self, wire: Wire, payload: bytes, following: Mail | None, meanwhile: Callable[[], None]
    ) -> Outcome:
        announcement = self._look_ahead(following)
        try:
            wire.write(payload, announcement)
        except WireLost as lost:
            return self._broken_in_data(wire, lost)
        if announcement:
            self._ahead = following
            self.message_count += 1
        meanwhile()
        try:
            reply = wire.read_reply()
        except WireLost as lost:
            self._drop()
            detail = f"The whole message was handed over, then no answer came: {lost.detail}"
            return Outcome(OutcomeKind.UNCERTAIN, None, detail, None, lost.cause)
        if reply.code == CLOSING:
            self._drop()
        if reply.is_good:
            return Outcome(
                OutcomeKind.SENT, reply.code, printable(f"{reply.code} {reply.text}"), reply.enhanced
            )
        if reply.code < 400:
            self._drop()
            return Outcome(OutcomeKind.UNCERTAIN, reply.code, printable(reply.text), None, Cause.PROTOCOL)
        return judge(reply, Cause.CONTENT, secret=self.settings.password)

    def _broken_in_data(self, wire: Wire, lost: WireLost) -> Outcome:
        """The message did not get out whole. A server that refused and hung up may have said why before."""
        last_words: Reply | None = None
        if lost.cause is Cause.DROPPED:
            try:
                last_words = wire.read_reply()
            except WireLost:
                last_words = None
        self._drop()
        if last_words is not None and last_words.code >= 400:
            return judge(last_words, Cause.CONTENT, secret=self.settings.password)
        return Outcome(OutcomeKind.TRANSIENT, None, lost.detail, None, lost.cause)


def dot_stuffed(data: bytes) -> bytes:
    """The message as DATA wants it: every line ended by CRLF, leading dots doubled, the final dot added.

    Loose CR or LF become CRLF first: servers disagree about them, which is how mails are smuggled in mails
    (RFC 5321 4.1.1.4, 4.5.2).
    """
    ends = data.count(b"\r\n")
    if data.count(b"\n") != ends or data.count(b"\r") != ends:
        data = _LOOSE_LINE_END.sub(b"\r\n", data)
    if data.startswith(b"."):
        data = b"." + data
    if b"\n." in data:
        data = data.replace(b"\n.", b"\n..")
    return data + (_END if not data or data.endswith(b"\n") else b"\r\n" + _END)


def check_account(settings: AccountSettings) -> Outcome | None:
    """Tries to connect and log in, sends nothing. None when all is well, else what was wrong."""
    session = SmtpSession(settings)
    try:
        session.connect()
    except ConnectionFailed as failure:
        return failure.outcome
    session.close()
    return None
