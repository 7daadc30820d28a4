"""Pages by keyset: a cursor says after which row the next page begins; it means nothing to who holds it."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from crm_mail.api.problems import wrong

Row = TypeVar("Row")


def write_cursor(name: str, *values: object) -> str:
    """The cursor of the list ``name`` after the row with these key values."""
    text = json.dumps([name, *values], separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(name: str, text: str) -> list[Any]:
    """The key values of a cursor; empty for the first page.

    Raises:
        ApiProblem: it is no cursor of this list.
    """
    if not text:
        return []
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if isinstance(found, list) and len(found) > 1 and found[0] == name:
            return found[1:]
    except (ValueError, binascii.Error, RecursionError):
        pass
    raise wrong("?after", "this is no cursor of this list", "take `next` of the page before, or leave it out")


def read_id_cursor(name: str, text: str) -> int | None:
    """The id of a cursor of a list that is ordered by ids."""
    values = read_cursor(name, text)
    if not values:
        return None
    if len(values) == 1 and isinstance(values[0], int) and abs(values[0]) < 2**63:
        return values[0]
    raise wrong("?after", "this is no cursor of this list", "take `next` of the page before, or leave it out")


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], bool]:
    """The rows of a page out of one row more, and whether there is a following page."""
    return rows[:limit], len(rows) > limit
