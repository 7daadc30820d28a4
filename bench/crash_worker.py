"""Workers to be killed: `python -m bench.crash_worker FOLDER`.

Each line on standard input starts one, a fresh process that shares nothing but the code already loaded; its number is
printed, and `ended` when it is gone. Starting Python anew for each would take longer than the sending itself.
"""

import os
import sys
from pathlib import Path

from bench.office import open_office
from crm_mail.outbox.sending.worker import run_worker_process


def main() -> None:
    """Fork, tell, wait, tell."""
    for _line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_worker_process(open_office(Path(sys.argv[1])), until_idle=True)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
