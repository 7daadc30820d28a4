"""The words of firings: what became of them and why, in the reader's language (pure)."""

from collections.abc import Mapping
from typing import Any

from crm_mail.schedules.models import FiringState
from crm_mail.words import Translate


def state_name(state: FiringState, _: Translate) -> str:
    """What became of a firing, in a word or two."""
    return {
        FiringState.RUNNING: _("running"),
        FiringState.PREPARING: _("being prepared"),
        FiringState.WAITING: _("waits for a person"),
        FiringState.COMMITTED: _("committed"),
        FiringState.DONE: _("done"),
        FiringState.NOTHING: _("nothing was due"),
        FiringState.SKIPPED: _("skipped"),
        FiringState.REFUSED: _("refused"),
        FiringState.FAILED: _("did not succeed"),
        FiringState.INTERRUPTED: _("interrupted"),
    }[state]


TONES: Mapping[FiringState, str] = {
    FiringState.RUNNING: "info",
    FiringState.PREPARING: "info",
    FiringState.WAITING: "warning",
    FiringState.COMMITTED: "success",
    FiringState.DONE: "success",
    FiringState.NOTHING: "neutral",
    FiringState.SKIPPED: "neutral",
    FiringState.REFUSED: "danger",
    FiringState.FAILED: "danger",
    FiringState.INTERRUPTED: "danger",
}
"""Colours of the badges; the word is always there."""


def reason_words(reason: str, detail: Mapping[str, Any], _: Translate) -> str:
    """Why, and what to do; empty when there is nothing to add."""
    if reason == "figures":
        names = _figures(_)
        return ", ".join(f"{names.get(name, name)}: {value}" for name, value in detail.items())
    text = _reasons(_).get(reason, reason)
    if reason == "right_missing":
        return text % {"right": _rights(_).get(str(detail.get("right")), str(detail.get("right")))}
    return text % {"why": "", "owner": "", "kind": "", **detail}


def _reasons(_: Translate) -> dict[str, str]:
    return {
        "": "",
        "missed": _("No worker ran at this time."),
        "overtaken": _("No worker ran at this time; a later date stood in for it."),
        "kind_unknown": _("What is to be done is not known here: %(kind)s."),
        "interrupted": _("The worker ended in the middle, and doing it twice could do harm. Run it by hand."),
        "owner_inactive": _("%(owner)s is no longer active: somebody else must save the schedule."),
        "right_missing": _(
            "The owner has no longer the right to %(right)s: somebody who has it must save the schedule."
        ),
        "refused": _("%(why)s"),
        "error": _("An error of the program (%(why)s); the log says more."),
        "run_failed": _("The run could not be prepared: %(why)s"),
        "by_person": _("A person committed the run."),
        "for_person": _("The run is prepared: look at it, then commit it."),
        "authorisation": _("Committed by the standing authorisation."),
        "authorisation_refused": _(
            "The standing authorisation does not cover it: the run says why. Look at it."
        ),
        "second_person": _("Committed by the standing authorisation; a second person must approve it."),
    }


def _figures(_: Translate) -> dict[str, str]:
    return {
        "files": _("files"),
        "documents": _("documents"),
        "imported": _("brought in"),
        "unchanged": _("unchanged"),
        "failed": _("refused"),
        "removed": _("removed"),
        "recipients": _("recipients"),
        "rows": _("rows"),
    }


def _rights(_: Translate) -> dict[str, str]:
    return {
        "outbox:prepare": _("prepare"),
        "outbox:commit": _("commit"),
        "contacts:manage": _("manage contacts"),
        "documents:manage": _("bring documents in"),
        "privacy:manage": _("manage privacy"),
        "schedules:manage": _("manage schedules"),
        "reports:see": _("see reports"),
        "reports:export": _("export reports"),
        "documents:export": _("export documents"),
        "contacts:export": _("export contacts"),
        "audit:export": _("export the audit"),
        "settings:manage": _("change settings"),
    }


def compose_notice(
    state: FiringState, why: str, schedule: str, company: str, url: str, _: Translate
) -> tuple[str, str]:
    """Subject and text of the mail to the owner.

    Args:
        why: `reason_words`.
        url: of the run that waits, or of the schedule.
    """
    word = state_name(state, _)
    subject = f"CRM Mail: {schedule}: {word} ({company})"
    first = _("The schedule “%(name)s”: %(state)s.") % {"name": schedule, "state": word}
    return subject, "\n\n".join(part for part in (first, why, url) if part) + "\n"
