"""Named queries on an ERP's database: kept, tried, run. What they give is imported as a file of the same columns.

The watermark moves only in the transaction that stores what was read, and only when every row could be stored, so that
nothing is passed over: the same rows again change nothing.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail import audit
from crm_mail.companies.models import Company
from crm_mail.db import now, today
from crm_mail.importers.contacts.service import import_contacts
from crm_mail.importers.databases.foreign_databases import check_address, check_query, names_asked
from crm_mail.importers.databases.models import SqlSource, SqlView, ViewKind
from crm_mail.importers.databases.reading import (
    GIVEN,
    Reading,
    ViewRefused,
    guess_watermark,
    read_watermark,
    reading,
)
from crm_mail.importers.documents.bundles import Door, import_together
from crm_mail.importers.tables.mappings import list_mappings
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission

DOCUMENT_COLUMN = "document"
SHOWN_ERRORS = 20
RUNNING = {ViewKind.CONTACTS: Permission.CONTACTS_MANAGE, ViewKind.DOCUMENTS: Permission.DOCUMENTS_MANAGE}
"""The right that running a query of each kind needs."""


@dataclass(frozen=True, slots=True)
class ViewValues:
    """What a person chooses for a query. ``since``: where to begin, a day, a time, a number or text."""

    name: str
    source_id: int
    kind: ViewKind
    query: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    mapping: str = ""
    since_column: str = ""
    since: str = ""


def list_sources(session: Session, actor: Actor, company_id: int) -> Sequence[SqlSource]:
    """The databases of a company, by name."""
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    query = select(SqlSource).where(SqlSource.company_id == company_id).order_by(SqlSource.name)
    return session.scalars(query).all()


def list_views(session: Session, actor: Actor, company_id: int) -> Sequence[SqlView]:
    """The queries of a company that the actor may run or change, by name."""
    allowed = [kind for kind, right in RUNNING.items() if _may(actor, right, company_id)]
    query = select(SqlView).where(SqlView.company_id == company_id, SqlView.kind.in_(allowed))
    return session.scalars(query.order_by(SqlView.name)).all()


def _may(actor: Actor, right: Permission, company_id: int) -> bool:
    return actor.can(right, company_id) or actor.can(Permission.SETTINGS_MANAGE, company_id)


def find_view(session: Session, actor: Actor, company_id: int, name: str) -> SqlView:
    """A query by its name.

    Raises:
        ViewRefused: there is none of that name for the actor.
    """
    for view in list_views(session, actor, company_id):
        if view.name.casefold() == name.strip().casefold():
            return view
    raise ViewRefused("unknown", name)


def save_source(
    session: Session, actor: Actor, home: Installation, company_id: int, name: str, url: str
) -> SqlSource:
    """Keep a database; one of the same name is replaced.

    Raises:
        PermissionDenied: the right to change settings is missing. DatabaseRefused: naming the problem.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    clean = _name(name)
    check_address(home, url.strip())
    wanted = select(SqlSource).where(SqlSource.company_id == company_id, SqlSource.name == clean)
    source = session.scalars(wanted).one_or_none() or SqlSource(company_id=company_id, name=clean)
    source.url_encrypted = home.encrypt(url.strip())
    session.add(source)
    session.flush()
    _record(session, actor, "importers.sql_source.saved", source)
    return source


