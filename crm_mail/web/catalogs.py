"""Compiled translations: made from the committed .po files when they are missing or older."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parents[1] / "translations"


def compile_catalogs(folder: Path = FOLDER) -> list[Path]:
    """Write each .mo that is missing or older than its .po; return the paths that were written.

    Two processes may start at once, so a file is written beside its place and renamed into it. A folder that
    cannot be written (an installed package) keeps the .mo files it came with.
    """
    written: list[Path] = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        if not os.access(source.parent, os.W_OK):
            continue
        with source.open("rb") as lines:
            catalog = read_po(lines, locale=source.parts[-3])
        with tempfile.NamedTemporaryFile(dir=source.parent, suffix=".tmp", delete=False) as file:
            write_mo(file, catalog)
        Path(file.name).replace(target)
        written.append(target)
    return written
