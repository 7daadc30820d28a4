"""Word letters as PDF, by LibreOffice without a window, where it is installed."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from crm_mail.campaigns.letters import LetterInvalid

AT_ONCE = 40
"""Letters of one call: starting LibreOffice takes longer than a letter."""
SECONDS = 300
_PROGRAMS = ("soffice", "libreoffice")
_PLACES = (
    "C:/Program Files/LibreOffice/program/soffice.exe",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
)


def office_program() -> str:
    """The program's path; empty where LibreOffice is not installed."""
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), "")
    return found or next((place for place in _PLACES if Path(place).is_file()), "")


def require_office() -> str:
    """The program's path.

    Raises:
        LetterInvalid: it is not installed; the message says how to install it, and what to do without.
    """
    program = office_program()
    if not program:
        raise LetterInvalid(
            "no_office",
            "Word letters become PDF by LibreOffice, which is not installed here: install it "
            "(apt-get install libreoffice-writer-nogui), or send the letter as Word document",
        )
    return program


def convert(letters: Sequence[bytes], program: str) -> list[bytes | None]:
    """The PDF of each Word letter, in their order; None for one that could not be converted.

    Each call has a profile of its own, so that any number may run beside each other and beside a person's LibreOffice.
    """
    with tempfile.TemporaryDirectory(prefix="crm-mail-letters-") as name:
        folder = Path(name)
        files = []
        for number, data in enumerate(letters):
            path = folder / f"letter-{number}.docx"
            path.write_bytes(data)
            files.append(path)
        command = [
            program,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            *("--headless", "--norestore", "--nolockcheck", "--convert-to", "pdf:writer_pdf_Export"),
            *("--outdir", str(folder), *(str(path) for path in files)),
        ]
        with contextlib.suppress(subprocess.TimeoutExpired):  # what was finished in time counts
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, cwd=folder)  # noqa: S603
        made = [path.with_suffix(".pdf") for path in files]
        return [path.read_bytes() if path.is_file() and path.stat().st_size else None for path in made]
