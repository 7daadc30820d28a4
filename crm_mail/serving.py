"""One office PC: pages and worker in one process, and the sample company's mail servers when there are any."""

import logging
import signal
import threading
from contextlib import ExitStack
from types import FrameType

import click
from waitress.server import create_server

from crm_mail.app import create_app
from crm_mail.background import hold_instance
from crm_mail.demo.main_job import sandbox_folder
from crm_mail.installation import Installation
from crm_mail.outbox.finishing import on_run_finished
from crm_mail.outbox.worker import run_worker
from crm_mail.reports.mailing import mail_run_report
from crm_mail.sandbox.servers import SandboxServers

log = logging.getLogger(__name__)


def serve_office(home: Installation) -> None:
    """Serve until SIGTERM or Ctrl-C; what is being sent is finished, the rest is given back.

    Raises:
        AlreadyRunning: another process serves this SQLite database.
        OSError: the port is taken.
    """
    settings = home.settings
    on_run_finished(mail_run_report)
    stop = threading.Event()
    with ExitStack() as stack:
        is_alone = stack.enter_context(hold_instance(settings, settings.resolved_public_url))
        if sandbox_folder(home).is_dir():
            stack.enter_context(SandboxServers(sandbox_folder(home)))
        app = create_app(settings, home)
        server = create_server(
            app,
            host=settings.host,
            port=settings.port,
            threads=settings.web_threads,
            ident=None,
            clear_untrusted_proxy_headers=not settings.trusted_proxies,
        )
        worker = threading.Thread(target=_work, args=(home, stop, is_alone), name="worker")
        worker.start()

        def end(_signal: int, _frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, end)
        click.echo(f"CRM Mail is served at {settings.resolved_public_url} (Ctrl-C ends it)")
        try:
            server.run()
        except KeyboardInterrupt:
            pass
        finally:
            stop.set()
            server.close()
            worker.join()


def _work(home: Installation, stop: threading.Event, is_alone: bool) -> None:
    while not stop.is_set():
        try:
            run_worker(home, is_alone=is_alone, stop=stop)
        except Exception:
            log.exception("the worker stopped unexpectedly and starts again")
            stop.wait(5)
