"""The text of a notice of changes: who, when, what, before and after, in words (GA-6).

It is read from the audit at the moment of sending: what an erasure took out is not in it, and neither is what its
owner may not read. A contact above the rule's level is told of without its name, and nothing of what was changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from crm_mail.audit import AuditEvent
from crm_mail.audit_chain import AuditSeal
from crm_mail.audit_redactions import hide_redacted
from crm_mail.permissions import Actor
from crm_mail.reports.audit_details import flatten
from crm_mail.reports.audit_fields import field_label
from crm_mail.reports.audit_sight import lines_in_sight, lines_of_level
from crm_mail.reports.audit_words import action_label, known_actions, object_name
from crm_mail.reports.changes.kinds import ChangeKind, ChangeWay, actions_of, classify
from crm_mail.reports.changes.models import ChangeRule
from crm_mail.reports.languages import gettext as _
from crm_mail.reports.languages import words_in

LISTED = 200
"""Lines that a notice tells one by one; more are only counted."""
OWN = "reports.change_notice."


@dataclass(frozen=True, slots=True)
class Notice:
    """What one mail says."""

    subject: str
    text: str
    count: int


def wanted_lines(rule: ChangeRule, reader: Actor, after: int, to: int) -> list[ColumnElement[bool]]:
    """The conditions of the lines of the audit that a rule tells of, by the positions of their seals."""
    actions = actions_of((one for one, _words in known_actions()), rule.kinds, rule.ways)
    return [
        AuditSeal.position > after,
        AuditSeal.position <= to,
        AuditEvent.id == AuditSeal.event_id,
        AuditEvent.action.in_(actions),
        ~AuditEvent.action.startswith(OWN, autoescape=True),
        or_(AuditEvent.company_id == rule.company_id, AuditEvent.company_id.is_(None)),
        *lines_in_sight(reader),
    ]


def write_notice(
    session: Session, rule: ChangeRule, reader: Actor, after: int, to: int, audit_url: str
) -> Notice | None:
    """The notice of the lines between two positions; None: nothing is left to tell."""
    wanted = wanted_lines(rule, reader, after, to)
    totals = session.execute(
        select(AuditEvent.action, func.count()).where(*wanted).group_by(AuditEvent.action)
    ).all()
    count = sum(number for _action, number in totals)
    if not count:
        return None
    is_plain = and_(*lines_of_level(min(rule.clearance, reader.sight.clearance)))
    query = select(AuditEvent, is_plain).where(*wanted).order_by(AuditSeal.position).limit(LISTED)
    found = [(event, bool(plain)) for event, plain in session.execute(query)]
    hide_redacted(session, [event for event, _plain in found])
    zone = ZoneInfo(rule.company.timezone)
    with words_in(rule.language, zone):
        parts = [_("Changes at %(company)s, told by CRM Mail.", company=rule.company.name)]
        if count > 1:
            parts.append(_totals(totals))
        parts += [_told(event, plain, zone, rule.language) for event, plain in found]
        if count > len(found):
            parts.append(_("%(count)s more are not listed here.", count=count - len(found)))
        parts.append(_("The audit shows all of them: %(url)s", url=audit_url))
        subject = _(
            "%(company)s: %(rule)s (%(count)s)", company=rule.company.name, rule=rule.name, count=count
        )
    return Notice(subject, "\n\n".join(parts) + "\n", count)


def _totals(totals: Sequence[Any]) -> str:
    ordered = sorted(totals, key=lambda one: (-one[1], one[0]))
    return "\n".join(f"{action_label(action)}: {number}" for action, number in ordered)


def _told(event: AuditEvent, is_plain: bool, zone: ZoneInfo, language: str) -> str:
    head = " · ".join(part for part in (_moment(event.at, zone, language), event.actor_name) if part)
    if not is_plain:
        return f"{head}\n{_hidden(event)}"
    name = object_name(event.object_label)
    what = f"{action_label(event.action)}: {name}" if name else action_label(event.action)
    return "\n".join([head, what, *_details(event.detail or {})])


def _moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    return str(format_datetime(at, "short", tzinfo=zone, locale=language))


def _hidden(event: AuditEvent) -> str:
    told = classify(event.action)
    if told is None or told[0] is not ChangeKind.CONTACTS:
        return _("Something that belongs to a confidential contact was changed")
    return {
        ChangeWay.ADDED: _("A confidential contact was added"),
        ChangeWay.CHANGED: _("A confidential contact was changed"),
        ChangeWay.DELETED: _("A confidential contact was deleted"),
    }[told[1]]


def _details(detail: Mapping[str, Any]) -> list[str]:
    return [f"  {field_label(name)}: {value}" if name else f"  {value}" for name, value in flatten(detail)]
