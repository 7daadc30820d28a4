"""Pages of notices of changes: under a company's settings, who is told when records change (GA-6)."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from crm_mail.companies.models import Company
from crm_mail.contacts.messages import level_label
from crm_mail.contacts.vocabulary import level_names
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.reports.changes import rules as change_rules
from crm_mail.reports.changes.forms import ChangeRuleForm, kind_words, way_words
from crm_mail.reports.changes.models import ChangeRule
from crm_mail.reports.changes.trying import count_waiting, send_test
from crm_mail.web.door import db, installation

blueprint = Blueprint("change_notices", __name__, url_prefix="/companies/<int:company_id>/change-notices")


def _company(company_id: int) -> Company:
    company = db().get(Company, company_id)
    if company is None or not signed_in_actor().can(Permission.SETTINGS_MANAGE, company_id):
        abort(404)
    return company


def _found(company_id: int, rule_id: int) -> ChangeRule:
    company, rule = _company(company_id), db().get(ChangeRule, rule_id)
    if rule is None or rule.company_id != company.id:
        abort(404)
    return rule


def _may_read(company_id: int) -> bool:
    return signed_in_actor().can(Permission.AUDIT_SEE, company_id)


def _back(company_id: int) -> Response:
    return redirect(url_for(".list_rules", company_id=company_id), 303)


@blueprint.get("")
@requires(Permission.SETTINGS_MANAGE)
def list_rules(company_id: int) -> str:
    """Who is told of what."""
    company = _company(company_id)
    rules = change_rules.list_rules(db(), signed_in_actor(), company_id)
    return render_template(
        "reports/change_rules.html",
        company=company,
        rules=rules,
        deaf={rule.id for rule in rules if change_rules.reader_of(db(), rule) is None},
        waiting=count_waiting(db(), [rule.id for rule in rules]),
        kinds=kind_words(),
        ways=way_words(),
        may_read=_may_read(company_id),
    )


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def create_rule(company_id: int) -> Any:
    """Add a notice."""
    return _edit(_company(company_id), None)


@blueprint.route("/<int:rule_id>", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_rule(company_id: int, rule_id: int) -> Any:
    """Change a notice."""
    rule = _found(company_id, rule_id)
    return _edit(rule.company, rule)


def _edit(company: Company, rule: ChangeRule | None) -> Any:
    actor = signed_in_actor()
    change_rules.require_reader(actor, company.id)
    form, highest = ChangeRuleForm(), actor.sight.clearance
    names = level_names(db(), company.id)
    form.offer([level_label(level, names) for level in range(highest + 1)])
    if not form.is_submitted():
        if rule is not None:
            form.show(rule, highest)
        else:
            form.language.data = company.language
    elif form.validate():
        try:
            change_rules.save_rule(db(), actor, company, rule, form.read())
        except change_rules.RuleRefused as refused:
            form.refuse(refused)
        else:
            flash(_("Saved."), "success")
            return _back(company.id)
    page = render_template("reports/change_rule.html", form=form, rule=rule, company=company)
    return page, 422 if form.is_submitted() else 200


@blueprint.post("/<int:rule_id>/switch")
@requires(Permission.SETTINGS_MANAGE)
def switch_rule(company_id: int, rule_id: int) -> Response:
    """Switch a notice on or off."""
    rule = _found(company_id, rule_id)
    is_on = request.form.get("is_on") == "1"
    change_rules.switch_rule(db(), signed_in_actor(), rule, is_on)
    flash(_("The notice is switched on.") if is_on else _("The notice is switched off."), "success")
    return _back(company_id)


@blueprint.post("/<int:rule_id>/delete")
@requires(Permission.SETTINGS_MANAGE)
def delete_rule(company_id: int, rule_id: int) -> Response:
    """Forget a notice."""
    change_rules.remove_rule(db(), signed_in_actor(), _found(company_id, rule_id))
    flash(_("The notice was deleted."), "success")
    return _back(company_id)


@blueprint.post("/<int:rule_id>/try")
@requires(Permission.SETTINGS_MANAGE)
def try_rule(company_id: int, rule_id: int) -> Response:
    """Send a test to the addresses of a notice."""
    sent, problem = send_test(installation(), db(), signed_in_actor(), _found(company_id, rule_id))
    if problem:
        flash(_("The test was not sent: %(reason)s", reason=problem), "danger")
    else:
        flash(
            ngettext(
                "The test was sent to %(num)d address.", "The test was sent to %(num)d addresses.", sent
            ),
            "success",
        )
    return _back(company_id)
