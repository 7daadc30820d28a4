"""Pages of one contact: add, edit, delete; and the suggested ones that wait for a person's word."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts import messages, people, vocabulary
from crm_mail.contacts.access import find_contact, list_suggestions
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_views import company_or_404, lead_on
from crm_mail.contacts.card_views import found as found_party
from crm_mail.contacts.confidential import Way, note_reading
from crm_mail.contacts.forms import ContactForm, read_subscriptions
from crm_mail.contacts.models import Contact, Party
from crm_mail.contacts.problems import ContactRefused
from crm_mail.contacts.values import SubscriptionValues
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.web.door import db
from crm_mail.web.type_names import type_name


def found(contact_id: int) -> Contact:
    """The contact, or 404: also for one above the clearance."""
    contact = find_contact(db(), signed_in_actor(), contact_id)
    if contact is None:
        lead_on("contacts", contact_id, "contacts.edit_contact", "contact_id")
        abort(404)
    note_reading(db(), signed_in_actor(), [contact.id], Way.CARD)
    return contact


def make_form(party: Party, contact: Contact | None) -> ContactForm:
    """The form with the choices of this company, actor and contact."""
    actor = signed_in_actor()
    form = ContactForm(obj=contact)
    if not form.is_submitted():
        while form.addresses.entries:
            form.addresses.pop_entry()
    roles = {role.id: role.name for role in vocabulary.list_roles(db(), actor, party.company_id)}
    names = vocabulary.level_names(db(), party.company_id)
    levels = {level: messages.level_label(level, names) for level in range(actor.sight.clearance + 1)}
    inherited = party.language or db().get_one(Company, party.company_id).language
    form.offer(roles, levels, inherited, contact)
    if not form.is_submitted():
        form.show(contact)
    return form


def page(
    form: ContactForm, party: Party, contact: Contact | None, subscriptions: dict[str, SubscriptionValues]
) -> tuple[str, int]:
    """The form's page, with what the contact receives."""
    types = company_types(db(), party.company_id)
    template = render_template(
        "contacts/edit_contact.html",
        form=form,
        party=party,
        contact=contact,
        subscriptions=subscriptions,
        emails=[entry["email"] for entry in form.addresses.data if entry["email"]],
        types=[(t, type_name(t)) for t in types.ids if t in types.used or t in subscriptions],
    )
    return template, 422 if form.is_submitted() else 200


def stored_subscriptions(contact: Contact | None) -> dict[str, SubscriptionValues]:
    """What a contact receives, as the form shows it."""
    if contact is None:
        return {}
    emails = {address.id: address.email for address in contact.addresses}
    return {
        s.document_type: SubscriptionValues(s.recipient_kind, emails.get(s.address_id or 0, ""))
        for s in contact.subscriptions
    }


@blueprint.route("/<int:party_id>/people/new", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def create_contact(party_id: int) -> Any:
    """Add a person or an office to a party."""
    party = found_party(party_id)
    form = make_form(party, None)
    wanted = read_subscriptions(request.form, company_types(db(), party.company_id).ids)
    if form.validate_on_submit():
        try:
            contact = people.create_contact(db(), signed_in_actor(), party, form.read(wanted))
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(_("%(name)s was added.", name=contact.name), "success")
            return redirect(url_for("contacts.show_party", party_id=party.id), 303)
    return page(form, party, None, wanted)


@blueprint.route("/people/<int:contact_id>", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def edit_contact(contact_id: int) -> Any:
    """A contact's name, addresses, roles, level, characteristics and subscriptions."""
    contact = found(contact_id)
    form = make_form(contact.party, contact)
    types = company_types(db(), contact.company_id).ids
    wanted = read_subscriptions(request.form, types) if form.is_submitted() else stored_subscriptions(contact)
    if form.validate_on_submit():
        try:
            changed = people.update_contact(db(), signed_in_actor(), contact, form.read(wanted))
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(_("Saved.") if changed else _("Nothing was different."), "success" if changed else "info")
            return redirect(url_for("contacts.show_party", party_id=contact.party_id), 303)
    return page(form, contact.party, contact, wanted)


@blueprint.route("/people/<int:contact_id>/delete", methods=("GET", "POST"))
@requires(Permission.CONTACTS_MANAGE)
def delete_contact(contact_id: int) -> Any:
    """Ask, then delete a contact."""
    contact = found(contact_id)
    party_id, name = contact.party_id, contact.name
    if request.method == "GET":
        return render_template("contacts/delete_contact.html", contact=contact, party=contact.party)
    removal = people.delete_contact(db(), signed_in_actor(), contact)
    if removal is people.Removal.DELETED:
        flash(_("%(name)s was deleted.", name=name), "success")
    elif removal is people.Removal.KEPT_RESTRICTED:
        flash(
            _("%(name)s is restricted: its data stay. It can be erased under Privacy.", name=name), "warning"
        )
    else:
        flash(
            _(
                "Messages were written to %(name)s, so it was made inactive: it receives nothing more.",
                name=name,
            ),
            "warning",
        )
    return redirect(url_for("contacts.show_party", party_id=party_id), 303)


@blueprint.get("/suggestions")
@requires(Permission.CONTACTS_MANAGE)
def show_suggestions() -> Any:
    """Contacts learnt from documents that wait for a person's word."""
    suggested = list_suggestions(db(), signed_in_actor(), company_or_404().id)
    return render_template("contacts/suggestions.html", suggested=suggested)


@blueprint.post("/people/<int:contact_id>/settle")
@requires(Permission.CONTACTS_MANAGE)
def settle_suggestion(contact_id: int) -> Any:
    """Confirm or dismiss a suggested contact."""
    contact = found(contact_id)
    confirmed = request.form.get("answer") == "confirm"
    try:
        people.settle_suggestion(db(), signed_in_actor(), contact, confirmed=confirmed)
    except ContactRefused as refused:
        flash(messages.explain(refused), "warning")
        return redirect(url_for("contacts.show_suggestions"), 303)
    if confirmed:
        flash(_("%(name)s is confirmed. Choose what it receives.", name=contact.name), "success")
        return redirect(url_for("contacts.edit_contact", contact_id=contact.id), 303)
    flash(_("%(name)s was dismissed and is not suggested again.", name=contact.name), "success")
    return redirect(url_for("contacts.show_suggestions"), 303)
