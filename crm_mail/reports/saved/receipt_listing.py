"""Receipts, bounces and answers as a listing."""

from collections.abc import Iterator, Sequence

from crm_mail.evidence.item_words import kind_words, receipt_words
from crm_mail.evidence.listing import ItemFilter, list_items
from crm_mail.evidence.models import ItemKind
from crm_mail.reports.saved.listings import AT_ONCE, Scene
from crm_mail.reports.saved.outbox_listings import OfOutbox
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.words import Translate


class CameBack(OfOutbox):
    """Receipts, bounces and answers that were taken in, the newest first."""

    id = "receipts"

    def title(self, _: Translate) -> str:
        return _("Receipts and mail that came back")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("taken_at", _("Taken in"), CellKind.MOMENT),
            Column("kind", _("Kind")),
            Column("run", _("Run"), CellKind.NUMBER),
            Column("party_code", _("Party code")),
            Column("party", _("Party")),
            Column("recipient", _("Recipient")),
            Column("status", _("Status")),
            Column("detail", _("What the other side says")),
        )

    def date_title(self, _: Translate) -> str:
        return _("Day on which it was taken in")

    def choice_title(self, _: Translate) -> str:
        return _("Kind")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        return [(one.value, kind_words(one, scene.translate)) for one in ItemKind]

    def rows(self, scene: Scene) -> Iterator[Row]:
        first, last = scene.moments
        before: int | None = None
        chosen = ItemFilter(scene.filters.choice)
        while True:
            found = list_items(scene.session, scene.actor, scene.company.id, chosen, before, AT_ONCE)
            for item, message in found:
                if last and item.taken_at >= last:
                    continue
                if first and item.taken_at < first:
                    return  # ids grow with time
                words = (
                    receipt_words(item.receipt_type, False, scene.translate)
                    if item.receipt_type
                    else kind_words(item.kind, scene.translate)
                )
                yield (
                    item.taken_at,
                    words,
                    message.run_id if message else None,
                    message.party_code if message else "",
                    message.party_name if message else "",
                    item.recipient,
                    item.status,
                    item.detail,
                )
            if len(found) < AT_ONCE:
                return
            before = found[-1][0].id
