"""Folders for copies: names below the one folder that the installation allows, and nowhere else (PM-7)."""

import re
from pathlib import Path

from crm_mail.refusals import Refusal

_PART = re.compile(r"[^\W_][\w .\-]{0,59}")
RECYCLE = "recycle"
"""Folder, below the folder of copies, where copies go after sending (PM-13)."""


class FolderRefused(Refusal, ValueError):
    """The folder does not lie inside the folder of copies."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"the folder {folder} does not lie inside the folder of copies: use plain names with / between"
        )
        self.folder = folder


def clean_folder(text: str) -> str:
    """A folder as it is kept: plain names with ``/`` between them. Pure.

    Raises:
        FolderRefused: it is absolute, climbs up, hides, or is the recycle folder.
    """
    parts = text.strip().split("/") if text.strip() else []
    wrong = any(not _PART.fullmatch(part) or part.endswith((" ", ".")) or ".." in part for part in parts)
    if wrong or (parts and parts[0].lower() == RECYCLE):
        raise FolderRefused(text.strip()[:100])
    return "/".join(parts)


def folder_inside(root: Path, *names: str) -> Path:
    """A folder below the root, made when it is missing; also a link on the way may not lead out.

    Raises:
        FolderRefused: it would lie elsewhere. OSError: it cannot be made.
    """
    root = root.resolve()
    folder = root.joinpath(*names)
    if not folder.resolve().is_relative_to(root):
        raise FolderRefused("/".join(names))
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.resolve().is_relative_to(root):
        raise FolderRefused("/".join(names))
    return folder
