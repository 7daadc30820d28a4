"""``crm-mail serve`` and ``start``: pages and worker in one process."""

import sys

import click

from config import Settings
from crm_mail.background import AlreadyRunning
from crm_mail.cli.frame import Failure, command
from crm_mail.demo.main_job import load_demo, print_report
from crm_mail.installation import Installation
from crm_mail.logs import configure_logging
from crm_mail.schema import upgrade
from crm_mail.serving import serve_office


@click.command()
@click.option("--host", default=None)
@click.option("--port", type=click.IntRange(1, 65535), default=None)
@command()
def serve(home: Installation, host: str | None, port: int | None) -> None:
    """Web pages and worker in one process."""
    _serve(home, host, port)


def _serve(home: Installation, host: str | None, port: int | None) -> None:
    changes = {k: v for k, v in (("host", host), ("port", port)) if v}
    home.settings = home.settings.model_copy(update=changes)
    serve_office(home)


@click.command()
@click.option("--once", is_flag=True, help="Stop after the report of the sample company.")
@click.option("--empty", is_flag=True, help="A clean installation: the first page makes its administrator.")
@click.option("--host", default=None)
@click.option("--port", type=click.IntRange(1, 65535), default=None)
def start(once: bool, empty: bool, host: str | None, port: int | None) -> None:
    """Everything from nothing: database, sample company with its main job, pages and worker."""
    settings = Settings()
    configure_logging(settings.log_level)
    home = Installation(settings)
    upgrade(home.database)
    try:
        if not empty:
            result = load_demo(home)
            print_report(home, result)
            if once:
                sys.exit(0 if result.is_good else 1)
        _serve(home, host, port)
    except (AlreadyRunning, Failure) as failure:
        raise click.ClickException(str(failure)) from None


COMMANDS = {"serve": serve, "start": start}
