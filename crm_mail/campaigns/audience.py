"""What a mailing's audience comes to: how many, who may not be written to and why, and ten of them with reasons.

Counts are set-based and read the same conditions as preparing does; what only preparing knows (a text that cannot be
filled in) is not among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from crm_mail.campaigns.models import Campaign
from crm_mail.campaigns.recipients import Reached, contact_ids, filter_of, first_few, party_ids
from crm_mail.companies.models import Company
from crm_mail.companies.policies import policy_for
from crm_mail.contacts.consents.models import ConsentState
from crm_mail.contacts.consents.recording import may_receive
from crm_mail.contacts.consents.rules import ConsentChannel, Decision, Purpose
from crm_mail.contacts.models import Contact, ContactAddress, Party
from crm_mail.db import now
from crm_mail.delivery.suppression import reason_for
from crm_mail.outbox.composing.pressure import ADVERTISING, counted, pressure_of
from crm_mail.outbox.models import Message
from crm_mail.outbox.reasons import LeftOutReason
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor, Sight

SAMPLE = 10
ABOVE_CLEARANCE = "above_clearance"
SUPPRESSED = "suppressed"
NO_ADDRESS = "no_address"


@dataclass(frozen=True, slots=True)
class AudienceCounts:
    """``chosen``: contacts and firms that the filter means; ``excluded``: reason → how many of them."""

    chosen: int
    contacts: int
    parties: int
    excluded: dict[str, int] = field(default_factory=dict)

    @property
    def remaining(self) -> int:
        """About how many messages will be prepared: reasons may overlap, hence at least none."""
        inside = sum(count for reason, count in self.excluded.items() if reason != ABOVE_CLEARANCE)
        return max(0, self.chosen - inside)


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One of the chosen, and what of the filter it answers to. ``exclusion``: why it would receive nothing."""

    one: Reached
    reasons: tuple[tuple[str, str], ...]  # (argument of the filter, the card's own value)
    exclusion: str = ""


def purpose_of(session: Session, campaign: Campaign) -> str:
    """What recipients are asked for: what was chosen, else advertising where the company says so of the type."""
    policy = policy_for(session, campaign.company_id).get(campaign.document_type)
    asked = Purpose.COMMERCIAL.value if policy is not None and policy.asks_consent else ""
    return campaign.purpose or asked


def count_audience(session: Session, actor: Actor, campaign: Campaign) -> AudienceCounts:
    """Count the audience and who of it may not be written to; each contact counts for its first reason."""
    company = session.get_one(Company, campaign.company_id)
    meant = Contact.id.in_(contact_ids(campaign, actor.sight))
    exclusions = _exclusions(session, company, campaign)
    by_reason = _by_first_reason(session, meant, exclusions)
    contacts = sum(by_reason.values())
    parties = _count(session, party_ids(campaign, actor.sight)) if campaign.with_parties else 0
    excluded = {ABOVE_CLEARANCE: _above(session, actor, campaign, contacts)}
    excluded |= {reason: by_reason.get(reason, 0) for reason, _condition in exclusions}
    left = and_(meant, *(~condition for _reason, condition in exclusions))
    excluded[LeftOutReason.DUPLICATE.value] = (
        _duplicates(session, left) if purpose_of(session, campaign) else 0
    )
    shown = {reason: count for reason, count in excluded.items() if count}
    return AudienceCounts(contacts + parties, contacts, parties, shown)


def _by_first_reason(
    session: Session, meant: ColumnElement[bool], exclusions: Sequence[tuple[str, ColumnElement[bool]]]
) -> dict[str, int]:
    """Contacts by the first reason that keeps them from receiving, empty for those who receive; in one statement."""
    first = case(*((condition, literal(reason)) for reason, condition in exclusions), else_=literal(""))
    found = select(first.label("reason")).where(meant).subquery()
    counted = select(found.c.reason, func.count()).group_by(found.c.reason)
    return {reason: count for reason, count in session.execute(counted)}


def _above(session: Session, actor: Actor, campaign: Campaign, contacts: int) -> int:
    """Contacts that only a colleague with a higher clearance sees."""
    if actor.clearance >= HIGHEST_CLEARANCE:
        return 0
    everybody = Sight(HIGHEST_CLEARANCE, actor.agents, actor.zones)
    return _count(session, contact_ids(campaign, everybody)) - contacts


