"""Dry run: what a rule would do with the last events of its kind. Writes nothing, and sees no more than the person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.contacts.finding.selection import visible_contacts
from crm_mail.contacts.models import Contact
from crm_mail.events.conditions import Condition, first_unmet, read_conditions
from crm_mail.events.handling import judge
from crm_mail.events.history import shows_data
from crm_mail.events.kinds import Target
from crm_mail.events.models import EventRule, InboundEvent
from crm_mail.events.resolving import Resolved
from crm_mail.events.values import fields_of
from crm_mail.permissions import Actor

MOST = 50


@dataclass(frozen=True, slots=True)
class TrialLine:
    """What would become of one event.

    Args:
        unmet: the condition that does not hold, with what was found.
        reason: why nobody would be written to (`words.reason_words`).
        readers: names and addresses of whoever would be.
        hidden: how many of them the person may not see.
        document: number of the stored document that would be sent.
    """

    event: InboundEvent
    unmet: Condition | None = None
    found: str = ""
    reason: str = ""
    party: str = ""
    readers: tuple[str, ...] = ()
    hidden: int = 0
    document: str = ""

    @property
    def acts(self) -> bool:
        """Whether anything would be done."""
        return self.unmet is None and not self.reason


def try_rule(session: Session, actor: Actor, rule: EventRule) -> list[TrialLine]:
    """The last events of the rule's kind, the newest first, and what the rule would do with each.

    Args:
        rule: saved, or only filled in.
    """
    query = select(InboundEvent).where(
        InboundEvent.company_id == rule.company_id, InboundEvent.kind == rule.kind
    )
    events = session.scalars(query.order_by(InboundEvent.id.desc()).limit(MOST)).all()
    conditions = read_conditions(rule.conditions)
    unmet = {one.id: first_unmet(conditions, fields_of(one.data)) for one in events}
    met = [one for one in events if unmet[one.id] is None]
    found = {one.event_id: one for one in judge(session, actor, rule, met)}
    names = _names(session, actor, rule, list(found.values()))
    lines = [_line(one, unmet[one.id], found.get(one.id), rule, names) for one in events]
    return lines if shows_data(actor, rule.company_id) else [replace(line, found="") for line in lines]


def _names(session: Session, actor: Actor, rule: EventRule, found: Sequence[Resolved]) -> dict[int, str]:
    """Contacts that the person may see, with their first address."""
    ids = {reader.contact_id for one in found for reader in one.readers if reader.contact_id is not None}
    query = select(Contact).where(Contact.id.in_(ids), visible_contacts(actor.sight))
    ways = {one.id: (one.name, _ways(rule, one)) for one in session.scalars(query)}
    return {id_: f"{name} <{way}>" if way else name for id_, (name, way) in ways.items()}


def _ways(rule: EventRule, contact: Contact) -> str:
    """By which address and number a contact would be reached."""
    email = contact.addresses[0].email if rule.channel.sends_mail and contact.addresses else ""
    number = (contact.mobile or contact.phone) if rule.channel.sends_text else ""
    return ", ".join(one for one in (email, number) if one)


def _line(
    event: InboundEvent,
    unmet: Condition | None,
    found: Resolved | None,
    rule: EventRule,
    names: dict[int, str],
) -> TrialLine:
    if unmet is not None or found is None:
        value = str(fields_of(event.data)[unmet.field])[:80] if unmet else ""
        return TrialLine(event, unmet, value)
    if rule.target is Target.STAFF:
        return TrialLine(event, reason=found.reason, readers=tuple(rule.staff))
    party = found.party
    if party is None or found.reason:
        return TrialLine(event, reason=found.reason, party=party.name if party else "")
    own = party.billing_email or party.email
    readers, hidden = [], 0
    for reader in found.readers:
        name = names.get(reader.contact_id, "") if reader.contact_id else reader.address or own
        hidden += not name
        if name:
            readers.append(name)
    document = found.document.number if found.document else ""
    return TrialLine(event, None, "", "", party.name, tuple(readers), hidden, document)
