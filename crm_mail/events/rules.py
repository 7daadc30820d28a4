"""Rules as people handle them: find, save, switch, remove. Services never commit.

A rule acts with its owner's rights of that moment, and whoever saves it or switches it on becomes its owner: nobody can
make another person's rights work for changes of one's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.contacts.consents.rules import Purpose
from crm_mail.contacts.models import Role
from crm_mail.db import now
from crm_mail.delivery.addresses import is_address
from crm_mail.documents.template_errors import TemplateInvalid
from crm_mail.documents.templating import compile_text
from crm_mail.events.builtin_sms import builtin_sms
from crm_mail.events.builtin_texts import Texts, builtin_texts
from crm_mail.events.conditions import Condition
from crm_mail.events.kinds import RuleChannel, Target, kind_of
from crm_mail.events.models import EventRule
from crm_mail.outbox.standing.models import StandingAuthorisation
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal

PURPOSES = ("", Purpose.COMMERCIAL.value)
"""What the recipient may be asked for; empty: owed by contract."""


class RuleRefused(Refusal):
    """A rule cannot be kept; ``code`` says why, ``field`` where, ``what`` names it."""

    def __init__(self, code: str, field: str = "", what: str = "") -> None:
        super().__init__(f"the rule cannot be kept: {code} {what}".rstrip())
        self.code, self.field, self.what = code, field, what


@dataclass(frozen=True, slots=True)
class RuleInput:
    """What the form says.

    Args:
        texts: language → ``subject`` and ``body``; empty: the built-in ones.
        sms_texts: language → text of an SMS; empty: the built-in ones.
        staff: addresses of the office's own people, for `Target.STAFF`.
        sends_document: the stored document that the event names goes with its own text and packaging.
        attaches_document: it goes with the rule's text.
    """

    kind: str
    name: str
    document_type: str
    target: Target = Target.SUBSCRIBED
    is_on: bool = False
    conditions: tuple[Condition, ...] = ()
    role_id: int | None = None
    staff: tuple[str, ...] = ()
    characteristic: str = ""
    sends_document: bool = False
    attaches_document: bool = False
    texts: Texts | None = None
    purpose: str = ""
    authorisation_id: int | None = None
    channel: RuleChannel = RuleChannel.EMAIL
    sms_texts: Mapping[str, str] | None = None


def sms_texts_of(rule: EventRule) -> Mapping[str, str]:
    """The texts of a rule's SMS, by language."""
    return rule.sms_texts or builtin_sms(rule.kind)


def texts_of(rule: EventRule) -> Texts:
    """The texts that a rule uses."""
    return rule.texts or builtin_texts(rule.kind)


def list_rules(session: Session, actor: Actor, company_id: int) -> Sequence[EventRule]:
    """The rules of a company, by kind and name."""
    actor.require(Permission.SCHEDULES_SEE, company_id)
    query = select(EventRule).where(EventRule.company_id == company_id, EventRule.removed_at.is_(None))
    return session.scalars(query.order_by(EventRule.kind, func.lower(EventRule.name), EventRule.id)).all()


def find_rule(session: Session, actor: Actor, rule_id: int) -> EventRule | None:
    """One rule, or None when it does not exist for the actor."""
    found = session.get(EventRule, rule_id)
    if found is None or found.removed_at is not None:
        return None
    return found if actor.can(Permission.SCHEDULES_SEE, found.company_id) else None


def require_rule(actor: Actor, rule: EventRule) -> None:
    """Raises PermissionDenied when somebody may not have this rule act in their name."""
    _require(actor, rule.company_id, rule.target, rule.document_type)


def _require(actor: Actor, company_id: int, target: Target, document_type: str) -> None:
    actor.require(Permission.SCHEDULES_MANAGE, company_id)
    if target is not Target.STAFF:
        actor.require(Permission.OUTBOX_PREPARE, company_id, document_type)


def save_rule(
    session: Session, actor: Actor, company: Company, given: RuleInput, rule: EventRule | None = None
) -> EventRule:
    """Keep a new rule or a changed one; the actor becomes its owner.

    Raises:
        PermissionDenied, RuleRefused
    """
    if actor.user_id is None:
        raise RuleRefused("owner")
    _require(actor, company.id, given.target, given.document_type)
    texts, sms_texts = check_texts(given), check_sms_texts(given)
    _check(session, company, given)
    is_new = rule is None
    before = {} if rule is None else facts_of(rule)
    if rule is None:
        rule = EventRule(company_id=company.id)
        session.add(rule)
    for name in _GIVEN:
        setattr(rule, name, getattr(given, name))
    rule.conditions = [one.to_list() for one in given.conditions]
    rule.staff = list(given.staff) if given.target is Target.STAFF else []
    if given.target is Target.STAFF:  # these speak of a party's contacts and documents
        rule.characteristic, rule.purpose = "", ""
        rule.sends_document = rule.attaches_document = False
        rule.channel = RuleChannel.EMAIL
    rule.role_id = given.role_id if given.target is Target.ROLE else None
    rule.texts, rule.sms_texts = texts, sms_texts
    rule.owner_id, rule.updated_at = actor.user_id, now()
    session.flush()
    after = facts_of(rule)
    _record(
        session,
        actor,
        rule,
        "created" if is_new else "changed",
        before={name: value for name, value in before.items() if value != after[name]},
        after={name: value for name, value in after.items() if value != before.get(name)},
    )
    return rule


