"""The first step of a mailing: whom it is for, counted while it is chosen, ten of them with their reasons."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.campaigns.audience import count_audience, sample_audience
from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.page import campaign_or_404, editable_or_404, exclusion_words, step_page
from crm_mail.campaigns.segment_views import keep_as_segment
from crm_mail.campaigns.segments import name_of
from crm_mail.campaigns.service import change_audience
from crm_mail.contacts import vocabulary
from crm_mail.contacts.finding.filter_words import filter_labels, value_word
from crm_mail.contacts.finding.listing import list_names
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter
from crm_mail.contacts.finding.purchase_words import act_choices, recent_choices
from crm_mail.contacts.finding.saved_filters import list_filters
from crm_mail.contacts.models import Party
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.purchases.listing import offered_purchases
from crm_mail.web.door import db

TAGS = ("all_characteristic", "any_characteristic", "without_characteristic")
LISTS = ("agent", "zone", "city", "province", "category", "role", *TAGS)


def _read(company_id: int) -> PartyFilter:
    """The filter that the form holds; 400 for values that are not ours."""

    def values(name: str) -> list[str]:
        found = request.values.getlist(name)
        return [value.replace(" = ", "=") for value in found] if name in TAGS else found

    try:
        return PartyFilter.from_arguments(company_id, values)
    except FilterInvalid as refused:
        abort(400, _("The filter %(name)s is not understood. Remove it from the address.", name=refused.name))


@requires(Permission.OUTBOX_PREPARE)
def edit_audience(campaign_id: int) -> Any:
    """Choose whom a mailing is for."""
    if request.method == "POST":
        row = editable_or_404(campaign_id)
        change_audience(
            db(),
            signed_in_actor(),
            row,
            _read(row.company_id),
            subscribed="only_subscribed" in request.form,
            parties="with_parties" in request.form,
        )
        if "keep" in request.form:
            keep_as_segment(row, request.form.get("segment_name", ""))
        again = "look" in request.form or "keep" in request.form
        step = "edit_audience" if again else "edit_content"
        return redirect(url_for(f"campaigns.{step}", campaign_id=row.id), 303)
    row = campaign_or_404(campaign_id)
    actor = signed_in_actor()
    parties = PartyFilter.from_dict(row.audience, row.company_id)
    segments = list_filters(db(), actor, row.company_id)
    return step_page(
        row,
        "edit_audience",
        segments=segments,
        segment=name_of(segments, row.audience),
        purchases=[(word, value_word("purchase", word)) for word in parties.purchases],
        bought=offered_purchases(db(), row.company_id, row.company.country),
        acts=act_choices(),
        periods=recent_choices(),
        parties=parties,
        chosen=_chosen(parties),
        offered=_offered(actor, row.company_id),
        labels=filter_labels(),
        **_counted(actor, row),
    )


@requires(Permission.OUTBOX_PREPARE)
def count(campaign_id: int) -> Any:
    """The counts beside the form while it is being filled in; nothing is kept."""
    row = campaign_or_404(campaign_id)
    tried = Campaign(
        company_id=row.company_id,
        document_type=row.document_type,
        purpose=row.purpose,
        audience=_read(row.company_id).to_dict(),
        only_subscribed="only_subscribed" in request.args,
        with_parties="with_parties" in request.args,
    )
    return render_template(
        "campaigns/_counts.html", exclusion_words=exclusion_words, **_counted(signed_in_actor(), tried)
    )


def _counted(actor: Actor, row: Campaign) -> dict[str, Any]:
    labels = filter_labels()
    sample = [
        (
            line.one,
            [f"{labels.get(name, name)}: {value_word(name, value)}" for name, value in line.reasons],
            line.exclusion,
        )
        for line in sample_audience(db(), actor, row)
    ]
    return {"counts": count_audience(db(), actor, row), "sample": sample}


def _chosen(parties: PartyFilter) -> dict[str, list[str]]:
    kept = {
        "agent": parties.agents,
        "zone": parties.zones,
        "city": parties.cities,
        "province": parties.provinces,
        "category": parties.categories,
        "role": parties.roles,
        "all_characteristic": (*parties.characteristics, *parties.all_characteristics),
        "any_characteristic": parties.any_characteristics,
        "without_characteristic": parties.no_characteristics,
    }
    return {name: list(values) for name, values in kept.items()}


def _offered(actor: Actor, company_id: int) -> dict[str, list[str]]:
    columns = {name: getattr(Party, name) for name in ("agent", "zone", "city", "province", "category")}
    offered = {name: list_names(db(), actor.sight, company_id, column) for name, column in columns.items()}
    offered["role"] = [role.name for role in vocabulary.list_roles(db(), actor, company_id)]
    in_use = vocabulary.list_characteristics(db(), actor, company_id)
    return offered | dict.fromkeys(TAGS, in_use)


def add_routes(blueprint: Blueprint) -> None:
    """Register this step."""
    one = "/<int:campaign_id>/audience"
    blueprint.add_url_rule(one, "edit_audience", edit_audience, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{one}/counts", "count_audience", count)
