"""Sums of printed tables and of reminders: last rows, parts of the whole, what is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crm_mail.documents.number_formats import parse_number

Row = Mapping[str, Any]
ZERO = Decimal(0)


def number_of(value: object) -> Decimal:
    """The amount; zero for what is none."""
    return parse_number(value) or ZERO


def rows_of(rows: object) -> list[Row]:
    """The rows of a list; whatever is no row is left out."""
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def reminder(values: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a reminder and its sums.

    Returns:
        `level` (1 when none is given), `rows`, `due` (what is open), `total` (as given, else due and all charges).
    """
    items = rows_of(values.get("items"))
    level = parse_number(values.get("level"))
    due = sum((_asked(item) for item in items), ZERO)
    charges = sum((number_of(values.get(name)) for name in ("interest", "lump_sum", "fees")), ZERO)
    returned = values.get("unpaid_reason")
    if isinstance(returned, Mapping) and values.get("fees") in (None, ""):
        charges += number_of(returned.get("charges"))
    differs = any(parse_number(item.get("amount")) not in (None, _asked(item)) for item in items)
    rows = [
        {
            "document": " · ".join(
                str(part) for part in (item.get("number"), item.get("description")) if part
            ),
            "date": item.get("date"),
            "due": item.get("due") or item.get("due_date"),
            "days": item.get("days"),
            "amount": item.get("amount") if differs else "",
            "open": _asked(item),
            "interest": item.get("interest"),
            "late": item.get("days"),
        }
        for item in items
    ]
    given = parse_number(values.get("total"))
    total = due + charges if given is None else given
    return {
        "level": min(4, max(0, int(1 if level is None else level))),
        "rows": rows,
        "due": due,
        "total": total,
        "has_charges": bool(charges) or total != due,
    }


def _asked(item: Row) -> Decimal:
    opened = parse_number(item.get("open"))
    return number_of(item.get("amount")) if opened is None else opened


def with_sums(rows: object, fields: Sequence[str], label: str, title: str) -> list[Row]:
    """The rows and, of two or more, a last one that sums `fields`; a field that no row has stays empty."""
    kept = rows_of(rows)
    sums = {
        name: sum((number_of(row.get(name)) for row in kept), ZERO)
        for name in fields
        if any(parse_number(row.get(name)) is not None for row in kept)
    }
    return [*kept, {label: title, **sums, "strong": True}] if len(kept) > 1 and sums else list(kept)


def with_shares(rows: object, field: str = "amount") -> list[Row]:
    """The rows with `share`: their part of the sum in percent, one decimal; without it where signs are mixed."""
    kept = rows_of(rows)
    amounts = [number_of(row.get(field)) for row in kept]
    whole = sum(amounts, ZERO)
    if len(kept) < 2 or whole <= 0 or min(amounts) < 0:
        return list(kept)
    shares = [(100 * amount / whole).quantize(Decimal("0.1")) for amount in amounts]
    return [{**row, "share": share} for row, share in zip(kept, shares, strict=True)]


def with_gross(rows: object) -> list[Row]:
    """The rows with `gross`, amount and tax together, where both are known."""
    return [
        {**row, "gross": number_of(row["amount"]) + number_of(row["tax"])}
        if row.get("amount") is not None and row.get("tax") is not None
        else row
        for row in rows_of(rows)
    ]


def difference_of(expected: object, counted: object, given: object) -> Decimal | None:
    """What was counted less what was expected; as given when the data says it. None: not known."""
    said, due, found = (parse_number(value) for value in (given, expected, counted))
    if said is not None or due is None or found is None:
        return said
    return found - due


def average_of(total: object, count: object) -> Decimal | str:
    """The average of so many; empty when it has no sense."""
    whole, many = parse_number(total), parse_number(count)
    return "" if whole is None or not many else whole / many
