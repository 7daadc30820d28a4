"""A worker to be killed: `python -m tests.outbox.worker_process FOLDER DATABASE_URL`; says so when it is ready."""

import sys
from pathlib import Path

from config import Settings
from crm_mail.installation import Installation
from crm_mail.outbox.sending.worker import run_worker_process
from crm_mail.schema import import_models


def main() -> None:
    import_models()
    home = Installation(Settings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    run_worker_process(home)


if __name__ == "__main__":
    main()
