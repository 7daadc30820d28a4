"""Pages of send orders: what came in and what became of it, and a company's choices."""

from typing import Any, Final

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.importers.folders.claims import try_folder
from crm_mail.outbox.models import Run
from crm_mail.outbox.standing.service import list_standings
from crm_mail.permissions import Permission, PermissionDenied, requires, signed_in_actor
from crm_mail.send_orders.forms import OrdersForm
from crm_mail.send_orders.listing import SHOWN, count_orders, list_orders, messages_of
from crm_mail.send_orders.models import OrderState, SendOrderFolder
from crm_mail.send_orders.settings import (
    OrderChoices,
    OrdersInvalid,
    check_choices,
    folder_of,
    read_choices,
    save_choices,
)
from crm_mail.send_orders.wording import explain
from crm_mail.web.door import db, installation
from crm_mail.web.navigation import company_at_work, current_company

blueprint: Final = Blueprint("send_orders", __name__, url_prefix="/send-orders")


@blueprint.get("")
@requires(Permission.OUTBOX_REVIEW)
def show_orders() -> Any:
    """The last orders of the company at work."""
    company, actor = company_at_work(Permission.OUTBOX_REVIEW), signed_in_actor()
    wanted = request.args.get("state", "")
    state = OrderState(wanted) if wanted in set(OrderState) else None
    before = request.args.get("before", type=int)
    rows = list_orders(db(), actor, company.id, SHOWN + 1, state=state, before=before)
    shown = rows[:SHOWN]
    return render_template(
        "send_orders/list.html",
        company=company,
        rows=shown,
        next_before=shown[-1].id if len(rows) > SHOWN else None,
        messages=messages_of(db(), shown),
        runs={one.run_id: db().get(Run, one.run_id) for one in shown if one.run_id},
        counts=count_orders(db(), actor, company.id),
        state=state,
        choices=read_choices(db(), company),
        folder=_shown_folder(read_choices(db(), company)),
        may_set=actor.can(Permission.SETTINGS_MANAGE, company.id),
        explain=lambda row: explain(row.problem, row.params, _translate),
    )


@blueprint.route("/settings/<int:company_id>", methods=("GET", "POST"))
@requires(Permission.SETTINGS_MANAGE)
def edit_settings(company_id: int) -> Any:
    """A company's choices; “Try” says whether the folder can be worked in and keeps nothing."""
    company, actor = db().get(Company, company_id) or abort(404), signed_in_actor()
    if not actor.can(Permission.SETTINGS_MANAGE, company.id):
        abort(404)
    form = _form(company)
    if form.validate_on_submit():
        try:
            if _try(company, form.values()) if "try" in request.form else _save(company, form.values()):
                return redirect(url_for(".edit_settings", company_id=company.id), 303)
        except OrdersInvalid as wrong:
            field = form[wrong.field]
            field.errors = [*field.errors, problem_words(wrong.problem, wrong.detail)]
    page = render_template(
        "send_orders/settings.html",
        form=form,
        company=company,
        root=installation().settings.resolved_mailer_dir,
        roots=installation().settings.resolved_attachment_paths,
    )
    return page, 422 if form.errors else 200


def _form(company: Company) -> OrdersForm:
    choices, actor = read_choices(db(), company), signed_in_actor()
    types, language = company_types(db(), company.id), str(get_locale() or "en")
    try:
        standings = list_standings(db(), actor, company.id, only_usable=True)
    except PermissionDenied:  # may set the folder, but knows of no authorisation: the one there is stays
        standings = ()
    named = [(one.id, one.title) for one in standings]
    kept = choices.authorisation_id
    if kept and kept not in [id_ for id_, _title in named]:
        named.append((kept, _("Standing authorisation %(number)s", number=kept)))
    return OrdersForm.of(choices, [(one, types.label(one, language)) for one in types.used], named)


def _try(company: Company, choices: OrderChoices) -> bool:
    settings = installation().settings
    checked = check_choices(db(), settings, company, choices)
    failed = try_folder(folder_of(settings, checked))
    if failed:
        raise OrdersInvalid("path", failed)
    flash(_("The folder can be worked in. Nothing was saved."), "success")
    return False


def _save(company: Company, choices: OrderChoices) -> bool:
    settings = installation().settings
    checked = save_choices(db(), signed_in_actor(), settings, company, choices)
    if checked.is_watched and (failed := try_folder(folder_of(settings, checked))):
        db().rollback()
        raise OrdersInvalid("path", failed)
    flash(_("Saved."), "success")
    return True


def _shown_folder(choices: OrderChoices) -> str:
    try:
        return str(folder_of(installation().settings, choices))
    except OrdersInvalid:
        return choices.path


def _translate(message: str) -> str:
    """Without values: gettext then leaves the placeholders alone."""
    return str(_(message))


def problem_words(problem: str, detail: str = "") -> str:
    """Why a choice cannot be kept, or a folder not be worked in."""
    words = {
        "outside": _("The folder must lie inside %(root)s.", root=detail),
        "reserved": _(
            "“processing”, “accepted”, “done”, “recycle” and “quarantine” are folders that the program makes itself. "
            "Choose another."
        ),
        "taken": _("Another company has this folder. Choose one of its own."),
        "too_long": _("This is too long."),
        "range": _("Enter minutes from 0 to %(most)s.", most=detail),
        "missing": _("There is no such folder on this computer: %(line)s", line=detail),
        "syntax": _("This line cannot be read: %(line)s", line=detail),
        "unknown": _("There is no %(name)s.", name=detail),
        "make": _("The folder cannot be made there. Check the rights of the account that runs the program."),
        "list": _("The folder cannot be listed. Check the rights of the account that runs the program."),
        "write": _("Nothing can be written there. Check the rights of the account that runs the program."),
        "move": _(
            "Files cannot be moved inside it. It must lie on one disk or share, with the right to rename."
        ),
        "delete": _("Files cannot be deleted there. Check the rights of the account that runs the program."),
    }
    return str(words[problem])


def _in_use() -> bool:
    """Whether the company at work takes orders, and the person may look at them: else nothing points there."""
    actor = signed_in_actor()
    company = current_company(actor)
    if company is None or not actor.can(Permission.OUTBOX_REVIEW, company.id):
        return False
    row = db().get(SendOrderFolder, company.id)
    return row is not None and row.is_watched


def init_app(app: Flask) -> None:
    """Put the pages on the application."""
    app.jinja_env.globals["send_orders_in_use"] = _in_use
    app.register_blueprint(blueprint)
