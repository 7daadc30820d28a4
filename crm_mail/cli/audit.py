"""``crm-mail audit``: verify the chain of seals, seal, export."""

import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy import select

from crm_mail import audit_chain
from crm_mail.audit import AuditEvent, record
from crm_mail.audit_chain import AuditSeal
from crm_mail.audit_redactions import hide_redacted
from crm_mail.cli.frame import SHELL, Answer, Failure, Interrupted, command
from crm_mail.installation import Installation

PAGE = 2000
COLUMNS = [column.name for column in AuditEvent.__table__.columns]


@click.group()
def audit() -> None:
    """The record of who did what: its seals, its export."""


@audit.command("verify")
@click.option("--head", default="", help="Hash that an earlier verification printed: it must still be there.")
@command()
def verify(home: Installation, head: str) -> Answer:
    """Find rows of the audit that were changed, deleted, inserted or moved; ends with status 1 when there are any."""
    with home.database.read() as session:
        found = audit_chain.verify(home, session, head)
    with home.database.write() as session:
        audit_chain.record_check(session, found)
        record(session, SHELL, "reports.audit.verified", count=found.sealed, problems=len(found.problems))
    answer = {
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "head": found.head,
        "problems": [{"kind": one.kind.value, "event": one.event_id} for one in found.problems],
    }
    if not found.has_expected_head:
        raise Interrupted(answer) from Failure(
            "the audit lacks the head that was given: it was cut, or made anew"
        )
    if found.problems:
        raise Interrupted(answer) from Failure(
            f"{len(found.problems)} rows of the audit are not what was sealed"
        )
    return answer


@audit.command("seal")
@command()
def seal(home: Installation) -> Answer:
    """Seal what is not sealed yet; a worker does so by itself."""
    return {"sealed": audit_chain.seal(home)}


@audit.command("export")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; otherwise standard output."
)
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day (UTC).")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Day after the last one (UTC).")
@command()
def export(
    home: Installation, output: Path | None, first: datetime | None, last: datetime | None
) -> Answer | None:
    """Write the audit as JSON lines, each row with its seal, oldest first."""
    with ExitStack() as stack:
        file: TextIO = stack.enter_context(output.open("x", encoding="utf-8")) if output else sys.stdout
        count = _write(home, file, first, last)
    with home.database.write() as session:
        record(session, SHELL, "reports.audit.exported", count=count)
    return {"rows": count, "file": str(output)} if output else None


def _write(home: Installation, file: TextIO, first: datetime | None, last: datetime | None) -> int:
    query = (
        select(AuditEvent, AuditSeal.position, AuditSeal.chain_hash)
        .outerjoin(AuditSeal, AuditSeal.event_id == AuditEvent.id)
        .order_by(AuditEvent.id)
        .limit(PAGE)
    )
    for day, is_first in ((first, True), (last, False)):
        if day is not None:
            at = day.replace(tzinfo=UTC)
            query = query.where(AuditEvent.at >= at if is_first else AuditEvent.at < at)
    count, after = 0, 0
    while True:
        with home.database.read() as session:
            rows = session.execute(query.where(AuditEvent.id > after)).all()
            last_id = rows[-1][0].id if rows else 0
            hide_redacted(session, [row[0] for row in rows])
        for event, position, chain_hash in rows:
            values = {name: getattr(event, name) for name in COLUMNS}
            line = values | {"position": position, "chain_hash": chain_hash}
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        count += len(rows)
        if len(rows) < PAGE:
            return count
        after = last_id


COMMANDS = {"audit": audit}
