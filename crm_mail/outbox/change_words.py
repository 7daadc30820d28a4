"""What happened to a message, why a correction is refused, and what an action on many did, in words (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_mail.outbox.reasons import COPY_DROPPED
from crm_mail.outbox.reviewing.edit_problems import EditProblem
from crm_mail.words import Translate, english, fill
from crm_mail.words import mark as _

_EVENTS: dict[str, tuple[str, str, str]] = {
    # what a line of the history says, with its icon and tone
    "prepared": (_("Prepared"), "wand", "neutral"),
    "excluded": (_("Left out"), "ban", "warning"),
    "included": (_("Put back"), "arrow-back-up", "info"),
    "approved": (_("Approved"), "user-check", "success"),
    "approval_withdrawn": (_("Approval taken back"), "user", "neutral"),
    "account_changed": (_("Sending account changed"), "at", "info"),
    "language_changed": (_("Language changed"), "language", "info"),
    "merged": (_("Went into another message"), "git-merge", "info"),
    "merged_here": (_("Took over other messages"), "git-merge", "info"),
    "taken_apart": (_("Taken apart again"), "arrow-back-up", "info"),
    "checked": (_("Checked again"), "refresh", "neutral"),
    "edited": (_("Corrected"), "pencil", "info"),
    "restored": (_("An earlier version was restored"), "history", "info"),
    COPY_DROPPED: (_("Copy (Cc) taken off: its contact changed"), "alert-triangle", "warning"),
    "committed": (_("Committed"), "clipboard-check", "info"),
    "unsubscribed": (_("Taken out: the recipient does not agree to advertising"), "ban", "warning"),
    "commit_undone": (_("Commit called back"), "arrow-back-up", "warning"),
    "sent": (_("Sent: the server took it"), "check", "success"),
    "deferred": (_("Not accepted yet; it will be tried again"), "refresh", "warning"),
    "account_stopped": (_("Waits: the account refused to log in"), "player-stop", "warning"),
    "failed": (_("Refused"), "circle-x", "danger"),
    "uncertain": (_("Not certain whether it left"), "help", "warning"),
    "late_outcome": (_("An outcome came late and is only kept"), "clock", "neutral"),
    "delivered": (_("Delivered"), "mail-check", "success"),
    "bounced": (_("Came back"), "arrow-back-up", "danger"),
    "proven_sent": (_("Evidence says that it left"), "check", "success"),
    "pec_accepted": (_("Accepted by the PEC operator"), "certificate", "success"),
    "pec_not_accepted": (_("Not accepted by the PEC operator"), "circle-x", "danger"),
    "pec_taken_over": (_("Taken over by the recipient's operator"), "mail-forward", "info"),
    "pec_delivered": (_("Delivery receipt"), "mail-check", "success"),
    "pec_not_delivered": (_("Notice of failed delivery"), "circle-x", "danger"),
    "pec_delayed": (_("Notice of delay"), "clock", "warning"),
    "pec_other": (_("Another PEC receipt"), "certificate", "neutral"),
    "not_pec": (_("The recipient is not a PEC address"), "alert-triangle", "warning"),
    "came_bounce": (_("A mail server reports that it did not arrive"), "arrow-back-up", "danger"),
    "came_delay": (_("A mail server reports a delay"), "clock", "warning"),
    "came_auto_reply": (_("Automatic answer"), "mail", "neutral"),
    "came_challenge": (
        _("The recipient's server asks for a confirmation; it is not answered"),
        "mail",
        "warning",
    ),
    "came_read_receipt": (_("Read receipt"), "mail", "info"),
    "came_complaint": (_("Reported as unwanted mail"), "alert-triangle", "danger"),
    "came_sms": (_("Answered by SMS"), "device-mobile", "info"),
    "came_reply": (_("Answered"), "mail", "info"),
    "came_envelope": (_("Answered by PEC"), "certificate", "info"),
    "came_anomaly": (_("Ordinary mail about it came to the PEC mailbox"), "mail", "info"),
    "came_sent_copy": (_("Found in the sent mail"), "send", "info"),
    "evidence_alarm": (_("A mail about it is not trusted; it changed nothing"), "alert-triangle", "danger"),
    "silence_no_acceptance": (_("No acceptance receipt in time"), "alert-triangle", "warning"),
    "silence_no_outcome": (_("No outcome after 24 hours"), "alert-triangle", "warning"),
    "silence_ended": (_("What was missing has come"), "check", "success"),
    "never_accepted": (_("Never accepted by the PEC operator: it did not leave"), "circle-x", "danger"),
    "mailbox_searched": (_("Looked for in the mailbox"), "search", "neutral"),
    "alarm_settled": (_("Alarm settled"), "user-check", "neutral"),
    "cancelled": (_("Cancelled"), "x", "neutral"),
    "retried": (_("Queued again"), "refresh", "info"),
    "resolved_sent": (_("A person decided: it was sent"), "user-check", "success"),
    "resolved_send_again": (_("A person decided: send it again"), "refresh", "info"),
}


@dataclass(frozen=True, slots=True)
class EventWords:
    """A line of a message's history."""

    title: str
    text: str
    icon: str
    tone: str


