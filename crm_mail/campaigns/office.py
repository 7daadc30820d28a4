"""Word letters as PDF, by LibreOffice without a window, where it is installed.

Each call has a profile of its own, so that any number may run beside each other and beside a person's LibreOffice, and
so that its settings are ours: no macros, and nothing is loaded that lies outside of the letter.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crm_mail.campaigns.letters import LetterInvalid

AT_ONCE: Final = 40
"""Letters of one call: starting LibreOffice takes longer than a letter."""
SECONDS: Final = 120.0
"""How long a call may take to start, and `SECONDS_EACH` for each letter besides."""
SECONDS_EACH: Final = 10.0
_PROGRAMS = ("soffice", "libreoffice")
_PLACES = (
    "C:/Program Files/LibreOffice/program/soffice.exe",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
)
_SCRIPTING: Final = "/org.openoffice.Office.Common/Security/Scripting"
_SETTINGS: Final = (
    (_SCRIPTING, "DisableMacrosExecution", "true"),
    (_SCRIPTING, "DisableActiveContent", "true"),
    (_SCRIPTING, "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "0"),  # 0: never
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

    A letter that has LibreOffice crash or hang takes those behind it along: the first one that a call left is tried
    alone, then the others together. Where nothing ever comes out the template is at fault, and no more is tried.
    """
    found = _call(letters, program)
    left = [number for number, pdf in enumerate(found) if pdf is None] if len(letters) > 1 else []
    while left:
        first, *others = left
        found[first] = _call([letters[first]], program)[0]
        if not any(found):
            break
        if others:
            for number, pdf in zip(others, _call([letters[n] for n in others], program), strict=True):
                found[number] = pdf
        left = [number for number in others if found[number] is None]
    return found


def _call(letters: Sequence[bytes], program: str) -> list[bytes | None]:
    """One call for all letters; what was finished in time counts."""
    with tempfile.TemporaryDirectory(prefix="crm-mail-letters-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        paths = [folder / f"letter-{number}.docx" for number in range(len(letters))]
        for path, data in zip(paths, letters, strict=True):
            path.write_bytes(data)
        profile = folder / "profile"
        _write_settings(profile)
        command = [
            program,
            f"-env:UserInstallation={profile.as_uri()}",
            *("--headless", "--norestore", "--nolockcheck", "--infilter=MS Word 2007 XML"),
            *("--convert-to", "pdf:writer_pdf_Export"),
            *("--outdir", str(folder), *(str(path) for path in paths)),
        ]
        _run(command, folder, SECONDS + SECONDS_EACH * len(letters))
        made = [path.with_suffix(".pdf") for path in paths]
        return [path.read_bytes() if path.is_file() and path.stat().st_size else None for path in made]


def _run(command: Sequence[str], folder: Path, seconds: float) -> None:
    """Run it and whatever it starts, and end all of it when the time is over: the program is a script with children."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603
        command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False)  # noqa: S603, S607
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _write_settings(profile: Path) -> None:
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _SETTINGS
    )
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema">{items}</oor:items>',
        encoding="utf-8",
    )
