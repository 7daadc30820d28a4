"""A list as a table, whatever it came as: CSV, TSV, XLSX, XLS, ODS, pasted cells, JSON, rows of a database."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.tables.table_rows import TableLimits, clean_text
from crm_mail.importers.tables.tabular import HeaderScore, Table, read_table

OBJECTS = "|"
"""Separator of the text that JSON and databases are turned into; their decimals begin with a point."""


def open_list(
    source: bytes | Path,
    score_header: HeaderScore,
    sheet: str | None = None,
    limits: TableLimits | None = None,
    not_json: str = "not_list_json",
) -> Table:
    """A list as a table: CSV, TSV, XLSX, XLS, ODS, pasted cells, or JSON (a list of objects).

    Args:
        not_json: code of the refusal of a JSON that holds no list.

    Raises:
        ImportRefused: it is none of them.
    """
    data = source if isinstance(source, bytes) else None
    head = data if data is not None else _head(source)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        whole = data if data is not None else Path(str(source)).read_bytes()
        text = _json_as_text(whole, limits or TableLimits(), not_json)
        return read_table(text, header_score=score_header, delimiter=OBJECTS)
    return read_table(source, limits=limits, header_score=score_header, sheet=sheet)


def _head(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    with source.open("rb") as stream:
        return stream.read(256)


def _json_as_text(data: bytes, limits: TableLimits, refusal: str) -> bytes:
    """JSON objects as a table: one column for each name, in the order in which names appear."""
    if len(data) > limits.file_bytes:
        raise ImportRefused(
            "file_too_large",
            size_mb=f"{len(data) / 1048576:.1f}",
            limit_mb=f"{limits.file_bytes / 1048576:g}",
        )
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_float=str)
    except (ValueError, RecursionError):
        raise ImportRefused(refusal) from None
    items = found.get("items") if isinstance(found, dict) else found
    if not isinstance(items, list) or not items or not all(isinstance(one, dict) for one in items):
        raise ImportRefused(refusal)
    names = list(dict.fromkeys(str(name) for one in items for name in one))
    return table_text(names, ([one.get(name) for name in names] for one in items))


def table_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Values as a table of text, so that one reader serves every kind of source."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=OBJECTS, lineterminator="\n")
    writer.writerow([_plain(name) for name in header])
    writer.writerows([[_plain(value) for value in row] for row in rows])
    return out.getvalue().encode()


def _plain(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean_text(str(value).replace("\r", " ").replace("\n", " "))
