"""Pages of one party: its contacts and what they receive, its details, its documents."""

from collections.abc import Collection
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from crm_mail.companies.models import Company
from crm_mail.companies.packaging_rules import DEFAULT_PACKAGING
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts import messages, parties, vocabulary
from crm_mail.contacts.access import find_party, list_contacts
from crm_mail.contacts.blueprint import blueprint
from crm_mail.contacts.card_reads import list_documents
from crm_mail.contacts.confidential import Way, note_reading
from crm_mail.contacts.forms import PartyForm, language_choices
from crm_mail.contacts.kind_views import kind_notes
from crm_mail.contacts.merging.service import follow_merge
from crm_mail.contacts.models import Contact, ContactState, Party, RecipientKind
from crm_mail.contacts.problems import ContactRefused
from crm_mail.contacts.receivers import rule_text, who_receives
from crm_mail.contacts.subscriptions import MatrixCell, set_matrix
from crm_mail.contacts.suppression_views import words_of
from crm_mail.contacts.suppressions import suppressed_among
from crm_mail.db import today
from crm_mail.document_types import Direction, DocumentType
from crm_mail.evidence.address_facts import contradicted_addresses
from crm_mail.evidence.proof_page import stage_badges
from crm_mail.outbox.history import party_history
from crm_mail.permissions import Permission, requires, signed_in_actor
from crm_mail.purchases.listing import Bought, bought_by
from crm_mail.web.door import db
from crm_mail.web.navigation import current_company
from crm_mail.web.type_names import type_name


def company_or_404() -> Company:
    """The company at work."""
    return current_company(signed_in_actor()) or abort(404)


def found(party_id: int) -> Party:
    """The party, or 404."""
    party = find_party(db(), signed_in_actor(), party_id)
    if party is None:
        lead_on("parties", party_id, "contacts.show_party", "party_id")
    return party or abort(404)


def lead_on(table: str, merged_id: int, endpoint: str, argument: str) -> None:
    """Send the browser on to what an id was merged into; the page there asks again whether it may be seen."""
    kept_id = follow_merge(db(), table, merged_id) if request.method == "GET" else None
    if kept_id is not None:
        values: dict[str, Any] = {argument: kept_id}
        abort(redirect(url_for(endpoint, **values)))


