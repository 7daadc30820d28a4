"""``crm-mail worker``, ``serve`` and ``start``: the processes of an office."""

import sys
import threading
from contextlib import ExitStack

import click

from config import Settings
from crm_mail.background import InstanceTaken, hold_instance
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
    with ExitStack() as stack:
        if home.database.is_sqlite:
            try:
                stack.enter_context(hold_instance(home, "worker"))
            except InstanceTaken as taken:
                raise Failure(str(taken)) from None
        stack.enter_context(stop_on_signals(stop))
        on_progress = stack.enter_context(show_sending())
        tally = run_worker(
            home, until_idle=until_idle, on_progress=on_progress, is_alone=home.database.is_sqlite, stop=stop
        )
    return tally.to_dict()


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
    try:
        serve_office(home)
    except InstanceTaken as taken:
        raise Failure(str(taken)) from None


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
    except Failure as failure:
        raise click.ClickException(str(failure)) from None


def register(cli: click.Group) -> None:
    """Add the commands."""
    for one in (worker, serve, start):
        cli.add_command(one)
