"""Stored files: bytes addressed by their SHA-256, written once, verified whenever they are read.

A file that is missing, or whose bytes no longer have their hash, is never sent: reading raises.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from crm_mail.refusals import Refusal


class StoredFileMissing(Refusal):
    """The stored file {sha256} is not in the store: restore it from a backup, or import its document again."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"the stored file {sha256[:12]}… is missing: restore it from a backup, or import its document again"
        )
        self.sha256 = sha256


class StoredFileDamaged(Refusal):
    """The bytes of a stored file no longer have the hash they were stored under."""

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"the stored file {sha256[:12]}… has changed on disk (its SHA-256 differs): "
            "restore it from a backup, or import its document again"
        )
        self.sha256 = sha256


class BlobStore(Protocol):
    """What the product needs of a store; a shared store for many machines implements the same calls."""

    def put(self, data: bytes) -> str: ...
    def read(self, sha256: str) -> bytes: ...
    def has(self, sha256: str) -> bool: ...
    def remove(self, sha256: str) -> None: ...


class LocalBlobStore:
    """A folder of files named by hash.

    Args:
        folder: where the files are kept; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not sha256.isalnum():
            raise StoredFileMissing(sha256)
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Keep ``data`` and return its SHA-256 in hex; the same bytes are kept once.

        The file appears by an atomic rename after it is on disk, so a crash or a full disk leaves nothing half-written.

        Raises:
            OSError: the disk is full or not writable; nothing was kept.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
            _sync_folder(path.parent)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes stored under ``sha256``, verified.

        Raises:
            StoredFileMissing: there is no such file.
            StoredFileDamaged: the bytes have another hash.
        """
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise StoredFileMissing(sha256) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoredFileDamaged(sha256)
        return data

    def has(self, sha256: str) -> bool:
        """Whether the file is there (its bytes are verified only when read)."""
        return self._path(sha256).is_file()

    def remove(self, sha256: str) -> None:
        """Forget the bytes for good (erasure, retention); whoever calls has made sure that no row names them."""
        self._path(sha256).unlink(missing_ok=True)

    def hashes(self) -> Iterator[str]:
        """Every stored hash (for backup checks)."""
        for path in self.folder.glob("??/*"):
            if not path.name.startswith("."):
                yield path.name


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no handle on a folder and needs none."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
