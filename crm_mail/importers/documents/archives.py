"""The files of a ZIP archive, one at a time: a few kilobytes must not become gigabytes.

What the archive says of its sizes is not believed: bytes are counted as they are unpacked, over the archive and
those inside it together. Folders, hidden files and what macOS adds are passed over.
"""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crm_mail.importers.base import ImportRefused

_ENTRY: Final = b"PK\x01\x02"
_MEGABYTE: Final = 1 << 20
_BROKEN: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    zlib.error,
    lzma.LZMAError,
)
"""What the standard library raises over a damaged archive."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """The largest archive that is opened: files, bytes of one file, bytes of all, archives inside one another."""

    files: int = 10_000
    file_bytes: int = 50 * _MEGABYTE
    unpacked_bytes: int = 1024 * _MEGABYTE
    depth: int = 2


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One file with its folder, or why it could not be taken out."""

    name: str
    content: bytes = b""
    refused: ImportRefused | None = None


class _Budget:
    def __init__(self, limits: ArchiveLimits) -> None:
        self.limits = limits
        self.bytes = limits.unpacked_bytes
        self.files = limits.files


def open_archive(name: str, data: bytes, limits: ArchiveLimits | None = None) -> Iterator[Unpacked]:
    """Give the files of an archive in the order of their names.

    Raises ImportRefused("zip_damaged" | "zip_too_many" | "zip_bomb" | "zip_empty"), also half-way: what was given
    before it stands.
    """
    budget = _Budget(limits or ArchiveLimits())
    is_empty = True
    for file in _open(name, data, budget, 0):
        is_empty = False
        yield file
    if is_empty:
        raise ImportRefused("zip_empty")


def _open(name: str, data: bytes, budget: _Budget, depth: int) -> Iterator[Unpacked]:
    if data.count(_ENTRY) > budget.files:
        raise ImportRefused("zip_too_many", limit=budget.limits.files)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN as error:
        raise ImportRefused("zip_damaged", detail=str(error) or type(error).__name__) from None
    with archive:
        infos = [info for info in archive.infolist() if _is_wanted(info)]
        budget.files -= len(infos)
        for info in sorted(infos, key=lambda item: item.filename):
            file = _take_out(archive, info, budget)
            if file.refused is None and file.content.startswith(b"PK\x03\x04") and _is_zip(info.filename):
                yield from _open_inner(file, budget, depth + 1)
            else:
                yield file


def _open_inner(file: Unpacked, budget: _Budget, depth: int) -> Iterator[Unpacked]:
    if depth > budget.limits.depth:
        yield Unpacked(file.name, refused=ImportRefused("zip_too_deep", name=file.name))
        return
    try:
        for inner in _open(file.name, file.content, budget, depth):
            yield Unpacked(f"{file.name}/{inner.name}", inner.content, inner.refused)
    except ImportRefused as refused:
        if refused.code in ("zip_bomb", "zip_too_many"):
            raise
        yield Unpacked(file.name, refused=refused)


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _is_wanted(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.replace("\\", "/").split("/")
    return not info.is_dir() and parts[0] != "__MACOSX" and not parts[-1].startswith(".")


def _take_out(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> Unpacked:
    if info.flag_bits & 1:
        return Unpacked(info.filename, refused=ImportRefused("zip_encrypted", name=info.filename))
    allowed = min(budget.limits.file_bytes, budget.bytes)
    try:
        with archive.open(info) as stream:
            content = stream.read(allowed + 1)
    except _BROKEN as error:
        refused = ImportRefused("zip_damaged", detail=str(error) or type(error).__name__)
        return Unpacked(info.filename, refused=refused)
    budget.bytes -= len(content)
    if budget.bytes < 0:
        limit = budget.limits.unpacked_bytes // _MEGABYTE
        raise ImportRefused("zip_bomb", size_mb=f"> {limit}", limit_mb=limit)
    if len(content) > budget.limits.file_bytes:
        limit = budget.limits.file_bytes // _MEGABYTE
        refused = ImportRefused("file_too_large", size_mb=f"> {limit}", limit_mb=limit)
        return Unpacked(info.filename, refused=refused)
    return Unpacked(info.filename, content)
