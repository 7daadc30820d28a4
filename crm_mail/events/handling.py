"""Handling: the worker shows new events to the rules, has runs made of what they say, and follows those runs.

Three steps, each in transactions of its own, each safe to be repeated by any number of workers:

1. `see_events`: a batch of waiting events is locked, compared with the rules that are on, and marked as seen, in one
   transaction. (event, rule) is unique, so the same event acts once.
2. `act`: what waits for one rule becomes one run (a thousand events are not a thousand runs), together with the mark
   that it did. Notices to the staff leave by `events.telling`.
3. `follow`: a prepared run is committed by the rule's standing authorisation, or waits for a person.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.db import now
from crm_mail.documents.context_fields import shared_context
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.events.composing import COMPOSER, write_sms, write_text
from crm_mail.events.conditions import first_unmet, read_conditions
from crm_mail.events.kinds import Target
from crm_mail.events.models import ActionState, EventAction, EventRule, EventState, InboundEvent
from crm_mail.events.owner_notice import tell_owner
from crm_mail.events.resolving import Resolved, resolve
from crm_mail.events.rules import require_rule, sms_texts_of, texts_of
from crm_mail.events.telling import tell_staff
from crm_mail.events.values import fields_of
from crm_mail.installation import Installation
from crm_mail.many_rows import chunks, insert_many
from crm_mail.outbox.composing.compose import create_composed_run
from crm_mail.outbox.composing.parts import Composition, Origin, is_composed
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.preparing.prepare import create_run, criteria_for_documents
from crm_mail.outbox.sending.control import cancel_run
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.outbox.standing.service import commit_by_standing
from crm_mail.outbox.states import RunState
from crm_mail.outbox.tasks import fill_one_run
from crm_mail.permissions import INSTALLATION, Actor, PermissionDenied
from crm_mail.refusals import Refusal
from crm_mail.users.actors import build_actor
from crm_mail.users.models import User

log = logging.getLogger(__name__)

AT_ONCE = 500
MOST_PER_RUN = 5000
_FAULTS = frozenset({"text", "no_document"})
"""Reasons that somebody must look at; the others say that there was nobody to write to."""


def tend(home: Installation) -> None:
    """For the worker's sweep: see, act, follow. Never raises."""
    try:
        while see_events(home):
            pass
        while act(home):
            pass
        follow(home)
    except Exception:  # an error here must not stop the sending
        log.exception("The events could not be looked at; the next sweep tries again.")


# Seeing


def see_events(home: Installation) -> int:
    """Show a batch of waiting events to the rules; how many there were."""
    waiting = select(InboundEvent.id).where(InboundEvent.state == EventState.WAITING)
    with home.database.read() as session:
        if session.scalar(waiting.limit(1)) is None:  # an idle worker writes nothing
            return 0
    with home.database.write() as session:
        query = select(InboundEvent).where(InboundEvent.state == EventState.WAITING)
        events = session.scalars(
            query.order_by(InboundEvent.id).limit(AT_ONCE).with_for_update(skip_locked=True)
        ).all()
        if not events:
            return 0
        rules = _rules_of(session, {(one.company_id, one.kind) for one in events})
        moment = now()
        rows = [
            {"event_id": one.id, "rule_id": rule.id, "at": moment, **_judged(rule, one)}
            for one in events
            for rule in rules.get((one.company_id, one.kind), ())
        ]
        insert_many(session, EventAction, rows)
        ids = [one.id for one in events]
        session.execute(
            update(InboundEvent)
            .where(InboundEvent.id.in_(ids))
            .values(state=EventState.DONE)
            .execution_options(synchronize_session=False)
        )
        return len(ids)


def _rules_of(session: Session, kinds: set[tuple[int, str]]) -> dict[tuple[int, str], list[EventRule]]:
    """The rules that are on, by company and kind."""
    found: dict[tuple[int, str], list[EventRule]] = defaultdict(list)
    query = select(EventRule).where(
        EventRule.is_on,
        EventRule.removed_at.is_(None),
        EventRule.company_id.in_({company_id for company_id, _kind in kinds}),
        EventRule.kind.in_({kind for _company, kind in kinds}),
    )
    for rule in session.scalars(query.order_by(EventRule.id)):
        found[rule.company_id, rule.kind].append(rule)
    return found


