"""What a segment comes to at this moment: customers, contacts, and who of them would receive advertising."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.campaigns.audience import AudienceCounts, count_audience
from crm_mail.campaigns.models import Campaign
from crm_mail.contacts.consents.rules import Purpose
from crm_mail.contacts.finding.counting import count_found
from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.contacts.models import SavedFilter
from crm_mail.db import now
from crm_mail.document_types import DocumentType
from crm_mail.permissions import Actor


@dataclass(frozen=True, slots=True)
class SegmentFigures:
    """``parties``: customers and suppliers; ``audience``: as a mailing of advertising would count it."""

    parties: int
    audience: AudienceCounts
    computed_at: datetime


def count_segment(session: Session, actor: Actor, chosen: PartyFilter) -> SegmentFigures:
    """Count a segment for a person, as far as the person sees."""
    tried = Campaign(
        company_id=chosen.company_id,
        document_type=DocumentType.GENERIC.value,
        purpose=Purpose.COMMERCIAL.value,
        audience=chosen.to_dict(),
        only_subscribed=False,
        with_parties=False,
    )
    return SegmentFigures(
        count_found(session, chosen, actor.sight)[0], count_audience(session, actor, tried), now()
    )


def name_of(saved: Sequence[SavedFilter], audience: Mapping[str, Any]) -> str:
    """The name of the segment that an audience is exactly; empty when it is none."""
    return next((one.name for one in saved if one.filter == audience), "")
