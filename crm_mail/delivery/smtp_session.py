"""Sending messages over one kept SMTP connection, fast, with an exact outcome for each (outbox laws 4 and 5).

Connecting and logging in is the standard library's work (smtp_connect.py). The exchange itself is lean: where the
server offers PIPELINING (RFC 2920) MAIL, RCPT and DATA go out in one write; with several recipients DATA waits
until all were accepted, because it could not be taken back. Rules for the outcome:

* until the last byte of the message has been handed over, every failure is transient or permanent by its code
  (4xx, 5xx); a broken connection is transient: the server has no complete message to deliver;
* after that, no readable answer means `uncertain`;
* one refused recipient refuses the message: nothing is sent to the others, the detail names the address.
"""

import re
from collections.abc import Sequence

from crm_mail.delivery.addresses import AddressInvalid, wire_address
from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.replies import CLOSING, Reply, judge, printable
from crm_mail.delivery.smtp_connect import open_connection
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed
from crm_mail.delivery.wire import Wire, WireLost

_LOOSE_LINE_END = re.compile(rb"\r\n|\r|\n")
_END = b".\r\n"


class SmtpSession:
    """One connection of one account. Not for several threads at once. The caller reconnects."""

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings
        self.message_count = 0
        """Messages tried on the present connection."""
        self._wire: Wire | None = None
        self._features: dict[str, str] = {}

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
        connection and not an attempt.
        """
        if self._wire is None or self.message_count >= self.settings.messages_per_connection:
            return False
        return self._wire.is_quiet()

    def close(self) -> None:
        """Says goodbye and closes; nothing happens when it is closed already. Never raises."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close(b"QUIT\r\n" if wire.is_quiet() else b"")

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
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
        return self.send_payload(envelope_from, recipients, dot_stuffed(data))

    def send_payload(
        self, envelope_from: str, recipients: Sequence[str], payload: bytes, timeout_seconds: float = 0
    ) -> Outcome:
        """As `send`, for a message already in DATA's form (`EncodedBlobs.payload`): spares a look at every byte.

        Args:
            timeout_seconds: this message's own (PM-10); 0: the account's.
        """
        wire = self._wire
        if wire is None:
            return Outcome(OutcomeKind.TRANSIENT, None, "Not connected.", None, Cause.DROPPED)
        wire.wait_for(timeout_seconds or self.settings.timeout_seconds)
        try:
            refusal = self._refusal_before_sending(recipients, payload)
            commands = self._commands(envelope_from, recipients, payload)
        except AddressInvalid as error:
            detail = f"{printable(error.text)}: {error}"
            return Outcome(OutcomeKind.PERMANENT, None, detail, None, Cause.ADDRESS)
        if refusal is not None:
            return refusal
        self.message_count += 1
        try:
            refusal = self._announce(wire, commands, (envelope_from, *recipients))
        except WireLost as lost:
            self._drop()
            return Outcome(OutcomeKind.TRANSIENT, None, lost.detail, None, lost.cause)
        return refusal or self._deliver(wire, payload)

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

    def _commands(self, envelope_from: str, recipients: Sequence[str], payload: bytes) -> list[bytes]:
        options = f" SIZE={len(payload)}" if "size" in self._features else ""
        if not payload.isascii() and "8bitmime" in self._features:
            options += " BODY=8BITMIME"
        sender = wire_address(envelope_from)
        targets = [wire_address(address) for address in recipients]
        if not all(address.isascii() for address in (sender, *targets)):
            options += " SMTPUTF8"
        return [
            f"MAIL FROM:<{sender}>{options}\r\n".encode(),
            *(f"RCPT TO:<{to}>\r\n".encode() for to in targets),
        ]

    def _announce(self, wire: Wire, commands: list[bytes], parties: Sequence[str]) -> Outcome | None:
        """MAIL, RCPT and DATA; `parties` are the sender and the recipients. None: go on. Raises WireLost."""
        at_once = len(parties) == 2
        replies = self._exchange(wire, [*commands, b"DATA\r\n"] if at_once else commands)
        refusal = self._first_refusal(replies, parties)
        if refusal is None and not at_once:
            replies += self._exchange(wire, [b"DATA\r\n"])
            refusal = self._first_refusal(replies, parties)
        if refusal is not None:
            self._settle(wire, replies, data_was_open=replies[-1].code == 354)
        return refusal

    def _exchange(self, wire: Wire, commands: list[bytes]) -> list[Reply]:
        """Sends commands, together where allowed, and reads their answers; stops early when it is over."""
        pipelining = "pipelining" in self._features
        replies: list[Reply] = []
        if pipelining:
            wire.write(b"".join(commands))
        for command in commands:
            if not pipelining:
                wire.write(command)
            replies.append(wire.read_reply())
            if replies[-1].code == CLOSING or (not pipelining and replies[-1].code >= 400):
                break
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

    def _deliver(self, wire: Wire, payload: bytes) -> Outcome:
        try:
            wire.write(payload)
        except WireLost as lost:
            return self._broken_in_data(wire, lost)
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
