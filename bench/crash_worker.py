"""A worker to be killed: `python -m bench.crash_worker FOLDER`."""

import sys
from pathlib import Path

from bench.office import open_office
from crm_mail.outbox.worker import run_worker_process

if __name__ == "__main__":
    run_worker_process(open_office(Path(sys.argv[1])), until_idle=True)
