"""A company switches types off, names them, and adds its own. Services never commit."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.company_rules import CompanyInvalid, Problem, problem
from crm_mail.companies.models import Company, CompanyType
from crm_mail.companies.type_registry import company_types, forget_types
from crm_mail.companies.type_rules import OwnType, TypeName, check_name, check_own_type
from crm_mail.document_types import TYPE_FACTS, DocumentType
from crm_mail.permissions import Actor, Permission


def _row(session: Session, company: Company, type_id: str) -> CompanyType | None:
    return session.scalar(
        select(CompanyType).where(CompanyType.company_id == company.id, CompanyType.type_id == type_id)
    )


def _row_or_new(session: Session, company: Company, type_id: str) -> CompanyType:
    row = _row(session, company, type_id)
    if row is None:
        row = CompanyType(
            company_id=company.id, type_id=type_id, is_used=True, labels={}, plurals={}, base=""
        )
        session.add(row)
    return row


def set_used(session: Session, actor: Actor, company: Company, used: Collection[str]) -> int:
    """Offer these types for new work and no others; how many changed. Old documents stay readable.

    Raises:
        CompanyInvalid: nothing would be left. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    types = company_types(session, company.id)
    if not set(used) & set(types.ids):
        raise CompanyInvalid([problem("used", Problem.REQUIRED)])
    changed = [view for view in types.by_id.values() if view.is_used != (view.id in used)]
    for view in changed:
        row = _row_or_new(session, company, view.id)
        row.is_used = view.id in used
        _record(session, actor, company, view.id, {"is_used": view.is_used}, {"is_used": row.is_used})
    _finish(session)
    return len(changed)


def rename_type(session: Session, actor: Actor, company: Company, type_id: str, name: TypeName) -> bool:
    """Call a built-in type otherwise; empty names are the built-in ones again. Whether anything changed.

    Raises:
        CompanyInvalid: a name cannot be kept. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    kept = check_name(name, TYPE_FACTS[DocumentType(type_id)])
    row = _row_or_new(session, company, type_id)
    before = {"labels": dict(row.labels), "plurals": dict(row.plurals)}
    after = {"labels": dict(kept.labels), "plurals": dict(kept.plurals)}
    if before != after:
        row.labels, row.plurals = after["labels"], after["plurals"]
        _record(session, actor, company, type_id, before, after)
    if row.is_used and not row.labels and not row.plurals:
        session.expunge(row) if row in session.new else session.delete(row)
    _finish(session)
    return before != after


def save_own_type(
    session: Session, actor: Actor, company: Company, own: OwnType, *, is_new: bool = False
) -> OwnType:
    """Add an own type, or keep the changes of one; its id never changes, for documents carry it.

    Raises:
        CompanyInvalid: something cannot be kept, or the id is taken. PermissionDenied.
    """
    actor.require(Permission.SETTINGS_MANAGE, company.id)
    kept = check_own_type(own, company.language)
    row = _row(session, company, kept.id)
    if is_new and row is not None:
        raise CompanyInvalid([problem("id", Problem.TYPE_TAKEN, value=kept.id)])
    if not is_new and (row is None or not row.base):
        raise CompanyInvalid([problem("id", Problem.UNKNOWN_TYPE, value=kept.id)])
    values = _values(kept)
    if row is None:
        session.add(CompanyType(company_id=company.id, type_id=kept.id, is_used=True, **values))
        _record(session, actor, company, kept.id, {}, values, "companies.type.added")
    else:
        before = {name: getattr(row, name) for name in values}
        changed = [name for name, value in values.items() if before[name] != value]
        for name in changed:
            setattr(row, name, values[name])
        if changed:
            old, new = ({name: found[name] for name in changed} for found in (before, values))
            _record(session, actor, company, kept.id, old, new)
    _finish(session)
    return kept


def _values(own: OwnType) -> dict[str, Any]:
    return {
        "labels": dict(own.name.labels),
        "plurals": dict(own.name.plurals),
        "base": str(own.base),
        "layout": str(own.layout),
        "direction": own.direction.value,
        "role": own.role,
        "is_bundled": own.is_bundled,
        "channel": own.channel,
        "fields": [asdict(one) | {"kind": one.kind.value} for one in own.fields],
    }


def _record(
    session: Session,
    actor: Actor,
    company: Company,
    type_id: str,
    before: dict[str, Any],
    after: dict[str, Any],
    action: str = "companies.type.changed",
) -> None:
    audit.record(
        session,
        actor,
        action,
        company_id=company.id,
        subject=company,
        label=f"{company.code} {type_id}",
        document_type=type_id,
        before=before,
        after=after,
    )


def _finish(session: Session) -> None:
    session.flush()
    forget_types(session)
