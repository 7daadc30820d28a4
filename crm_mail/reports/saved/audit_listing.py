"""The audit as a listing."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from crm_mail.audit import AuditEvent
from crm_mail.permissions import Actor, Permission
from crm_mail.reports.audit_details import flatten
from crm_mail.reports.audit_page import AuditFilter, read_audit
from crm_mail.reports.audit_words import action_label, known_actions, object_name
from crm_mail.reports.languages import words_in
from crm_mail.reports.saved.listings import AT_ONCE, Listing, Scene
from crm_mail.reports.saved.tables import CellKind, Column, Row
from crm_mail.words import Translate


class AuditLines(Listing):
    """Who did what and when in the company, the newest first."""

    id = "audit"
    has_text = True

    def title(self, _: Translate) -> str:
        return _("Audit")

    def columns(self, _: Translate) -> Sequence[Column]:
        return (
            Column("at", _("When"), CellKind.MOMENT),
            Column("who", _("Who")),
            Column("action", _("Action")),
            Column("object", _("Object")),
            Column("details", _("Details")),
        )

    def date_title(self, _: Translate) -> str:
        return _("When")

    def choice_title(self, _: Translate) -> str:
        return _("Action")

    def choices(self, scene: Scene) -> Sequence[tuple[str, str]]:
        with words_in(scene.language):
            return known_actions()

    def require(self, actor: Actor, company_id: int) -> None:
        actor.require(Permission.AUDIT_EXPORT, company_id)

    def rows(self, scene: Scene) -> Iterator[Row]:
        wanted = AuditFilter(None, scene.filters.choice, *scene.days, scene.filters.text)
        zone = ZoneInfo(scene.company.timezone)
        after: int | None = None
        while True:
            page = read_audit(scene.session, scene.actor, wanted, zone, after=after, size=AT_ONCE)
            for event in page.events:
                if event.company_id in (None, scene.company.id):
                    yield _audit_row(event, scene.language, zone)
            if page.next_cursor is None:
                return
            after = page.next_cursor


def _audit_row(event: AuditEvent, language: str, zone: ZoneInfo) -> Row:
    with words_in(language, zone):
        details = (": ".join(part for part in pair if part) for pair in flatten(event.detail or {}))
        return (
            event.at,
            event.actor_name,
            action_label(event.action),
            object_name(event.object_label),
            "; ".join(details),
        )
