"""``crm-mail worker``, ``serve`` and ``start``: the processes of an office."""

import sys
import threading
from dataclasses import asdict

import click

from config import Settings
from crm_mail.background import AlreadyRunning, hold_instance
from crm_mail.cli.frame import Answer, Failure, command
from crm_mail.cli.progress import show_sending
from crm_mail.demo.main_job import load_demo, print_report
from crm_mail.installation import Installation
from crm_mail.outbox.worker import run_worker, stop_on_signals
from crm_mail.schema import upgrade
from crm_mail.serving import serve_office


@click.command()
@click.option("--until-idle", is_flag=True, help="End when nothing is left to send now.")
@command()
def worker(home: Installation, until_idle: bool) -> Answer:
    """Send what is committed."""
    stop = threading.Event()
    with hold_instance(home.settings) as is_alone, stop_on_signals(stop), show_sending() as on_progress:
        tally = run_worker(home, until_idle=until_idle, on_progress=on_progress, is_alone=is_alone, stop=stop)
    return asdict(tally)


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
    home = Installation(Settings())
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


def register(cli: click.Group) -> None:
    """Add the commands."""
    for one in (worker, serve, start):
        cli.add_command(one)
