"""What a mailing says: texts per language, checked and filled in for a recipient; the mark of everything it carries."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.recipients import Reached
from crm_mail.companies.models import Company
from crm_mail.document_types import TEXT_LANGUAGES
from crm_mail.documents.builtin_texts import CompiledMessage, MessageText, compile_message
from crm_mail.documents.context_fields import shared_context
from crm_mail.documents.message_context import SharedContext, build_context
from crm_mail.documents.texts import check_text, tidy_text
from crm_mail.outbox.composing.parts import UNSUBSCRIBE
from crm_mail.permissions import Actor

PARTS = ("subject", "body_text", "body_html")


def tidy(text: MessageText, language: str) -> dict[str, str]:
    """A text as it is kept: cleaned HTML, a plain body made from it where none was written.

    Raises:
        TextMissing, TextInvalid: as for the texts of document types.
    """
    clean = tidy_text(text)
    check_text(clean, "generic", language)
    return {"subject": clean.subject, "body_text": clean.body_text, "body_html": clean.body_html}


def language_for(wanted: str, kept: Mapping[str, Any], company_language: str) -> str:
    """The language in which a recipient is written to: its own, else the company's, else any that was written."""
    for language in (wanted, company_language, "en", *TEXT_LANGUAGES):
        if language in kept:
            return language
    return company_language


def mark_of(campaign: Campaign) -> str:
    """A mark of everything that a recipient gets, apart from who it is: a change asks for another test."""
    parts = {
        "texts": campaign.texts,
        "files": [[file.name, file.sha256, file.content_id] for file in campaign.files],
        "letter": [
            campaign.letter_kind,
            campaign.letter_as_pdf,
            campaign.letter_name,
            campaign.letter_sha256,
            campaign.letter_html,
        ],
        "type": [campaign.document_type, campaign.purpose],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class Texts:
    """The texts of a mailing, ready to be filled in for many."""

    compiled: dict[str, CompiledMessage]
    shared: SharedContext
    company_language: str

    @classmethod
    def of(cls, session: Session, actor: Actor, campaign: Campaign) -> "Texts":
        """Compile each language once. Raises `TemplateInvalid`: a text was kept that is not understood any more."""
        company = session.get_one(Company, campaign.company_id)
        compiled = {
            language: compile_message(MessageText(*(text[part] for part in PARTS)))
            for language, text in campaign.texts.items()
        }
        return cls(compiled, shared_context(session, company, actor), company.language)

    @property
    def names_details(self) -> bool:
        """Whether any text names a contact's address or roles."""
        parts = (
            part for text in self.compiled.values() for part in (text.subject, text.text, text.html) if part
        )
        return any(
            name.startswith(("contact.email", "contact.roles"))
            for part in parts
            for name in part.placeholders
        )

    def language(self, one: Reached) -> str:
        """The language in which this recipient is written to."""
        return language_for(one.language, self.compiled, self.company_language)

    def context(self, one: Reached) -> dict[str, Any]:
        """What texts and letters may name of this recipient."""
        return build_context(
            self.shared,
            one.party,  # type: ignore[arg-type]
            one.contact,  # type: ignore[arg-type]
            [],
            self.language(one),
            "",
            UNSUBSCRIBE,
        )

    def fill(self, one: Reached) -> tuple[str, str, str]:
        """Subject, text and HTML for one recipient. Raises `TemplateInvalid`."""
        message, context = self.compiled[self.language(one)], self.context(one)
        html = message.html.render(context) if message.html else ""
        return message.subject.render(context), message.text.render(context), html
