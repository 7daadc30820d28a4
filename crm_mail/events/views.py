"""Pages of events: the rules with their switches, one rule with its dry run, and the history."""

from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Role
from crm_mail.events.conditions import ConditionWrong
from crm_mail.events.forms import RuleForm
from crm_mail.events.history import list_history, visible_runs
from crm_mail.events.kinds import KINDS, Target, kind_of
from crm_mail.events.models import EventRule
from crm_mail.events.rules import (
    RuleInput,
    RuleRefused,
    check_sms_texts,
    check_texts,
    default_input,
    find_rule,
    list_rules,
    remove_rule,
    save_rule,
    switch_rule,
)
from crm_mail.events.trial import TrialLine, try_rule
from crm_mail.events.values import fields_of
from crm_mail.events.words import (
    KINDS as KIND_NAMES,
)
from crm_mail.events.words import (
    TONES,
    WHAT,
    condition_words,
    conditions_words,
    kind_name,
    outcome_words,
    reason_words,
)
from crm_mail.outbox.preparing.prepare_views import run_url
from crm_mail.outbox.standing.service import list_standings
from crm_mail.permissions import Actor, Permission, PermissionDenied, current_actor, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.navigation import company_at_work

blueprint = Blueprint("events", __name__, url_prefix="/events")


@blueprint.context_processor
def give_actor() -> dict[str, Actor | None]:
    """The person, for what the templates of the room offer."""
    return {"actor": current_actor()}


@blueprint.get("/", strict_slashes=False, endpoint="list_rules")
@requires(Permission.SCHEDULES_SEE)
def show_rules() -> Any:
    """The rules of the company at work, and the kinds that have none yet."""
    company, actor = company_at_work(Permission.SCHEDULES_SEE), signed_in_actor()
    rules = list_rules(db(), actor, company.id)
    used = {one.kind for one in rules}
    return render_template(
        "events/list.html",
        company=company,
        rules=rules,
        unused=[kind for kind in KINDS if kind not in used],
        kind_name=kind_name,
        what=WHAT,
        conditions=conditions_words,
        may_manage=actor.can(Permission.SCHEDULES_MANAGE, company.id),
    )


@blueprint.post("/kinds")
@requires(Permission.SCHEDULES_MANAGE)
def switch_kind_on() -> Any:
    """Switch on what the product proposes for a kind; staff addresses are asked for first."""
    company, kind = company_at_work(Permission.SCHEDULES_MANAGE), request.form.get("kind", "")
    if kind not in KINDS:
        abort(404)
    given = default_input(kind, kind_name(kind))
    if given.target is Target.STAFF:
        flash(_("Write the addresses of the people who are to read it, then save."), "info")
        return redirect(url_for("events.new_rule", of=kind, on=1), 303)
    rule = save_rule(db(), signed_in_actor(), company, given)
    _switch(rule, on=True)
    return redirect(url_for("events.list_rules"), 303)


@blueprint.post("/<int:rule_id>/switch")
@requires(Permission.SCHEDULES_MANAGE)
def switch(rule_id: int) -> Any:
    """Switch a rule on or off."""
    _switch(_found(rule_id), on=request.form.get("on") == "1")
    return redirect(url_for("events.list_rules"), 303)


def _switch(rule: EventRule, *, on: bool) -> None:
    try:
        switch_rule(db(), signed_in_actor(), rule, on=on)
    except RuleRefused:
        flash(_("“%(name)s” needs addresses before it can be switched on.", name=rule.name), "danger")
    else:
        words = _("“%(name)s” is switched on.") if on else _("“%(name)s” is switched off.")
        flash(words % {"name": rule.name}, "success")


@blueprint.post("/<int:rule_id>/remove")
@requires(Permission.SCHEDULES_MANAGE)
def remove(rule_id: int) -> Any:
    """Take a rule off the list."""
    rule = _found(rule_id)
    remove_rule(db(), signed_in_actor(), rule)
    flash(_("Removed. Its history stays."), "success")
    return redirect(url_for("events.list_rules"), 303)


def _found(rule_id: int) -> EventRule:
    return find_rule(db(), signed_in_actor(), rule_id) or abort(404)


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.SCHEDULES_MANAGE)
def new_rule() -> Any:
    """A new rule; it begins with what the product proposes for its kind."""
    company, kind = company_at_work(Permission.SCHEDULES_MANAGE), request.args.get("of", "")
    form = _form(company)
    if request.method == "GET":
        form.show(default_input(kind, kind_name(kind)))
        form.is_on.data = request.args.get("on") == "1"
    return _edit(company, form, None, kind)


