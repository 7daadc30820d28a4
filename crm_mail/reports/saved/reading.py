"""The rows of a saved report, for a person: read with that person's rights and sight, at that moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from sqlalchemy.orm import Session

from crm_mail.companies.models import Company
from crm_mail.importers.databases.foreign_databases import Answer, answering
from crm_mail.importers.databases.reading import as_text
from crm_mail.installation import Installation
from crm_mail.permissions import Actor, Permission
from crm_mail.reports.saved.listing_registry import register_listings
from crm_mail.reports.saved.listings import Filters, Listing, Scene, find_listing
from crm_mail.reports.saved.models import SavedReport
from crm_mail.reports.saved.parameters import ParameterInvalid, bound_values
from crm_mail.reports.saved.problems import ReportRefused
from crm_mail.reports.saved.tables import CellKind, Column, ReportTable, Row, shape
from crm_mail.sight import Sight
from crm_mail.web.translating import translator

NOBODY = "-" * 61
"""An agent that no customer has: the column is shorter."""
LOOKED_AT = 200
"""Rows of a query from which the kind of each column is read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom, and of which day.

    Args:
        on: the local day from which periods are counted.
    """

    actor: Actor
    on: date
    language: str


def listing_of(report: SavedReport) -> Listing:
    """The list that a report shows.

    Raises:
        ReportRefused: it is not known here.
    """
    register_listings()
    found = find_listing(report.listing)
    if found is None:
        raise ReportRefused("listing")
    return found


def require_content(actor: Actor, report: SavedReport) -> None:
    """Raise unless the actor may see and take away what a report shows.

    Raises:
        PermissionDenied: naming the right. A query may read anything its database gives: for who holds the settings.
        ReportRefused: the list is not known.
    """
    actor.require(Permission.REPORTS_EXPORT, report.company_id)
    if report.listing:
        listing_of(report).require(actor, report.company_id)
    else:
        actor.require(Permission.SETTINGS_MANAGE, report.company_id)


def narrowed(actor: Actor, sight: Sight) -> Actor:
    """The actor, seeing no more than both see."""
    own = actor.sight
    agents, zones = own.agents, own.zones
    if own.is_whole:
        agents, zones = sight.agents, sight.zones
    elif not sight.is_whole:
        agents, zones = agents & sight.agents, zones & sight.zones
        if not agents and not zones:
            agents = frozenset({NOBODY})
    return replace(actor, clearance=min(own.clearance, sight.clearance), agents=agents, zones=zones)


def read_report(home: Installation, report_id: int, asked: Asked, limit: int | None = None) -> ReportTable:
    """The table of a report; no transaction of ours is open while a foreign database is asked.

    Args:
        limit: fewer rows than the report's own limit.

    Raises:
        PermissionDenied: see `require_content`.
        Refusal: the database does not answer, a filter is gone, a value does not fit.
    """
    with home.database.read() as session:
        report = session.get_one(SavedReport, report_id)
        require_content(asked.actor, report)
        rows = min(limit or report.row_limit, report.row_limit)
        if report.listing:
            return _read_listing(session, report, asked, rows)
        url, query, values = _question(home, session, report, asked.on)
    with answering(home, url, query, values) as answer:
        return _shape_answer(answer, rows)


def _read_listing(session: Session, report: SavedReport, asked: Asked, limit: int) -> ReportTable:
    listing, scene = listing_of(report), scene_of(session, report.company, asked, report)
    return shape(
        listing.columns(scene.translate),
        listing.rows(scene),
        limit=limit,
        shown=report.columns,
        order_by=report.order_by,
        is_descending=report.is_descending,
    )


def scene_of(session: Session, company: Company, asked: Asked, report: SavedReport | None = None) -> Scene:
    """What a listing is told: for whom, of which days, in which language."""
    filters = Filters.from_kept(report.filters) if report else Filters()
    return Scene(session, asked.actor, company, asked.on, asked.language, translator(asked.language), filters)


def _question(
    home: Installation, session: Session, report: SavedReport, on: date
) -> tuple[str, str, dict[str, Any]]:
    """Address, query and bound values."""
    if report.source is None or report.source.company_id != report.company_id:
        raise ReportRefused("source")
    given = {"company": report.company.code, "today": on}
    try:
        values = bound_values(report.parameters, on, given)
    except ParameterInvalid as invalid:
        raise ReportRefused("parameter", invalid.name) from None
    return home.decrypt(report.source.url_encrypted), report.query, values


def _shape_answer(answer: Answer, limit: int) -> ReportTable:
    rows = iter(answer.rows)
    first = [tuple(row) for row in islice(rows, LOOKED_AT)]
    columns = tuple(
        _column(place, name, [row[place] for row in first]) for place, name in enumerate(answer.columns)
    )
    every = (_clean(row, columns) for row in chain(first, (tuple(row) for row in rows)))
    return shape(columns, every, limit=limit)


def _column(place: int, name: str, values: Sequence[Any]) -> Column:
    kind = _kind_of(values)
    numbers = [value for value in values if value is not None] if kind is CellKind.NUMBER else []
    return Column(str(place), name, kind, max((_digits(value) for value in numbers), default=0))


def _digits(value: int | float | Decimal) -> int:
    """Decimals with which a number is shown: of amounts two, of finer ones up to six."""
    exponent = Decimal(repr(value) if isinstance(value, float) else value).normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0:
        return 2 if isinstance(value, float | Decimal) and not isinstance(value, int) else 0
    return min(6, max(2, -exponent))


def _kind_of(values: Sequence[Any]) -> CellKind:
    """The kind of a column, by what stands in it."""
    said = [value for value in values if value is not None]
    for kind, types in (
        (CellKind.YES, bool),
        (CellKind.NUMBER, int | float | Decimal),
        (CellKind.MOMENT, datetime),
        (CellKind.DAY, date),
    ):
        if said and all(isinstance(value, types) for value in said):
            return kind
    return CellKind.TEXT


def _clean(row: Row, columns: Sequence[Column]) -> Row:
    return tuple(
        as_text(value) if column.kind is CellKind.TEXT and value is not None else value
        for value, column in zip(row, columns, strict=True)
    )
