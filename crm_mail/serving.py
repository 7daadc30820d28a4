"""One office PC: pages and worker in one process, and the sample company's mail servers when there are any."""

import signal
from contextlib import ExitStack
from types import FrameType

import click
from flask import Flask
from waitress.server import BaseWSGIServer, create_server

from config import Settings
from crm_mail.app import create_app
from crm_mail.background import hold_instance
from crm_mail.composers import register_composers
from crm_mail.contacts.kind_watch import watching_kinds
from crm_mail.demo.servers import SampleServers, sandbox_folder
from crm_mail.events import handling
from crm_mail.evidence import upkeep
from crm_mail.evidence.mailbox_watch import watching_mailboxes
from crm_mail.evidence.smpp_reports import fetching_sms_reports
from crm_mail.importers.folders.watch import watching_folders
from crm_mail.installation import Installation
from crm_mail.outbox.sending.finishing import on_run_finished
from crm_mail.outbox.sending.worker import embedded_worker
from crm_mail.outbox.tasks import DRAIN, on_sweep
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

MOST_CONNECTIONS, SILENT_SECONDS = 500, 60
"""Open connections, and how long one may be silent within a request: a few slow browsers lock nobody out."""


def serve_office(home: Installation) -> None:
    """Serve until SIGTERM or Ctrl-C; what is being sent is finished, the rest is given back.

    Raises:
        AlreadyRunning: another process serves this SQLite database.
        OSError: the port is taken.
    """
    settings = home.settings
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
    with ExitStack() as stack:
        is_alone = stack.enter_context(hold_instance(settings, settings.resolved_public_url))
        stack.enter_context(beating_process(home, Kind.SERVE))
        if sandbox_folder(home).is_dir():
            stack.enter_context(SampleServers(home))
        app = create_app(settings, home)
        server = open_server(app, settings, settings.port)
        stack.callback(server.close)
        app.extensions["bell"] = stack.enter_context(embedded_worker(home, is_alone=is_alone))
        stack.enter_context(watching_folders(home))
        stack.enter_context(watching_orders(home, lambda: app.extensions["bell"].ring(DRAIN)))
        stack.enter_context(watching_kinds(home))
        stack.enter_context(watching_mailboxes(home))
        stack.enter_context(fetching_sms_reports(home))
        stack.enter_context(sending_webhooks(home))
        signal.signal(signal.SIGTERM, _interrupt)
        click.echo(f"CRM Mail is served at {settings.resolved_public_url} (Ctrl-C ends it)")
        try:
            server.run()
        except KeyboardInterrupt:
            click.echo("Ending: what is being sent is finished first.")


def open_server(app: Flask, settings: Settings, port: int) -> BaseWSGIServer:
    """The web server of the pages, listening; port 0: any free one.

    Raises:
        OSError: the port is taken.
    """
    return create_server(
        app,
        host=settings.host,
        port=port,
        threads=settings.web_threads,
        ident=None,
        connection_limit=MOST_CONNECTIONS,
        channel_timeout=SILENT_SECONDS,
        cleanup_interval=10,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=not settings.trusted_proxies,
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
