"""Texts over SMPP 3.4, for providers that speak it (the extra ``sms-smpp``; library smpplib).

Sending binds as transmitter, reading reports and answers binds as receiver (`read_reports`): the provider keeps them
until a receiver comes. A text of several segments is several PDUs; the report is asked for the last of them.
"""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from crm_mail.delivery.envelope import Cause, Outcome, OutcomeKind
from crm_mail.delivery.sms.gateway import SmsTransport, Submitted
from crm_mail.delivery.sms.numbers import is_number
from crm_mail.delivery.sms.segments import EXTENSION, GSM, Alphabet, alphabet_of, split_text
from crm_mail.delivery.transports import AccountSettings, ConnectionFailed, Security

LOGIN_STATES = {0x0D, 0x0E, 0x0F}  # bind failed, wrong password, wrong system id
BUSY_STATES = {0x08, 0x14}  # system error, message queue full
THROTTLED = 0x58
NUMBER_STATES = {0x0B, 0x01 << 8}  # invalid destination address
_INTERNATIONAL, _ALPHANUMERIC, _UNKNOWN, _ISDN = 1, 5, 0, 1
_UDH, _RECEIPT = 0x40, 0x04
KEPT_SECONDS = 20.0
MISSING = "SMPP needs the extra sms-smpp: pip install 'crm-mail[sms-smpp]'"


@dataclass(frozen=True, slots=True)
class SmppReport:
    """What came to a receiver: a report (``provider_id``, ``state``), or an answer (``sender``, ``text``)."""

    provider_id: str = ""
    state: str = ""
    sender: str = ""
    text: str = ""


def _open(settings: AccountSettings, bind: str) -> Any:
    """A bound client. Raises ConnectionFailed."""
    try:
        import smpplib.client  # noqa: PLC0415 - an extra that few installations have
        import smpplib.exceptions  # noqa: PLC0415
    except ImportError:
        raise _failed(OutcomeKind.ACCOUNT_REFUSED, Cause.PROTOCOL, MISSING) from None
    client = smpplib.client.Client(
        settings.host,
        settings.port,
        timeout=settings.timeout_seconds,
        allow_unknown_opt_params=True,
        logger_name=__name__,
    )
    assert settings.sms is not None
    client._socket = _socket_for(settings)
    try:
        client.connect()
        getattr(client, f"bind_{bind}")(
            system_id=settings.username,
            password=settings.password,
            system_type=settings.sms.config.system_type,
        )
    except smpplib.exceptions.PDUError as refused:
        _close(client)
        state = refused.args[1] if len(refused.args) > 1 else 0
        is_login = state in LOGIN_STATES
        raise _failed(
            OutcomeKind.ACCOUNT_REFUSED if is_login else OutcomeKind.TRANSIENT,
            Cause.LOGIN if is_login else Cause.BUSY,
            str(refused.args[0]),
        ) from None
    except (OSError, smpplib.exceptions.ConnectionError, smpplib.exceptions.UnknownCommandError) as trouble:
        _close(client)
        raise _failed(OutcomeKind.TRANSIENT, Cause.CONNECTION, str(trouble)) from None
    return client


def _failed(kind: OutcomeKind, cause: Cause, detail: str) -> ConnectionFailed:
    return ConnectionFailed(Outcome(kind, None, detail[:500], None, cause))


