"""Pages of what stands twice: look, choose which one stays, merge."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from crm_mail.contacts import messages
from crm_mail.contacts.access import find_contact, find_party
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_views import company_or_404
from crm_mail.contacts.merging.duplicates import DuplicateKind, find_duplicates
from crm_mail.contacts.merging.service import merge_contacts, merge_parties
from crm_mail.contacts.merging.unmerging import find_merge, list_merges, undo_merge
from crm_mail.contacts.problems import ContactRefused
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db


def _kind(text: str) -> DuplicateKind:
    return DuplicateKind(text) if text in set(DuplicateKind) else DuplicateKind.EMAIL


def _kind_words() -> dict[DuplicateKind, str]:
    return {
        DuplicateKind.EMAIL: _("Contacts with the same address"),
        DuplicateKind.NAME: _("Contacts with the same name"),
        DuplicateKind.VAT_NUMBER: _("Same VAT number"),
        DuplicateKind.TAX_CODE: _("Same tax code"),
    }


@blueprint.get("/duplicates")
@requires(Permission.CONTACTS_MANAGE)
def show_duplicates() -> Any:
    """What stands twice, a page at a time."""
    kind = _kind(request.args.get("kind", ""))
    after = request.args.get("after", "")
    company = company_or_404()
    return render_template(
        "contacts/duplicates.html",
        kind=kind,
        words=_kind_words(),
        page=find_duplicates(db(), signed_in_actor(), company.id, kind, after),
        is_first=not after,
        merges=list_merges(db(), signed_in_actor(), company.id, of_parties=kind.is_of_parties),
    )


@blueprint.post("/duplicates/<int:merge_id>/undo")
@requires(Permission.CONTACTS_MANAGE)
def undo_merging(merge_id: int) -> Any:
    """Take apart again what was merged."""
    kind = _kind(request.form.get("kind", ""))
    merge = find_merge(db(), signed_in_actor(), merge_id, of_parties=kind.is_of_parties) or abort(404)
    try:
        name = undo_merge(db(), signed_in_actor(), merge)
        flash(_("The merge was undone: %(name)s stands by itself again.", name=name), "success")
    except ContactRefused as refused:
        flash(messages.explain(refused), "warning")
    return redirect(url_for("contacts.show_duplicates", kind=kind.value), 303)


@blueprint.post("/duplicates/merge")
@requires(Permission.CONTACTS_MANAGE)
def merge_duplicates() -> Any:
    """Merge the ticked ones into the one that stays."""
    kind = _kind(request.form.get("kind", ""))
    kept_id = request.form.get("keep", 0, type=int)
    others = [id_ for id_ in request.form.getlist("other", type=int) if id_ != kept_id]
    back = redirect(url_for("contacts.show_duplicates", kind=kind.value), 303)
    if not kept_id or not others:
        flash(_("Choose the one that stays, and tick at least one other."), "warning")
        return back
    find: Any = find_party if kind.is_of_parties else find_contact
    rows = [find(db(), signed_in_actor(), id_) or abort(404) for id_ in (kept_id, *others)]
    kept, name = rows[0], rows[0].name
    merge: Any = merge_parties if kind.is_of_parties else merge_contacts
    try:
        with db().begin_nested():
            for other in rows[1:]:
                merge(db(), signed_in_actor(), kept, other)
    except ContactRefused as refused:
        flash(messages.explain(refused), "warning")
        return back
    flash(
        ngettext(
            "%(num)d duplicate was merged into %(name)s. Its history went along.",
            "%(num)d duplicates were merged into %(name)s. Their history went along.",
            len(others),
            name=name,
        ),
        "success",
    )
    return back
