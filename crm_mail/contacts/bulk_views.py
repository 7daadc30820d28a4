"""Pages of the list's actions: change many parties, undo it, a file of them, and filters kept under a name."""

from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, abort, flash, redirect, render_template, request, send_file, session, url_for
from flask_babel import format_decimal, get_locale, ngettext
from flask_babel import gettext as _

from crm_mail.companies.type_registry import company_types
from crm_mail.contacts import bulk, messages
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.bulk import OF_CONTACTS, BulkKind, Picked
from crm_mail.contacts.card_views import company_or_404
from crm_mail.contacts.finding import saved_filters
from crm_mail.contacts.finding.listing import list_names
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.finding.purchase_words import act_choices, recent_choices
from crm_mail.contacts.finding.saved_filters import FilterNotSaved
from crm_mail.contacts.models import PartyChange
from crm_mail.contacts.party_export import export_parties, record_export
from crm_mail.contacts.problems import ContactRefused
from crm_mail.contacts.vcard_export import export_vcards
from crm_mail.contacts.vocabulary import level_names, list_characteristics
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.table_files import CSV_MIME, XLSX_MIME, csv_chunks, write_xlsx
from crm_mail.web.type_names import type_name

_VALUE_FIELDS = {
    BulkKind.SUBSCRIBE: "type",
    BulkKind.UNSUBSCRIBE: "type",
    BulkKind.LEVEL: "level",
}
"""What is chosen from a list, and not typed."""

UNDO_KEY = "party_change"
MOST_TICKED = 1000


def filter_of_address() -> PartyFilter:
    """The filter that the address carries, of the company at work."""
    company = company_or_404()
    try:
        return PartyFilter.from_arguments(company.id, request.args.getlist)
    except FilterInvalid as refused:
        abort(400, _("The filter %(name)s is not understood. Remove it from the address.", name=refused.name))


def _picked(chosen: PartyFilter) -> Picked:
    given = [one for one in request.form.getlist("ids") if one.isascii() and one.isdigit() and len(one) < 19]
    is_all = request.form.get("scope") == "all"
    return Picked(chosen, () if is_all else tuple(int(one) for one in given[:MOST_TICKED]), is_all)


def list_url(chosen: PartyFilter) -> str:
    """The list of a filter."""
    arguments: dict[str, Any] = {}
    for name, value in chosen.to_arguments():
        arguments.setdefault(name, []).append(value)
    return url_for("contacts.list_parties", **arguments)


@blueprint.post("/export")
@requires(Permission.CONTACTS_EXPORT)
def export_list() -> Response:
    """The selected parties as a file (`action`: xlsx, csv, or vcf for their contacts)."""
    chosen, action, actor = filter_of_address(), request.form.get("action"), signed_in_actor()
    if action == "vcf":
        return _export_vcards(_picked(chosen))
    kind = "csv" if action == "csv" else "xlsx"
    rows = list(export_parties(db(), actor, _picked(chosen)))
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by the response
    if kind == "csv":
        file.writelines(csv_chunks(_header(), rows, str(get_locale() or "en")))
    else:
        write_xlsx(_header(), rows, file, _("Contacts"))
    file.seek(0)
    record_export(db(), actor, chosen.company_id, kind, len(rows))
    mime = CSV_MIME if kind == "csv" else XLSX_MIME
    return send_file(file, mime, as_attachment=True, download_name=f"contacts.{kind}")


def _export_vcards(picked: Picked) -> Response:
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by the response
    count = 0
    for card in export_vcards(db(), signed_in_actor(), picked):
        file.write(card.encode())
        count += 1
    file.seek(0)
    record_export(db(), signed_in_actor(), picked.chosen.company_id, "vcf", count)
    return send_file(file, "text/vcard; charset=utf-8", as_attachment=True, download_name="contacts.vcf")


