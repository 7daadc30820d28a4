"""Listings of documents and of what is owed."""

from collections.abc import Iterator, Sequence

from crm_mail.companies.type_registry import company_types
from crm_mail.documents.listing import DocumentFilter, list_documents
from crm_mail.permissions import Actor, Permission
from crm_mail.receivables.ledger import Kind
from crm_mail.receivables.listing import STATES, LineFilter, list_lines, require_ledger
from crm_mail.reports.saved.listings import AT_ONCE, Listing, Scene
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.words import Translate


class Documents(Listing):
    """Documents in their current version, newest first; of the types that the person may export."""

    id = "documents"
    has_text = True

    def title(self, _: Translate) -> str:
        return _("Documents")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("type", _("Type")),
            Column("number", _("Number")),
            Column("dated_on", _("Date"), CellKind.DAY),
            Column("party_code", _("Party code")),
            Column("party", _("Party")),
            Column("due_on", _("Due date"), CellKind.DAY),
            Column("total", _("Amount"), CellKind.MONEY),
            Column("agent", _("Agent")),
            Column("mailable", _("To be sent"), CellKind.YES),
        )

    def date_title(self, _: Translate) -> str:
        return _("Document date")

    def choice_title(self, _: Translate) -> str:
        return _("Document type")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        return [(one, scene.type_name(one)) for one in _exported_types(scene)]

    def require(self, actor: Actor, company_id: int) -> None:
        actor.require(Permission.DOCUMENTS_EXPORT, company_id)

    def rows(self, scene: Scene) -> Iterator[Row]:
        first, last = scene.days
        chosen = DocumentFilter(scene.filters.choice, first, last, scene.filters.text)
        allowed, after = set(_exported_types(scene)), ""
        while True:
            page = list_documents(
                scene.session, scene.actor, scene.company.id, chosen, after=after, size=AT_ONCE
            )
            for one in page.documents:
                if one.type in allowed:
                    party = one.party
                    total = (one.gross_total, one.currency) if one.gross_total is not None else None
                    yield (
                        scene.type_name(one.type),
                        f"{one.series}{one.number}",
                        one.dated_on,
                        party.code,
                        party.name,
                        one.first_due_on,
                        total,
                        party.agent,
                        one.is_mailable,
                    )
            if page.next_cursor is None:
                return
            after = page.next_cursor


def _exported_types(scene: Scene) -> list[str]:
    known = company_types(scene.session, scene.company.id).ids
    return scene.actor.types(Permission.DOCUMENTS_EXPORT, scene.company.id, known)


class OpenItems(Listing):
    """Open items that are not settled, the oldest due date first."""

    id = "open_items"
    kind = Kind.OPEN_ITEMS
    has_text = True

    def title(self, _: Translate) -> str:
        return _("Open items")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("party_code", _("Customer code")),
            Column("party", _("Customer")),
            Column("number", _("Number")),
            Column("doc_on", _("Document date"), CellKind.DAY),
            Column("due_on", _("Due date"), CellKind.DAY),
            Column("days", _("Days late"), CellKind.NUMBER),
            Column("amount", _("Open amount"), CellKind.MONEY),
            Column("agent", _("Agent")),
            Column("level", _("Level of the last reminder"), CellKind.NUMBER),
            Column("disputed", _("Disputed"), CellKind.YES),
        )

    def choice_title(self, _: Translate) -> str:
        return _("State")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        _ = scene.translate
        words = (_("Overdue"), _("Not due"), _("Disputed"), _("Returned unpaid"), _("Credit"))
        return list(zip(STATES, words, strict=True))

    def require(self, actor: Actor, company_id: int) -> None:
        require_ledger(actor, company_id)
        actor.require(Permission.DOCUMENTS_EXPORT, company_id)

    def rows(self, scene: Scene) -> Iterator[Row]:
        state = scene.filters.choice if scene.filters.choice in STATES else ""
        chosen, after = LineFilter(self.kind, scene.filters.text, state), ""
        while True:
            page = list_lines(
                scene.session,
                scene.actor,
                scene.company.id,
                chosen,
                scene.on,
                after=after,
                size=AT_ONCE,
            )
            for line, party in page.lines:
                amount = line.open_amount if line.open_amount is not None else line.debit - line.credit
                due = line.due_on or line.doc_on or line.posted_on
                late = (scene.on - due).days if due else 0
                yield (
                    party.code,
                    party.name,
                    line.number,
                    line.doc_on,
                    line.due_on,
                    late if late > 0 else None,
                    (amount, line.currency),
                    party.agent,
                    line.level,
                    line.is_disputed,
                )
            if page.next_cursor is None:
                return
            after = page.next_cursor


class Movements(OpenItems):
    """Lines of the customers' accounts, the oldest first."""

    id = "movements"
    kind = Kind.MOVEMENTS

    def title(self, _: Translate) -> str:
        return _("Movements of accounts")
