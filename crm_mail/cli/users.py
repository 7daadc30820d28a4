"""``crm-mail user``: people who sign in."""

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_mail.cli.frame import SHELL, Answer, Failure, command, read_password
from crm_mail.cli.user_sight import set_limits, sight
from crm_mail.companies.models import Company
from crm_mail.companies.type_registry import all_types
from crm_mail.installation import Installation
from crm_mail.permissions import AREA_PERMISSIONS
from crm_mail.permissions import Grant as Right
from crm_mail.users import granting, groups, links, second_factor
from crm_mail.users.actors import find_user
from crm_mail.users.matrix import Choice
from crm_mail.users.models import User
from crm_mail.users.passwords import Passwords
from crm_mail.users.problems import Problem, UserRefused
from crm_mail.users.rights import describe_grant, parse_grant
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
        wanted += [(AREAS[area], "", None) for area in areas]
        draft = UserDraft(email, name, is_admin, clearance, language)
        added = create_user(
            session, SHELL, draft, password, passwords, grants=wanted, must_change_password=True
        )
        added.must_change_password = len(password) < SHORTEST_PASSWORD
        return {"user": added.id, "email": added.email, "must_change_password": added.must_change_password}


def _rights(session: Session, texts: tuple[str, ...]) -> list[Right]:
    """What was written as ``TYPE:ACTION:COMPANY`` or ``AREA:ACTION[:COMPANY]``."""
    companies = {code: id_ for code, id_ in session.execute(select(Company.code, Company.id))}
    types = all_types(session).ids
    return [parse_grant(text, types, companies) for text in texts]


def _user(session: Session, email: str) -> User:
    found = find_user(session, email)
    if found is None:
        raise UserRefused(Problem.UNKNOWN_USER, email=email)
    return found


def _choose(
    home: Installation, who: str, texts: tuple[str, ...], choice: Choice, *, is_group: bool
) -> Answer:
    with home.database.write() as session:
        holder: granting.Holder = groups.group_by_name(session, who) if is_group else _user(session, who)
        wanted = dict.fromkeys(_rights(session, texts), choice)
        changes = granting.choose(session, SHELL, holder, wanted)
        return {"changed": len(changes), "rights": granting.describe_rules(session, holder)}


RIGHTS = {"nargs": -1, "required": True, "metavar": "TYPE:ACTION:COMPANY..."}


def _rights_commands(group: click.Group, argument: str, *, is_group: bool) -> None:
    """The commands that users and groups share."""
    said = {
        "grant": (Choice.ALLOW, "Give rights, such as invoice:commit:SM02 or contacts:see."),
        "deny": (Choice.DENY, "Take rights away even where a group gives them."),
        "revoke": (Choice.INHERIT, "Forget what was given or denied here."),
    }
    for name, (choice, words) in said.items():

        def act(home: Installation, who: str, rights: tuple[str, ...], choice: Choice = choice) -> Answer:
            return _choose(home, who, rights, choice, is_group=is_group)

        act.__doc__ = words
        act.__name__ = f"{name}_{'group' if is_group else 'user'}"
        group.command(name)(
            click.argument("who", metavar=argument)(click.argument("rights", **RIGHTS)(command()(act)))  # type: ignore[arg-type]
        )


@user.command("rights")
@click.argument("email")
@command()
def show_rights(home: Installation, email: str) -> Answer:
    """What a user holds: the own rules, those of groups, and whose customers the user sees."""
    with home.database.read() as session:
        found = _user(session, email)
        codes = granting.company_codes(session)
        rules = [
            {
                "right": describe_grant(rule.right, codes),
                "state": "denied" if rule.is_denied else "allowed",
                "group": rule.group,
                "given_by": rule.given_by,
            }
            for rule in granting.rules_of(session, found)
        ]
        return {
            "email": found.email,
            "is_admin": found.is_admin,
            "clearance": found.clearance,
            "agents": list(found.agents),
            "zones": list(found.zones),
            "groups": [one.name for one in found.groups],
            "rights": rules,
        }


@click.group("group")
def group_commands() -> None:
    """Groups of users."""


@group_commands.command("list")
@command()
def list_groups(home: Installation) -> Answer:
    """Every group with its members and its own rights."""
    with home.database.read() as session:
        return {
            "groups": [
                {
                    "name": one.name,
                    "members": [user.email for user in groups.members_of(session, one)],
                    "rights": granting.describe_rules(session, one),
                }
                for one in groups.list_groups(session, SHELL)
            ]
        }


@group_commands.command("add")
@click.argument("name")
@click.option("--under", default="", help="The group whose rights it has as well.")
@click.option("--member", "members", multiple=True, metavar="EMAIL")
@command()
def add_group(home: Installation, name: str, under: str, members: tuple[str, ...]) -> Answer:
    """Add a group."""
    with home.database.write() as session:
        parent = groups.group_by_name(session, under).id if under else None
        ids = frozenset(_user(session, email).id for email in members)
        added = groups.save_group(session, SHELL, None, groups.GroupDraft(name, parent, ids))
        return {"group": added.id, "name": added.name}


user.add_command(sight)
user.add_command(set_limits)
_rights_commands(user, "EMAIL", is_group=False)
_rights_commands(group_commands, "NAME", is_group=True)


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


COMMANDS = {"user": user, "group": group_commands}