def _header() -> list[str]:
    return [
        _("Code"),
        _("Name"),
        _("VAT number"),
        _("Tax code"),
        _("Customer"),
        _("Supplier"),
        _("Agent"),
        _("Zone"),
        _("Category"),
        _("Address"),
        _("Postcode"),
        _("City"),
        _("Province"),
        _("Country"),
        _("Language"),
        _("People"),
        _("E-mail addresses"),
        _("Blocked"),
    ]


@blueprint.post("/change")
@requires(Permission.CONTACTS_MANAGE)
def change_many() -> Any:
    """Choose what to change of the selected parties, see how many that is, then do it."""
    chosen = filter_of_address()
    picked, kind = _picked(chosen), _kind(request.form.get("kind", ""))
    if not picked.is_all and not picked.ids:
        flash(_("Select at least one row."), "warning")
        return redirect(list_url(chosen), 303)
    step = request.form.get("step", "")
    value = request.form.get(_VALUE_FIELDS.get(kind, "value") if kind else "value", "")
    try:
        if kind is not None and step == "apply":
            return _apply(picked, kind, value)
        counted = bulk.count_affected(db(), signed_in_actor(), picked, kind, value) if kind else None
    except ContactRefused as refused:
        return _page(picked, kind, value, None, messages.explain(refused)), 422
    return _page(picked, kind, value, counted, "")


def _kind(text: str) -> BulkKind | None:
    return BulkKind(text) if text in set(BulkKind) else None


def _apply(picked: Picked, kind: BulkKind, value: str) -> Any:
    change = bulk.change_parties(db(), signed_in_actor(), picked, kind, value)
    if change is None:
        flash(_("Nothing was different."), "info")
    else:
        db().flush()
        session[UNDO_KEY] = change.id
    return redirect(list_url(picked.chosen), 303)


def _page(
    picked: Picked, kind: BulkKind | None, value: str, counted: bulk.Affected | None, problem: str
) -> str:
    company_id, actor = picked.chosen.company_id, signed_in_actor()
    names = level_names(db(), company_id)
    counted_all = bulk.count_affected(db(), actor, picked, BulkKind.BLOCK, "")
    offered = {
        name.value: list_names(db(), actor.sight, company_id, column) for name, column in bulk.COLUMNS.items()
    }
    offered["characteristic"] = list_characteristics(db(), actor, company_id)
    return render_template(
        "contacts/change_many.html",
        picked=picked,
        kind=kind.value if kind else "",
        kinds=[(one.value, kind_word(one)) for one in BulkKind],
        value=value,
        types=[(one, type_name(one)) for one in company_types(db(), company_id).ids],
        levels=[(n, messages.level_label(n, names)) for n in range(actor.clearance + 1)],
        counted=counted,
        of_contacts=kind in OF_CONTACTS,
        parties=counted_all.parties,
        problem=problem,
        offered=sorted({name for names in offered.values() for name in names}),
        back_url=list_url(picked.chosen),
        post_url=url_for("contacts.change_many") + list_url(picked.chosen).removeprefix(_plain_list()),
    )


def _plain_list() -> str:
    return url_for("contacts.list_parties")


def kind_word(kind: BulkKind) -> str:
    """What a change does, in words."""
    words = {
        BulkKind.AGENT: _("Assign the agent"),
        BulkKind.ZONE: _("Assign the zone"),
        BulkKind.CATEGORY: _("Assign the category"),
        BulkKind.ADD_CHARACTERISTIC: _("Add a characteristic to their contacts"),
        BulkKind.REMOVE_CHARACTERISTIC: _("Remove a characteristic from their contacts"),
        BulkKind.BLOCK: _("Block sending"),
        BulkKind.UNBLOCK: _("Allow sending again"),
        BulkKind.SUBSCRIBE: _("Let their contacts receive a document type"),
        BulkKind.UNSUBSCRIBE: _("Let their contacts not receive a document type any more"),
        BulkKind.LEVEL: _("Set the privacy level of their contacts"),
    }
    return str(words[kind])


def _value_word(kind: BulkKind, value: str, company_id: int) -> str:
    if kind is BulkKind.LEVEL:
        return messages.level_label(int(value), level_names(db(), company_id))
    return str(type_name(value)) if kind in bulk.OF_RECEIVING else value


