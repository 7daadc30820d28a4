"""Pages of the contacts room: the list. See also `card_views`, `contact_views`, `vocabulary_views`."""

from typing import Any

from flask import Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from crm_mail.companies.models import Company
from crm_mail.contacts import (
    bulk_views,
    card_views,
    contact_views,
    messages,
    parties,
    suppression_views,
    vocabulary,
    vocabulary_views,
)
from crm_mail.contacts.access import count_suggestions
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_reads import last_sent
from crm_mail.contacts.card_views import company_or_404
from crm_mail.contacts.consents import views as consent_views
from crm_mail.contacts.finding.filter_words import (
    address_kind_choices,
    birthday_choices,
    consent_choices,
    describe_filter,
)
from crm_mail.contacts.finding.listing import PartyOrder, list_names, list_parties
from crm_mail.contacts.finding.party_filter import ARGUMENTS, FilterInvalid, PartyFilter
from crm_mail.contacts.forms import PartyForm, language_choices
from crm_mail.contacts.merging import duplicate_views
from crm_mail.contacts.models import Party
from crm_mail.contacts.problems import ContactRefused
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.purchases.listing import offered_purchases
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company
from crm_mail.web.type_names import type_names
from crm_mail.web.urls import url_with

ROOM_PARTS = (bulk_views, card_views, consent_views, contact_views, duplicate_views, vocabulary_views)
SIZES = (50, 100, 200)


@blueprint.get("/", strict_slashes=False, endpoint="list_parties")
@requires(Permission.CONTACTS_SEE)
def show_list() -> Any:
    """Customers and suppliers of the company at work."""
    actor = signed_in_actor()
    company = current_company(actor)
    if company is None:
        return render_template("contacts/no_company.html")
    try:
        chosen = PartyFilter.from_arguments(company.id, request.args.getlist)
    except FilterInvalid as refused:
        asked = next((one for one, name in ARGUMENTS.items() if name == refused.name), refused.name)
        return render_template("contacts/filter_unknown.html", name=asked), 400
    if request.args.get("buy_act"):  # typed fields become one word, which the address keeps
        return redirect(bulk_views.list_url(chosen), 303)
    size = request.args.get("size", SIZES[0], type=int)
    page = list_parties(
        db(),
        actor,
        chosen,
        order=read_order(request.args.get("sort", "")),
        after=request.args.get("after", ""),
        before=request.args.get("before", ""),
        size=size if size in SIZES else SIZES[0],
        is_exact=request.args.get("count") == "exact",
    )
    return render_template(
        "contacts/list.html",
        page=page,
        chosen=chosen,
        sizes=SIZES,
        size=size,
        sent=last_sent(db(), actor, [row.party.id for row in page.rows]),
        offered={name: [(text, text) for text in names] for name, names in offered_names(company).items()},
        active=active_filters(chosen),
        suggestions=count_suggestions(db(), actor, company.id),
        types=type_names(),
        address_kinds=address_kind_choices(),
        birthdays=birthday_choices(),
        consents=consent_choices(),
        bought=offered_purchases(db(), company.id, company.country),
        may_manage=actor.can(Permission.CONTACTS_MANAGE, company.id),
        may_export=actor.can(Permission.CONTACTS_EXPORT, company.id),
        **bulk_views.list_extras(chosen),
    )


def read_order(text: str) -> PartyOrder:
    """The order that the address asks for; by name when it asks for none, or for another."""
    return PartyOrder(text) if text in set(PartyOrder) else PartyOrder.NAME


def offered_names(company: Company) -> dict[str, list[str]]:
    """What the filters offer."""
    columns = {"agent": Party.agent, "zone": Party.zone, "city": Party.city, "category": Party.category}
    actor = signed_in_actor()
    names = {name: list_names(db(), actor.sight, company.id, column) for name, column in columns.items()}
    names["role"] = [role.name for role in vocabulary.list_roles(db(), actor, company.id)]
    names["characteristic"] = vocabulary.list_characteristics(db(), actor, company.id)
    return names


def active_filters(chosen: PartyFilter) -> list[tuple[str, str]]:
    """Each value that narrows the list, and the address without it."""
    chips = []
    for (argument, value), words in zip(chosen.to_arguments(), describe_filter(chosen), strict=True):
        fewer: MultiDict[str, str] = MultiDict(chosen.without(ARGUMENTS[argument], value).to_arguments())
        chips.append((words, url_with(**{argument: fewer.getlist(argument)})))
    return chips


@blueprint.route("/new", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def create_party() -> Any:
    """Add a customer or supplier to the company at work."""
    actor = signed_in_actor()
    company = company_or_404()
    form = PartyForm(is_customer=True, country=company.country)
    form.language.choices = language_choices(company.language)
    if form.validate_on_submit():
        try:
            party = parties.create_party(db(), actor, company.id, form.read())
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(
                _("%(name)s was added. Add the people who receive its documents.", name=party.name), "success"
            )
            return redirect(url_for("contacts.show_party", party_id=party.id), 303)
    return render_template("contacts/new_party.html", form=form), 422 if form.is_submitted() else 200


def init_app(app: Flask) -> None:
    """Register the room's pages."""
    app.register_blueprint(blueprint)
    suppression_views.init_app(app)