@blueprint.route("/<int:rule_id>", methods=("GET", "POST"))
@requires(Permission.SCHEDULES_MANAGE)
def edit_rule(rule_id: int) -> Any:
    """Change a rule; whoever saves it becomes its owner."""
    rule = _found(rule_id)
    form = _form(rule.company)
    if request.method == "GET":
        form.show(rule)
    return _edit(rule.company, form, rule, rule.kind)


def _form(company: Company) -> RuleForm:
    form, actor = RuleForm(), signed_in_actor()
    types, language = company_types(db(), company.id), str(get_locale() or "en")
    roles = db().scalars(select(Role).where(Role.company_id == company.id).order_by(Role.name))
    standings = list_standings(db(), actor, company.id, only_usable=True)
    form.offer(
        [(one.id, one.name) for one in roles],
        [(one, types.label(one, language)) for one in types.used],
        [(one.id, one.title) for one in standings],
    )
    return form


def _edit(company: Company, form: RuleForm, rule: EventRule | None, kind: str) -> Any:
    signed_in_actor().require(Permission.SCHEDULES_MANAGE, company.id)
    lines: list[TrialLine] | None = None
    is_posted = request.method == "POST"
    given = _read(form) if is_posted else None
    if given is not None and "try" in request.form:
        lines = try_rule(db(), signed_in_actor(), _filled(company, given))
    elif given is not None and _save(company, form, given, rule):
        flash(_("Saved. It acts with your rights."), "success")
        return redirect(url_for("events.list_rules"), 303)
    page = render_template(
        "events/rule.html",
        company=company,
        form=form,
        rule=rule,
        kind=kind if kind in KIND_NAMES else "",
        title=kind_name(kind) if kind in KIND_NAMES else _("New rule"),
        fields=kind_of(kind).fields,
        lines=lines,
        **_WORDS,
    )
    return (page, 422) if is_posted and lines is None else page


def _read(form: RuleForm) -> RuleInput | None:
    if not form.validate():
        return None
    try:
        given = form.read()
        check_texts(given)
        check_sms_texts(given)
        return given
    except (RuleRefused, ConditionWrong) as wrong:
        form.tell(wrong)
        return None


def _filled(company: Company, given: RuleInput) -> EventRule:
    """A rule that is only tried."""
    return EventRule(
        company_id=company.id,
        kind=given.kind,
        name=given.name,
        conditions=[one.to_list() for one in given.conditions],
        target=given.target,
        role_id=given.role_id,
        staff=list(given.staff),
        characteristic=given.characteristic,
        document_type=given.document_type,
        sends_document=given.sends_document,
        attaches_document=given.attaches_document,
        texts=check_texts(given),
        channel=given.channel,
        sms_texts=check_sms_texts(given),
        purpose=given.purpose,
    )


def _save(company: Company, form: RuleForm, given: RuleInput, rule: EventRule | None) -> bool:
    try:
        save_rule(db(), signed_in_actor(), company, given, rule)
    except RuleRefused as refused:
        form.tell(refused)
    except PermissionDenied as denied:
        form.form_errors.append(_("The right %(right)s is missing.", right=denied.permission.value))
    else:
        return True
    return False


@blueprint.get("/history")
@requires(Permission.SCHEDULES_SEE)
def show_history() -> Any:
    """The events that came, and what each rule made of them."""
    company, actor = company_at_work(Permission.SCHEDULES_SEE), signed_in_actor()
    before, kind = request.args.get("before", 0, type=int), request.args.get("kind", "")
    found = list_history(db(), actor, company.id, kind=kind, before=before)
    return render_template(
        "events/history.html",
        company=company,
        found=found,
        kind=kind,
        runs=visible_runs(db(), actor, found),
        run_url=run_url,
        fields_of=fields_of,
        **_WORDS,
    )


_WORDS: dict[str, Any] = {
    "kind_name": kind_name,
    "outcome": outcome_words,
    "reason_words": reason_words,
    "condition_words": condition_words,
    "tones": TONES,
}


def init_app(app: Flask) -> None:
    """Register the pages of the room."""
    app.register_blueprint(blueprint)
