"""The legal timeline in plain words; dates in the company's zone (pure: the translating function is the caller's).

What a delivery receipt proves: DPR 68/2005, article 6; that its time holds against third parties: CAD (D.Lgs. 82/2005),
article 48. Nothing here says more than a receipt does.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.evidence.alarm_words import alarm_words
from crm_mail.evidence.proof import NOT_ACCEPTED, Conflict, Proof, Stage
from crm_mail.evidence.timeline import Line, Step
from crm_mail.outbox.sending.cause_words import cause_words
from crm_mail.words import Translate

_ICONS = {
    Line.SENT: "send",
    Line.ACCEPTED: "certificate",
    Line.ACCEPTED_NOT_PEC: "alert-triangle",
    Line.DELIVERED: "mail-check",
    Line.WARNED: "clock",
    Line.DELAYED: "clock",
    Line.NOT_ACCEPTED: "circle-x",
    Line.NOT_DELIVERED: "circle-x",
    Line.TIMED_OUT: "circle-x",
    Line.BOUNCED: "arrow-back-up",
    Line.NOT_TRUSTED: "alert-triangle",
    Line.NO_ACCEPTANCE: "alert-triangle",
    Line.NO_OUTCOME: "alert-triangle",
    Line.UNCERTAIN: "help",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A line as it is shown. ``remedy``: what to do; may be empty."""

    at: datetime | None
    text: str
    remedy: str
    icon: str
    tone: str
    item_id: int | None


def moment_words(moment: datetime, zone: ZoneInfo) -> str:
    """`03/11/2026 13:06:40` in the company's zone: to the second, as receipts have it."""
    return moment.astimezone(zone).strftime("%d/%m/%Y %H:%M:%S")


def step_told(step: Step, zone: ZoneInfo, _: Translate) -> Told:
    """A line in words."""
    at = moment_words(step.at, zone) if step.at else ""
    values = {key: str(value) for key, value in step.params.items()} | {"at": at}
    values.setdefault("to", "")
    text, remedy = _sentence(step, _)
    if step.line in (Line.NOT_ACCEPTED, Line.NOT_DELIVERED, Line.TIMED_OUT, Line.BOUNCED):
        values["why"], remedy = failure_words(values["reason"], values["status"], _)
        if values["detail"]:
            values["why"] = f"{values['why']} ({values['detail']})"
    if step.line is Line.NOT_TRUSTED:
        values["why"], remedy = alarm_words(values["alarm"], _)
    return Told(step.at, text % values, remedy, _ICONS.get(step.line, "mail"), step.tone, step.item_id)


def failure_words(reason: str, status: str, _: Translate) -> tuple[str, str]:
    """Why it did not arrive, and what to do: the same words for PEC receipts and for ordinary bounces."""
    if reason.startswith(NOT_ACCEPTED):
        return cause_words(reason, None, status, _)
    return reason_words(reason, status, _)