_GIVEN = (
    "kind", "name", "is_on", "target", "characteristic", "document_type", "sends_document", "attaches_document",
    "purpose", "authorisation_id", "channel",
)  # fmt: skip


def facts_of(rule: EventRule) -> dict[str, Any]:
    """What the audit keeps of a rule."""
    values: dict[str, Any] = {name: getattr(rule, name) for name in _GIVEN}
    values["target"] = rule.target.value
    return values | {
        "conditions": rule.conditions,
        "role": rule.role_id,
        "staff": rule.staff,
        "texts": sorted(rule.texts),
        "sms_texts": sorted(rule.sms_texts or {}),
    }


def default_input(kind_id: str, name: str) -> RuleInput:
    """What a rule for a kind begins with; the texts are the built-in ones."""
    kind = kind_of(kind_id)
    return RuleInput(
        kind_id,
        name,
        kind.document_type.value,
        kind.target,
        characteristic=kind.characteristic,
        sends_document=kind.names_document,
    )


def switch_rule(session: Session, actor: Actor, rule: EventRule, *, on: bool) -> None:
    """Switch a rule on or off (GA-7); whoever switches it on becomes its owner.

    Raises:
        PermissionDenied, RuleRefused
    """
    actor.require(Permission.SCHEDULES_MANAGE, rule.company_id)
    if rule.is_on == on:
        return
    if on:
        require_rule(actor, rule)
        if actor.user_id is None:
            raise RuleRefused("owner")
        if rule.target is Target.STAFF and not rule.staff:
            raise RuleRefused("staff", "staff")
        rule.owner_id = actor.user_id
    rule.is_on, rule.updated_at = on, now()
    _record(session, actor, rule, "switched_on" if on else "switched_off")


def remove_rule(session: Session, actor: Actor, rule: EventRule) -> None:
    """Take a rule off the list; its history stays.

    Raises:
        PermissionDenied
    """
    actor.require(Permission.SCHEDULES_MANAGE, rule.company_id)
    rule.is_on, rule.removed_at = False, now()
    _record(session, actor, rule, "removed")


def check_texts(given: RuleInput) -> Texts:
    """The texts that are written, checked; those that say what the built-in ones say are not kept.

    Raises:
        RuleRefused: one lacks its subject or its body, or names what a message does not know.
    """
    kept: Texts = {}
    for language, text in (given.texts or {}).items():
        subject = text.get("subject", "").strip()
        body = text.get("body", "").strip().replace("\r\n", "\n")
        if not subject and not body:
            continue
        if not subject or not body:
            missing = "body" if subject else "subject"
            raise RuleRefused(f"no_{missing}", f"{missing}_{language}")
        for part, source in (("subject", subject), ("body", body)):
            try:
                compile_text(source, "subject" if part == "subject" else "text", "event")
            except TemplateInvalid as invalid:
                raise RuleRefused("text", f"{part}_{language}", str(invalid)) from None
        kept[language] = {"subject": subject, "body": body}
    builtin = builtin_texts(given.kind)
    if not kept and not builtin:
        raise RuleRefused("no_text")
    same = {language: {"subject": t["subject"], "body": t["body"].strip()} for language, t in builtin.items()}
    return {} if kept == same else kept


def check_sms_texts(given: RuleInput) -> dict[str, str]:
    """The texts for SMS, checked; those that say what the built-in ones say are not kept.

    Raises:
        RuleRefused: one names what a message does not know, or there is none although SMS are to be sent.
    """
    kept = {
        language: text.strip().replace("\r\n", "\n")
        for language, text in (given.sms_texts or {}).items()
        if text.strip()
    }
    for language, text in kept.items():
        try:
            compile_text(text, "text", "event")
        except TemplateInvalid as invalid:
            raise RuleRefused("text", f"sms_{language}", str(invalid)) from None
    builtin = builtin_sms(given.kind)
    if given.channel.sends_text and given.target is not Target.STAFF and not kept and not builtin:
        raise RuleRefused("no_sms", "channel")
    return {} if kept == builtin else kept


def _check(session: Session, company: Company, given: RuleInput) -> None:
    if given.document_type not in company_types(session, company.id).used:
        raise RuleRefused("type", "document_type")
    if given.target is Target.STAFF:
        if given.is_on and not given.staff:
            raise RuleRefused("staff", "staff")
        wrong = next((one for one in given.staff if not is_address(one)), None)
        if wrong is not None:
            raise RuleRefused("address", "staff", wrong)
    if given.target is Target.ROLE:
        role = session.get(Role, given.role_id or 0)
        if role is None or role.company_id != company.id:
            raise RuleRefused("role", "role")
    _check_channel(given)
    if given.purpose not in PURPOSES:
        raise RuleRefused("purpose", "purpose")
    if given.authorisation_id is not None:
        standing = session.get(StandingAuthorisation, given.authorisation_id)
        if standing is None or standing.company_id != company.id:
            raise RuleRefused("authorisation", "authorisation")


def _check_channel(given: RuleInput) -> None:
    if not given.channel.sends_text or given.target is Target.STAFF:
        return
    if given.sends_document:
        raise RuleRefused("sms_document", "channel")
    if given.target is Target.EVENT_ADDRESS:
        raise RuleRefused("sms_address", "channel")


def _record(session: Session, actor: Actor, rule: EventRule, what: str, **more: Any) -> None:
    audit.record(
        session,
        actor,
        f"events.rule.{what}",
        company_id=rule.company_id,
        subject=rule,
        label=rule.name,
        **more,
    )
