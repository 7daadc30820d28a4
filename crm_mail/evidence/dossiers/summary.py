"""The printable summary of a dossier: what was sent, what is proven, and how each proof was checked (it/es/en)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crm_mail.companies.models import Company
from crm_mail.delivery.pec.verdict import Verification
from crm_mail.documents.printed_pages import build_page, print_page
from crm_mail.documents.rendering import RenderFailed
from crm_mail.evidence.dossiers.building import Built, MessageFacts
from crm_mail.evidence.item_words import kind_words, receipt_words
from crm_mail.evidence.models import MailItem
from crm_mail.evidence.timeline_words import conflict_words, headline, step_told
from crm_mail.evidence.verification_words import content_words, step_title, step_words, trust_words
from crm_mail.web.translating import translator
from crm_mail.words import Translate

DETAILED = 50
"""Messages that are shown with all their receipts; the others have a line each, up to `LISTED`."""
LISTED = 2000


@dataclass(slots=True)
class PrintedSummary:
    """Gathers the messages of a dossier and prints them. ``problem``: why nothing could be printed."""

    language: str
    problem: str = ""
    _detailed: list[dict[str, Any]] = field(default_factory=list)
    _listed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, facts: MessageFacts) -> None:
        """Take in one message."""
        if len(self._detailed) < DETAILED:
            self._detailed.append(self._details(facts))
        elif len(self._listed) < LISTED:
            self._listed.append(_line(facts))

    def finish(self, company: Company, built: Built, moment: datetime) -> bytes:
        """The PDF; b"" when nothing can be printed on this machine."""
        values = {
            "company": company,
            "built": built,
            "made_at": moment,
            "detailed": self._detailed,
            "listed": self._listed,
            "unlisted": built.messages - len(self._detailed) - len(self._listed),
        }
        translate = translator(self.language)
        try:
            return print_page(build_page("dossier.html", values, translate, self.language, company.timezone))
        except RenderFailed as failed:
            self.problem = failed.reason
            return b""

    def _details(self, facts: MessageFacts) -> dict[str, Any]:
        translate = translator(self.language)
        receipts = []
        for (item, verification), kept in zip(facts.items, facts.facts["evidence"], strict=True):
            content = kept.get("content") or {}
            receipts.append(
                {
                    "item": item,
                    "name": kept["path"],
                    "title": receipt_words(
                        item.receipt_type, bool((item.facts or {}).get("is_final")), translate
                    )
                    if item.receipt_type
                    else kind_words(item.kind, translate),
                    "trust": trust_words(verification.trust.value, translate) if verification else None,
                    "is_trusted": verification is not None and verification.trust.is_trusted,
                    "signer": verification.signer if verification else "",
                    "steps": [
                        (
                            step_title(step.name.value, translate),
                            step.is_ok,
                            step_words(step.code, step.detail, translate),
                        )
                        for step in verification.steps
                    ]
                    if verification
                    else [],
                    "content": [
                        (one["name"], content_words(one["match"], translate))
                        for one in content.get("attachments", [])
                    ],
                }
            )
        known, zone = facts.evidence, ZoneInfo(facts.timezone)
        return _line(facts) | {
            "facts": facts.facts,
            "receipts": receipts,
            "headline": headline(known.proof, facts.message.to_address, known.story.is_pec, zone, translate),
            "conflict": conflict_words(known.row.conflict, translate) if known.row else "",
            "timeline": [step_told(step, zone, translate).text for step in known.steps],
        }


def _steps(verification: Verification | None, translate: Translate) -> list[tuple[str, bool | None, str]]:
    return [
        (
            step_title(step.name.value, translate),
            step.is_ok,
            step_words(step.code, step.detail, translate),
        )
        for step in (verification.steps if verification else ())
    ]


def _line(facts: MessageFacts) -> dict[str, Any]:
    message = facts.message
    return {
        "folder": facts.folder,
        "message": message,
        "accepted_at": _first(facts.items, "accettazione"),
        "delivered_at": _first(facts.items, "avvenuta-consegna"),
    }


def _first(items: list[tuple[MailItem, Any]], kind: str) -> datetime | None:
    """The earliest moment that a trusted receipt of this kind certifies."""
    found = [
        item.occurred_at
        for item, verification in items
        if item.receipt_type == kind and item.occurred_at and verification and verification.trust.is_trusted
    ]
    return min(found, default=None)
