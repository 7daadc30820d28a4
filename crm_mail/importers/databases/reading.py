"""Reading a named query of the ERP's database: streamed into a table of text with bounded memory.

``:company`` is the company's code, ``:today`` the day, ``:since`` the watermark, and each parameter of the view has its
name; `foreign_databases` sees to it that nothing is written.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crm_mail.importers.databases.foreign_databases import Answer, DatabaseRefused, answering
from crm_mail.importers.tables.table_rows import TableLimits, clean_text
from crm_mail.installation import Installation

GIVEN = frozenset({"company", "today", "since"})
"""Names that a query may use without their being parameters of the view."""


class ViewRefused(DatabaseRefused):
    """A source or a view cannot be kept or read."""

    WORDS: Mapping[str, str] = {
        "name": "give a name of at most 80 characters",
        "source": "choose the database that the query is for",
        "mapping": "there is no saved mapping called “{}”",
        "since": "a query that asks for :since needs the column it is about, and where to begin",
        "column": "the query gives no column {}: select it, or correct the name",
        "unknown": "there is no query called “{}”",
        "used": "the database is used by the query “{}”: delete that first",
        "too_many": "the query gives more than {} rows: let it ask for :since, or for less",
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query gave, as a file of text that a spreadsheet's reader takes."""

    path: Path
    header: tuple[str, ...]
    rows: int
    watermark: str  # the highest value of the since-column; empty: there was none


@contextmanager
def reading(
    home: Installation, url: str, query: str, values: Mapping[str, Any], since_column: str = ""
) -> Iterator[Reading]:
    """Run a query and keep what it gives in a file while the block runs.

    Args:
        values: of the names that the query may ask for; others are passed over.

    Raises:
        DatabaseRefused: the database does not answer; the message never holds its password.
    """
    with TemporaryDirectory(prefix="crm-mail-sql-") as folder:
        with answering(home, url, query, values) as answer:
            found = _copy(answer, since_column, Path(folder) / "rows.tsv")
        yield found


def _copy(answer: Answer, since_column: str, path: Path) -> Reading:
    header = answer.columns
    place = _place_of(header, since_column)
    highest: Any = None
    count, limit = 0, TableLimits().rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow([as_text(name) for name in header])
        for row in answer.rows:
            count += 1
            if count > limit:
                raise ViewRefused("too_many", str(limit))
            writer.writerow([as_text(value) for value in row])
            if place is not None and row[place] is not None:
                highest = row[place] if highest is None else max(highest, row[place])
    return Reading(path, header, count, write_watermark(highest))


def _place_of(header: Sequence[str], name: str) -> int | None:
    if not name:
        return None
    places = [place for place, one in enumerate(header) if one.casefold() == name.casefold()]
    if not places:
        raise ViewRefused("column", name)
    return places[0]


def as_text(value: Any) -> str:
    """A value as a cell of text; codes keep their zeros, amounts their decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return clean_text(str(value).replace("\r", " ").replace("\n", " ").replace("\t", " "))


def write_watermark(value: Any) -> str:
    """A watermark as it is kept: its kind, and its text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"time:{value.isoformat()}"
    if isinstance(value, date):
        return f"day:{value.isoformat()}"
    if isinstance(value, int | float | Decimal):
        return f"number:{value}"
    return f"text:{value}"[:80]


def read_watermark(kept: str) -> Any:
    """The value of a kept watermark, as the query is given it."""
    kind, _, value = kept.partition(":")
    readers = {"time": datetime.fromisoformat, "day": date.fromisoformat, "number": _number}
    return readers[kind](value) if kind in readers else value


def _number(value: str) -> int | Decimal:
    return int(value) if value.lstrip("-").isdigit() else Decimal(value)


def guess_watermark(typed: str) -> str:
    """What a person typed as the beginning: a day, a time, a number, else text."""
    clean = typed.strip()
    if re.fullmatch(r"(time|day|number|text):.*", clean):
        return clean
    for kind, read in (("day", date.fromisoformat), ("time", datetime.fromisoformat), ("number", _number)):
        try:
            read(clean)
        except (ValueError, InvalidOperation):
            continue
        return f"{kind}:{clean}"
    return f"text:{clean}"
