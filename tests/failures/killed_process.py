"""Commands that kill themselves the hard way: `python -m tests.failures.killed_process`, a line of JSON for each.

``{"nth": N, "folder": "…", "command": […]}``: at the Nth writing statement or commit the process of the command sends
itself SIGKILL, so that nothing of Python's tidying up runs; with 0 it lives. The answer is its exit status and how
many such statements it came to. Each command is a fork of this process: the product is loaded once.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from crm_mail.cli import accounts, cli, companies, imports, outbox

LOADED = (accounts, companies, imports, outbox)
_WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")


def run_command(last: int, folder: Path, command: list[str]) -> None:
    """Run one command in this process, which ends with it."""
    seen = 0

    def count(statement: str) -> None:
        nonlocal seen
        if statement.lstrip().upper().startswith(_WRITES):
            seen += 1
            (folder / "statements").write_text(str(seen))
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        count(statement)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "commit", lambda _connection: count("COMMIT"))
    os.environ["CRM_MAIL_DATA_DIR"] = str(folder)
    os.chdir(folder)
    with (folder / "answer").open("w") as answer:
        os.dup2(answer.fileno(), 1)
        os.dup2(answer.fileno(), 2)
    cli(args=command, prog_name="crm-mail")


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run_command(order["nth"], Path(order["folder"]), order["command"])
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps(status) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
