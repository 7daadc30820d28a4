"""Pages of retention and of the register of processing activities, for the company at work."""

import io
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.documents.printed_pages import build_page, print_page
from crm_mail.documents.rendering import RenderFailed
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.privacy.forms import RegisterForm
from crm_mail.privacy.register import register_of, save_register
from crm_mail.privacy.retention import REMAINS, list_runs, retain
from crm_mail.privacy.retention_rules import MOST_MONTHS, TermInvalid, save_terms, terms_of
from crm_mail.privacy.words import kind_name
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import current_company
from crm_mail.web.translating import translator
from crm_mail.web.type_names import type_name


def company_at_work() -> Company:
    """The company at work, or 404."""
    return current_company(signed_in_actor()) or abort(404)


def edit_retention() -> Any:
    """How long each kind of data is kept, and what the last runs removed."""
    company = company_at_work()
    problem: TermInvalid | None = None
    if request.method == "POST":
        try:
            wanted = read_terms([term.key for term in terms_of(db(), company.id)])
            changed = save_terms(db(), signed_in_actor(), company, wanted)
        except TermInvalid as invalid:
            problem = invalid
        else:
            flash(_("Saved.") if changed else _("Nothing was different."), "success" if changed else "info")
            return redirect(url_for("privacy.edit_retention"), 303)
    page = render_template(
        "privacy/retention.html",
        company=company,
        terms=terms_of(db(), company.id),
        problem=problem,
        typed=request.form,
        most=MOST_MONTHS,
        runs=[(run, _lines(run.report, company.id)) for run in list_runs(db())],
        trial=None,
        step_name=_step_name,
    )
    return page, 422 if problem else 200


def read_terms(keys: list[str]) -> dict[str, int | None]:
    """The months as typed; empty: for ever.

    Raises:
        TermInvalid: not a number.
    """
    wanted: dict[str, int | None] = {}
    for key in keys:
        typed = request.form.get(key)
        if typed is None:
            continue
        if typed.strip() and not typed.strip().isdecimal():
            raise TermInvalid(key, 0)
        wanted[key] = int(typed) if typed.strip() else None
    return wanted


def try_retention() -> Any:
    """What a run would remove now; nothing is removed."""
    company = company_at_work()
    steps = retain(installation(), signed_in_actor(), dry_run=True)
    return render_template(
        "privacy/retention.html",
        company=company,
        terms=terms_of(db(), company.id),
        problem=None,
        typed={},
        most=MOST_MONTHS,
        runs=[(run, _lines(run.report, company.id)) for run in list_runs(db())],
        trial=_lines([step.as_json() for step in steps], company.id),
        step_name=_step_name,
    )


def _lines(report: list[dict[str, Any]], company_id: int) -> list[dict[str, Any]]:
    """What a report says of one company, and of the whole installation."""
    return [line for line in report if line["company_id"] in (0, company_id)]


def _step_name(line: dict[str, Any]) -> str:
    if line["kind"] == REMAINS:
        return str(_("Messages that an erasure had to leave until now"))
    name = kind_name(line["kind"], _)
    return f"{name}: {type_name(line['type'])}" if line["type"] else name


def edit_register() -> Any:
    """The register of processing activities."""
    company = company_at_work()
    register = register_of(db(), company, str(get_locale())[:2])
    form = RegisterForm(obj=register)
    if form.validate_on_submit():
        wanted = form.read()
        save_register(db(), signed_in_actor(), company, wanted)
        count = sum(1 for one in wanted.activities if one["name"].strip())
        flash(
            ngettext(
                "The register is saved with %(num)d activity.",
                "The register is saved with %(num)d activities.",
                count,
            ),
            "success",
        )
        return redirect(url_for("privacy.edit_register"), 303)
    if not form.is_submitted():
        form.activities.append_entry()
    page = render_template("privacy/register.html", company=company, form=form, register=register)
    return page, 422 if form.is_submitted() else 200


def print_register() -> Any:
    """The register as a PDF."""
    company = company_at_work()
    language = str(get_locale())[:2]
    values = {"company": company, "register": register_of(db(), company, language), "made_at": now()}
    try:
        html = build_page("register.html", values, translator(language), language, company.timezone)
        data = print_page(html)
    except RenderFailed as failed:
        flash(_("The PDF could not be made: %(why)s", why=failed.reason), "danger")
        return redirect(url_for("privacy.edit_register"), 303)
    name = f"register-{company.code}.pdf"
    return send_file(io.BytesIO(data), "application/pdf", as_attachment=True, download_name=name)


def add_settings_routes(blueprint: Blueprint) -> None:
    """Add the pages to the room's blueprint."""
    guard = requires(Permission.PRIVACY_MANAGE)
    add = blueprint.add_url_rule
    add("/retention", "edit_retention", guard(edit_retention), methods=["GET", "POST"])
    add("/retention/try", "try_retention", guard(try_retention), methods=["GET"])
    add("/register", "edit_register", guard(edit_register), methods=["GET", "POST"])
    add("/register.pdf", "print_register", guard(print_register), methods=["GET"])
