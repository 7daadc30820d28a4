"""A worker of the benchmark of send orders, to be killed: `python -m bench.orders_worker FOLDER`."""

import sys
import threading
from pathlib import Path

from bench.office import open_office
from crm_mail.outbox.sending.worker import run_worker, stop_on_signals
from crm_mail.send_orders.watching import watching_orders


def main() -> None:
    """Watch the folder and send, until told to stop."""
    home = open_office(Path(sys.argv[1]))
    home.settings.mailer_seconds = 0.5
    stop, wake = threading.Event(), threading.Event()
    with stop_on_signals(stop, wake), watching_orders(home, wake.set):
        run_worker(home, stop=stop, wake=wake)


if __name__ == "__main__":
    main()
