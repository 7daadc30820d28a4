"""The form of the commit page, and why a commit is refused, in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import (  # type: ignore[attr-defined]  # the stubs do not know SelectChoice yet
    BooleanField,
    DateTimeLocalField,
    HiddenField,
    RadioField,
    SelectChoice,
)
from wtforms.validators import Length, ValidationError

from crm_mail.db import now
from crm_mail.outbox.committing import commit_limits
from crm_mail.outbox.committing.commit import CommitRefused, ListChanged
from crm_mail.outbox.models import Run
from crm_mail.outbox.sending.control import ControlRefused
from crm_mail.outbox.why_words import withheld_words
from crm_mail.permissions import Actor
from crm_mail.users.limit_words import hours_in_words

NOW, AT = "now", "at"
FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class MomentField(DateTimeLocalField):
    """A day and time that may be empty; whether it may is for the form to say (`Optional` would ask nobody)."""

    def process_formdata(self, valuelist: Any) -> None:
        """Read the value; none is no error."""
        if any(value.strip() for value in valuelist):
            super().process_formdata(valuelist)


class CommitForm(FlaskForm):
    """When to start; what was looked at; the key by which two clicks are one commit."""

    start = RadioField(
        _l("Start"),
        default=NOW,
        choices=[SelectChoice(NOW, _l("Now")), SelectChoice(AT, _l("At a chosen time"))],
    )
    start_at = MomentField(_l("Day and time"), format=FORMATS)
    seen = HiddenField(validators=[Length(max=100)])
    key = HiddenField(validators=[Length(min=8, max=64)])
    unknown_is_ordinary = BooleanField()

    zone: ZoneInfo = ZoneInfo("UTC")

    def moment(self) -> datetime | None:
        """The chosen time, UTC; None: now. The page's times are those of the company's zone."""
        if self.start.data != AT or self.start_at.data is None:
            return None
        return self.start_at.data.replace(tzinfo=self.zone).astimezone(UTC)

    def validate_start_at(self, field: Any) -> None:
        """A chosen time must be given and lie ahead; nobody asks for one who starts now."""
        if self.start.data != AT:
            field.errors = []
        if self.start.data != AT or field.errors:
            return
        if field.data is None:
            raise ValidationError(_("Choose a day and a time."))
        moment = self.moment()
        if moment is not None and moment <= now():
            raise ValidationError(_("This time has passed. Choose a later one, or start now."))


def unknown_label(count: int) -> str:
    """The words of the box by which addresses of unknown kind are sent as ordinary mail."""
    return str(
        ngettext(
            "Send it as ordinary mail this once: of %(n)s message nobody knows whether the address is PEC",
            "Send them as ordinary mail this once: of %(n)s messages nobody knows whether the address is PEC",
            count,
            n=format_decimal(count),
        )
    )


def changes_words(problem: ListChanged) -> list[str]:
    """How the list changed, one sentence for each reason."""
    before, after = (int(mark.partition("-")[0] or 0) for mark in (problem.before, problem.after))
    found = [dropped_words(reason, count) for reason, count in problem.dropped.items()]
    if before != after:
        counts = {"before": format_decimal(before), "after": format_decimal(after)}
        found.append(
            _("%(before)s messages were ready when the page was opened; now there are %(after)s.", **counts)
        )
    if not found:
        found.append(_("A message was corrected, or taken out and another one put in."))
    return found


def dropped_words(reason: str, count: int) -> str:
    """Why messages drop out, with their number."""
    return f"{format_decimal(count)} × {withheld_words(reason, _)}"


def refusal_words(problem: CommitRefused | ControlRefused) -> str:
    """Why a commit, or a step on a committed run, is refused, and what to do."""
    if problem.code in (commit_limits.HOURS, commit_limits.TOO_MANY):
        return limit_words(problem.code, problem.params)
    count = int(problem.params.get("count", 0))
    words = {
        "wrong_state": _(
            "The run is no longer in the state that this page showed. Nothing was changed: look again."
        ),
        "nothing_to_send": _(
            "No message of this run is ready to be sent. Nothing was committed: look at what was left out."
        ),
        "second_person": _("A second person must approve: somebody else with the right to commit."),
        "too_late": _("The run has started. It can be paused, or what remains of it cancelled."),
        "cancelled": _("The run was cancelled: prepare the documents again."),
        "kinds_unknown": ngettext(
            "Nobody has said whether %(n)s address is PEC or ordinary mail. Say it, or send it as ordinary mail "
            "this once.",
            "Nobody has said whether %(n)s addresses are PEC or ordinary mail. Say it, or send them as ordinary mail "
            "this once.",
            count,
            n=format_decimal(count),
        ),
        "no_own_account": ngettext(
            "%(n)s message leaves from the own account of the person who commits, and you have none. "
            "Add your own account, or let somebody commit who has one.",
            "%(n)s messages leave from the own account of the person who commits, and you have none. "
            "Add your own account, or let somebody commit who has one.",
            count,
            n=format_decimal(count),
        ),
    }
    return str(words.get(problem.code, problem))


def limit_words(code: str, params: Mapping[str, Any]) -> str:
    """Which limit of the person forbids a commit, what to do, and who can."""
    people = ", ".join(params["people"]) or _("an administrator")
    if code == commit_limits.HOURS:
        hours = hours_in_words(params["limits"])
        return str(
            _(
                "You may commit only %(hours)s, also for a later time. Wait until then, or ask %(people)s.",
                hours=hours,
                people=people,
            )
        )
    sentence = ngettext(
        "You may commit at most %(most)s message at once, and this run has %(n)s. Leave some of them out, or ask "
        "%(people)s to commit it.",
        "You may commit at most %(most)s messages at once, and this run has %(n)s. Leave some of them out, or ask "
        "%(people)s to commit it.",
        params["most"],
        most=format_decimal(params["most"]),
        n=format_decimal(params["count"]),
        people=people,
    )
    return str(sentence)


def limits_shown(session: Session, actor: Actor, run: Run, count: int) -> dict[str, Any]:
    """What the pages that offer a commit say beforehand: the limit that it would meet, and whether it takes two."""
    limits = actor.limits
    reached = commit_limits.notice(session, actor, run, count) if limits.is_any else None
    return {
        "limit": limit_words(reached.code, reached.params) if reached else "",
        "two_people": commit_limits.needs_second_person(run.company, actor, count),
        "own_number": limits.second_person_above if commit_limits.exceeds_own_number(actor, count) else None,
    }