_PARTS: dict[str, str] = {
    "to_address": _("address"),
    "to_kind": _("kind of address"),
    "cc": _("copies"),
    "account_id": _("account"),
    "subject": _("subject"),
    "body_text": _("text"),
    "body_html": _("formatted text"),
}


def part_name(name: str, translate: Translate = english) -> str:
    """A part of a message that a person changed."""
    return translate(_PARTS.get(name, name))


def event_words(kind: str, detail: Mapping[str, Any], translate: Translate = english) -> EventWords:
    """A line of a message's history: what happened, and what is known about it.

    Args:
        detail: ``changed`` (parts), ``reason``, ``account``, ``undone``, or ``detail`` (a server's answer).
    """
    title, icon, tone = _EVENTS.get(kind, (kind.replace("_", " "), "circle-dot", "neutral"))
    facts = [", ".join(part_name(str(one), translate) for one in detail.get("changed", ()))]
    facts += [str(detail.get(name) or "") for name in ("to", "reason", "account", "detail", "answer", "note")]
    facts += [str(detail.get("language") or "").upper(), *(f"#{one}" for one in detail.get("rows", ()))]
    if detail.get("undone"):
        facts.append(translate(_("an action was undone")))
    return EventWords(translate(title), " · ".join(fact for fact in facts if fact), icon, tone)


_EDIT: dict[EditProblem, str] = {
    EditProblem.CONFLICT: _(
        "%(who)s changed this message while you were writing. Your text is still here: compare, then save again."
    ),
    EditProblem.SETTLED: _("This message has been committed or has left: it can no longer be changed."),
    EditProblem.ACCOUNT_UNFIT: _("This account cannot be used for the message. Choose another one."),
    EditProblem.ACCOUNT_WRONG_KIND: _(
        "A PEC account sends to PEC addresses and to no other. Choose an account of the address's kind."
    ),
    EditProblem.SUBJECT_EMPTY: _("The subject is empty. Write one."),
    EditProblem.SUBJECT_LINE_BREAK: _("The subject contains a line break. Write it on one line."),
    EditProblem.SUBJECT_TOO_LONG: _("The subject is longer than %(limit)s characters. Shorten it."),
    EditProblem.BODY_TOO_LONG: _("The text is longer than %(limit)s characters. Shorten it."),
    EditProblem.NUMBER_INVALID: _("%(number)s is no mobile number. Write it as +39 333 1234567."),
    EditProblem.COPIES_ON_PEC: _("A PEC message goes to one recipient only. Remove the copies (Cc)."),
}


def edit_words(problem: EditProblem, params: Mapping[str, Any], translate: Translate = english) -> str:
    """Why a correction is refused, and what to do."""
    return fill(translate(_EDIT[problem]), params)


_DONE: dict[str, tuple[str, str]] = {
    "excluded": (_("%(count)s message left out."), _("%(count)s messages left out.")),
    "included": (_("%(count)s message put back."), _("%(count)s messages put back.")),
    "approved": (_("%(count)s message approved."), _("%(count)s messages approved.")),
    "approval_withdrawn": (
        _("The approval of %(count)s message was taken back."),
        _("The approval of %(count)s messages was taken back."),
    ),
    "account_changed": (
        _("%(count)s message leaves from %(account)s now."),
        _("%(count)s messages leave from %(account)s now."),
    ),
    "language_changed": (
        _("%(count)s message is written in %(language_name)s now."),
        _("%(count)s messages are written in %(language_name)s now."),
    ),
    "merged": (
        _("%(count)s message went into another one."),
        _("%(count)s messages went into others."),
    ),
    "taken_apart": (
        _("%(count)s message stands for itself again."),
        _("%(count)s messages stand for themselves again."),
    ),
}


def done_words(
    kind: str, count: str, is_one: bool, detail: Mapping[str, Any], translate: Translate = english
) -> str:
    """What an action on several messages did.

    Args:
        count: the number as the page writes it.
    """
    one, many = _DONE.get(kind, (kind, kind))
    return fill(translate(one if is_one else many), {**detail, "count": count})