def _socket_for(settings: AccountSettings) -> socket.socket:
    """Not connected yet; the library itself would not tell TLS whom it wants to reach."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.settimeout(settings.timeout_seconds)
    if settings.security is not Security.TLS:
        return plain
    return ssl.create_default_context().wrap_socket(plain, server_hostname=settings.host)


def _close(client: Any) -> None:
    with suppress(Exception):
        client.unbind()
    with suppress(Exception):
        client.disconnect()


class SmppGateway(SmsTransport):
    """One account's transmitter."""

    def __init__(self, settings: AccountSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._used_at = 0.0
        self._joined = 0

    def connect(self) -> None:
        self._client = _open(self._settings, "transmitter")
        self._used_at = time.monotonic()

    def is_usable(self) -> bool:
        return self._client is not None and time.monotonic() - self._used_at < KEPT_SECONDS

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def submit(self, number: str, text: str, reference: str) -> Submitted:
        parts = split_text(text)
        self._joined = (self._joined + 1) % 256
        given: list[str] = []
        for place, part in enumerate(parts, 1):
            header = bytes((5, 0, 3, self._joined, len(parts), place)) if len(parts) > 1 else b""
            outcome, provider_id = self._submit_part(number, header, part, text, is_last=place == len(parts))
            given += [provider_id] if provider_id else []
            if outcome.kind is not OutcomeKind.SENT:
                if place > 1:  # a part of it has left
                    outcome = Outcome(
                        OutcomeKind.UNCERTAIN, outcome.code, outcome.detail, None, outcome.cause
                    )
                return Submitted(outcome, tuple(given[-1:]))
        return Submitted(outcome, tuple(given[-1:]))

    def _submit_part(
        self, number: str, header: bytes, part: str, text: str, *, is_last: bool
    ) -> tuple[Outcome, str]:
        import smpplib.smpp  # noqa: PLC0415 - see _open

        sender = self._settings.from_address
        is_gsm = alphabet_of(text) is Alphabet.GSM7
        pdu = smpplib.smpp.make_pdu(
            "submit_sm",
            client=self._client,
            source_addr_ton=_INTERNATIONAL if is_number(sender) else _ALPHANUMERIC,
            source_addr_npi=_ISDN if is_number(sender) else _UNKNOWN,
            source_addr=sender.removeprefix("+"),
            dest_addr_ton=_INTERNATIONAL,
            dest_addr_npi=_ISDN,
            destination_addr=number.removeprefix("+"),
            esm_class=_UDH if header else 0,
            data_coding=0 if is_gsm else 8,
            short_message=header + (gsm_octets(part) if is_gsm else part.encode("utf-16-be")),
            registered_delivery=1 if is_last else 0,
        )
        try:
            self._client.send_pdu(pdu)
            answer = self._answer_to(pdu.sequence)
        except Exception as trouble:  # it may have left
            self.close()
            return Outcome(OutcomeKind.UNCERTAIN, None, str(trouble)[:500], None, Cause.DROPPED), ""
        self._used_at = time.monotonic()
        return _judge(answer)

    def _answer_to(self, sequence: int) -> Any:
        """The answer to one PDU; links are kept alive meanwhile."""
        deadline = time.monotonic() + self._settings.timeout_seconds
        while time.monotonic() < deadline:
            pdu = self._client.read_pdu()
            if pdu.sequence == sequence and pdu.command in ("submit_sm_resp", "generic_nack"):
                return pdu
            _keep_alive(self._client, pdu)
        raise TimeoutError("The gateway did not answer in time.")

    def close(self) -> None:
        if self._client is not None:
            _close(self._client)
            self._client = None


def _keep_alive(client: Any, pdu: Any) -> None:
    if pdu.command == "enquire_link":
        _answer(client, pdu, "enquire_link_resp")


def _answer(client: Any, pdu: Any, command: str) -> None:
    import smpplib.smpp  # noqa: PLC0415 - see _open

    answer = smpplib.smpp.make_pdu(command, client=client)
    answer.sequence = pdu.sequence
    client.send_pdu(answer)


def _judge(answer: Any) -> tuple[Outcome, str]:
    status = int(answer.status)
    if answer.command == "submit_sm_resp" and status == 0:
        found = (answer.message_id or b"").decode("ascii", "replace").strip("\0")
        return Outcome(OutcomeKind.SENT, None, f"id {found}", None, Cause.ACCEPTED), found
    detail = f"SMPP status 0x{status:08X}"
    kind, cause = OutcomeKind.PERMANENT, Cause.CONTENT
    if status == THROTTLED:
        kind, cause = OutcomeKind.TRANSIENT, Cause.THROTTLED
    elif status in BUSY_STATES:
        kind, cause = OutcomeKind.TRANSIENT, Cause.BUSY
    elif status in NUMBER_STATES:
        cause = Cause.RECIPIENT
    return Outcome(kind, None, detail, None, cause), ""


_OCTETS = {sign: bytes([place]) for place, sign in enumerate(GSM)} | {
    sign: bytes([27, place]) for sign, place in EXTENSION.items()
}
_EXTENDED = {place: sign for sign, place in EXTENSION.items()}


def gsm_octets(text: str) -> bytes:
    """A text in the GSM alphabet, one septet in each octet, as SMPP carries it."""
    return b"".join(_OCTETS[sign] for sign in text)


def gsm_text(octets: bytes) -> str:
    """What octets of the GSM alphabet say."""
    found, rest = [], iter(octets)
    for octet in rest:
        found.append(
            _EXTENDED.get(next(rest, 0), " ") if octet == 27 else GSM[octet] if octet < len(GSM) else "?"
        )
    return "".join(found)


def read_reports(settings: AccountSettings, take: Callable[[SmppReport], None], quiet_seconds: float) -> int:
    """Read what waits for a receiver, until nothing comes for a while; how much it was.

    Each is confirmed after ``take`` has returned, so that what could not be kept comes again.

    Raises:
        ConnectionFailed
    """
    client = _open(settings, "receiver")
    count = 0
    try:
        client._socket.settimeout(quiet_seconds)
        while True:
            try:
                pdu = client.read_pdu()
            except Exception:  # silence, or the end of the connection
                return count
            if pdu.command == "deliver_sm":
                take(read_report(pdu))
                count += 1
                _answer(client, pdu, "deliver_sm_resp")
            else:
                _keep_alive(client, pdu)
    finally:
        _close(client)


def read_report(pdu: Any) -> SmppReport:
    """A deliver_sm as a report or an answer (SMPP 3.4, appendix B)."""
    message = bytes(pdu.short_message or b"")
    if int(pdu.esm_class) & 0x3C == _RECEIPT:
        words = message.decode("ascii", "replace")
        state = _between(words, "stat:")
        return SmppReport(provider_id=_between(words, "id:"), state=state)
    sender = (
        pdu.source_addr.decode("ascii", "replace") if isinstance(pdu.source_addr, bytes) else pdu.source_addr
    )
    text = message.decode("utf-16-be", "replace") if int(pdu.data_coding) == 8 else gsm_text(message)
    return SmppReport(sender=str(sender).strip("\0"), text=text)


def _between(words: str, label: str) -> str:
    _before, found, rest = words.partition(label)
    return rest.split(" ")[0].strip("\0") if found else ""
