"""The sink in a process of its own: a mail server that takes everything and writes down what it took."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_sink(record: Path | None = None, **options: float) -> Iterator[int]:
    """Its port; ``record`` gets a line `recipient TAB Message-ID` for every message it answered for."""
    command = [sys.executable, "-m", "crm_mail.sandbox.sink"]
    if record is not None:
        command += ["--record", str(record)]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
