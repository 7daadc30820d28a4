"""``crm-mail worker``: sends what is committed; knows nothing of pages."""

import threading
from dataclasses import asdict

import click

from crm_mail.background import hold_instance
from crm_mail.cli.frame import Answer, command
from crm_mail.cli.progress import show_sending
from crm_mail.installation import Installation
from crm_mail.outbox.finishing import on_run_finished
from crm_mail.outbox.worker import run_worker, stop_on_signals
from crm_mail.reports.mailing import mail_run_report


@click.command()
@click.option("--until-idle", is_flag=True, help="End when nothing is left to send now.")
@command()
def worker(home: Installation, until_idle: bool) -> Answer:
    """Send what is committed."""
    on_run_finished(mail_run_report)
    stop, wake = threading.Event(), threading.Event()
    with hold_instance(home.settings) as is_alone, stop_on_signals(stop, wake), show_sending() as on_progress:
        tally = run_worker(
            home, until_idle=until_idle, on_progress=on_progress, is_alone=is_alone, stop=stop, wake=wake
        )
    return asdict(tally)


COMMANDS = {"worker": worker}
