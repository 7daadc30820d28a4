"""Rules of notices of changes: adding, changing, switching, removing (GA-6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.audit_chain import AuditSeal
from crm_mail.companies.models import Company
from crm_mail.delivery.addresses import is_address
from crm_mail.permissions import Actor, Permission
from crm_mail.refusals import Refusal
from crm_mail.reports.changes.kinds import ChangeKind, ChangeWay
from crm_mail.reports.changes.models import ChangeNotice, ChangeRule
from crm_mail.users.actors import build_actor

MOST_ADDRESSES = 20
MOST_MINUTES = 24 * 60


class RuleRefused(Refusal):
    """A value is not possible.

    Args:
        field: of the form.
        value: the part that is wrong, such as one address.
    """

    def __init__(self, field: str, value: str = "") -> None:
        super().__init__(f"{field}: {value or 'this value is not possible'}")
        self.field, self.value = field, value


@dataclass(frozen=True, slots=True)
class RuleValues:
    """What a person says of a rule; `ChangeRule` has the same names."""

    name: str
    kinds: tuple[str, ...]
    ways: tuple[str, ...]
    addresses: tuple[str, ...]
    language: str = "en"
    every_minutes: int = 5
    clearance: int = 0
    is_on: bool = True


def require_reader(actor: Actor, company_id: int) -> None:
    """A notice tells what the audit tells: it is set by who sets the company up and may read its audit.

    Raises:
        PermissionDenied: one of the two rights is missing.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    actor.require(Permission.AUDIT_SEE, company_id)


def reader_of(session: Session, rule: ChangeRule) -> Actor | None:
    """The owner with the rights of this moment; None: inactive, or no longer entitled. Then nothing is told."""
    if not rule.owner.is_active:
        return None
    actor = build_actor(session, rule.owner)
    rights = (Permission.SETTINGS_MANAGE, Permission.AUDIT_SEE)
    return actor if all(actor.can(one, rule.company_id) for one in rights) else None


def list_rules(session: Session, actor: Actor, company_id: int) -> Sequence[ChangeRule]:
    """The company's rules, by name."""
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    query = select(ChangeRule).where(ChangeRule.company_id == company_id)
    return session.scalars(query.order_by(ChangeRule.name, ChangeRule.id)).all()


def save_rule(
    session: Session, actor: Actor, company: Company, rule: ChangeRule | None, values: RuleValues
) -> ChangeRule:
    """Add a rule, or change one; it then belongs to the actor, and reads with the actor's rights.

    Raises:
        PermissionDenied: see `require_reader`.
        RuleRefused: naming the field.
    """
    require_reader(actor, company.id)
    _check(actor, values)
    if actor.user_id is None:
        raise RuleRefused("owner_id", "a rule belongs to a person")
    is_new = rule is None
    if rule is None:
        rule = ChangeRule(company_id=company.id, position=_head(session))
        session.add(rule)
        before: dict[str, Any] = {}
    else:
        before = _facts(rule)
        if not rule.is_on or reader_of(session, rule) is None:  # it read nothing meanwhile
            rule.position = _head(session)
    for name in RuleValues.__slots__:
        value = getattr(values, name)
        setattr(rule, name, list(value) if isinstance(value, tuple) else value)
    rule.owner_id, rule.problem = actor.user_id, ""
    session.flush()
    if not rule.is_on:
        _drop_waiting(session, rule)
    after = _facts(rule)
    if is_new or before != after:
        _record(session, actor, "added" if is_new else "changed", rule, before, after)
    return rule


def switch_rule(session: Session, actor: Actor, rule: ChangeRule, is_on: bool) -> None:
    """Switch a rule on or off; what happens while it is off is not told.

    Raises:
        PermissionDenied: see `require_reader`; whoever sets the company up may switch one off.
    """
    actor.require(Permission.SETTINGS_MANAGE, rule.company_id)
    if rule.is_on == is_on:
        return
    before = {"is_on": rule.is_on}
    if is_on:
        require_reader(actor, rule.company_id)
        rule.position, rule.problem = _head(session), ""
    else:
        _drop_waiting(session, rule)
    rule.is_on = is_on
    _record(session, actor, "changed", rule, before, {"is_on": is_on})


def remove_rule(session: Session, actor: Actor, rule: ChangeRule) -> None:
    """Forget a rule, and the notices that did not leave.

    Raises:
        PermissionDenied: the company may not be set up by the actor.
    """
    actor.require(Permission.SETTINGS_MANAGE, rule.company_id)
    _record(session, actor, "deleted", rule, _facts(rule), None)
    _drop_waiting(session, rule)
    session.delete(rule)


def _check(actor: Actor, values: RuleValues) -> None:
    wrong = next((one for one in values.addresses if not is_address(one) or len(one) > 254), "")
    minutes_fit = 1 <= values.every_minutes <= MOST_MINUTES
    checks = (
        ("name", 0 < len(values.name) <= 80, ""),
        ("kinds", bool(values.kinds) and set(values.kinds) <= set(ChangeKind), ""),
        ("ways", bool(values.ways) and set(values.ways) <= set(ChangeWay), ""),
        ("addresses", bool(values.addresses) and not wrong, wrong),
        ("addresses", len(values.addresses) <= MOST_ADDRESSES, ""),
        ("every_minutes", minutes_fit, ""),
        ("clearance", 0 <= values.clearance <= actor.sight.clearance, ""),
    )
    for field, is_right, value in checks:
        if not is_right:
            raise RuleRefused(field, value)


def _drop_waiting(session: Session, rule: ChangeRule) -> None:
    rule.due_at = None
    session.execute(delete(ChangeNotice).where(ChangeNotice.rule_id == rule.id))


def _head(session: Session) -> int:
    return session.scalar(select(func.max(AuditSeal.position))) or 0


def _facts(rule: ChangeRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in RuleValues.__slots__}


def _record(
    session: Session,
    actor: Actor,
    what: str,
    rule: ChangeRule,
    before: dict[str, Any],
    after: dict[str, Any] | None,
) -> None:
    changed = [name for name in after if before.get(name) != after[name]] if after is not None else []
    detail: dict[str, Any] = {}
    if after is None:
        detail["before"] = before
    else:
        detail = {"after": {name: after[name] for name in changed}}
        if before:
            detail["before"] = {name: before.get(name) for name in changed}
    audit.record(
        session,
        actor,
        f"reports.change_rule.{what}",
        company_id=rule.company_id,
        subject=rule,
        label=rule.name,
        **detail,
    )
