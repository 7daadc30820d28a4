"""One attempt to send one claimed text: check it, hand it to the gateway. No database in here; nothing is raised.

The counterpart of `attempting`: the same checks, the same results, and a reference that is the same at each try.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from crm_mail.db import now
from crm_mail.delivery.envelope import OutcomeKind
from crm_mail.delivery.routing import Channel
from crm_mail.delivery.sms.gateway import SmsTransport
from crm_mail.outbox.sending.attempting import (
    AttemptRefused,
    OwnCause,
    Result,
    SenderIdentity,
    check_job,
    connection_failed,
    internal_error,
    refused,
    result_of,
)
from crm_mail.outbox.sending.claiming import Job


def reference_of(message_id: str) -> str:
    """What the gateway is told as our number of a message: the token of its Message-ID."""
    return message_id.strip("<>").partition("@")[0]


class SmsAttempts:
    """The attempts over one gateway, one at a time.

    Args:
        begins: told of a text just before it may leave.
    """

    next_job: Job | None = None

    def __init__(
        self, identity: SenderIdentity, transport: SmsTransport, begins: Callable[[Job], None]
    ) -> None:
        self.identity = identity
        self.transport = transport
        self._begins = begins

    def attempt(self, job: Job) -> Result:
        """Send one text, connecting first where needed. Never raises."""
        started_at = now()
        if (refusal := _refusal(job, self.identity, started_at)) is not None:
            return refusal
        if (failed := connection_failed(job, self.transport, started_at)) is not None:
            return failed
        self._begins(job)
        try:
            submitted = self.transport.submit(job.to_address, job.body_text, reference_of(job.message_id))
        except Exception as error:  # it may have left
            self.transport.close()
            return internal_error(job, OutcomeKind.UNCERTAIN, error, started_at)
        digest = hashlib.sha256(job.body_text.encode()).hexdigest()
        has_left = submitted.outcome.kind in (OutcomeKind.SENT, OutcomeKind.UNCERTAIN)
        return result_of(
            job,
            submitted.outcome,
            started_at,
            mime_sha256=digest if has_left else "",
            provider_ids=submitted.provider_ids,
        )

    def give_back(self) -> list[Job]:
        """Nothing is taken before its turn."""
        return []


def _refusal(job: Job, identity: SenderIdentity, started_at: datetime) -> Result | None:
    try:
        check_job(job)
        _check_text(job, identity)
    except AttemptRefused as refusal:
        return refused(job, refusal, started_at)
    except Exception as error:  # a result for every job, whatever happens: law 4
        return internal_error(job, OutcomeKind.PERMANENT, error, started_at)
    return None


def _check_text(job: Job, identity: SenderIdentity) -> None:
    if job.test_address:
        raise AttemptRefused(
            OutcomeKind.PERMANENT,
            OwnCause.TEST_MODE,
            "The company sends everything to a test address, and a text cannot go there; it was not sent.",
        )
    if identity.channel is not Channel.SMS or job.channel is not Channel.SMS or job.files:
        detail = f"{job.channel} message, {identity.channel} account; it was not sent."
        raise AttemptRefused(OutcomeKind.PERMANENT, OwnCause.NOT_BUILDABLE, detail)
