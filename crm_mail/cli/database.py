"""``crm-mail db``: the database's shape."""

import click

from crm_mail.cli.frame import Answer, command
from crm_mail.installation import Installation
from crm_mail.schema import upgrade


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@command(needs_schema=False)
def upgrade_database(home: Installation) -> Answer:
    """Bring the database to the shape of this version."""
    upgrade(home.database)
    return {"database": home.database.engine.url.render_as_string(hide_password=True), "upgraded": True}


COMMANDS = {"db": db}
