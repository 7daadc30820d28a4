"""``crm-mail user``: people who sign in."""

import click
from sqlalchemy import select

from crm_mail.cli.frame import SHELL, Answer, Failure, command, read_password
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import all_types
from crm_mail.installation import Installation
from crm_mail.permissions import AREA_PERMISSIONS
from crm_mail.users import links, second_factor
from crm_mail.users.actors import find_user
from crm_mail.users.passwords import Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.rights import parse_grant
from crm_mail.users.service import UserDraft, create_user

SHORTEST_PASSWORD = 8
"""What an administrator may set at the shell for good (NIST SP 800-63B); the pages ask users for more."""

AREAS = {
    permission.value.split(":")[0]: permission
    for permission in AREA_PERMISSIONS
    if permission.value.endswith(":manage")
}


@click.group()
def user() -> None:
    """People who sign in."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--admin", "is_admin", is_flag=True, help="May do everything.")
@click.option("--clearance", type=click.IntRange(0, 3), default=0, help="Highest privacy level to see.")
@click.option(
    "--grant", "grants", multiple=True, metavar="TYPE:ACTION:COMPANY", help="* for every type or company."
)
@click.option("--manage", "areas", multiple=True, type=click.Choice(sorted(AREAS)), help="An area to manage.")
@click.option("--language", type=click.Choice(["it", "es", "en"]), default="it")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@command()
def add_user(
    home: Installation,
    email: str,
    name: str,
    is_admin: bool,
    clearance: int,
    grants: tuple[str, ...],
    areas: tuple[str, ...],
    language: str,
    password_stdin: bool,
) -> Answer:
    """Add a user. A short password serves once: the user chooses another one at the first login."""
    if not password_stdin:
        raise Failure("give the password on standard input: add --password-stdin")
    password = read_password()
    if not password:
        raise Failure("the password on standard input is empty: pass one line with it")
    passwords = Passwords(home.settings.argon2_memory_kib)
    with home.database.write() as session:
        companies = {code: id_ for code, id_ in session.execute(select(Company.code, Company.id))}
        types = all_types(session).ids
        wanted = [parse_grant(text, types, companies) for text in grants]
        draft = UserDraft(email, name, is_admin, clearance, language, frozenset(AREAS[a] for a in areas))
        added = create_user(
            session, SHELL, draft, password, passwords, grants=wanted, must_change_password=True
        )
        added.must_change_password = len(password) < SHORTEST_PASSWORD
        return {"user": added.id, "email": added.email, "must_change_password": added.must_change_password}


@user.command("reset-second-factor")
@click.argument("email")
@command()
def reset_second_factor(home: Installation, email: str) -> Answer:
    """Take a lost second factor away: the next sign-in asks for the password alone. All browsers are signed out."""
    with home.database.write() as session:
        found = find_user(session, email)
        if found is None:
            raise UserRefused(Problem.UNKNOWN_USER, email=email)
        second_factor.reset(session, SHELL, found)
        return {"user": found.id, "email": found.email, "second_factor": "reset"}


@user.command("link")
@click.argument("email")
@command()
def give_link(home: Installation, email: str) -> Answer:
    """Print a link with which a user chooses the password: it works once, and ends by itself."""
    with home.database.write() as session:
        found = find_user(session, email)
        if found is None:
            raise UserRefused(Problem.UNKNOWN_USER, email=email)
        token, is_invitation = links.give_link(session, SHELL, found)
        lasts = links.INVITATION_LASTS if is_invitation else links.RESET_LASTS
        url = home.settings.resolved_public_url + links.path_of(token)
        return {
            "user": found.id,
            "email": found.email,
            "link": url,
            "hours": int(lasts.total_seconds() // 3600),
        }


COMMANDS = {"user": user}
