"""Files that a person has uploaded and not yet imported: kept between the steps, swept after a day.

Each step keeps its state as a file of its own, named in the address by a signed token: going back in the browser
shows what was there, two tabs do not disturb each other, and nothing large travels through a form.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer

from crm_mail.installation import Installation
from crm_mail.storage import LocalBlobStore, StoredFileDamaged, StoredFileMissing

KEEP_SECONDS: Final = 24 * 3600
FOLDER: Final = "uploads"


@dataclass(frozen=True, slots=True)
class Draft:
    """One step of an import of contacts.

    Args:
        user_id: whose it is; for everybody else it does not exist.
        sha256: the uploaded file.
        columns: header → field, None while nothing was chosen.
        report: what the dry run or the import said, as `contact_pages` shows it.
    """

    user_id: int
    company_id: int
    name: str
    sha256: str
    sheet: str = ""
    columns: Mapping[str, str] | None = None
    report: Mapping[str, Any] | None = None

    def with_(self, **changes: Any) -> "Draft":
        """The next step."""
        return replace(self, **changes)


class Uploads:
    """The uploaded files of an installation that wait for their import.

    Args:
        purpose: a token of one purpose is nothing to another.
    """

    def __init__(self, home: Installation, purpose: str = "uploads") -> None:
        self.folder = home.settings.data_dir / FOLDER
        self._store = LocalBlobStore(self.folder)
        self._signer = URLSafeSerializer(home.secret_key, salt=f"importers.{purpose}")

    def keep_file(self, data: bytes) -> str:
        """Keep an uploaded file, sweeping away those of other days; returns its SHA-256."""
        self.sweep()
        return self._store.put(data)

    def read_file(self, draft: Draft) -> bytes | None:
        """The uploaded bytes; None when they were swept away meanwhile."""
        try:
            return self._store.read(draft.sha256)
        except (StoredFileMissing, StoredFileDamaged):
            return None

    def keep(self, draft: Draft) -> str:
        """Keep a step; returns the token that names it."""
        data = json.dumps(asdict(draft), ensure_ascii=False, default=str).encode()
        self._touch(draft.sha256)
        return str(self._signer.dumps(self._store.put(data)))

    def find(self, token: str, user_id: int | None) -> Draft | None:
        """The step that a token names, if it is this person's and still kept."""
        try:
            values = json.loads(self._store.read(str(self._signer.loads(token))))
        except (BadSignature, StoredFileMissing, StoredFileDamaged, ValueError):
            return None
        draft = Draft(**values)
        return draft if draft.user_id == user_id else None

    def sweep(self, keep_seconds: float = KEEP_SECONDS) -> int:
        """Delete what nobody touched for a day; returns how many files."""
        oldest = time.time() - keep_seconds
        swept = 0
        for path in self.folder.glob("??/*"):
            if _is_older(path, oldest):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _touch(self, sha256: str) -> None:
        path = self.folder / sha256[:2] / sha256
        if path.exists():
            path.touch()


def _is_older(path: Path, oldest: float) -> bool:
    try:
        return path.stat().st_mtime < oldest
    except FileNotFoundError:
        return False
