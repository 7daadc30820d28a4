"""``crm-mail status``: whether the mailer runs, since when, what it did last, what waits, what went wrong."""

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import select

from crm_mail.cli.frame import Answer, Failure, Interrupted, command
from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.permissions import HIGHEST_CLEARANCE, Sight
from crm_mail.send_orders.wording import explain
from crm_mail.status.reading import LastError, MailerStatus, read_status
from crm_mail.status.words import trouble_words
from crm_mail.web.translating import translator

_ENGLISH = translator("en")


@click.command()
@command()
def status(home: Installation) -> Answer:
    """Whether the mailer runs, since when, what it did last, and what waits."""
    with home.database.read() as session:
        companies = session.scalars(select(Company).order_by(Company.code)).all()
        ids = [one.id for one in companies]
        found = read_status(session, home.settings, companies, Sight(HIGHEST_CLEARANCE), errors_of=ids)
    answer = _answer(found)
    if found.troubles:
        words = "; ".join(trouble_words(trouble, detail, _ENGLISH) for trouble, detail in found.troubles)
        raise Interrupted(answer) from Failure(words)
    return answer


def _answer(found: MailerStatus) -> dict[str, Any]:
    return {
        "runs": bool(found.running),
        "since": _moment(found.since),
        "mailer": found.mailer.value,
        "last_attempt": _moment(found.last_at),
        "last_outcome": found.last_outcome,
        "processes": [
            {
                "host": one.host,
                "pid": one.pid,
                "kind": one.kind,
                "processes": one.processes,
                "is_alive": one.is_alive,
                "started_at": _moment(one.started_at),
                "beat_at": _moment(one.beat_at),
                "last_attempt": _moment(one.last_at),
            }
            for one in found.processes
        ],
        "queues": [{**asdict(one), "stopped": list(one.stopped)} for one in found.queues],
        "folders": [asdict(one) for one in found.folders],
        "orders": found.orders,
        "errors": [_error(one) for one in found.errors],
        "troubles": [{"code": trouble.value, "detail": detail} for trouble, detail in found.troubles],
    }


def _error(one: LastError) -> dict[str, Any]:
    reason = explain(one.code, one.params, _ENGLISH) if one.code else one.detail
    return {
        "at": _moment(one.at),
        "company": one.company,
        "kind": one.kind,
        "name": one.name,
        "reason": reason,
    }


def _moment(at: Any) -> str:
    return at.isoformat(timespec="seconds") if at else ""


COMMANDS = {"status": status}