def _sentence(step: Step, _: Translate) -> tuple[str, str]:
    """The sentence with its placeholders, and the remedy."""
    table: dict[Line, tuple[str, str]] = {
        Line.SENT: (_("Sent to %(to)s on %(at)s."), ""),
        Line.UNCERTAIN: (
            _("It is not certain whether it left for %(to)s."),
            _("It is never sent again by itself: decide in the run's report."),
        ),
        Line.ACCEPTED: (
            _("Accepted by the sender's PEC operator on %(at)s: legal proof of sending, not of delivery."),
            "",
        ),
        Line.ACCEPTED_NOT_PEC: (
            _(
                "Accepted on %(at)s, which proves the sending; the operator says that %(to)s is not a PEC address: "
                "no delivery will be certified."
            ),
            _("Where delivery must be proven, ask the recipient for a PEC address, or use registered post."),
        ),
        Line.TAKEN_OVER: (_("Taken over by the recipient's operator on %(at)s."), ""),
        Line.DELIVERED: (
            _(
                "Delivered into the mailbox of %(to)s on %(at)s. Enforceable against third parties from that moment."
            ),
            "",
        ),
        Line.WARNED: (
            _("Not delivered yet on %(at)s, after twelve hours: a warning. The operator still tries."),
            ""
            if step.params.get("is_over")
            else _("Wait for the outcome: it comes within 24 hours of the sending."),
        ),
        Line.NOT_ACCEPTED: (
            _("Not accepted by the sender's PEC operator on %(at)s: %(why)s. It never left."),
            "",
        ),
        Line.NOT_DELIVERED: (_("Not delivered to %(to)s; final notice of %(at)s: %(why)s."), ""),
        Line.TIMED_OUT: (_("Not delivered to %(to)s within 24 hours; final notice of %(at)s: %(why)s."), ""),
        Line.VIRUS: (_("An operator found a virus on %(at)s."), _("The final notice follows.")),
        Line.OTHER_RECEIPT: (_("Another receipt came on %(at)s; it proves nothing by itself."), ""),
        Line.BOUNCED: (_("Came back from %(to)s on %(at)s: %(why)s."), ""),
        Line.DELAYED: (_("A mail server reported a delay on %(at)s; it still tries."), ""),
        Line.REPLIED: (_("Answered on %(at)s."), ""),
        Line.AUTO_REPLIED: (_("An automatic answer came on %(at)s."), ""),
        Line.CHALLENGED: (
            _("The recipient's server asked on %(at)s for a confirmation. It is not answered by itself."),
            _("Open the mail and follow it, if you trust it."),
        ),
        Line.READ: (
            _("The recipient's program reported on %(at)s that it was displayed: no legal proof."),
            "",
        ),
        Line.COMPLAINED: (
            _("The recipient reported it as unwanted mail on %(at)s."),
            _("The address is not written to any more."),
        ),
        Line.IN_SENT_FOLDER: (_("A copy is in the account's own mailbox (%(at)s): it left."), ""),
        Line.NOT_TRUSTED: (_("A mail of %(at)s is not believed: %(why)s"), ""),
        Line.NO_ACCEPTANCE: (
            _("No acceptance receipt had come by %(at)s."),
            _("Look into the account's mailbox: the message may not have left."),
        ),
        Line.NO_OUTCOME: (
            _("24 hours after acceptance nothing proves the delivery (noticed on %(at)s)."),
            _("Ask the recipient, or send it another way: nothing proves its delivery."),
        ),
    }
    return table[step.line]


def stage_words(stage: Stage, is_pec: bool, _: Translate) -> str:
    """How far a message is proven to have come, in few words, for badges."""
    if stage is Stage.DELIVERED:
        return _("Delivery proven")
    if stage is Stage.FAILED:
        return _("Not delivered")
    if stage is Stage.WARNED:
        return _("Delivery late")
    if stage is Stage.ACCEPTED:
        return _("Accepted, not delivered yet")
    if stage is Stage.NOT_CERTIFIED:
        return _("Accepted; delivery cannot be proven")
    return _("No receipt yet") if is_pec else _("No proof of delivery")


def headline(proof: Proof, to: str, is_pec: bool, zone: ZoneInfo, _: Translate) -> str:
    """What the proofs add up to, in one sentence."""
    stage = proof.stage
    delivered, accepted = proof.delivered_at, proof.accepted_at
    values = {
        "to": to,
        "delivered": moment_words(delivered, zone) if delivered else "",
        "accepted": moment_words(accepted, zone) if accepted else "",
    }
    if stage is Stage.DELIVERED:
        text = _(
            "Delivered into the mailbox of %(to)s on %(delivered)s; enforceable against third parties from then on."
        )
    elif stage is Stage.NOT_CERTIFIED:
        text = _(
            "Accepted on %(accepted)s. %(to)s is not a PEC address: there is no legal proof of delivery."
        )
    elif stage is Stage.ACCEPTED:
        text = _("Accepted on %(accepted)s, which proves the sending. Delivery to %(to)s is not proven yet.")
    elif stage is Stage.WARNED:
        text = _("Not delivered to %(to)s yet; the operator still tries.")
    elif stage is Stage.FAILED:
        text = _("It did not arrive at %(to)s.")
    elif is_pec:
        text = _("No receipt has come yet: neither the sending nor the delivery is proven.")
    else:
        text = _("Ordinary mail: a server may report that it did not arrive; nothing certifies that it did.")
    return text % values


def conflict_words(conflict: str, _: Translate) -> str:
    """Proofs that contradict each other, and which of them counts."""
    return {
        Conflict.DELIVERED_AND_FAILED.value: _(
            "There is a notice of failure, and a genuine delivery receipt: the delivery receipt counts."
        ),
        Conflict.ACCEPTED_AND_REFUSED.value: _(
            "There is an acceptance receipt, and a notice that it was not accepted: keep both."
        ),
    }.get(conflict, "")
