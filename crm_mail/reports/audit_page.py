"""The audit as a page: who did what and when, newest first; only up to the reader's clearance.

Rows are paged by their id (keyset), so the page costs the same in a log of millions.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from crm_mail import audit_chain
from crm_mail.audit import AuditEvent, record
from crm_mail.audit_redactions import hide_redacted, is_redacted
from crm_mail.permissions import Actor, Permission, requires, signed_in_actor
from crm_mail.reports.audit_details import codes, flatten
from crm_mail.reports.audit_fields import field_label
from crm_mail.reports.audit_sight import lines_in_sight
from crm_mail.reports.audit_words import (
    action_label,
    kind_label,
    known_actions,
    object_name,
)
from crm_mail.users.models import User
from crm_mail.web.door import db, installation
from crm_mail.web.forms import ActionForm
from crm_mail.web.language import zone_of_user
from crm_mail.web.table_files import CSV_MIME, csv_chunks
from crm_mail.web.urls import url_with

PAGE_SIZE = 50
EXPORTED = 100_000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What the reader asked for; empty values do not limit."""

    user_id: int | None = None
    action: str = ""
    starting_on: date | None = None
    ending_on: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of events, newest first, and the cursors of its neighbours."""

    events: Sequence[AuditEvent]
    next_cursor: int | None
    previous_cursor: int | None


def read_audit(
    session: Session,
    actor: Actor,
    wanted: AuditFilter,
    zone: tzinfo = UTC,
    *,
    after: int | None = None,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> AuditPage:
    """One page of the audit.

    Args:
        zone: in which the days of the filter begin and end.
        after: id of the last event of the page before; older events follow.
        before: id of the first event of the page after; newer events are returned.

    Raises:
        PermissionDenied: the actor may not see the audit.
    """
    actor.require(Permission.AUDIT_SEE)
    query = select(AuditEvent).where(*lines_in_sight(actor), *_conditions(wanted, zone))
    if before is not None:
        newer = query.where(AuditEvent.id > before).order_by(AuditEvent.id).limit(size + 1)
        rows = list(session.scalars(newer))
        has_newer, has_older = len(rows) > size, True
        rows = rows[:size][::-1]
    else:
        older = query.order_by(AuditEvent.id.desc()).limit(size + 1)
        rows = list(session.scalars(older.where(AuditEvent.id < after) if after is not None else older))
        has_newer, has_older = after is not None, len(rows) > size
        rows = rows[:size]
    hide_redacted(session, rows)
    return AuditPage(
        rows, rows[-1].id if rows and has_older else None, rows[0].id if rows and has_newer else None
    )


def _conditions(wanted: AuditFilter, zone: tzinfo) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.user_id is not None:
        conditions.append(AuditEvent.user_id == wanted.user_id)
    if wanted.action:
        conditions.append(AuditEvent.action == wanted.action)
    if wanted.starting_on is not None:
        conditions.append(AuditEvent.at >= _midnight(wanted.starting_on, zone))
    if wanted.ending_on is not None:
        conditions.append(AuditEvent.at < _midnight(wanted.ending_on + timedelta(days=1), zone))
    if wanted.text:
        conditions.append(~is_redacted())
        conditions.append(
            AuditEvent.object_label.icontains(wanted.text, autoescape=True)
            | AuditEvent.actor_name.icontains(wanted.text, autoescape=True)
        )
    return conditions


def export_events(
    session: Session, actor: Actor, wanted: AuditFilter, zone: tzinfo = UTC
) -> list[list[object]]:
    """The events that the filter leaves, newest first, as rows of a table; at most `EXPORTED` of them.

    Raises:
        PermissionDenied: the actor may not take the audit away.
    """
    actor.require(Permission.AUDIT_EXPORT)
    query = select(AuditEvent).where(*lines_in_sight(actor), *_conditions(wanted, zone))
    events = list(session.scalars(query.order_by(AuditEvent.id.desc()).limit(EXPORTED)))
    hide_redacted(session, events)
    return [
        [
            one.at,
            one.actor_name,
            action_label(one.action),
            one.action,
            one.object_label,
            codes(one.detail or {}),
        ]
        for one in events
    ]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _read_filter() -> AuditFilter:
    return AuditFilter(
        request.args.get("user", type=int),
        request.args.get("action", "").strip(),
        request.args.get("from", type=date.fromisoformat),
        request.args.get("to", type=date.fromisoformat),
        request.args.get("q", "").strip(),
    )


def _chips(wanted: AuditFilter, names: Mapping[int, str]) -> list[tuple[str, str]]:
    """The filters in force, each with the address without it."""
    chips = (
        ("user", names.get(wanted.user_id, str(wanted.user_id)) if wanted.user_id is not None else ""),
        ("action", action_label(wanted.action) if wanted.action else ""),
        ("from", f"≥ {wanted.starting_on:%d/%m/%Y}" if wanted.starting_on else ""),
        ("to", f"≤ {wanted.ending_on:%d/%m/%Y}" if wanted.ending_on else ""),
        ("q", wanted.text),
    )
    return [(label, url_with(**{name: None})) for name, label in chips if label]


def audit() -> str:
    """Show the audit, filtered by the address."""
    wanted = _read_filter()
    page = read_audit(
        db(),
        signed_in_actor(),
        wanted,
        zone_of_user(),
        after=request.args.get("after", type=int),
        before=request.args.get("before", type=int),
    )
    names = {user_id: name for user_id, name in db().execute(select(User.id, User.name).order_by(User.name))}
    return render_template(
        "reports/audit.html",
        page=page,
        wanted=wanted,
        users=list(names.items()),
        actions=known_actions(),
        chips=_chips(wanted, names),
        flatten=flatten,
        action_label=action_label,
        field_label=field_label,
        object_name=object_name,
        chain=audit_chain.read_state(db()),
        kind_label=kind_label,
    )


def verify_audit() -> Response:
    """Walk the chain of seals now, and keep what was found."""
    found = audit_chain.verify(installation(), db())
    audit_chain.record_check(db(), found)
    record(
        db(), signed_in_actor(), "reports.audit.verified", count=found.sealed, problems=len(found.problems)
    )
    if found.is_whole:
        flash(_("The audit is whole: %(count)s sealed rows were checked.", count=found.sealed), "success")
    else:
        flash(
            _("The audit was touched: %(count)s rows are not what was sealed.", count=len(found.problems)),
            "danger",
        )
    return redirect(url_for("reports.audit"), 303)


def export_audit() -> Response:
    """The audit as it is filtered, as a CSV file."""
    if not ActionForm().validate_on_submit():
        abort(400)
    rows = export_events(db(), signed_in_actor(), _read_filter(), zone_of_user())
    header = [_("When"), _("Who"), _("Action"), _("Code"), _("Object"), _("Details")]
    file = io.BytesIO(b"".join(csv_chunks(header, rows, str(get_locale() or "en"))))
    record(db(), signed_in_actor(), "reports.audit.exported", count=len(rows))
    return send_file(file, CSV_MIME, as_attachment=True, download_name="audit.csv")


def add_audit_routes(blueprint: Blueprint) -> None:
    """Add ``audit`` to the blueprint of the reports room."""
    blueprint.add_url_rule("/audit", "audit", requires(Permission.AUDIT_SEE)(audit), methods=["GET"])
    blueprint.add_url_rule(
        "/audit/verify", "verify_audit", requires(Permission.AUDIT_SEE)(verify_audit), methods=["POST"]
    )
    blueprint.add_url_rule(
        "/audit/export", "export_audit", requires(Permission.AUDIT_EXPORT)(export_audit), methods=["POST"]
    )
