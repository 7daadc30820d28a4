"""A company's own layouts, kept as versions (IT-19). Services never commit.

A layout is named after the document type that it prints; `cfdi` is the printed form of stamped documents of any type.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, object_session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import company_types
from crm_mail.document_types import DocumentType
from crm_mail.documents.models import DocumentLayout
from crm_mail.documents.pdf_layouts import CFDI, LAYOUT_FOLDER, layout_for
from crm_mail.permissions import Actor, Permission
from crm_mail.users.models import User

BUILTIN_VERSION = 0


class LayoutChangedMeanwhile(Exception):
    """Somebody else saved the layout after this editor opened it; nothing was saved."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"version {version} was saved meanwhile: open the layout again and repeat your change"
        )
        self.version = version


@dataclass(frozen=True, slots=True)
class LayoutVersion:
    """One version; an empty `source` is the built-in layout."""

    version: int
    source: str
    created_at: datetime | None = None
    author: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the company wrote it."""
        return bool(self.source)


def layout_name(document_type: str, layout: str) -> str:
    """The name of the own layout that would print a document of this type, which has this built-in layout."""
    return CFDI if layout == CFDI else document_type


def own_layouts(company: Company) -> Mapping[str, str]:
    """Name → source of the layouts that the company rewrote, as they are in use."""
    session = object_session(company)
    if session is None:
        return {}
    table = DocumentLayout
    newest = (
        select(table.type, func.max(table.version).label("version"))
        .where(table.company_id == company.id)
        .group_by(table.type)
        .subquery()
    )
    rows = session.execute(
        select(table.type, table.source)
        .join(newest, (table.type == newest.c.type) & (table.version == newest.c.version))
        .where(table.company_id == company.id, table.source != "")
    )
    return {name: source for name, source in rows}


def layout_names(session: Session, company_id: int) -> tuple[str, ...]:
    """The layouts that a company can rewrite: one for each type it uses, and that of stamped documents."""
    return (*company_types(session, company_id).used, CFDI)


def builtin_source(session: Session, company_id: int, name: str) -> str:
    """The built-in layout that prints what `name` stands for."""
    types = company_types(session, company_id)
    layout = CFDI if name == CFDI else layout_for(types.layout(name), {})
    return (LAYOUT_FOLDER / f"{layout}.html").read_text(encoding="utf-8")


def layout_in_use(session: Session, company_id: int, name: str) -> LayoutVersion:
    """The newest version, own or not; version 0 when nothing was ever saved."""
    return next(iter(list_layout_versions(session, company_id, name, 1)), LayoutVersion(BUILTIN_VERSION, ""))


def list_layout_versions(
    session: Session, company_id: int, name: str, limit: int = 200
) -> list[LayoutVersion]:
    """The history, newest first."""
    table = DocumentLayout
    query = (
        select(table, User.name)
        .outerjoin(User, User.id == table.created_by)
        .where(table.company_id == company_id, table.type == name)
        .order_by(table.version.desc())
        .limit(limit)
    )
    return [
        LayoutVersion(r.version, r.source, r.created_at, author or "") for r, author in session.execute(query)
    ]


def find_layout_version(session: Session, company_id: int, name: str, version: int) -> str | None:
    """The source of one version, that of the built-in layout for 0 or an empty one; None when there is none."""
    if version != BUILTIN_VERSION:
        query = select(DocumentLayout.source).where(
            DocumentLayout.company_id == company_id,
            DocumentLayout.type == name,
            DocumentLayout.version == version,
        )
        source = session.scalar(query)
        if source is None or source:
            return source
    return builtin_source(session, company_id, name)


def save_layout(
    session: Session, actor: Actor, company_id: int, name: str, source: str, based_on: int | None = None
) -> int:
    """Keep a checked layout as the newest version; empty goes back to the built-in one. Returns the version in use.

    The caller has drawn it for the samples (`layout_checks`): what cannot be drawn must not come here.

    Args:
        based_on: the version the author saw; None does not ask.

    Raises:
        LayoutChangedMeanwhile, PermissionDenied.
    """
    actor.require(Permission.TEXTS_MANAGE, company_id)
    source = source.replace("\r\n", "\n")
    in_use = layout_in_use(session, company_id, name)
    if based_on is not None and based_on != in_use.version:
        raise LayoutChangedMeanwhile(in_use.version)
    if source == in_use.source:
        return in_use.version
    version = in_use.version + 1
    row = DocumentLayout(
        company_id=company_id, type=name, version=version, source=source, created_by=actor.user_id
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor,
        "documents.layout.saved" if source else "documents.layout.restored",
        company_id=company_id,
        subject=row,
        label=f"{name} v{version}",
        before={"version": version - 1},
        after={"version": version, "characters": len(source)},
    )
    return version


def own_names(layouts: Mapping[str, str], names: Iterable[str]) -> set[str]:
    """Which of these have a layout of the company's own."""
    return {name for name in names if layouts.get(name)}


def base_type(session: Session, company_id: int, name: str) -> str:
    """The type whose sample shows a layout: itself, or what an own type is printed like."""
    return name if name == CFDI else DocumentType(company_types(session, company_id).layout(name)).value
