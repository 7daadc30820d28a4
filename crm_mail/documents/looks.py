"""How a company's printed documents look, kept as versions (IT-19, PD-6).

Every save is a new version, going back as well, so that the history tells how a document of any day was printed.
A changed look gives every document a new render key: what has no PDF yet is drawn in the new look, PDFs that exist
stay as they are until somebody asks for them anew (`crm_mail.outbox.preparing.redrawing`). Services never commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.documents.models import CompanyTheme
from crm_mail.documents.pdf_theme import InvalidTheme, Theme, theme_from, theme_values
from crm_mail.permissions import Actor, Permission
from crm_mail.users.models import User

DEFAULT_VERSION = 0


class LookChangedMeanwhile(Exception):
    """Somebody else saved the look after this page was opened; nothing was saved."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} was saved meanwhile: open the page again and repeat your change")
        self.version = version


@dataclass(frozen=True, slots=True)
class Look:
    """One version; 0 is the look of a company that chose nothing."""

    version: int
    values: Mapping[str, Any]
    created_at: datetime | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two looks. ``part`` is the document type for `legal_texts` and `columns`, else empty;
    ``before`` and ``after`` are values as `theme_values` writes them, None where there is none."""

    field: str
    part: str
    before: Any
    after: Any


def default_values() -> dict[str, Any]:
    """What a new company has."""
    return theme_values(Theme())


def stored_theme(values: Mapping[str, Any], logo: bytes | None = None) -> Theme:
    """The theme of stored values; what this version of the product no longer knows falls back to its default."""
    try:
        return theme_from(values, logo)
    except InvalidTheme as refused:
        wrong = {problem.field.partition(".")[0] for problem in refused.problems}
        return theme_from({name: value for name, value in values.items() if name not in wrong}, logo)


def look_in_use(session: Session, company_id: int) -> Look:
    """The newest version, else the defaults."""
    row = _find(session, company_id)
    return Look(row.version, row.values, row.created_at) if row else Look(DEFAULT_VERSION, default_values())


def find_look(session: Session, company_id: int, version: int) -> Look | None:
    """One version; 0 always exists."""
    if version == DEFAULT_VERSION:
        return Look(DEFAULT_VERSION, default_values())
    row = _find(session, company_id, version)
    return Look(row.version, row.values, row.created_at) if row else None


def list_looks(session: Session, company_id: int) -> list[Look]:
    """The history, newest first, without the defaults."""
    query = (
        select(CompanyTheme, User.name)
        .outerjoin(User, User.id == CompanyTheme.created_by)
        .where(CompanyTheme.company_id == company_id)
        .order_by(CompanyTheme.version.desc())
    )
    return [Look(r.version, r.values, r.created_at, author or "") for r, author in session.execute(query)]


def save_look(
    session: Session, actor: Actor, company_id: int, values: Mapping[str, Any], based_on: int | None = None
) -> int:
    """Keep the choices as the newest version; the same choices again make none. Returns the version in use.

    Args:
        based_on: the version the author saw; None does not ask.

    Raises:
        InvalidTheme: nothing was saved. LookChangedMeanwhile. PermissionDenied.
    """
    actor.require(Permission.TEXTS_MANAGE, company_id)
    chosen = theme_values(theme_from(values))
    in_use = look_in_use(session, company_id)
    if based_on is not None and based_on != in_use.version:
        raise LookChangedMeanwhile(in_use.version)
    changes = look_changes(in_use.values, chosen)
    if not changes:
        return in_use.version
    version = in_use.version + 1
    row = CompanyTheme(company_id=company_id, version=version, values=chosen, created_by=actor.user_id)
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor,
        "documents.look.saved",
        company_id=company_id,
        subject=row,
        label=f"v{version}",
        before={_name(change): change.before for change in changes},
        after={_name(change): change.after for change in changes},
    )
    return version


def restore_look(session: Session, actor: Actor, company_id: int, version: int) -> bool:
    """Use an older version again (0: the defaults), as a new one; False when there is no such version."""
    actor.require(Permission.TEXTS_MANAGE, company_id)
    found = find_look(session, company_id, version)
    if found is None:
        return False
    save_look(session, actor, company_id, theme_values(stored_theme(found.values)))
    return True


def look_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What differs between two looks, in the order of the fields."""
    old, new = (theme_values(stored_theme(values)) for values in (before, after))
    found = []
    for field, value in new.items():
        was = old[field]
        if isinstance(value, dict):
            parts = sorted(value.keys() | was.keys())
            found += [
                Change(field, part, was.get(part), value.get(part))
                for part in parts
                if was.get(part) != value.get(part)
            ]
        elif was != value:
            found.append(Change(field, "", was, value))
    return found


def _name(change: Change) -> str:
    return f"{change.field}.{change.part}" if change.part else change.field


def _find(session: Session, company_id: int, version: int | None = None) -> CompanyTheme | None:
    query = select(CompanyTheme).where(CompanyTheme.company_id == company_id)
    if version is not None:
        query = query.where(CompanyTheme.version == version)
    return session.scalar(query.order_by(CompanyTheme.version.desc()).limit(1))
