"""Attempts to send claimed messages: check, build, hand to the server. No database in here.

Whatever happens comes back as a `Result`; nothing is raised, so that a claimed message can never be forgotten.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from crm_mail.db import now
from crm_mail.delivery.blobs import AttachmentCorrupt, EncodedBlobs, payload
from crm_mail.delivery.bounces.tokens import return_path
from crm_mail.delivery.dkim import DkimSigner, signed
from crm_mail.delivery.envelope import Cause, Envelope, Outcome, OutcomeKind, receipt_header
from crm_mail.delivery.mime import BlobRef, Segments, build
from crm_mail.delivery.packing import pack
from crm_mail.delivery.routing import Channel, check_pec_rules
from crm_mail.delivery.transports import ConnectionFailed, Mail, Transport
from crm_mail.outbox.committing.freezing import file_mark, frozen_hash
from crm_mail.outbox.links.unsubscribe_links import unsubscribe_headers
from crm_mail.outbox.sending.claiming import Job
from crm_mail.storage import StoredFileDamaged, StoredFileMissing

_AHEAD = 2  # messages built before their turn
_AHEAD_BYTES = 2_000_000  # no more are built beyond
TEST_MARK = "[TEST] "
"""Before the subject when the company redirects all its mail to a test address (CO-3)."""


class OwnCause(StrEnum):
    """Causes that no server gave; kept beside `delivery.envelope.Cause` in `Attempt.cause`."""

    CRASH = "crash"  # the worker stopped between claiming and recording
    FROZEN_CHANGED = "frozen_changed"  # the row is not what was committed
    FILE_MISSING = "file_missing"
    FILE_DAMAGED = "file_damaged"
    FILE_UNREADABLE = "file_unreadable"  # the store cannot be read at the moment
    NOT_BUILDABLE = "not_buildable"
    SUPPRESSED = "suppressed"  # the address came on the suppression list after the commit
    UNSUBSCRIBED = "unsubscribed"  # advertising that the recipient said no to after the commit
    PEC_RULES = "pec_rules"
    TEST_MODE = "test_mode"  # a text, while the company sends everything to a test address
    TOO_LARGE = "size"  # more than the account's limit; the same words as for a server's refusal
    INTERNAL = "internal"  # an error of this program; its log tells more


@dataclass(frozen=True, slots=True)
class SenderIdentity:
    """Who a message comes from: the account, as far as its text goes."""

    account_id: int
    channel: Channel
    from_name: str
    from_address: str
    reply_to: str
    dkim: DkimSigner | None = None
    receipt_form: str = ""  # of PEC: delivery.envelope.receipt_header
    max_message_mb: int = 0  # 0: no limit
    bounce_address: str = ""  # return path with a place for a token; ordinary accounts only
    token_key: bytes = b""  # delivery.bounces.tokens


class Result(NamedTuple):
    """What an attempt came to. ``cause`` and the rest as they are kept; ``mime`` only when bytes may have left."""

    job: Job
    kind: OutcomeKind
    cause: str
    code: int | None
    detail: str
    started_at: datetime
    finished_at: datetime
    mime: bytes | None = None
    mime_sha256: str = ""
    is_connection: bool = False
    """There was no connection to send over: the message itself was not tried."""
    provider_ids: tuple[str, ...] = ()
    """The numbers that a gateway for texts gave it."""


class AttemptRefused(Exception):
    """The message may not be handed over; ``cause`` and ``detail`` say why."""

    def __init__(self, kind: OutcomeKind, cause: OwnCause, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.cause = cause
        self.detail = detail


class Connectable(Protocol):
    """Whatever keeps a connection, for mail or for texts."""

    def is_usable(self) -> bool: ...
    def connect(self) -> None: ...
    def close(self) -> None: ...


class KeptTransport(Transport, Protocol):
    """A transport that knows whether it is connected."""

    @property
    def is_open(self) -> bool: ...


class Ready(NamedTuple):
    """A message built and checked: nothing may change any more."""

    job: Job
    started_at: datetime
    mail: Mail
    mime: bytes
    mime_sha256: str


class Attempts:
    """The attempts over one connection. Never raises.

    While the server reads a message the next but one is built, so that the next can be announced with its text.

    Args:
        begins: told of a message just before it may leave.
        take: gives the message that this connection will attempt later, if there is one to spare.
    """

    def __init__(
        self,
        identity: SenderIdentity,
        transport: KeptTransport,
        blobs: EncodedBlobs,
        begins: Callable[[Job], None],
        take: Callable[[], Job | None],
    ) -> None:
        self.identity = identity
        self.transport = transport
        self._blobs, self._begins, self._take = blobs, begins, take
        self._ahead: deque[Ready | Result] = deque()

    @property
    def next_job(self) -> Job | None:
        """What must be attempted next: it may be announced already."""
        return self._ahead[0].job if self._ahead else None

    def give_back(self) -> list[Job]:
        """The messages that were taken and not attempted; what is announced ends with the connection."""
        jobs = [ready.job for ready in self._ahead]
        if jobs:
            self._ahead.clear()
            self.transport.close()
        return jobs

    def attempt(self, job: Job) -> Result:
        """Send one message, connecting first where needed."""
        ready = self._ahead.popleft() if self.next_job is job else make_ready(job, self.identity, self._blobs)
        if isinstance(ready, Result):
            return ready
        if (failed := connection_failed(job, self.transport, ready.started_at)) is not None:
            return failed
        if not self._ahead:
            self._build_ahead()
        following = self._ahead[0] if self._ahead else None
        announced = following.mail if isinstance(following, Ready) else None
        self._begins(job)
        try:
            outcome = self.transport.hand_over(ready.mail, announced, self._build_ahead)
        except Exception as error:  # it may have left
            self.transport.close()
            return internal_error(job, OutcomeKind.UNCERTAIN, error, ready.started_at)
        if outcome.kind not in (OutcomeKind.SENT, OutcomeKind.UNCERTAIN):
            return result_of(job, outcome, ready.started_at)
        return result_of(job, outcome, ready.started_at, ready.mime, ready.mime_sha256)

    def _build_ahead(self) -> None:
        held = sum(len(ready.mail.payload) for ready in self._ahead if isinstance(ready, Ready))
        if len(self._ahead) < _AHEAD and held < _AHEAD_BYTES and (job := self._take()) is not None:
            self._ahead.append(make_ready(job, self.identity, self._blobs))


def make_ready(job: Job, identity: SenderIdentity, blobs: EncodedBlobs) -> Ready | Result:
    """Build and check a message; the result of an attempt where that cannot be done. Never raises."""
    started_at = now()
    try:
        envelope = make_envelope(job, identity)
        segments = _build(envelope)
        encoded = _read(blobs, segments)
        segments = signed(
            segments, identity.dkim, encoded, envelope.date
        )  # last: nothing may change after it
        data = payload(segments, encoded)
        _check_size(len(data), envelope, identity)
        mail = Mail(envelope_sender(job, identity), envelope.recipients, data, job.timeout_seconds)
        return Ready(job, started_at, mail, pack(segments), _sha256(segments, encoded))
    except AttemptRefused as refusal:
        return refused(job, refusal, started_at)
    except Exception as error:  # a result for every job, whatever happens: law 4
        return internal_error(job, OutcomeKind.PERMANENT, error, started_at)


def connection_failed(job: Job, transport: Connectable, started_at: datetime) -> Result | None:
    """Connect where the kept connection is of no more use; the result of an attempt that could not."""
    try:
        if not transport.is_usable():
            transport.close()
            transport.connect()
    except ConnectionFailed as failure:
        return result_of(job, failure.outcome, started_at, is_connection=True)
    except Exception as error:
        return internal_error(job, OutcomeKind.TRANSIENT, error, started_at)
    return None


def envelope_sender(job: Job, identity: SenderIdentity) -> str:
    """The address in MAIL FROM: bounces come there. With PEC it must be the one in From (RFC 6109 3.1.1)."""
    if not identity.bounce_address or identity.channel is Channel.PEC:
        return identity.from_address
    return return_path(identity.bounce_address, identity.token_key, job.id, job.to_address)


def check_job(job: Job) -> None:
    """That the frozen row is the one that was committed (law 3), and that its recipient may still be written to.

    Raises:
        AttemptRefused
    """
    files = [file_mark(file.name, file.sha256, file.content_id) for file in job.files]
    if not job.message_id or frozen_hash(job, job.message_id, files) != job.frozen_sha256:
        raise AttemptRefused(
            OutcomeKind.PERMANENT,
            OwnCause.FROZEN_CHANGED,
            "The message is no longer the one that was committed; it was not sent. Prepare it again.",
        )
    redirected = bool(job.test_address)
    if job.suppressed_as and not redirected:
        raise AttemptRefused(
            OutcomeKind.PERMANENT,
            OwnCause.SUPPRESSED,
            f"{job.to_address} came on the suppression list ({job.suppressed_as}); the message was not sent.",
        )
    if job.is_unsubscribed and not redirected:
        raise AttemptRefused(
            OutcomeKind.PERMANENT,
            OwnCause.UNSUBSCRIBED,
            f"{job.to_address} does not agree to advertising any more; the message was not sent.",
        )


def make_envelope(job: Job, identity: SenderIdentity) -> Envelope:
    """The frozen row as an envelope, checked against the hash made at commit (law 3) and the rules of PEC."""
    check_job(job)
    redirected = bool(job.test_address)
    named = (job.to_address, *job.cc, *job.bcc)
    envelope = Envelope(
        message_id=job.message_id,
        date=job.claimed_at,
        from_name=identity.from_name,
        from_address=identity.from_address,
        to=job.test_address or job.to_address,
        cc=() if redirected else tuple(job.cc),
        bcc=() if redirected else tuple(job.bcc),
        subject=(TEST_MARK if redirected else "") + job.subject,
        body_text=job.body_text,
        body_html=job.body_html or None,
        reply_to=job.reply_to or identity.reply_to or None,
        attachments=job.files,
        language=job.language,
        extra_headers=(
            *((("X-Original-To", ", ".join(named)),) if redirected else ()),
            *receipt_header(identity.channel is Channel.PEC, identity.receipt_form),
            *unsubscribe_headers(
                "" if redirected else job.unsubscribe_url, is_pec=identity.channel is Channel.PEC
            ),
        ),
    )
    if identity.channel is not job.channel or identity.channel is Channel.PEC:
        _check_routing(job, identity, envelope)
    return envelope


def _check_routing(job: Job, identity: SenderIdentity, envelope: Envelope) -> None:
    """PEC mail by PEC accounts and nothing else (IT-18), by the rules of the access point (RFC 6109 3.1.1)."""
    problems: Sequence[str] = check_pec_rules(envelope, identity.from_address)
    if identity.channel is not job.channel:
        problems = (f"{job.channel} message, {identity.channel} account",)
    if problems:
        detail = f"The message breaks the rules of PEC ({', '.join(problems)}); it was not sent."
        raise AttemptRefused(OutcomeKind.PERMANENT, OwnCause.PEC_RULES, detail)


def _build(envelope: Envelope) -> Segments:
    try:
        return build(envelope)
    except ValueError as error:  # HeaderInjection and AddressInvalid are ValueErrors
        raise AttemptRefused(OutcomeKind.PERMANENT, OwnCause.NOT_BUILDABLE, str(error)) from None


def _read(blobs: EncodedBlobs, segments: Segments) -> Callable[[str], bytes]:
    """Every file of the message, encoded."""
    try:
        return blobs.held(segments)
    except StoredFileMissing as error:
        raise AttemptRefused(OutcomeKind.PERMANENT, OwnCause.FILE_MISSING, _sentence(error)) from None
    except (StoredFileDamaged, AttachmentCorrupt) as error:
        raise AttemptRefused(OutcomeKind.PERMANENT, OwnCause.FILE_DAMAGED, _sentence(error)) from None
    except OSError as error:
        detail = f"A stored file cannot be read at the moment: {error.strerror or error}"
        raise AttemptRefused(OutcomeKind.TRANSIENT, OwnCause.FILE_UNREADABLE, detail) from None


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _check_size(size: int, envelope: Envelope, identity: SenderIdentity) -> None:
    """PEC operators count the size once for each recipient (RFC 6109 3.1.1: 30 MB; Aruba: 100 MB)."""
    counted = size * (len(envelope.recipients) if identity.channel is Channel.PEC else 1)
    if 0 < identity.max_message_mb * 1_000_000 < counted:
        detail = (
            f"The message has {counted / 1e6:.1f} MB, the account sends at most {identity.max_message_mb} MB; "
            "it was not sent."
        )
        raise AttemptRefused(OutcomeKind.PERMANENT, OwnCause.TOO_LARGE, detail)


def _sha256(segments: Segments, encoded: Callable[[str], bytes]) -> str:
    digest = hashlib.sha256()
    for part in segments:
        digest.update(encoded(part.sha256) if isinstance(part, BlobRef) else part)
    return digest.hexdigest()


def refused(job: Job, refusal: AttemptRefused, started_at: datetime) -> Result:
    """The result of a message that may not be handed over."""
    return Result(job, refusal.kind, refusal.cause, None, refusal.detail, started_at, now())


def result_of(
    job: Job,
    outcome: Outcome,
    started_at: datetime,
    mime: bytes | None = None,
    mime_sha256: str = "",
    is_connection: bool = False,
    provider_ids: tuple[str, ...] = (),
) -> Result:
    """What an attempt came to, as it is recorded."""
    return Result(
        job,
        outcome.kind,
        outcome.cause.value,
        outcome.code,
        outcome.detail[:500],
        started_at,
        now(),
        mime,
        mime_sha256,
        is_connection or outcome.cause in (Cause.BUSY, Cause.THROTTLED),
        provider_ids,
    )


def internal_error(job: Job, kind: OutcomeKind, error: Exception, started_at: datetime) -> Result:
    """The result of a fault of this program."""
    detail = f"An error of this program: {type(error).__name__}: {error}"[:500]
    return Result(job, kind, OwnCause.INTERNAL, None, detail, started_at, now())
