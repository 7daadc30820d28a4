"""The legal timeline of one message: what happened, when, and what it proves, oldest first (pure; pec.md section 6).

Codes with parameters; the sentences are in `timeline_words`. Accepted is never shown as delivered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from crm_mail.delivery.pec.receipt import ReceiptType
from crm_mail.evidence.alarms import CHANGES_NOTHING, Silence
from crm_mail.evidence.proof import Proof, Stage


class Line(StrEnum):
    """What a line of the timeline says."""

    SENT = "sent"
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"
    ACCEPTED_NOT_PEC = "accepted_not_pec"
    TAKEN_OVER = "taken_over"
    DELIVERED = "delivered"
    WARNED = "warned"
    NOT_ACCEPTED = "not_accepted"
    NOT_DELIVERED = "not_delivered"
    TIMED_OUT = "timed_out"
    VIRUS = "virus"
    OTHER_RECEIPT = "other_receipt"
    BOUNCED = "bounced"
    DELAYED = "delayed"
    REPLIED = "replied"
    AUTO_REPLIED = "auto_replied"
    CHALLENGED = "challenged"
    READ = "read"
    COMPLAINED = "complained"
    IN_SENT_FOLDER = "in_sent_folder"
    NOT_TRUSTED = "not_trusted"
    NO_ACCEPTANCE = "no_acceptance"
    NO_OUTCOME = "no_outcome"


@dataclass(frozen=True, slots=True)
class Came:
    """A mail that was taken in, as far as the timeline needs it."""

    id: int
    kind: str
    at: datetime
    receipt_type: str = ""
    recipient: str = ""
    status: str = ""
    reason: str = ""
    detail: str = ""
    trust: str = ""
    alarm: str = ""
    provider: str = ""
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One line. ``item_id``: the mail that says so, None for what we know ourselves."""

    line: Line
    at: datetime | None
    tone: str
    params: dict[str, Any] = field(default_factory=dict)
    item_id: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What we know of the message ourselves."""

    to: str
    sender: str
    is_pec: bool
    is_uncertain: bool
    sent_at: datetime | None
    proof: Proof
    silence: str = ""
    silence_at: datetime | None = None


_OF_KIND = {
    "envelope": (Line.REPLIED, "info"),
    "anomaly": (Line.REPLIED, "info"),
    "reply": (Line.REPLIED, "info"),
    "bounce": (Line.BOUNCED, "danger"),
    "delay": (Line.DELAYED, "warning"),
    "auto_reply": (Line.AUTO_REPLIED, "neutral"),
    "challenge": (Line.CHALLENGED, "warning"),
    "read_receipt": (Line.READ, "info"),
    "complaint": (Line.COMPLAINED, "danger"),
    "sent_copy": (Line.IN_SENT_FOLDER, "info"),
    "unreadable": (Line.NOT_TRUSTED, "danger"),
}
_OF_RECEIPT = {
    ReceiptType.ACCEPTANCE: (Line.ACCEPTED, "success"),
    ReceiptType.NON_ACCEPTANCE: (Line.NOT_ACCEPTED, "danger"),
    ReceiptType.TAKEN_OVER: (Line.TAKEN_OVER, "info"),
    ReceiptType.DELIVERY: (Line.DELIVERED, "success"),
    ReceiptType.DELIVERY_ERROR: (Line.NOT_DELIVERED, "danger"),
    ReceiptType.DELAY: (Line.WARNED, "warning"),
    ReceiptType.VIRUS: (Line.VIRUS, "warning"),
}


def build_timeline(story: Story, came: Iterable[Came]) -> list[Step]:
    """The lines of a message, oldest first; what has no time of its own last."""
    steps = [_of(story, one) for one in came]
    if story.sent_at is not None:
        steps.append(Step(Line.SENT, story.sent_at, "info", {"to": story.to, "sender": story.sender}))
    if story.is_uncertain:
        steps.append(Step(Line.UNCERTAIN, None, "warning", {"to": story.to}))
    if story.silence in set(Silence):
        steps.append(Step(Line(story.silence), story.silence_at, "warning", {"to": story.to}))
    return sorted(_without_repeats(steps), key=_place)


_ORDER = {line: place for place, line in enumerate(Line)}


def _place(step: Step) -> tuple[bool, datetime | int, int]:
    return (step.at is None, step.at.replace(microsecond=0) if step.at else 0, _ORDER[step.line])


def _of(story: Story, mail: Came) -> Step:
    params = {
        "to": mail.recipient or story.to,
        "provider": mail.provider,
        "reason": mail.reason,
        "status": mail.status,
        "detail": mail.detail,
        "alarm": mail.alarm,
        "trust": mail.trust,
        "is_over": story.proof.stage in (Stage.DELIVERED, Stage.FAILED),
    }
    if mail.alarm in CHANGES_NOTHING:
        return Step(Line.NOT_TRUSTED, mail.at, "danger", params, mail.id)
    line, tone = _OF_KIND.get(mail.kind, (Line.OTHER_RECEIPT, "neutral"))
    if mail.kind == "receipt":
        known = next((one for one in _OF_RECEIPT if one.value == mail.receipt_type), None)
        line, tone = _OF_RECEIPT[known] if known else (Line.OTHER_RECEIPT, "neutral")
        if line is Line.WARNED and mail.is_final:
            line, tone = Line.TIMED_OUT, "danger"
        if line is Line.ACCEPTED and story.proof.recipient_is_pec is False:
            line, tone = Line.ACCEPTED_NOT_PEC, "warning"
    return Step(line, mail.at, tone, params, mail.id)


def _without_repeats(steps: Sequence[Step]) -> list[Step]:
    """The same receipt from two folders is one line."""
    found: dict[tuple[Any, ...], Step] = {}
    for step in steps:
        if step.line is Line.NOT_TRUSTED:
            key: tuple[Any, ...] = (step.item_id,)
        else:
            key = (step.line, step.at, step.params.get("to"), step.params.get("detail"))
        found.setdefault(key, step)
    return list(found.values())


TONE_OF_STAGE = {
    Stage.NOTHING: "neutral",
    Stage.LEFT: "info",
    Stage.ACCEPTED: "info",
    Stage.WARNED: "warning",
    Stage.DELIVERED: "success",
    Stage.NOT_CERTIFIED: "warning",
    Stage.FAILED: "danger",
}
