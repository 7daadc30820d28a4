"""``crm-mail schedules``: what happens by itself, from the shell."""

from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.cli.frame import Answer, Failure, command, find_actor, find_company
from crm_mail.companies.models import Company
from crm_mail.composers import register_composers
from crm_mail.installation import Installation
from crm_mail.permissions import Actor
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.schedules.models import Firing, Schedule
from crm_mail.schedules.service import (
    find_schedule,
    last_firings,
    list_schedules,
    pause_schedule,
    resume_schedule,
    run_now,
)
from crm_mail.schedules.words import reason_words

AS_USER = click.option("--as", "email", default=None, metavar="EMAIL", help="The user on whose behalf.")
SCHEDULE = click.argument("schedule_id", type=int, metavar="SCHEDULE")


@click.group()
def schedules() -> None:
    """Schedules and special dates: list, run now, pause, resume."""


@schedules.command("list")
@click.option("--company", "company_code", default="", help="Of this company alone.")
@AS_USER
@command()
def list_all(home: Installation, company_code: str, email: str | None) -> Answer:
    """What happens by itself, when next, and what became of it last."""
    with home.database.read() as session:
        actor = find_actor(session, email)
        chosen = [find_company(session, company_code)] if company_code else _companies(session)
        found = [one for company in chosen for one in list_schedules(session, actor, company.id)]
        last = last_firings(session, found)
        return {"schedules": [_line(one, last.get(one.id)) for one in found]}


def _companies(session: Session) -> list[Company]:
    return list(session.scalars(select(Company).order_by(Company.code)))


def _line(schedule: Schedule, last: Firing | None) -> dict[str, Any]:
    return {
        "schedule": schedule.id,
        "company": schedule.company.code,
        "name": schedule.name,
        "kind": schedule.kind,
        "state": schedule.state.value,
        "rule": schedule.rule,
        "times": schedule.times,
        "timezone": schedule.timezone,
        "next": schedule.next_due_at.isoformat() if schedule.next_due_at else None,
        "owner": schedule.owner.email,
        "last": last.due_at.isoformat() if last else None,
        "outcome": last.state.value if last else None,
        "run": last.run_id if last else None,
    }


@schedules.command("run")
@SCHEDULE
@AS_USER
@command()
def run(home: Installation, schedule_id: int, email: str | None) -> Answer:
    """Do it once now, with its owner's rights, and wait for the outcome."""
    register_composers()
    register_scheduled_kinds()
    with home.database.write() as session:
        actor = find_actor(session, email)
        firing_id = run_now(session, actor, _find(session, actor, schedule_id)).id
    firing.tend(home)
    with home.database.read() as session:
        found = session.get_one(Firing, firing_id)
        return {
            "schedule": schedule_id,
            "outcome": found.state.value,
            "why": reason_words(found.reason, found.detail, str),
            "run": found.run_id,
        }


def _steer(name: str, help_text: str, act: Any) -> None:
    @schedules.command(name, help=help_text)
    @SCHEDULE
    @AS_USER
    @command()
    def steer(home: Installation, schedule_id: int, email: str | None) -> Answer:
        with home.database.write() as session:
            actor = find_actor(session, email)
            found = _find(session, actor, schedule_id)
            act(session, actor, found)
            return {
                "schedule": schedule_id,
                "state": found.state.value,
                "next": found.next_due_at.isoformat() if found.next_due_at else None,
            }


_steer("pause", "Let it rest; dates that pass meanwhile are not caught up.", pause_schedule)
_steer("resume", "Let a paused schedule go on with its next date.", resume_schedule)


def _find(session: Session, actor: Actor, schedule_id: int) -> Schedule:
    found = find_schedule(session, actor, schedule_id)
    if found is None:
        raise Failure(
            f"there is no schedule {schedule_id} for {actor.name}: `crm-mail schedules list` shows those there are"
        )
    return found


COMMANDS = {"schedules": schedules}
