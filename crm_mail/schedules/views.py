"""Pages of schedules: the list, one with its history, the form, and what can be done with them."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.outbox.models import Run
from crm_mail.outbox.preparing.prepare_views import run_url
from crm_mail.outbox.reviewing.review import can_see_run
from crm_mail.permissions import Actor, Permission, PermissionDenied, requires, signed_in_actor
from crm_mail.schedules import edit_views, special_date_views
from crm_mail.schedules.blueprint import blueprint
from crm_mail.schedules.edit_views import company_at_work
from crm_mail.schedules.kind_forms import all_forms, describe_audience, form_of
from crm_mail.schedules.models import Firing, FiringState, Schedule, ScheduleState, SpecialDate
from crm_mail.schedules.recurrence import Occurrence
from crm_mail.schedules.service import (
    ScheduleRefused,
    end_schedule,
    find_schedule,
    last_firings,
    list_firings,
    list_schedules,
    pause_schedule,
    recurrence_of,
    resume_schedule,
    run_now,
)
from crm_mail.schedules.special_date_forms import CELEBRATIONS
from crm_mail.schedules.special_dates import SPECIAL_DATE, special_date_of
from crm_mail.schedules.wording import sentence, special_sentence
from crm_mail.schedules.words import TONES, reason_words, state_name
from crm_mail.web.door import db
from crm_mail.web.translating import translator

ROOM_PARTS = (edit_views, special_date_views)
HISTORY = 50


@blueprint.get("/", strict_slashes=False, endpoint="list_schedules")
@requires(Permission.SCHEDULES_SEE)
def show_list() -> Any:
    """The schedules of the company at work, what comes next first."""
    company = company_at_work()
    found = [one for one in list_schedules(db(), signed_in_actor(), company.id) if one.kind != SPECIAL_DATE]
    return render_template(
        "schedules/list.html",
        company=company,
        schedules=found,
        last=last_firings(db(), found),
        kinds={kind_id: form.label for kind_id, form in offered_forms()},
        sentence=sentence,
        outcome=outcome_words,
        tones=TONES,
    )


def offered_forms() -> list[tuple[str, Any]]:
    """Kinds that have a form of their own, special dates apart."""
    return [pair for pair in all_forms().items() if pair[0] != SPECIAL_DATE]


@blueprint.get("/<int:schedule_id>")
@requires(Permission.SCHEDULES_SEE)
def show_schedule(schedule_id: int) -> Any:
    """One schedule: what, when next, on whose behalf, and its history."""
    schedule, actor = schedule_or_404(schedule_id), signed_in_actor()
    form = form_of(schedule.kind)
    special = special_date_of(db(), schedule.id) if schedule.kind == SPECIAL_DATE else None
    return render_template(
        "schedules/show.html",
        schedule=schedule,
        sentence=special_sentence(special) if special else sentence(schedule),
        kind_label=form.label if form else _("Special dates"),
        facts=form.describe(db(), schedule.company, schedule.options) if form else _special_facts(special),
        next_dates=_next_dates(schedule),
        standing=edit_views.standing_title(schedule),
        makes_run=form.makes_run if form else True,
        may_manage=actor.can(Permission.SCHEDULES_MANAGE, schedule.company_id),
        edit_url=_edit_url(schedule, special),
        **_history(schedule),
    )


def _special_facts(special: SpecialDate | None) -> list[str]:
    """What a special date says, and to whom."""
    if special is None:
        return []
    whom = describe_audience({"audience": special.audience}, special.company_id)
    subjects = [f"{language}: {text['subject']}" for language, text in special.texts.items()]
    return [str(CELEBRATIONS[special.celebration]), _("for: %(whom)s", whom=whom), *subjects]


def _edit_url(schedule: Schedule, special: SpecialDate | None) -> str:
    """The form of a special date is its own."""
    if special is None:
        return url_for("schedules.edit_schedule", schedule_id=schedule.id)
    return url_for("schedules.edit_special_date", special_date_id=special.id)


def schedule_or_404(schedule_id: int) -> Schedule:
    """The schedule, as far as it exists for the person."""
    return find_schedule(db(), signed_in_actor(), schedule_id) or abort(404)


def _next_dates(schedule: Schedule) -> list[Any]:
    """The next five dates of an active schedule."""
    if schedule.state is not ScheduleState.ACTIVE or schedule.next_due_at is None:
        return []
    return recurrence_of(schedule).next(schedule.next_due_at.replace(microsecond=0) - edit_views.SECOND, 5)


def _runs(actor: Actor, firings: Any) -> dict[int, Run]:
    """The runs of a history that exist for the person."""
    found = {one.run_id: db().get(Run, one.run_id) for one in firings if one.run_id}
    return {id_: run for id_, run in found.items() if run and can_see_run(actor, run)}


def outcome_words(firing: Firing) -> tuple[str, str]:
    """What became of it, and why."""
    translate = translator(str(get_locale() or "en"))
    return state_name(firing.state, translate), reason_words(firing.reason, firing.detail, translate)


@blueprint.post("/<int:schedule_id>/pause")
@requires(Permission.SCHEDULES_MANAGE)
def pause(schedule_id: int) -> Any:
    """Let it rest."""
    return _steer(schedule_id, pause_schedule, _("Paused. Dates that pass meanwhile are not caught up."))


@blueprint.post("/<int:schedule_id>/resume")
@requires(Permission.SCHEDULES_MANAGE)
def resume(schedule_id: int) -> Any:
    """Let it go on."""
    return _steer(schedule_id, resume_schedule, _("The schedule goes on with its next date."))


@blueprint.post("/<int:schedule_id>/end")
@requires(Permission.SCHEDULES_MANAGE)
def end(schedule_id: int) -> Any:
    """No more dates; the history stays."""
    return _steer(schedule_id, end_schedule, _("The schedule has ended. Its history stays."))


@blueprint.post("/<int:schedule_id>/run-now")
@requires(Permission.SCHEDULES_MANAGE)
def run(schedule_id: int) -> Any:
    """Once, at once, beside its dates."""
    return _steer(schedule_id, run_now, _("It begins in a few seconds."))


def _steer(schedule_id: int, act: Callable[..., Any], said: str) -> Any:
    schedule = schedule_or_404(schedule_id)
    try:
        act(db(), signed_in_actor(), schedule)
    except ScheduleRefused as refused:
        abort(409, edit_views.refusal_words(refused.code))
    except PermissionDenied:
        abort(403)
    flash(said, "success")
    return redirect(url_for("schedules.show_schedule", schedule_id=schedule_id), 303)


@blueprint.get("/<int:schedule_id>/history")
@requires(Permission.SCHEDULES_SEE)
def show_history(schedule_id: int) -> Any:
    """The history alone, while something is under way."""
    schedule = schedule_or_404(schedule_id)
    return render_template("schedules/_history_poll.html", schedule=schedule, **_history(schedule))


def _history(schedule: Schedule) -> dict[str, Any]:
    """What the history shows."""
    firings = list_firings(db(), schedule, request.args.get("before", 0, type=int), HISTORY + 1)
    return {
        "firings": firings[:HISTORY],
        "runs": _runs(signed_in_actor(), firings),
        "older": firings[HISTORY - 1].id if len(firings) > HISTORY else 0,
        "outcome": outcome_words,
        "tones": TONES,
        "is_moving": any(one.state in (FiringState.RUNNING, FiringState.PREPARING) for one in firings),
    }


def local_date(one: Occurrence, timezone: str) -> str:
    """A date with its weekday, in the zone of the schedule."""
    local = one.at.astimezone(ZoneInfo(timezone))
    return str(format_datetime(local, "EEEE d MMMM y, HH:mm", locale=str(get_locale() or "en")[:2]))


@blueprint.context_processor
def give_dates() -> dict[str, Any]:
    """How dates are written."""
    return {"local_date": local_date, "run_url": run_url}


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
