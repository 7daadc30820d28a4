"""What every command shares: the installation, the answer as words or JSON, failures as messages."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, NoReturn

import click
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session

from config import Settings
from crm_mail.companies.models import Company
from crm_mail.installation import Installation
from crm_mail.logs import configure_logging
from crm_mail.permissions import HIGHEST_CLEARANCE, Actor
from crm_mail.refusals import Refusal
from crm_mail.schema import is_current
from crm_mail.users.actors import actor_by_email

SHELL = Actor(None, "command line", clearance=HIGHEST_CLEARANCE, is_admin=True)
"""Whoever holds the machine's shell holds its database: the actor of commands without ``--as``."""


class Failure(Refusal):
    """A command cannot do what was asked; the message says why and what to do."""


class Interrupted(Exception):
    """A command ended half-way through its work, for the reason that it was raised from.

    Args:
        so_far: what was done and stands.
    """

    def __init__(self, so_far: "Answer") -> None:
        super().__init__("interrupted")
        self.so_far = so_far


Answer = Mapping[str, Any]


def command(needs_schema: bool = True) -> Callable[[Callable[..., Answer | None]], Callable[..., None]]:
    """Make a function a command's body: it is given ``home`` and returns what is to be printed, or None.

    Args:
        needs_schema: refuse to run on a database that has not been upgraded.
    """

    def decorate(body: Callable[..., Answer | None]) -> Callable[..., None]:
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
        @wraps(body)
        def run(*args: Any, as_json: bool, **options: Any) -> None:
            try:
                settings = Settings()
                configure_logging(settings.log_level)
                home = Installation(settings)
                try:
                    if needs_schema and not is_current(home.database):
                        raise Failure(
                            "the database has another shape than this version: run `crm-mail db upgrade`"
                        )
                    answer = body(home, *args, **options)
                finally:
                    home.database.dispose()
            except Exception as error:
                so_far: Answer = {}
                cause: BaseException = error
                if isinstance(error, Interrupted) and error.__cause__ is not None:
                    cause, so_far = error.__cause__, error.so_far
                message = describe(cause)
                if not message:
                    raise
                fail(message, as_json, so_far)
            if answer is not None:
                show(answer, as_json)

        return run

    return decorate


def describe(error: BaseException) -> str:
    """The user's message for what ended a command; empty for an error of this program."""
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, ValidationError):
        return describe_settings(error)
    if isinstance(error, ArgumentError | ImportError):
        return f"CRM_MAIL_DATABASE_URL names no database that can be used: {error}"
    if isinstance(error, DatabaseError):
        is_of_database = type(error) in (DatabaseError, OperationalError)
        return describe_database_failure(str(error.orig)) if is_of_database else ""
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return ""


def describe_settings(error: ValidationError) -> str:
    """Which variables of the environment are wrong and why, without their values: one may be a secret."""
    wrong = (
        (f"CRM_MAIL_{str(one['loc'][0]).upper()}: " if one["loc"] else "") + one["msg"]
        for one in error.errors()
    )
    return f"the settings are wrong: {'; '.join(wrong)} (docs/operations.md lists them)"


def describe_database_failure(answer: str) -> str:
    """What the database's own answer means for who typed the command; a transaction that failed left nothing."""
    if "locked" in answer:
        remedy = "another program has kept it for more than a minute: let it end, then repeat the command"
    elif "full" in answer or "No space" in answer:
        remedy = "free some space on its disk, then repeat the command"
    elif "not a database" in answer or "malformed" in answer:
        remedy = "its file is damaged or belongs to another program: restore it from a backup"
    else:
        remedy = "check CRM_MAIL_DATABASE_URL and the disk"
    return f"the database cannot be used ({answer}); nothing was changed: {remedy}"


def fail(message: str, as_json: bool, so_far: Answer | None = None) -> NoReturn:
    """Print a failure, with what was done before it, and end with status 1."""
    if as_json:
        click.echo(json.dumps({"error": message, **(so_far or {})}, ensure_ascii=False, default=str))
    elif so_far:
        show(so_far, as_json)
    click.echo(f"crm-mail: {message}", err=True)
    sys.exit(1)


def show(answer: Answer, as_json: bool) -> None:
    """Print an answer, as JSON or as lines of words."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, default=str))
        return
    for key, value in answer.items():
        if isinstance(value, list):
            click.echo(f"{key}: {len(value)}")
            for one in value:
                click.echo("  " + (_line(one) if isinstance(one, Mapping) else str(one)))
        elif isinstance(value, Mapping):
            click.echo(f"{key}: {_line(value)}")
        else:
            click.echo(f"{key}: {value}")


def _line(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{key}={value}" for key, value in values.items() if value not in ("", None, [], {}))


def check_types(known: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a document type that the company does not have.

    Raises:
        Failure: naming those it has.
    """
    for one in wanted:
        if one not in known:
            raise Failure(f"there is no document type {one!r} (types: {', '.join(known)})")


def find_company(session: Session, code: str) -> Company:
    """The company with this code, in any case.

    Raises:
        Failure: naming the companies there are.
    """
    company = session.scalar(select(Company).where(func.lower(Company.code) == code.strip().lower()))
    if company is None:
        known = ", ".join(session.scalars(select(Company.code).order_by(Company.code))) or "none yet"
        raise Failure(
            f"there is no company {code!r} (companies: {known}): add it with `crm-mail company add`"
        )
    return company


def find_actor(session: Session, email: str | None) -> Actor:
    """Who a command works for: the user named by ``--as``, else whoever holds the shell."""
    return actor_by_email(session, email) if email else SHELL


def read_password() -> str:
    """The password from standard input, without its line end."""
    return sys.stdin.readline().rstrip("\r\n")
