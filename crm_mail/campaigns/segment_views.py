"""Pages of segments: the list with what each means and comes to; using one in a mailing, keeping one from it."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.page import company_at_work, editable_or_404
from crm_mail.campaigns.segments import count_segment
from crm_mail.campaigns.service import change_audience
from crm_mail.contacts.finding import saved_filters
from crm_mail.contacts.finding.filter_words import filter_sentence
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.finding.saved_filters import (
    FilterNotSaved,
    find_filter,
    list_filters,
    may_change,
    read_filter,
)
from crm_mail.contacts.models import SavedFilter
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db


def _found(filter_id: int) -> tuple[SavedFilter, PartyFilter]:
    saved = find_filter(db(), signed_in_actor(), company_at_work().id, filter_id)
    chosen = read_filter(saved) if saved is not None else None
    return (saved, chosen) if saved is not None and chosen is not None else abort(404)


@requires(Permission.OUTBOX_PREPARE)
def list_segments() -> Any:
    """The segments that the person may use, in words; their figures follow one by one."""
    company, actor = company_at_work(), signed_in_actor()
    rows = []
    for saved in list_filters(db(), actor, company.id):
        chosen = read_filter(saved)
        if chosen is not None:
            query: dict[str, list[str]] = {}
            for name, value in chosen.to_arguments():
                query.setdefault(name, []).append(value)
            rows.append((saved, filter_sentence(chosen), query, may_change(actor, saved)))
    may_share = actor.can(Permission.CONTACTS_MANAGE, company.id)
    may_see = actor.can(Permission.CONTACTS_SEE, company.id)
    return render_template("campaigns/segments.html", rows=rows, may_share=may_share, may_see=may_see)


@requires(Permission.OUTBOX_PREPARE)
def count_one(filter_id: int) -> Any:
    """What a segment comes to now."""
    saved, chosen = _found(filter_id)
    figures = count_segment(db(), signed_in_actor(), chosen)
    return render_template("campaigns/_segment_figures.html", figures=figures, saved=saved)


@requires(Permission.CONTACTS_MANAGE)
def share(filter_id: int) -> Any:
    """Let everybody in the company use a segment, or nobody else any more."""
    saved, _chosen = _found(filter_id)
    is_shared = request.form.get("shared") == "yes"
    saved_filters.share_filter(db(), signed_in_actor(), saved, is_shared=is_shared)
    flash(
        _("Everybody in the company may use it now.") if is_shared else _("It is your own again."), "success"
    )
    return redirect(url_for("campaigns.list_segments"), 303)


@requires(Permission.OUTBOX_PREPARE)
def remove(filter_id: int) -> Any:
    """Forget a segment; mailings and schedules keep the audience that they were given."""
    saved, _chosen = _found(filter_id)
    if not saved_filters.remove_filter(db(), signed_in_actor(), saved.id):
        abort(404)
    flash(_("The segment was removed. Mailings and schedules keep their audience."), "success")
    return redirect(url_for("campaigns.list_segments"), 303)


@requires(Permission.OUTBOX_PREPARE)
def use(campaign_id: int) -> Any:
    """Make a segment the audience of a mailing."""
    row = editable_or_404(campaign_id)
    chosen = request.form.get("segment", 0, type=int)
    if not chosen:
        flash(_("Choose a segment."), "warning")
        return redirect(url_for("campaigns.edit_audience", campaign_id=row.id), 303)
    saved = find_filter(db(), signed_in_actor(), row.company_id, chosen)
    parties = read_filter(saved) if saved is not None else None
    if saved is None or parties is None:
        abort(404)
    change_audience(
        db(), signed_in_actor(), row, parties, subscribed=row.only_subscribed, parties=row.with_parties
    )
    flash(_("The audience is the segment “%(name)s”.", name=saved.name), "success")
    return redirect(url_for("campaigns.edit_audience", campaign_id=row.id), 303)


def begin_with_segment(row: Campaign, filter_id: int) -> None:
    """Make a segment the audience of a new mailing; nothing when there is none of that id for the person."""
    saved = find_filter(db(), signed_in_actor(), row.company_id, filter_id) if filter_id else None
    parties = read_filter(saved) if saved is not None else None
    if parties is not None:
        change_audience(db(), signed_in_actor(), row, parties, subscribed=False, parties=False)


def keep_as_segment(row: Campaign, name: str) -> None:
    """Keep the audience of a mailing under a name, and tell what became of it."""
    problems = {
        "name": _("Give the segment a name of at most 80 characters."),
        "empty": _("Nothing is chosen yet: everybody needs no segment."),
        "too_many": _("There are too many segments. Remove one first."),
    }
    try:
        chosen = PartyFilter.from_dict(row.audience, row.company_id)
        saved = saved_filters.save_filter(db(), signed_in_actor(), chosen, name)
        flash(_("The segment “%(name)s” is kept.", name=saved.name), "success")
    except FilterNotSaved as refused:
        flash(problems[refused.code], "warning")


def add_routes(blueprint: Blueprint) -> None:
    """Register these pages."""
    one = "/segments/<int:filter_id>"
    blueprint.add_url_rule("/segments", "list_segments", list_segments)
    blueprint.add_url_rule(f"{one}/figures", "count_segment", count_one)
    blueprint.add_url_rule(f"{one}/share", "share_segment", share, methods=["POST"])
    blueprint.add_url_rule(f"{one}/remove", "remove_segment", remove, methods=["POST"])
    blueprint.add_url_rule("/<int:campaign_id>/segment", "use_segment", use, methods=["POST"])
