"""``crm-mail worker``: sends what is committed; knows nothing of pages."""

from contextlib import ExitStack
from dataclasses import asdict

import click

from crm_mail.cli.frame import Answer, command
from crm_mail.cli.progress import show_sending
from crm_mail.composers import register_composers
from crm_mail.contacts.kind_watch import watching_kinds
from crm_mail.events import handling
from crm_mail.evidence import upkeep
from crm_mail.evidence.mailbox_watch import watching_mailboxes
from crm_mail.evidence.smpp_reports import fetching_sms_reports
from crm_mail.importers.folders.watch import watching_folders
from crm_mail.installation import Installation
from crm_mail.outbox.sending.finishing import on_run_finished
from crm_mail.outbox.sending.processes import run_worker_processes
from crm_mail.outbox.sending.worker import run_worker_process
from crm_mail.outbox.tasks import on_sweep
from crm_mail.privacy.retention import retain_daily
from crm_mail.reports.changes import notices as change_notices
from crm_mail.reports.mailing import mail_run_report
from crm_mail.reports.saved import issuing as saved_issuing
from crm_mail.scheduled_kinds import register_scheduled_kinds
from crm_mail.schedules import firing
from crm_mail.send_orders.watching import watching_orders
from crm_mail.send_orders.writing import write_for_new_documents
from crm_mail.status.beating import Kind, beating_process
from crm_mail.webhooks.sending import sending_webhooks


@click.command()
@click.option("--until-idle", is_flag=True, help="End when nothing is left to send now.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, help="Worker processes that share the queue."
)
@command()
def worker(home: Installation, until_idle: bool, processes: int) -> Answer:
    """Send what is committed, watch the hot folders, and read the mailboxes."""
    register_composers()
    on_run_finished(mail_run_report)
    on_sweep(upkeep.tend)
    on_sweep(retain_daily)
    register_scheduled_kinds()
    on_sweep(firing.tend)
    on_sweep(handling.tend)
    on_sweep(change_notices.tend)
    on_sweep(saved_issuing.tend)
    on_sweep(write_for_new_documents)
    with ExitStack() as watching, show_sending(home) as on_progress:
        watching.enter_context(beating_process(home, Kind.WORKER, processes))
        if not until_idle:
            watching.enter_context(watching_folders(home))
            watching.enter_context(watching_orders(home))
            watching.enter_context(watching_kinds(home))
            watching.enter_context(watching_mailboxes(home))
            watching.enter_context(fetching_sms_reports(home))
            watching.enter_context(sending_webhooks(home))
        if processes == 1:
            tally = run_worker_process(home, until_idle=until_idle, on_progress=on_progress)
        else:
            tally = run_worker_processes(home, processes, until_idle=until_idle, on_progress=on_progress)
    if tally.stopped_accounts:
        click.echo(
            "crm-mail: a mail server refused an account; `crm-mail run show` tells which, and why", err=True
        )
    return asdict(tally)


COMMANDS = {"worker": worker}
