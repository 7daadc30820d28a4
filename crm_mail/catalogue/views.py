"""Pages of the catalogue: list and search, single entry, removal and undo. See also `bulk_views`, `run_views`."""

from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from crm_mail.catalogue import bulk_views, run_views, wording
from crm_mail.catalogue.blueprint import blueprint
from crm_mail.catalogue.checking import manageable_companies
from crm_mail.catalogue.forms import EntryForm
from crm_mail.catalogue.lines import typed
from crm_mail.catalogue.listing import list_rows
from crm_mail.catalogue.removing import MOST, find_removal, remove_rows, undo_removal
from crm_mail.catalogue.run_views import recent_runs
from crm_mail.catalogue.saving import save_one
from crm_mail.catalogue.verdicts import Outcome
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company, visible_companies

ROOM_PARTS = (bulk_views, run_views)
SIZES = (50, 100, 200)
UNDO_KEY = "catalogue_removal"


@blueprint.get("/", strict_slashes=False, endpoint="list_rows")
@requires(Permission.CONTACTS_SEE)
def show_list() -> Any:
    """The customers of the catalogue, of one company or of all, and the form of single entry."""
    return _page(EntryForm(formdata=None))


def _page(form: EntryForm, status: int = 200) -> Any:
    actor = signed_in_actor()
    companies = visible_companies(actor)
    if not companies:
        return render_template("contacts/no_company.html")
    managed = manageable_companies(db(), actor)
    wanted = _wanted_company([one.id for one in companies])
    size = request.args.get("size", SIZES[0], type=int)
    chosen = next((one for one in companies if one.id == wanted), current_company(actor))
    form.offer(managed, chosen)
    page = list_rows(
        db(),
        actor,
        wanted,
        request.args.get("q", "")[:4000],
        after=request.args.get("after", 0, type=int),
        before=request.args.get("before", 0, type=int),
        size=size if size in SIZES else SIZES[0],
    )
    shown = render_template(
        "catalogue/list.html",
        page=page,
        form=form,
        companies=[(one.id, f"{one.code} · {one.name}") for one in companies],
        company_id=wanted,
        text=request.args.get("q", "")[:4000],
        sizes=SIZES,
        size=size if size in SIZES else SIZES[0],
        receives=wording.receives_words(),
        may_manage=bool(managed),
        may_prepare=actor.can(Permission.OUTBOX_PREPARE),
        runs=recent_runs(wanted),
        last_action=_take_removal(),
    )
    return shown, status


def _wanted_company(ids: list[int]) -> int | None:
    """The company that the address names; 404 when it does not exist for the person."""
    wanted = request.args.get("company", type=int)
    return wanted if wanted is None or wanted in ids else abort(404)


@blueprint.post("/", strict_slashes=False)
@requires(Permission.CONTACTS_MANAGE)
def add_row() -> Any:
    """Enter one customer, and say what became of it."""
    form, actor = EntryForm(), signed_in_actor()
    if not form.validate():
        return _page(form, 422)
    line = typed(form.company.data or "", form.code.data or "", form.emails.data or "")
    row = save_one(db(), actor, line)
    if row.outcome is Outcome.REFUSED:
        field = {"email_invalid": form.emails, "no_address": form.emails, "company_unknown": form.company}
        place: Any = field.get(row.said.code, form.code)
        place.errors = [*place.errors, wording.words_of(row.said)]
        return _page(form, 422)
    customer = f"{row.customer.code} {row.customer.name}" if row.customer else ""
    said = " ".join([wording.words_of(row.said), *(wording.words_of(note) for note in row.notes)])
    flash(f"{customer}: {said}", "success" if row.outcome is Outcome.SAVED else "info")
    return redirect(url_for(".list_rows", q=line.code), 303)


@blueprint.post("/remove")
@requires(Permission.CONTACTS_MANAGE)
def remove() -> Any:
    """Take the ticked rows out; the list offers to put them back."""
    ticked = request.form.getlist("only") or request.form.getlist("ids")
    given = [one for one in ticked if one.isascii() and one.isdigit() and len(one) < 19]
    changes = remove_rows(db(), signed_in_actor(), [int(one) for one in given[:MOST]])
    if not given:
        flash(_("Select at least one row."), "warning")
    elif not changes:
        flash(_("Nothing was different."), "info")
    session[UNDO_KEY] = [change.id for change in changes]
    return redirect(_back(), 303)


def _back() -> str:
    kept = {name: request.args[name] for name in ("company", "q", "size") if request.args.get(name)}
    values: dict[str, Any] = dict(kept)
    return url_for(".list_rows", **values)


def _take_removal() -> dict[str, Any] | None:
    """What was removed last, in words, with the address that undoes it; told once."""
    ids = session.pop(UNDO_KEY, None) or []
    changes = [change for id_ in ids if (change := find_removal(db(), signed_in_actor(), id_))]
    if not changes:
        return None
    count = sum(change.count for change in changes)
    told = ngettext(
        "%(n)s row was removed from the catalogue.",
        "%(n)s rows were removed from the catalogue.",
        count,
        n=format_decimal(count),
    )
    address = url_for(".undo", change=[change.id for change in changes])
    return {"text": told, "url": address, "can_undo": True}


@blueprint.post("/undo")
@requires(Permission.CONTACTS_MANAGE)
def undo() -> Any:
    """Put removed rows back."""
    actor, count = signed_in_actor(), 0
    for change_id in request.args.getlist("change", type=int)[:100]:
        if change := find_removal(db(), actor, change_id):
            count += undo_removal(db(), actor, change)
    if count:
        text = ngettext(
            "Undone: %(n)s row is as it was.",
            "Undone: %(n)s rows are as they were.",
            count,
            n=format_decimal(count),
        )
        flash(text, "success")
    else:
        flash(_("This was undone already."), "info")
    return redirect(url_for(".list_rows"), 303)


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