class CardValues:
    """A party as its form shows it: the packaging with the addresses behind it, as a person writes them."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self.packaging = ",".join(
            p for p in (party.packaging or DEFAULT_PACKAGING, party.packaging_emails) if p
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._party, name)


def page(template: str, party: Party, status: int = 200, **values: Any) -> tuple[str, int]:
    """A tab of the card."""
    actor = signed_in_actor()
    company = db().get_one(Company, party.company_id)
    may_manage = actor.can(Permission.CONTACTS_MANAGE, company.id)
    return render_template(
        f"contacts/{template}.html", party=party, company=company, may_manage=may_manage, **values
    ), status


@blueprint.get("/<int:party_id>")
@requires(Permission.CONTACTS_SEE)
def show_party(party_id: int) -> Any:
    """The contacts of a party, what each receives, and who receives what in the end."""
    party = found(party_id)
    contacts = list_contacts(db(), signed_in_actor(), party.id)
    note_reading(db(), signed_in_actor(), [contact.id for contact in contacts], Way.CARD)
    active = [contact for contact in contacts if contact.state is ContactState.ACTIVE]
    types = shown_types(party, active)
    names = vocabulary.level_names(db(), party.company_id)
    return page(
        "show",
        party,
        contacts=contacts,
        active=active,
        not_written_to={
            email: words_of(reason, status)[0]
            for email, (reason, status, _since) in suppressed_among(
                db(), party.company_id, [one.email for contact in contacts for one in contact.addresses]
            ).items()
        },
        contradicted=contradicted_addresses(db(), [one for c in contacts for one in c.addresses]),
        address_kinds=kind_notes(db(), party, contacts),
        types=[(document_type, type_name(document_type)) for document_type in types],
        kinds={c.id: {s.document_type: s.recipient_kind.value for s in c.subscriptions} for c in active},
        receivers=who_receives(db(), party, active, types),
        rule_text=rule_text,
        bought=_bought(party),
        level_label=lambda level: messages.level_label(level, names),
    )


def _bought(party: Party) -> Bought | None:
    """What a customer bought, for who may see its invoices."""
    may_see = signed_in_actor().can(Permission.DOCUMENTS_SEE, party.company_id, DocumentType.INVOICE.value)
    return bought_by(db(), party.id, today()) if may_see else None


def shown_types(party: Party, contacts: list[Contact]) -> list[str]:
    """The types in use that go to such a party, and whatever else somebody of it receives."""
    sides = {Direction.CUSTOMER: party.is_customer, Direction.SUPPLIER: party.is_supplier}
    received = {s.document_type for contact in contacts for s in contact.subscriptions}
    types = company_types(db(), party.company_id)
    wanted = types.sides(side for side, is_one in sides.items() if is_one)
    return [t for t in types.ids if t in wanted or t in received]


@blueprint.post("/<int:party_id>/subscriptions")
@requires(Permission.CONTACTS_MANAGE)
def save_subscriptions(party_id: int) -> Any:
    """Save the matrix of contacts and document types."""
    party = found(party_id)
    cells = read_cells(request.form.items(), company_types(db(), party.company_id).ids)
    changed = set_matrix(db(), signed_in_actor(), party, cells)
    flash(
        ngettext("%(num)d contact changed.", "%(num)d contacts changed.", changed)
        if changed
        else _("Nothing was different."),
        "success" if changed else "info",
    )
    return redirect(url_for("contacts.show_party", party_id=party.id), 303)


def read_cells(fields: Any, types: Collection[str]) -> list[MatrixCell]:
    """The cells of the matrix: `cell-CONTACT-TYPE` is empty, to or cc; anything else is passed over."""
    cells = []
    for name, value in fields:
        parts = name.split("-")
        if len(parts) != 3 or parts[0] != "cell" or not parts[1].isdigit() or parts[2] not in types:
            continue
        if value in ("", *RecipientKind):
            cells.append(MatrixCell(int(parts[1]), parts[2], RecipientKind(value) if value else None))
    return cells


@blueprint.route("/<int:party_id>/details", methods=("GET", "POST"))
@requires(Permission.CONTACTS_SEE)
def edit_party(party_id: int) -> Any:
    """Name, addresses and attributes of a party."""
    party = found(party_id)
    form = PartyForm(obj=CardValues(party))
    form.language.choices = language_choices(db().get_one(Company, party.company_id).language, party.language)
    if form.validate_on_submit():
        try:
            changed = parties.update_party(db(), signed_in_actor(), party, form.read())
        except ContactRefused as refused:
            messages.show_refusal(form, refused)
        else:
            flash(_("Saved.") if changed else _("Nothing was different."), "success" if changed else "info")
            return redirect(url_for("contacts.edit_party", party_id=party.id), 303)
    return page("edit_party", party, 422 if form.is_submitted() else 200, form=form)


@blueprint.post("/<int:party_id>/block")
@requires(Permission.CONTACTS_MANAGE)
def block_party(party_id: int) -> Any:
    """Stop, or allow again, every mail to a party."""
    party = found(party_id)
    blocked = request.form.get("blocked") == "yes"
    parties.block_party(db(), signed_in_actor(), party, blocked=blocked)
    flash(
        _("%(name)s is blocked: nothing is sent to it.", name=party.name)
        if blocked
        else _("%(name)s may receive documents again.", name=party.name),
        "success",
    )
    return redirect(url_for("contacts.show_party", party_id=party.id), 303)


@blueprint.get("/<int:party_id>/documents")
@requires(Permission.CONTACTS_SEE)
def show_documents(party_id: int) -> Any:
    """The newest documents of a party."""
    party = found(party_id)
    documents = list_documents(db(), signed_in_actor(), party)
    may_send = signed_in_actor().can(Permission.OUTBOX_PREPARE, party.company_id) and not party.is_blocked
    return page("documents", party, documents=documents, type_name=type_name, may_send=may_send)


@blueprint.get("/<int:party_id>/messages")
@requires(Permission.CONTACTS_SEE)
def show_messages(party_id: int) -> Any:
    """What was written to a party and its contacts, as far as the reader may know it (CO-1)."""
    party = found(party_id)
    before = request.args.get("before", type=int)
    history = party_history(db(), signed_in_actor(), party, before)
    proofs = stage_badges([line.message_id for line in history])
    return page("messages", party, history=history, proofs=proofs)
