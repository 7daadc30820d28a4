"""The form of a schedule: a sentence, the questions of its kind, and the next five dates while it is filled in."""

from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.outbox.standing.service import find_standing, list_standings
from crm_mail.permissions import Permission, PermissionDenied, requires, signed_in_actor
from crm_mail.refusals import Refusal
from crm_mail.schedules.blueprint import blueprint
from crm_mail.schedules.forms import ScheduleForm
from crm_mail.schedules.kind_forms import KindForm, all_forms, form_of
from crm_mail.schedules.models import Schedule
from crm_mail.schedules.service import ScheduleRefused, find_schedule, save_schedule
from crm_mail.schedules.special_dates import SPECIAL_DATE
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company

SECOND = timedelta(seconds=1)


def company_at_work() -> Company:
    """The company at work, or 404."""
    return current_company(signed_in_actor()) or abort(404)


def refusal_words(code: str) -> str:
    """Why a schedule cannot be saved or steered, and what to do."""
    words: dict[str, str] = {
        "kind": _("What is to be done is not known here: choose it from the list."),
        "never": _("This rule gives no date any more: change the days, or the last day."),
        "owner": _("A schedule belongs to a person."),
        "ended": _("The schedule has ended: save it with dates that lie ahead."),
        "running": _("The schedule is running just now: wait until it has ended."),
    }
    return words[code]


@blueprint.get("/what")
@requires(Permission.SCHEDULES_MANAGE)
def choose_kind() -> Any:
    """What is to happen by itself."""
    forms = [(id_, form) for id_, form in all_forms().items() if id_ != SPECIAL_DATE]
    return render_template("schedules/choose.html", forms=forms, company=company_at_work())


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.SCHEDULES_MANAGE)
def new_schedule() -> Any:
    """A new schedule of the kind that the address names."""
    kind = request.args.get("of", "")
    if form_of(kind) is None or kind == SPECIAL_DATE:
        return redirect(url_for("schedules.choose_kind"))
    company = company_at_work()
    if not signed_in_actor().can(Permission.SCHEDULES_MANAGE, company.id):
        abort(403)
    form = ScheduleForm()
    offer(form, company)
    if request.method == "GET":
        form.begin(company.timezone, company.country)
        form.name.data = request.args.get("name", "")[:120]
    return _edit(company, form, kind, None)


@blueprint.route("/<int:schedule_id>/edit", methods=("GET", "POST"))
@requires(Permission.SCHEDULES_MANAGE)
def edit_schedule(schedule_id: int) -> Any:
    """Change a schedule; whoever saves it becomes its owner."""
    schedule = find_schedule(db(), signed_in_actor(), schedule_id) or abort(404)
    if form_of(schedule.kind) is None or schedule.kind == SPECIAL_DATE:
        abort(404)
    form = ScheduleForm()
    offer(form, schedule.company)
    if request.method == "GET":
        form.show(schedule)
    return _edit(schedule.company, form, schedule.kind, schedule)


def offer(form: ScheduleForm, company: Company) -> None:
    """The choices of the form."""
    standings = list_standings(db(), signed_in_actor(), company.id, only_usable=True)
    form.offer([(one.id, one.title) for one in standings])


def standing_title(schedule: Schedule) -> str:
    """The name of a schedule's authorisation; empty when there is none."""
    if schedule.authorisation_id is None:
        return ""
    found = find_standing(db(), signed_in_actor(), schedule.authorisation_id)
    return found.title if found else ""


def _edit(company: Company, form: ScheduleForm, kind: str, schedule: Schedule | None) -> Any:
    options = schedule.options if schedule else {}
    asked = _kind_form(kind, company, options)
    if request.method == "GET":
        return _page(company, form, asked, kind, schedule)
    if not (form.validate() & asked.validate()):
        return _page(company, form, asked, kind, schedule), 422
    try:
        given = form.read(kind, asked.read_options())
        saved = save_schedule(db(), signed_in_actor(), company, given, schedule)
    except ScheduleRefused as refused:
        form.form_errors.append(refusal_words(refused.code))
        return _page(company, form, asked, kind, schedule), 422
    except PermissionDenied as denied:
        form.form_errors.append(_("The right %(right)s is missing.", right=denied.permission.value))
        return _page(company, form, asked, kind, schedule), 422
    except Refusal as refused:  # the kind's own: what was chosen is not there any more
        form.form_errors.append(str(refused))
        return _page(company, form, asked, kind, schedule), 422
    flash(_("Saved. It runs with your rights, and you are told what becomes of it."), "success")
    return redirect(url_for("schedules.show_schedule", schedule_id=saved.id), 303)


def _kind_form(kind: str, company: Company, options: dict[str, Any]) -> KindForm:
    """The kind's questions: as posted, as kept, or as the address has them."""
    form_class = form_of(kind) or abort(404)
    if request.method == "POST":
        form = form_class(request.form)
    elif options:
        form = form_class(data=form_class.values_of(options))
    else:
        form = form_class(request.args if set(request.args) & set(form_class()._fields) else None)
    form.prepare(db(), signed_in_actor(), company, options)
    return form


def _page(company: Company, form: ScheduleForm, asked: KindForm, kind: str, schedule: Schedule | None) -> str:
    return render_template(
        "schedules/edit.html",
        company=company,
        form=form,
        asked=asked,
        kind=kind,
        schedule=schedule,
        next_dates=_dates(form, kind),
    )


@blueprint.get("/next-dates")
@requires(Permission.SCHEDULES_MANAGE)
def next_dates() -> Any:
    """The next five dates of the form as it stands; nothing is kept."""
    company = company_at_work()
    form = ScheduleForm(request.args, meta={"csrf": False})
    offer(form, company)
    form.validate()
    dates = [] if set(form.errors) - {"name"} else _dates(form, "")
    return render_template("schedules/_next_dates.html", next_dates=dates, timezone=form.timezone.data)


def _dates(form: ScheduleForm, kind: str) -> list[Any]:
    """What the form would give; nothing while it is not complete."""
    if form.errors and set(form.errors) - {"name"}:
        return []
    try:
        return form.read(kind, {}).recurrence.next(now(), 5)
    except (ValueError, TypeError, AssertionError, KeyError, IndexError):
        return []