def _judged(rule: EventRule, event: InboundEvent) -> dict[str, Any]:
    fields = fields_of(event.data)
    unmet = first_unmet(read_conditions(rule.conditions), fields)
    if unmet is None:
        return {"state": ActionState.PENDING, "reason": "", "detail": {}}
    detail = {"condition": unmet.to_list(), "found": str(fields[unmet.field])[:200]}
    return {"state": ActionState.SKIPPED, "reason": "condition", "detail": detail}


# Acting


def act(home: Installation) -> bool:
    """Do what waits for one rule; whether there was anything."""
    query = select(EventAction.rule_id).where(EventAction.state == ActionState.PENDING)
    with home.database.read() as session:
        rule_id = session.scalar(query.limit(1))
        if rule_id is None:
            return False
        target = session.get_one(EventRule, rule_id).target
    if target is Target.STAFF:
        return tell_staff(home, rule_id) > 0
    with home.database.write() as session:
        rule = session.get_one(EventRule, rule_id)
        actions = _pending(session, rule)
        if not actions:  # another worker is at them
            return False
        try:
            with session.begin_nested():
                _begin(session, rule, actions)
        except DBAPIError:
            raise
        except Exception as error:  # whatever it is, the owner must see it
            if not isinstance(error, Refusal):
                log.exception("The rule %s for events failed.", rule_id)
            for action in actions:
                _settle(action, *_outcome_of(error))
    return True


def _pending(session: Session, rule: EventRule) -> Sequence[EventAction]:
    most = MOST_PER_RUN
    standing = session.get(StandingAuthorisation, rule.authorisation_id or 0)
    if standing is not None:
        most = max(1, min(most, standing.most_per_run))
    query = select(EventAction).where(
        EventAction.rule_id == rule.id, EventAction.state == ActionState.PENDING
    )
    return session.scalars(query.order_by(EventAction.id).limit(most).with_for_update(skip_locked=True)).all()


def _outcome_of(error: Exception) -> tuple[ActionState, str, dict[str, Any]]:
    if isinstance(error, PermissionDenied):
        return ActionState.REFUSED, "right_missing", {"right": error.permission.value}
    why = str(error)[:500] if isinstance(error, Refusal) else type(error).__name__
    return ActionState.FAILED, "refused", {"why": why}


def _settle(
    action: EventAction, state: ActionState, reason: str = "", detail: dict[str, Any] | None = None
) -> None:
    action.state, action.reason, action.detail, action.at = state, reason, detail or {}, now()


def owner_of(session: Session, rule: EventRule) -> Actor | None:
    """The owner with the rights of this moment; None: the person is no longer active."""
    owner = session.get_one(User, rule.owner_id)
    return build_actor(session, owner) if owner.is_active else None


def _begin(session: Session, rule: EventRule, actions: Sequence[EventAction]) -> None:
    """The rows of the runs, and in which of them each event is: both or none."""
    actor = owner_of(session, rule)
    if actor is None:
        for action in actions:
            _settle(action, ActionState.REFUSED, "owner_inactive", {"owner": rule.owner.name})
        return
    require_rule(actor, rule)
    by_event = {action.event_id: action for action in actions}
    written: list[EventAction] = []
    stored: list[EventAction] = []
    for one in judge(session, actor, rule, _events(session, list(by_event))):
        action = by_event[one.event_id]
        if one.reason:
            failed = one.reason in _FAULTS
            _settle(action, ActionState.FAILED if failed else ActionState.NOTHING, one.reason)
            continue
        action.document_id = one.document.id if one.document is not None else None
        (stored if one.document is not None and not rule.attaches_document else written).append(action)
    for part, run in ((stored, _document_run), (written, _text_run)):
        if part:
            run_id = run(session, actor, rule, part).id
            for action in part:
                _settle(action, ActionState.PREPARING)
                action.run_id = run_id


def _events(session: Session, ids: list[int]) -> Sequence[InboundEvent]:
    found: list[InboundEvent] = []
    for part in chunks(ids, AT_ONCE):
        found += session.scalars(
            select(InboundEvent).where(InboundEvent.id.in_(part)).order_by(InboundEvent.id)
        )
    return found


