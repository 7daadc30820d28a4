"""Listings of consents and of suppressed addresses."""

from collections.abc import Iterator, Sequence

from crm_mail.contacts.consents.export import export_states
from crm_mail.contacts.suppressions import Wanted, list_page, reasons_in_use
from crm_mail.delivery.bounces.reason_words import reason_words
from crm_mail.reports.saved.listings import AT_ONCE, Scene
from crm_mail.reports.saved.master_listings import OfContacts
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.words import Translate


class Consents(OfContacts):
    """Who said yes or no to what."""

    id = "consents"
    has_text = False

    def title(self, _: Translate) -> str:
        return _("Consents")

    def choice_title(self, _: Translate) -> str:
        return ""

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("party_code", _("Party code")),
            Column("party", _("Party")),
            Column("contact", _("Contact")),
            Column("email", _("E-mail address")),
            Column("consents", _("Consents")),
        )

    def rows(self, scene: Scene) -> Iterator[Row]:
        yield from export_states(scene.session, scene.actor, scene.company.id)


class Suppressed(OfContacts):
    """Addresses that are not written to any more, the newest first."""

    id = "suppressions"

    def title(self, _: Translate) -> str:
        return _("Suppressed addresses")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("address", _("E-mail address")),
            Column("since_at", _("Since"), CellKind.MOMENT),
            Column("reason", _("Reason")),
            Column("status", _("Status")),
            Column("detail", _("Answer")),
            Column("whose", _("Whose")),
        )

    def date_title(self, _: Translate) -> str:
        return _("Since")

    def choice_title(self, _: Translate) -> str:
        return _("Reason")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        known = reasons_in_use(scene.session, scene.actor, scene.company.id)
        return [(one, reason_words(one, "", scene.translate)[0]) for one in known]

    def rows(self, scene: Scene) -> Iterator[Row]:
        (first, last), after = scene.moments, 0
        wanted = Wanted(scene.filters.text, scene.filters.choice)
        while True:
            page = list_page(scene.session, scene.actor, scene.company.id, wanted, after=after, size=AT_ONCE)
            for line in page.lines:
                row = line.row
                if (first and row.since_at < first) or (last and row.since_at >= last):
                    continue
                owners = [
                    f"{one.party_name} ({one.contact_name})" if one.contact_name else one.party_name
                    for one in line.owners
                ]
                words = reason_words(row.reason, row.status, scene.translate)[0]
                yield (row.address, row.since_at, words, row.status, row.detail, "; ".join(owners))
            if not page.next_cursor:
                return
            after = int(page.next_cursor)
