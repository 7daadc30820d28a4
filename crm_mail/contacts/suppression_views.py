"""Pages of the suppression list: which addresses are not written to any more, why, and the way out (CO-5)."""

from tempfile import TemporaryFile
from typing import IO, Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField

from crm_mail.companies.models import Company
from crm_mail.contacts import suppressions
from crm_mail.contacts.suppressions import Wanted
from crm_mail.delivery.addresses import AddressInvalid
from crm_mail.delivery.bounces.reason_words import Words, reason_words
from crm_mail.delivery.models import Suppression
from crm_mail.delivery.suppression import Problem, SuppressionRefused
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company
from crm_mail.web.table_files import CSV_MIME, csv_chunks

blueprint = Blueprint("suppressions", __name__, url_prefix="/suppressions")
SIZES = (50, 100, 200)


class AddForm(FlaskForm):
    """An address that is not to be written to."""

    address = StringField(_l("E-mail address"))
    detail = StringField(_l("Why"), description=_l("Kept with the address, for whoever asks later."))


class LiftForm(FlaskForm):
    """The word with which a person takes an address off the list."""

    why = StringField(_l("Why it may be written to again"))


def words_of(reason: str, status: str = "") -> Words:
    """Title and remedy of a reason, in the language of the page."""
    return reason_words(reason, status, _)


def _company() -> Company:
    return current_company(signed_in_actor()) or abort(404)


def _wanted() -> Wanted:
    given = request.args
    return Wanted(given.get("q", "")[:254], given.get("reason", "")[:40], given.get("show") == "lifted")


def _found(suppression_id: int) -> Suppression:
    return suppressions.find(db(), signed_in_actor(), suppression_id) or abort(404)


def _refusal(refused: SuppressionRefused) -> str:
    if refused.problem is Problem.ALREADY:
        return str(_("%(address)s is on the list already.", address=refused.address))
    return str(_("Say why: who takes an address off the list answers for it."))


def _page(form: AddForm, status: int = 200) -> tuple[str, int]:
    actor, company, wanted = signed_in_actor(), _company(), _wanted()
    size = request.args.get("size", SIZES[0], type=int)
    page = suppressions.list_page(
        db(),
        actor,
        company.id,
        wanted,
        after=request.args.get("after", 0, type=int),
        before=request.args.get("before", 0, type=int),
        size=size if size in SIZES else SIZES[0],
    )
    reasons = [(r, words_of(r)[0]) for r in suppressions.reasons_in_use(db(), actor, company.id)]
    return render_template(
        "contacts/suppressions.html",
        page=page,
        wanted=wanted,
        form=form,
        reasons=reasons,
        sizes=SIZES,
        size=size if size in SIZES else SIZES[0],
        company=company,
        words_of=words_of,
        may_manage=actor.can(Permission.CONTACTS_MANAGE, company.id),
        may_export=actor.can(Permission.CONTACTS_EXPORT, company.id),
    ), status


@blueprint.get("/", strict_slashes=False)
@requires(Permission.CONTACTS_SEE)
def list_addresses() -> Any:
    """The addresses that the company at work does not write to."""
    return _page(AddForm())


@blueprint.post("/")
@requires(Permission.CONTACTS_MANAGE)
def add_address() -> Any:
    """Put an address on the list."""
    form = AddForm()
    try:
        address = suppressions.add(
            db(), signed_in_actor(), _company().id, form.address.data or "", form.detail.data or ""
        )
    except AddressInvalid:
        form.address.errors = [_("This is not a valid e-mail address.")]
        return _page(form, 422)
    except SuppressionRefused as refused:
        form.address.errors = [_refusal(refused)]
        return _page(form, 422)
    flash(_("%(address)s is not written to any more.", address=address), "success")
    return redirect(url_for("suppressions.list_addresses"), 303)


@blueprint.route("/<int:suppression_id>/lift", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def lift_address(suppression_id: int) -> Any:
    """Ask for the reason, then take an address off the list."""
    row, form = _found(suppression_id), LiftForm()
    if form.is_submitted():
        try:
            suppressions.lift(db(), signed_in_actor(), row, form.why.data or "")
        except SuppressionRefused as refused:
            form.why.errors = [_refusal(refused)]
        else:
            flash(_("%(address)s may be written to again.", address=row.address), "success")
            return redirect(url_for("suppressions.list_addresses"), 303)
    return render_template(
        "contacts/lift_suppression.html", row=row, form=form, words=words_of(row.reason, row.status)
    ), 422 if form.is_submitted() else 200


@blueprint.post("/export")
@requires(Permission.CONTACTS_EXPORT)
def export_addresses() -> Response:
    """The list as it is filtered, as a CSV file."""
    header = [_("E-mail address"), _("Reason"), _("Status"), _("Answer"), _("Since"), _("Lifted")]
    rows = [
        [
            row.address,
            words_of(row.reason, row.status)[0],
            row.status,
            row.detail,
            row.since_at,
            row.lifted_at,
        ]
        for row in suppressions.export(db(), signed_in_actor(), _company().id, _wanted())
    ]
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by the response
    file.writelines(csv_chunks(header, rows, str(get_locale() or "en")))
    file.seek(0)
    return send_file(file, CSV_MIME, as_attachment=True, download_name="suppressions.csv")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)
