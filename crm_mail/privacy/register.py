"""The register of processing activities (art. 30 GDPR): prefilled with what the product does, edited by the company."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.permissions import Actor, Permission
from crm_mail.privacy.models import ProcessingRegister
from crm_mail.privacy.register_words import prefilled
from crm_mail.web.translating import translator

FIELDS = ("name", "purpose", "basis", "subjects", "kinds", "recipients", "transfers", "retention", "security")
"""Of each activity: art. 30.1 (b) to (g), and the legal basis (art. 6), which a register does well to hold."""
MOST_ACTIVITIES = 50


@dataclass(frozen=True, slots=True)
class Register:
    """``is_kept``: somebody has read and saved it; else it is only what the product proposes."""

    controller: str = ""
    representative: str = ""
    officer: str = ""
    activities: list[dict[str, str]] = field(default_factory=list)
    is_kept: bool = False


def register_of(session: Session, company: Company, language: str) -> Register:
    """The register of a company, or the proposal in a language."""
    kept = session.get(ProcessingRegister, company.id)
    if kept is not None:
        return Register(
            kept.controller, kept.representative, kept.officer, [dict(one) for one in kept.activities], True
        )
    place = " ".join(part for part in (company.postcode, company.city) if part)
    lines = (company.name, company.vat_number, company.address, place, company.email, company.phone)
    controller = "\n".join(line for line in lines if line)
    return Register(controller, activities=prefilled(translator(language)))


def save_register(session: Session, actor: Actor, company: Company, wanted: Register) -> None:
    """Keep the register; activities without a name are dropped.

    Raises:
        PermissionDenied: the right to manage privacy is missing.
    """
    actor.require(Permission.PRIVACY_MANAGE)
    kept = session.get(ProcessingRegister, company.id)
    if kept is None:
        kept = ProcessingRegister(company_id=company.id)
        session.add(kept)
    named = [_clean(one) for one in wanted.activities if one.get("name", "").strip()][:MOST_ACTIVITIES]
    kept.controller, kept.representative = wanted.controller.strip(), wanted.representative.strip()
    kept.officer, kept.activities, kept.updated_at = wanted.officer.strip(), named, now()
    audit.record(
        session,
        actor,
        "privacy.register.saved",
        company_id=company.id,
        subject=company,
        label=company.code,
        activities=[one["name"] for one in named],
    )


def _clean(activity: Mapping[str, str]) -> dict[str, str]:
    return {name: activity.get(name, "").strip() for name in FIELDS}
