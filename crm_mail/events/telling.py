"""Telling the office's own people: a staff notice, which leaves beside the outbox (`delivery.staff_mail`).

What came together is one mail to each address. The mark that it is leaving is committed before the mail leaves: a
worker that dies in between leaves a mark that the history shows, and nobody is written to twice.
"""

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.delivery import limits, staff_mail
from crm_mail.documents.context_fields import shared_context
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.events.composing import choose_language, write_text
from crm_mail.events.models import ActionState, EventAction, EventRule, InboundEvent
from crm_mail.events.resolving import resolve
from crm_mail.events.rules import require_rule, texts_of
from crm_mail.events.values import fields_of
from crm_mail.installation import Installation
from crm_mail.permissions import PermissionDenied
from crm_mail.users.actors import build_actor

log = logging.getLogger(__name__)

MOST_TOGETHER = 100
"""Events that one mail tells of."""


def tell_staff(home: Installation, rule_id: int) -> int:
    """Write to a rule's addresses of what waits for it; how many events were dealt with."""
    with home.database.write() as session:
        rule = session.get_one(EventRule, rule_id)
        query = select(EventAction).where(
            EventAction.rule_id == rule_id, EventAction.state == ActionState.PENDING
        )
        actions = session.scalars(
            query.order_by(EventAction.id).limit(MOST_TOGETHER).with_for_update(skip_locked=True)
        ).all()
        mails, posts = _write(session, home, rule, actions)
        ids = [one.id for one in actions if one.state is ActionState.TELLING]
        count = len(actions)
    if not ids:
        return count
    sent, problem = 0, ""
    for mail in mails:
        outcome, account_id = staff_mail.deliver(mail, posts)
        if outcome.is_sent:
            sent += 1
            with home.database.write() as session:
                limits.record_usage(session, account_id, now(), 1)
        else:
            problem = f"{mail.to}: {outcome.detail}"[:500]
            log.error("A notice of events was not delivered to %s: %s", mail.to, outcome.detail)
    found: dict[str, Any] = {"state": ActionState.TOLD, "reason": "", "detail": {"count": sent}}
    if problem:
        found = {"state": ActionState.FAILED, "reason": "not_delivered", "detail": {"why": problem}}
    with home.database.write() as session:
        session.execute(update(EventAction).where(EventAction.id.in_(ids)).values(at=now(), **found))
    return count


def _write(
    session: Session, home: Installation, rule: EventRule, actions: Sequence[EventAction]
) -> tuple[list[staff_mail.StaffMail], list[staff_mail.Post]]:
    """The mails to be sent; each action gets its state."""
    owner = rule.owner
    if not owner.is_active:
        _all(actions, ActionState.REFUSED, "owner_inactive", {"owner": owner.name})
        return [], []
    actor = build_actor(session, owner)
    try:
        require_rule(actor, rule)
    except PermissionDenied as denied:
        _all(actions, ActionState.REFUSED, "right_missing", {"right": denied.permission.value})
        return [], []
    company = session.get_one(Company, rule.company_id)
    shared, written = shared_context(session, company, actor), []
    language = choose_language(texts_of(rule), company.language, company.language)
    ids = [one.event_id for one in actions]
    events = session.execute(select(InboundEvent.id, InboundEvent.data).where(InboundEvent.id.in_(ids)))
    given = [(id_, fields_of(data)) for id_, data in events]
    found = {one.event_id: one for one in resolve(session, actor, rule, given)}
    for action in actions:
        one = found[action.event_id]
        if one.reason:
            _all([action], ActionState.NOTHING, one.reason)
            continue
        try:
            written.append(write_text(rule, shared, one.fields, language))
            _all([action], ActionState.TELLING)
        except TemplateInvalid as invalid:
            _all([action], ActionState.FAILED, "text", {"why": str(invalid)[:500]})
    if not written:
        return [], []
    subject, body = written[0]
    if len(written) > 1:
        subject = f"{rule.name} ({len(written)})"
        body = "\n\n".join(f"{title}\n{'-' * len(title)}\n{text.strip()}" for title, text in written) + "\n"
    readers = [company.test_address] if company.test_address else rule.staff
    mails = [staff_mail.StaffMail(reader, language, subject, body) for reader in dict.fromkeys(readers)]
    return mails, staff_mail.posts_of(session, company.id, company.name, home)


def _all(
    actions: Sequence[EventAction], state: ActionState, reason: str = "", detail: dict[str, Any] | None = None
) -> None:
    for action in actions:
        action.state, action.reason, action.detail, action.at = state, reason, detail or {}, now()