def delete_source(session: Session, actor: Actor, company_id: int, source_id: int) -> bool:
    """Forget a database; False when the company has none of that id.

    Raises:
        ViewRefused: a query uses it.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    source = session.get(SqlSource, source_id)
    if source is None or source.company_id != company_id:
        return False
    used = session.scalars(select(SqlView.name).where(SqlView.source_id == source.id).limit(1)).first()
    if used is not None:
        raise ViewRefused("used", used)
    _record(session, actor, "importers.sql_source.deleted", source)
    session.delete(source)
    return True


def save_view(session: Session, actor: Actor, company_id: int, values: ViewValues) -> SqlView:
    """Keep a query; one of the same name is replaced, and keeps its watermark unless another beginning is given.

    Raises:
        PermissionDenied: the right to change settings is missing. DatabaseRefused: naming the problem.
    """
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    clean, query = _name(values.name), check_query(values.query, GIVEN | set(values.parameters))
    source = session.get(SqlSource, values.source_id)
    if source is None or source.company_id != company_id:
        raise ViewRefused("source")
    if values.mapping and values.mapping not in {m.name for m in list_mappings(session, actor, company_id)}:
        raise ViewRefused("mapping", values.mapping)
    wanted = select(SqlView).where(SqlView.company_id == company_id, SqlView.name == clean)
    view = session.scalars(wanted).one_or_none() or SqlView(company_id=company_id, name=clean, watermark="")
    watermark = guess_watermark(values.since) if values.since.strip() else view.watermark
    if "since" in names_asked(query) and not (values.since_column.strip() and watermark):
        raise ViewRefused("since")
    view.source_id, view.kind, view.query = source.id, values.kind, query
    view.parameters, view.mapping = dict(values.parameters), values.mapping
    view.since_column, view.watermark = values.since_column.strip(), watermark[:80]
    session.add(view)
    session.flush()
    _record(session, actor, "importers.sql_view.saved", view)
    return view


def delete_view(session: Session, actor: Actor, company_id: int, view_id: int) -> bool:
    """Forget a query; False when the company has none of that id."""
    actor.require(Permission.SETTINGS_MANAGE, company_id)
    view = session.get(SqlView, view_id)
    if view is None or view.company_id != company_id:
        return False
    _record(session, actor, "importers.sql_view.deleted", view)
    session.delete(view)
    return True


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > 80:
        raise ViewRefused("name")
    return clean


def run_view(
    home: Installation, actor: Actor, company_id: int, name: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Run a query and import what it gives; counts and the first errors.

    Owns its transactions: the foreign database is read while none of ours is open.

    Raises:
        DatabaseRefused: there is no such query, or its database does not answer.
        ImportRefused: what it gives is no list of contacts, or no documents.
        PermissionDenied: the actor may not bring in what it gives.
    """
    with home.database.read() as session:
        view = find_view(session, actor, company_id, name)
        actor.require(RUNNING[view.kind], company_id)
        company = session.get_one(Company, company_id)
        url = home.decrypt(view.source.url_encrypted)
    values = {"company": company.code, "today": today(), **view.parameters}
    if view.watermark:
        values["since"] = read_watermark(view.watermark)
    with reading(home, url, view.query, values, view.since_column) as found:
        with home.database.write() as session:
            kept = session.get_one(SqlView, view.id, with_for_update=True)
            result = _apply(session, home, actor, company_id, kept, found, dry_run)
            if not dry_run:
                _note(kept, view.watermark, found, result)
        return result


def _apply(
    session: Session,
    home: Installation,
    actor: Actor,
    company_id: int,
    view: SqlView,
    found: Reading,
    dry_run: bool,
) -> dict[str, Any]:
    company = session.get_one(Company, company_id)
    counts: dict[str, Any] = {"view": view.name, "dry_run": dry_run, "rows": found.rows}
    if not found.rows:
        return counts | dict.fromkeys(("created", "updated", "unchanged", "error_rows"), 0) | {"errors": []}
    if view.kind is ViewKind.DOCUMENTS:
        return counts | _import_documents(session, home, actor, company, view, found, dry_run)
    done = import_contacts(
        session, actor, company, found.path, mapping=view.mapping, dry_run=dry_run, name=view.name
    ).as_json()
    names = ("created", "updated", "unchanged", "error_rows")
    return counts | {name: done[name] for name in names} | {"errors": done["errors"][:SHOWN_ERRORS]}


def _import_documents(
    session: Session,
    home: Installation,
    actor: Actor,
    company: Company,
    view: SqlView,
    found: Reading,
    dry_run: bool,
) -> dict[str, Any]:
    """Each row's canonical JSON, in a savepoint of its own."""
    places = [place for place, name in enumerate(found.header) if name.casefold() == DOCUMENT_COLUMN]
    if not places:
        raise ViewRefused("column", DOCUMENT_COLUMN)
    door = Door(session, home.store, actor, company, dry_run)
    counts = {"created": 0, "updated": 0, "unchanged": 0, "error_rows": 0}
    errors: list[dict[str, Any]] = []
    csv.field_size_limit(64 * 1024 * 1024)
    with found.path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        next(rows)
        for number, row in enumerate(rows, start=1):
            name = f"{view.name}-{number}.json"
            for one in import_together(door, {name: row[places[0]].encode()}):
                if one.result is None:
                    counts["error_rows"] += 1
                    message = one.refused.message if one.refused else ""
                    errors.append({"row": number, "column": DOCUMENT_COLUMN, "message": message})
                    continue
                counts["created"] += one.result.created
                counts["updated"] += one.result.versions
                counts["unchanged"] += one.result.unchanged
    return counts | {"errors": errors[:SHOWN_ERRORS]}


def _note(view: SqlView, since: str, found: Reading, result: dict[str, Any]) -> None:
    """How far it was read; a row that was refused is asked for again, and a later run is not undone."""
    view.last_run_at = now()
    view.last_result = {
        name: result[name] for name in ("rows", "created", "updated", "unchanged", "error_rows")
    }
    if found.watermark and not result["error_rows"] and view.watermark == since:
        view.watermark = found.watermark


def note_failure(home: Installation, company_id: int, name: str, error: str) -> None:
    """Keep why a query could not be run, for its page."""
    with home.database.write() as session:
        wanted = select(SqlView).where(SqlView.company_id == company_id, SqlView.name == name)
        view = session.scalars(wanted).one_or_none()
        if view is not None:
            view.last_run_at, view.last_result = now(), {"error": error[:300]}


def _record(session: Session, actor: Actor, action: str, subject: SqlSource | SqlView) -> None:
    audit.record(session, actor, action, company_id=subject.company_id, subject=subject, label=subject.name)
