"""Look into a spreadsheet before opening it: a few kilobytes must not become gigabytes of memory.

XLSX and ODS are ZIP files. The sizes in the central directory are checked first (and a reader of the standard
library stops at them), then the extent of each sheet, because one stray cell in the last row and column makes
a reader allocate the whole rectangle.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from crm_mail.importers.base import ImportRefused

_CHUNK: Final = 1 << 20
_OVERLAP: Final = 256
_CELL: Final = re.compile(rb"[\s]r=[\"']([A-Z]{1,3})\d{1,7}[\"']")
_FAR: Final = 500_000
_FAR_ROW: Final = re.compile(rb"[\s]r=[\"'][A-Z]{0,3}(?:[5-9]\d{5}|\d{7})[\"']")
_ROW: Final = re.compile(rb"[\s]r=[\"'][A-Z]{0,3}(\d{1,7})[\"']")
_UNCACHED: Final = re.compile(
    rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*>\s*"
    rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*"
    rb"</(?:\w+:)?c>"
)
_REPEATED_ROW: Final = re.compile(
    rb"<table:table-row\b[^>]*number-rows-repeated=\"(\d{4,})\"[^>]*>(.*?)</table:table-row>", re.DOTALL
)
_WIDE_CELL: Final = re.compile(rb"number-columns-repeated=\"(\d{4,})\"[^>]*?(/?)>")
_VALUE: Final = (b"value-type", b"<text:p")


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """The largest spreadsheet that is opened: unpacked bytes, and cells of one sheet."""

    unpacked_bytes: int = 400 * 1024 * 1024
    cells: int = 30_000_000


def check_workbook(source: bytes | Path, limits: ZipLimits) -> frozenset[tuple[int, int]]:
    """Refuse a spreadsheet that would not fit; give the cells whose formula has no cached value.

    The cells are (row, column) counted from 1, of all sheets together when there are several. Raises
    ImportRefused("zip_bomb" | "sheet_too_wide" | "unreadable_table").
    """
    handle: IO[bytes] = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    uncached: set[tuple[int, int]] = set()
    with handle:
        try:
            with zipfile.ZipFile(handle) as archive:
                _check_sizes(archive, limits)
                for info in archive.infolist():
                    if re.fullmatch(r"/?xl/worksheets/[^/]+\.xml", info.filename):
                        uncached |= _scan_sheet(archive, info, limits)
                    elif info.filename == "content.xml":
                        _scan_ods(archive.read(info))
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
            raise ImportRefused("unreadable_table", detail=str(error) or type(error).__name__) from None
    return frozenset(uncached)


def _check_sizes(archive: zipfile.ZipFile, limits: ZipLimits) -> None:
    total = sum(info.file_size for info in archive.infolist())
    if total > limits.unpacked_bytes:
        raise ImportRefused(
            "zip_bomb",
            size_mb=f"{total / 1048576:.0f}",
            limit_mb=f"{limits.unpacked_bytes / 1048576:.0f}",
        )


def _scan_sheet(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ZipLimits) -> set[tuple[int, int]]:
    columns: set[bytes] = set()
    uncached: set[tuple[int, int]] = set()
    far_row = False
    for chunk in _read_pieces(archive, info):
        columns.update(_CELL.findall(chunk))
        far_row = far_row or _FAR_ROW.search(chunk) is not None
        if b"<f" in chunk or b":f" in chunk:
            uncached.update((int(row), _column_number(name)) for name, row in _UNCACHED.findall(chunk))
    width = max(map(_column_number, columns), default=0)
    if far_row or width * _FAR > limits.cells:  # only then is the last row worth a second, slower pass
        rows = (int(row) for chunk in _read_pieces(archive, info) for row in set(_ROW.findall(chunk)))
        last_row = max(rows, default=0)
        if last_row * width > limits.cells:
            sheet = info.filename.rpartition("/")[2]
            raise ImportRefused("sheet_too_wide", sheet=sheet, rows=last_row, columns=width)
    return uncached


def _read_pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The sheet in pieces that end where a cell ends, so that no cell is cut in two."""
    rest = b""
    with archive.open(info) as stream:
        while block := stream.read(_CHUNK):
            block = rest + block
            cut = block.rfind(b"</")
            cut = cut if cut > 0 and b"c>" in block[cut : cut + 12] else block.rfind(b"<row")
            if cut <= 0 and len(block) < 4 * _CHUNK:
                rest = block
                continue
            cut = cut if cut > 0 else len(block) - _OVERLAP
            end = block.find(b">", cut) + 1 if block[cut : cut + 2] == b"</" else cut
            end = end if end > 0 else cut
            yield block[:end]
            rest = block[end:]
    yield rest


def _column_number(name: bytes) -> int:
    number = 0
    for letter in name:
        number = number * 26 + letter - 64
    return number


def _scan_ods(content: bytes) -> None:
    """Refuse filled rows or cells repeated thousands of times (ODF 1.3 part 3, 19.675 and 19.678)."""
    for match in _REPEATED_ROW.finditer(content):
        if any(mark in match[2] for mark in _VALUE):
            raise ImportRefused("sheet_too_wide", sheet="content.xml", rows=int(match[1]), columns="?")
    for match in _WIDE_CELL.finditer(content):
        end = content.find(b"</table:table-row>", match.end())
        if any(mark in content[match.start() : end] for mark in _VALUE):
            raise ImportRefused("sheet_too_wide", sheet="content.xml", rows="?", columns=int(match[1]))
