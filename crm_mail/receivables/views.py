"""Pages of the receivables room: the list of open items and the settings; imports, statements, reminders beside it."""

from typing import Any

from flask import Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.contacts.models import Party
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.receivables import import_views, reminder_views, source_views, statement_views
from crm_mail.receivables.blueprint import blueprint
from crm_mail.receivables.forms import SettingsForm
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.listing import LineFilter, list_lines
from crm_mail.receivables.page_parts import company_or_404, today_of
from crm_mail.receivables.service import STATEMENT
from crm_mail.receivables.settings import SettingInvalid, read_choices, save_choices
from crm_mail.receivables.wording import setting_problem, state_words
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company

SIZE = 50
_PAGES = (import_views, reminder_views, source_views, statement_views)


@blueprint.get("/", strict_slashes=False)
@requires(Permission.DOCUMENTS_SEE)
def list_items() -> Any:
    """The open items and movements of the company at work."""
    company = current_company(signed_in_actor())
    if company is None:
        return render_template("contacts/no_company.html")
    chosen = LineFilter.from_arguments(request.args.get)
    as_of = today_of(company)
    page = list_lines(
        db(), signed_in_actor(), company.id, chosen, as_of, after=request.args.get("after", ""), size=SIZE
    )
    return render_template(
        "receivables/items.html",
        page=page,
        chosen=chosen,
        kinds=[(Kind.OPEN_ITEMS, _("Open items")), (Kind.MOVEMENTS, _("Movements"))],
        states=state_words(),
        as_of=as_of,
        size=SIZE,
    )


@blueprint.route("/settings", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_settings() -> Any:
    """Interest, levels and the rest that the company decides."""
    company = company_or_404()
    form = SettingsForm() if request.method == "POST" else SettingsForm.of(read_choices(db(), company.id))
    if form.validate_on_submit():
        try:
            save_choices(db(), signed_in_actor(), company.id, form.read())
        except SettingInvalid as refused:
            target = form[refused.field if refused.field in form else "level_1"]
            target.errors = [*target.errors, setting_problem(refused)]
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".edit_settings"), 303)
    page = render_template("receivables/settings.html", form=form, company=company)
    return page, 422 if form.errors else 200


def may_send_statement(party: Party) -> bool:
    """Whether the person may prepare this customer's statement: the button on a party's page (PD-9)."""
    may = signed_in_actor().can(Permission.OUTBOX_PREPARE, party.company_id, STATEMENT.value)
    return may and party.is_customer


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
    app.add_template_global(may_send_statement)
