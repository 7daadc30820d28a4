"""The printed summary of a subject access (it/es/en): what is kept about the person, why, how long, and the rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.models import Contact
from crm_mail.db import now
from crm_mail.documents.printed_pages import build_page, print_page
from crm_mail.documents.rendering import RenderFailed
from crm_mail.privacy.footprint import Footprint
from crm_mail.privacy.register import register_of
from crm_mail.privacy.retention_rules import terms_of
from crm_mail.privacy.words import kept_words, retention_words
from crm_mail.web.translating import translator

LISTED = 2000


@dataclass(slots=True)
class PersonSummary:
    """Prints the summary in a language. ``problem``: why nothing could be printed on this machine."""

    language: str
    problem: str = ""

    def __call__(
        self, session: Session, footprint: Footprint, company: Company, rows: Mapping[str, Any], done: Any
    ) -> bytes:
        """The PDF; b"" when nothing can be printed."""
        translate = translator(self.language)
        contacts = list(
            session.scalars(select(Contact).where(Contact.id.in_(footprint.contact_ids)).order_by(Contact.id))
        )
        register = register_of(session, company, self.language)
        types = company_types(session, company.id)
        values = {
            "company": company,
            "about": footprint.label,
            "made_at": now(),
            "contacts": contacts,
            "parties": rows.get("parties", []),
            "messages": _messages(rows)[:LISTED],
            "unlisted": max(0, len(rows.get("messages", [])) - LISTED),
            "documents": rows.get("documents", [])[:LISTED],
            "done": done,
            "activities": register.activities,
            "officer": register.officer,
            "terms": [
                retention_words(term, translate, lambda type_id: types.label(type_id, self.language))
                for term in terms_of(session, company.id)
                if term.is_shown
            ],
            "law": kept_words(translate),
        }
        try:
            return print_page(build_page("person.html", values, translate, self.language, company.timezone))
        except RenderFailed as failed:
            self.problem = failed.reason
            return b""


def _messages(rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for row in rows.get("messages", []):
        sent = row["sent_at"]
        found.append(row | {"sent_at": datetime.fromisoformat(sent) if sent else None})
    return found
