"""Listings of customers, suppliers and contacts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sqlalchemy import select

from crm_mail.contacts.finding.listing import PartyOrder, list_parties
from crm_mail.contacts.finding.party_filter import FilterInvalid, PartyFilter, PartyKind
from crm_mail.contacts.finding.saved_filters import list_filters
from crm_mail.contacts.finding.selection import contact_query
from crm_mail.contacts.models import Contact, ContactState, Party
from crm_mail.contacts.vocabulary import level_names
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.reports.saved.listings import AT_ONCE, Listing, Scene
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.words import Translate


class OfContacts(Listing):
    """Lists of contacts: for who may take contacts away. The choice is one of the person's own filters."""

    has_text = True

    def require(self, actor: Actor, company_id: int) -> None:
        actor.require(Permission.CONTACTS_EXPORT, company_id)

    def choice_title(self, _: Translate) -> str:
        return _("Saved filter")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        found = list_filters(scene.session, scene.actor, scene.company.id)
        return [(str(one.id), one.name) for one in found]

    def keep(self, scene: Scene) -> dict[str, Any] | None:
        if not scene.filters.choice:
            return {}
        found = list_filters(scene.session, scene.actor, scene.company.id)
        return next((dict(one.filter) for one in found if str(one.id) == scene.filters.choice), None)

    def chosen(self, scene: Scene, kind: PartyKind | None = None) -> PartyFilter:
        """What the kept filter means.

        Raises:
            FilterGone: it is not understood any more; a wider list is not given in its place.
        """
        found, filters = PartyFilter(scene.company.id), scene.filters
        if filters.choice:
            if not filters.kept:
                raise FilterGone
            try:
                found = PartyFilter.from_dict(filters.kept, scene.company.id)
            except FilterInvalid:
                raise FilterGone from None
        text = " ".join((found.text, filters.text)).strip()
        return replace(found, text=text, kind=kind or found.kind)


class FilterGone(Refusal):
    """The filter that a report is narrowed by is not known any more."""

    def __init__(self) -> None:
        super().__init__("the saved filter of this report is not known any more: choose another one")


class Parties(OfContacts):
    """Customers or suppliers, by name."""

    kind: ClassVar[PartyKind]

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("code", _("Code")),
            Column("name", _("Name")),
            Column("city", _("City")),
            Column("province", _("Province")),
            Column("agent", _("Agent")),
            Column("zone", _("Zone")),
            Column("category", _("Category")),
            Column("vat_number", _("VAT number")),
            Column("addresses", _("E-mail addresses")),
            Column("contacts", _("Contacts"), CellKind.NUMBER),
            Column("blocked", _("Blocked"), CellKind.YES),
        )

    def rows(self, scene: Scene) -> Iterator[Row]:
        chosen, after = self.chosen(scene, self.kind), ""
        while True:
            page = list_parties(
                scene.session, scene.actor, chosen, order=PartyOrder.NAME, after=after, size=AT_ONCE
            )
            for row in page.rows:
                party = row.party
                yield (
                    party.code,
                    party.name,
                    party.city,
                    party.province,
                    party.agent,
                    party.zone,
                    party.category,
                    party.vat_number,
                    ", ".join(dict.fromkeys(address.email for address in row.addresses)),
                    row.contact_count,
                    party.is_blocked,
                )
            if page.next_cursor is None:
                return
            after = page.next_cursor


class Customers(Parties):
    """Customers, by name."""

    id = "customers"
    kind = PartyKind.CUSTOMER

    def title(self, _: Translate) -> str:
        return _("Customers")


class Suppliers(Parties):
    """Suppliers, by name."""

    id = "suppliers"
    kind = PartyKind.SUPPLIER

    def title(self, _: Translate) -> str:
        return _("Suppliers")


class Contacts(OfContacts):
    """Contacts with their addresses, party by party."""

    id = "contacts"

    def title(self, _: Translate) -> str:
        return _("Contacts")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("party_code", _("Party code")),
            Column("party", _("Party")),
            Column("name", _("Contact")),
            Column("roles", _("Roles")),
            Column("addresses", _("E-mail addresses")),
            Column("phone", _("Phone")),
            Column("mobile", _("Mobile")),
            Column("level", _("Privacy level")),
            Column("state", _("State")),
        )

    def rows(self, scene: Scene) -> Iterator[Row]:
        session = scene.session
        ids = contact_query(self.chosen(scene), scene.actor.sight, tuple(ContactState))
        query = (
            select(Contact, Party)
            .join(Party, Party.id == Contact.party_id)
            .where(Contact.id.in_(ids))
            .order_by(Party.code, Contact.name_key, Contact.id)
        )
        names, states = level_names(session, scene.company.id), _states(scene.translate)
        for contact, party in session.execute(query.execution_options(yield_per=AT_ONCE)):
            yield (
                party.code,
                party.name,
                contact.name,
                ", ".join(role.name for role in contact.roles),
                ", ".join(address.email for address in contact.addresses),
                contact.phone,
                contact.mobile,
                names.get(contact.privacy_level) or str(contact.privacy_level),
                states[contact.state],
            )


def _states(_: Translate) -> dict[ContactState, str]:
    return {
        ContactState.ACTIVE: _("Active"),
        ContactState.SUGGESTED: _("Suggested"),
        ContactState.INACTIVE: _("Inactive"),
    }