def take_change() -> dict[str, Any] | None:
    """What was changed last, in words, with the address that undoes it; told once."""
    change_id = session.pop(UNDO_KEY, None)
    change = bulk.find_change(db(), signed_in_actor(), change_id) if change_id else None
    if change is None:
        return None
    url = url_for("contacts.undo_change", change_id=change.id)
    return {"text": _done_words(change), "url": url, "can_undo": True}


def _done_words(change: PartyChange) -> str:
    kind, count = BulkKind(change.kind), format_decimal(change.count)
    value = _value_word(kind, change.value, change.company_id)
    what = f"{kind_word(kind)}: {value}" if value else kind_word(kind)
    if kind in OF_CONTACTS:
        told = ngettext("%(n)s contact changed.", "%(n)s contacts changed.", change.count, n=count)
    else:
        told = ngettext("%(n)s party changed.", "%(n)s parties changed.", change.count, n=count)
    return f"{what}. {told}"


@blueprint.post("/change/<int:change_id>/undo")
@requires(Permission.CONTACTS_MANAGE)
def undo_change(change_id: int) -> Any:
    """Give the rows of a change back what they had."""
    change = bulk.find_change(db(), signed_in_actor(), change_id)
    if change is None:
        flash(_("This was undone already."), "info")
    else:
        count = bulk.undo_change(db(), signed_in_actor(), change)
        flash(
            ngettext(
                "Undone: %(n)s row is as it was.",
                "Undone: %(n)s rows are as they were.",
                count,
                n=format_decimal(count),
            ),
            "success",
        )
    return redirect(_plain_list(), 303)


@blueprint.post("/filters")
@requires(Permission.CONTACTS_SEE)
def save_filter() -> Any:
    """Keep the filter of the address under a name."""
    chosen = filter_of_address()
    problems = {
        "name": _("Give the segment a name of at most 80 characters."),
        "empty": _("Nothing is filtered yet: choose something first."),
        "too_many": _("There are too many segments. Remove one first."),
    }
    try:
        saved = saved_filters.save_filter(db(), signed_in_actor(), chosen, request.form.get("name", ""))
        flash(_("The segment “%(name)s” is kept.", name=saved.name), "success")
    except FilterNotSaved as refused:
        flash(problems[refused.code], "warning")
    return redirect(list_url(chosen), 303)


@blueprint.post("/filters/<int:filter_id>/remove")
@requires(Permission.CONTACTS_SEE)
def remove_filter(filter_id: int) -> Any:
    """Forget a filter of one's own."""
    if not saved_filters.remove_filter(db(), signed_in_actor(), filter_id):
        abort(404)
    flash(_("The segment was removed. Mailings and schedules keep their audience."), "success")
    return redirect(_plain_list(), 303)


def offered_filters(company_id: int, chosen: PartyFilter) -> list[dict[str, Any]]:
    """The person's filters as links; the one in use is marked."""
    found = []
    for one in saved_filters.list_filters(db(), signed_in_actor(), company_id):
        arguments: dict[str, Any] = {}
        for name, value in saved_filters.arguments_of(one):
            arguments.setdefault(name, []).append(value)
        url = url_for("contacts.list_parties", **arguments)
        found.append({"id": one.id, "name": one.name, "url": url, "active": one.filter == chosen.to_dict()})
        found[-1]["may_remove"] = saved_filters.may_change(signed_in_actor(), one)
    return found


def list_extras(chosen: PartyFilter) -> dict[str, Any]:
    """What the list needs for its actions and its saved filters."""
    query = list_url(chosen).removeprefix(_plain_list())
    return {
        "saved": offered_filters(chosen.company_id, chosen),
        "change_url": url_for("contacts.change_many") + query,
        "export_url": url_for("contacts.export_list") + query,
        "save_url": url_for("contacts.save_filter") + query,
        "last_action": take_change(),
        "acts": act_choices(),
        "periods": recent_choices(),
    }
