"""Pages of special dates: the list with the coming month, and the form."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.contacts.finding.filter_words import describe_filter
from crm_mail.outbox.standing.service import list_standings
from crm_mail.permissions import Permission, PermissionDenied, requires, signed_in_actor
from crm_mail.schedules.blueprint import blueprint
from crm_mail.schedules.edit_views import company_at_work, refusal_words
from crm_mail.schedules.kind_forms import AudienceForm, read_audience
from crm_mail.schedules.models import Celebration, SpecialDate
from crm_mail.schedules.preview import Fate, coming_month
from crm_mail.schedules.service import ScheduleRefused
from crm_mail.schedules.special_date_forms import CELEBRATIONS, SpecialDateForm
from crm_mail.schedules.special_dates import (
    TextRefused,
    find_special_date,
    list_special_dates,
    save_special_date,
)
from crm_mail.schedules.starting_texts import starting_texts
from crm_mail.schedules.wording import special_sentence
from crm_mail.web.door import db


@blueprint.get("/special-dates", endpoint="list_special_dates")
@requires(Permission.SCHEDULES_SEE)
def show_special_dates() -> Any:
    """The special dates, and who is greeted in the coming month."""
    company, actor = company_at_work(), signed_in_actor()
    specials = list_special_dates(db(), actor, company.id)
    can_see = actor.can(Permission.CONTACTS_SEE, company.id)
    return render_template(
        "schedules/special_dates.html",
        company=company,
        specials=specials,
        month=coming_month(db(), actor, specials) if can_see else None,
        sentence=special_sentence,
        celebrations=CELEBRATIONS,
        whom=lambda one: ", ".join(describe_filter(read_audience({"audience": one.audience}, company.id))),
        fates=_fate_words(),
    )


def _fate_words() -> dict[Fate, str]:
    return {
        Fate.GREETED: _("will be greeted"),
        Fate.BEFORE: _("was greeted this year"),
        Fate.NO_CONSENT: _("has not agreed to wishes"),
        Fate.NO_ADDRESS: _("has no address"),
        Fate.NO_NUMBER: _("has no telephone number"),
    }


@blueprint.route("/special-dates/new", methods=("GET", "POST"))
@requires(Permission.SCHEDULES_MANAGE)
def new_special_date() -> Any:
    """A new special date; its texts begin with the product's own words."""
    company, form = company_at_work(), SpecialDateForm()
    _offer(form, company)
    if request.method == "GET":
        chosen = next(
            (one for one in Celebration if one.value == request.args.get("of")), Celebration.BIRTHDAY
        )
        form.celebration.data, form.name.data = chosen.value, str(CELEBRATIONS[chosen])
        form.at.process_formdata(["09:00"])
        form.timezone.data, form.month.data, form.day.data = company.timezone, "1", "1"
        for language, (subject, body) in starting_texts(chosen).items():
            form[f"subject_{language}"].data, form[f"body_{language}"].data = subject, body
    return _edit(company, form, None)


@blueprint.route("/special-dates/<int:special_date_id>/edit", methods=("GET", "POST"))
@requires(Permission.SCHEDULES_MANAGE)
def edit_special_date(special_date_id: int) -> Any:
    """Change a special date; whoever saves it becomes its owner."""
    special = find_special_date(db(), signed_in_actor(), special_date_id) or abort(404)
    form, company = SpecialDateForm(), special.schedule.company
    _offer(form, company)
    if request.method == "GET":
        form.show(special)
    return _edit(company, form, special)


def _offer(form: SpecialDateForm, company: Company) -> None:
    standings = list_standings(db(), signed_in_actor(), company.id, only_usable=True)
    form.offer([(one.id, one.title) for one in standings])


def _edit(company: Company, form: SpecialDateForm, special: SpecialDate | None) -> Any:
    actor = signed_in_actor()
    if not actor.can(Permission.SCHEDULES_MANAGE, company.id):
        abort(403)
    asked = AudienceForm(request.form if request.method == "POST" else None)
    asked.prepare(db(), actor, company, {"audience": special.audience} if special else {})
    values = {"company": company, "form": form, "asked": asked, "special": special}
    if request.method == "GET":
        return render_template("schedules/special_date.html", **values)
    if form.validate() & asked.validate() and (saved := _save(company, form, asked, special)):
        flash(_("Saved. It runs with your rights, and you are told what becomes of it."), "success")
        return redirect(url_for("schedules.show_schedule", schedule_id=saved.schedule_id), 303)
    return render_template("schedules/special_date.html", **values), 422


def _save(
    company: Company, form: SpecialDateForm, asked: AudienceForm, special: SpecialDate | None
) -> SpecialDate | None:
    """Keep it; None when it was refused, with the words in the form."""
    try:
        given = form.read(asked.read_options()["audience"])
        return save_special_date(db(), signed_in_actor(), company, given, special)
    except TextRefused as refused:
        if refused.language:
            _name_fault(form, refused)
        else:
            form.form_errors.append(_("Write the text in at least one language."))
    except ScheduleRefused as refused:
        form.form_errors.append(refusal_words(refused.code))
    except PermissionDenied as denied:
        form.form_errors.append(_("The right %(right)s is missing.", right=denied.permission.value))
    return None


def _name_fault(form: SpecialDateForm, refused: TextRefused) -> None:
    """Say at its field what a text lacks."""
    part = "subject" if refused.problem == "subject" else "body"
    missing = {"subject": _("Write the subject."), "body": _("Write the text.")}
    field = form[f"{part}_{refused.language}"]
    field.errors = [*field.errors, missing.get(refused.problem, refused.problem)]
