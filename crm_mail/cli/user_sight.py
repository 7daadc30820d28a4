"""``crm-mail user sight`` and ``crm-mail user limits``: whose customers a user sees, and how much a user may commit."""

from dataclasses import replace

import click

from crm_mail.cli.frame import SHELL, Answer, Failure, command
from crm_mail.installation import Installation
from crm_mail.permissions import CommitLimits
from crm_mail.users import limits
from crm_mail.users.actors import find_user, limits_of
from crm_mail.users.models import User
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.service import draft_of, update_user

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@click.command("sight")
@click.argument("email")
@click.option("--clearance", type=click.IntRange(0, 3), help="Highest privacy level to see.")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="Only this agent's customers, and …")
@click.option("--zone", "zones", multiple=True, metavar="NAME", help="… those of this zone.")
@click.option("--all-customers", is_flag=True, help="Take the limits to agents and zones away.")
@command()
def sight(
    home: Installation,
    email: str,
    clearance: int | None,
    agents: tuple[str, ...],
    zones: tuple[str, ...],
    all_customers: bool,
) -> Answer:
    """Say which contacts and customers exist for a user; what is not named stays as it is."""
    if all_customers and (agents or zones):
        raise Failure("--all-customers takes no --agent and no --zone: give the one or the others")
    with home.database.write() as session:
        found = find_user(session, email) or _unknown(email)
        draft = draft_of(found)
        if clearance is not None:
            draft = replace(draft, clearance=clearance)
        if agents or zones or all_customers:
            draft = replace(draft, agents=frozenset(agents), zones=frozenset(zones))
        update_user(session, SHELL, found, draft, is_active=found.is_active)
        return {
            "email": found.email,
            "clearance": found.clearance,
            "agents": list(found.agents),
            "zones": list(found.zones),
        }


@click.command("limits")
@click.argument("email")
@click.option("--most", type=click.IntRange(1, limits.MOST), help="Messages of one commit.")
@click.option(
    "--second-person-above", "above", type=click.IntRange(0, limits.MOST), help="0: for every commit."
)
@click.option(
    "--hours", metavar="08:00-18:00", help="In the user's time zone; over midnight when it ends earlier."
)
@click.option("--day", "days", multiple=True, type=click.Choice(DAYS), help="On these days only.")
@click.option("--none", "is_none", is_flag=True, help="Take all limits away first.")
@command()
def set_limits(
    home: Installation,
    email: str,
    most: int | None,
    above: int | None,
    hours: str | None,
    days: tuple[str, ...],
    is_none: bool,
) -> Answer:
    """Say how much a user may commit at once, and when; what is not named stays as it is. Without options: show it."""
    with home.database.write() as session:
        found = find_user(session, email) or _unknown(email)
        wanted = CommitLimits() if is_none else limits_of(found)
        if most is not None:
            wanted = replace(wanted, most_messages=most)
        if above is not None:
            wanted = replace(wanted, second_person_above=above)
        if hours is not None:
            begins, ends = _minutes(hours)
            wanted = replace(wanted, from_minute=begins, to_minute=ends)
        if days:
            wanted = replace(wanted, weekdays=frozenset(DAYS.index(day) for day in days))
        if is_none or wanted != limits_of(found):
            limits.set_limits(session, SHELL, found, wanted)
        return {"email": found.email, **limits.figures(limits_of(found))}


def _unknown(email: str) -> User:
    raise UserRefused(Problem.UNKNOWN_USER, email=email)


def _minutes(text: str) -> tuple[int, int]:
    """Two times of the day, in minutes."""
    try:
        begins, ends = (
            int(hour) * 60 + int(minute)
            for hour, minute in (part.strip().split(":") for part in text.split("-"))
        )
    except ValueError:
        raise Failure(f"{text} are no hours: write them as 08:00-18:00") from None
    if begins == ends or not all(0 <= one < 24 * 60 for one in (begins, ends)):
        raise Failure(f"{text} are no hours: give two different times between 00:00 and 23:59")
    return begins, ends
