"""The page of the deliverability doctor."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.delivery.domains import checkups
from crm_mail.delivery.domains.blueprint import blueprint
from crm_mail.delivery.domains.doctor_words import LEVELS, describe
from crm_mail.delivery.domains.findings import Level
from crm_mail.delivery.domains.resolver import shared_resolver
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.navigation import company_at_work, company_if_any

TONES = {
    Level.OK: ("success", "check"),
    Level.NOTE: ("neutral", "info-circle"),
    Level.WARNING: ("warning", "alert-triangle"),
    Level.ERROR: ("danger", "circle-x"),
    Level.UNCHECKED: ("neutral", "help"),
}


@blueprint.get("/doctor")
@requires(Permission.ACCOUNTS_MANAGE)
def doctor() -> Any:
    """Every domain that the company's accounts send from, with what was found the last time."""
    actor = signed_in_actor()
    company = company_if_any(Permission.ACCOUNTS_MANAGE)
    found = checkups.list_checkups(db(), actor, company.id) if company else []
    return render_template(
        "delivery/doctor.html",
        company=company,
        checkups=found,
        describe=lambda finding: describe(finding, _),
        level_word=lambda level: _(LEVELS[level]),
        tones=TONES,
    )


@blueprint.post("/doctor")
@requires(Permission.ACCOUNTS_MANAGE)
def recheck_domain() -> Any:
    """Look at one domain, or at all, now. No transaction waits for the servers."""
    if not ActionForm().validate_on_submit():
        abort(400)
    actor, home = signed_in_actor(), installation()
    company = company_at_work(Permission.ACCOUNTS_MANAGE)
    wanted, report_to = request.form.get("domain", ""), company.error_address or company.email
    domains = [one.domain for one in checkups.list_checkups(db(), actor, company.id)]
    chosen = [one for one in domains if wanted in ("", one)] or abort(404)
    patients = [
        checkups.read_patient(db(), actor, company.id, one, home.decrypt, report_to) for one in chosen
    ]
    db().rollback()  # no transaction waits for servers
    resolver = shared_resolver(home.settings.dns_servers)
    for patient, findings in [(patient, checkups.look(resolver, patient)) for patient in patients]:
        checkups.keep(db(), actor, patient, findings)
    flash(_("Checked: %(domains)s.", domains=", ".join(chosen)), "success")
    return redirect(url_for(".doctor"), 303)