def judge(session: Session, actor: Actor, rule: EventRule, events: Sequence[InboundEvent]) -> list[Resolved]:
    """Who would be written to for each event; a text that its values cannot fill is found here."""
    found = resolve(session, actor, rule, [(one.id, fields_of(one.data)) for one in events])
    company = session.get_one(Company, rule.company_id)
    shared = shared_context(session, company, actor)
    for one in found:
        if one.reason or (one.document is not None and not rule.attaches_document):
            continue
        try:
            for language in texts_of(rule) if rule.channel.sends_mail else ():
                write_text(rule, shared, one.fields, language, one.party)
            for language in sms_texts_of(rule) if rule.channel.sends_text else ():
                write_sms(rule, shared, one.fields, language, one.party)
        except TemplateInvalid:
            one.reason = "text"
    return found


def _text_run(session: Session, actor: Actor, rule: EventRule, actions: Sequence[EventAction]) -> Run:
    composition = Composition(
        rule.company_id,
        rule.document_type,
        rule.name,
        Origin.EVENT,
        rule.name,
        purpose=rule.purpose,
        is_owed=not rule.purpose,
        once_per_address=False,  # two fuel sales are two messages
        composer=COMPOSER,
        data={"rule": rule.id},
    )
    return create_composed_run(session, actor, composition)


def _document_run(session: Session, actor: Actor, rule: EventRule, actions: Sequence[EventAction]) -> Run:
    """The stored documents in the normal way: their own texts and packaging, and nothing that was sent before."""
    ids = dict.fromkeys(action.document_id for action in actions if action.document_id is not None)
    criteria = criteria_for_documents(rule.company_id, [(id_, rule.document_type) for id_ in ids])
    return create_run(session, actor, replace(criteria, only_unsent=True), rule.name)


# Following


def follow(home: Installation) -> None:
    """Look after every run that was not settled yet."""
    query = select(EventAction.run_id).where(
        EventAction.state == ActionState.PREPARING, EventAction.run_id.is_not(None)
    )
    with home.database.read() as session:
        runs = [run_id for run_id in session.scalars(query.distinct().limit(200)) if run_id is not None]
    for run_id in runs:
        fill_one_run(home, run_id)
        with home.database.write() as session:
            waiting_rule = _follow_run(session, run_id)
        if waiting_rule is not None:
            tell_owner(home, waiting_rule, run_id)


def _follow_run(session: Session, run_id: int) -> int | None:
    """Settle the actions of a run; its rule when the run waits for a person from now on."""
    query = select(EventAction).where(
        EventAction.run_id == run_id, EventAction.state == ActionState.PREPARING
    )
    actions = session.scalars(query.order_by(EventAction.id).with_for_update()).all()
    if not actions:
        return None
    run = session.get_one(Run, run_id)
    if run.state is RunState.PREPARING:
        return None
    if run.state is RunState.CANCELLED:
        why = str(run.commit_summary.get("error", ""))
        for action in actions:
            _settle(action, ActionState.FAILED, "run_failed", {"why": why})
        return None
    reached = _without_message(session, run, actions)
    if run.state is RunState.REVIEW and not session.scalar(
        select(func.count()).where(Message.run_id == run_id)
    ):
        cancel_run(session, INSTALLATION, run)
        return None
    rule = session.get_one(EventRule, actions[0].rule_id)
    state, reason, detail = _let_go(session, run, rule)
    for action in reached:
        _settle(action, state, reason, detail)
    return rule.id if reached and state is ActionState.WAITING else None


def _without_message(session: Session, run: Run, actions: Sequence[EventAction]) -> list[EventAction]:
    """The actions that a message of the run came of; the others are settled: everybody was left out."""
    messages = session.scalars(select(Message.why).where(Message.run_id == run.id)).all()
    events = {why.get("event") for why in messages}
    reached = []
    for action in actions:
        if (messages and not is_composed(run.criteria)) or action.event_id in events:
            reached.append(action)
        else:
            _settle(action, ActionState.NOTHING, "left_out")
    return reached


def _let_go(session: Session, run: Run, rule: EventRule) -> tuple[ActionState, str, dict[str, Any]]:
    if run.state is not RunState.REVIEW:
        return ActionState.COMMITTED, "by_person", {}
    if rule.authorisation_id is None:
        return ActionState.WAITING, "for_person", {}
    result = commit_by_standing(session, run, rule.authorisation_id)
    if result.is_leaving:
        return ActionState.COMMITTED, "authorisation", {}
    reason = "second_person" if result.committed else "authorisation_refused"
    return ActionState.WAITING, reason, {"code": result.reason}