def _count(session: Session, ids: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0


def _exclusions(
    session: Session, company: Company, campaign: Campaign
) -> Sequence[tuple[str, ColumnElement[bool]]]:
    """Why contacts receive nothing, in the order in which preparing asks."""
    has_address = exists().where(ContactAddress.contact_id == Contact.id)
    fit = exists().where(
        ContactAddress.contact_id == Contact.id,
        reason_for(Contact.company_id, ContactAddress.email).is_(None),
    )
    blocked = exists().where(Party.id == Contact.party_id, Party.is_blocked.is_(True))
    found: list[tuple[str, ColumnElement[bool]]] = [
        (LeftOutReason.PARTY_BLOCKED.value, blocked),
        (NO_ADDRESS, ~has_address),
    ]
    purpose = purpose_of(session, campaign)
    if purpose:
        withdrawn = exists().where(
            ConsentState.contact_id == Contact.id,
            ConsentState.purpose == purpose,
            ConsentState.channel == ConsentChannel.EMAIL,
            ConsentState.decision == Decision.WITHDRAWN,
        )
        allowed = may_receive(company, Purpose(purpose), ConsentChannel.EMAIL)
        found += [
            (LeftOutReason.CONSENT_WITHDRAWN.value, withdrawn),
            (LeftOutReason.NO_CONSENT.value, ~allowed),
        ]
        cap = pressure_of(company)
        if cap is not None and purpose == ADVERTISING:
            had = (
                select(func.count())
                .where(Message.contact_id == Contact.id, *counted(now() - timedelta(days=cap.days)))
                .correlate(Contact)
                .scalar_subquery()
            )
            found.append((LeftOutReason.PRESSURE_CAP.value, had >= cap.messages))
    return [*found, (SUPPRESSED, ~fit)]


def _duplicates(session: Session, left: ColumnElement[bool]) -> int:
    """How many of those who remain have an address that somebody before them has (their first one)."""
    address, other = aliased(ContactAddress), aliased(ContactAddress)
    earlier = exists().where(other.contact_id == address.contact_id, other.position < address.position)
    query = select(func.count(), func.count(func.lower(address.email).distinct())).where(
        address.contact_id.in_(select(Contact.id).where(left)), ~earlier
    )
    total, distinct = session.execute(query).one()
    return max(0, total - distinct)


def sample_audience(session: Session, actor: Actor, campaign: Campaign) -> list[SampleRow]:
    """The first ten of the audience, each with what it answers to, and what would keep it from receiving."""
    rows = first_few(session, campaign, actor.sight, SAMPLE)
    company = session.get_one(Company, campaign.company_id)
    ids = [one.contact_id for one in rows if one.contact_id is not None]
    excluded: dict[int, str] = {}
    for reason, condition in _exclusions(session, company, campaign):
        for id_ in session.scalars(select(Contact.id).where(Contact.id.in_(ids), condition)):
            excluded.setdefault(id_, reason)
    asked = filter_of(campaign).to_arguments()
    return [
        SampleRow(one, _reasons(one, asked, company.language), excluded.get(one.contact_id or 0, ""))
        for one in rows
    ]


_OF_PARTY = {"agent": "agent", "zone": "zone", "city": "city", "province": "province", "category": "category"}


def _reasons(one: Reached, asked: Sequence[tuple[str, str]], language: str) -> tuple[tuple[str, str], ...]:
    """What of the filter this recipient answers to, with its own values where the card shows one."""
    found: dict[str, str] = {}
    bought = [(argument, value) for argument, value in asked if argument == "purchase"]
    for argument, value in asked:
        if argument == "purchase":
            continue
        if argument in _OF_PARTY:
            found[argument] = str(one.party[_OF_PARTY[argument]])
        elif argument == "role" and one.contact is not None:
            found[argument] = one.contact["roles"]
        elif argument == "language":
            found[argument] = one.language or language
        elif argument in ("code_from", "code_to", "code"):
            found["code"] = str(one.party["code"])
        else:
            found[argument] = f"{found[argument]}, {value}" if argument in found else value
    return (*found.items(), *bought)
