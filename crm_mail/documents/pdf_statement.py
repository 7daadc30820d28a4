"""What statements of account print beside their data: rows, sums, ageing, one block per currency. Pure.

The rules are those of the formats reference, section 4. Data that a program gave is printed as it is; what it left
out and follows from the rest (running balance, closing, ageing of open items) is worked out.
Positive is owed by the recipient. Sums of different currencies are never added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crm_mail.documents.number_formats import format_date, format_money, parse_date, parse_number
from crm_mail.documents.pdf_sums import ZERO, Row, number_of, rows_of

Words = Mapping[str, str]
BUCKETS = ("not_due", "0-30", "31-60", "61-90", ">90")
_SILENT = frozenset({"", "open", "paid", "not_due", "overdue", "credit", "opening"})
_IN_CIRCULATION = frozenset({"bill", "bills", "riba", "presented", "in_circulation"})


def statement_blocks(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a statement, one per currency, as the layout prints them.

    Args:
        values: the document with what `pdf_markup` adds (`t`, `language`, `currency`).

    Returns:
        For each: `currency`, `is_open_items`, `rows`, `closing`, `overdue`, `not_due`, `aging` (label, amount,
        share, is_late), `bills` and `unpaid` (rows with their sum, when the data lists them apart).
    """
    given = [one for one in rows_of(values.get("blocks"))] or [values]
    blocks = [_block(one, values) for one in given]
    apart = {
        name: _by_currency(rows_of(values.get(name)), values["currency"]) for name in ("bills", "unpaid")
    }
    known = {block["currency"] for block in blocks}
    for currency in sorted((apart["bills"].keys() | apart["unpaid"].keys()) - known):
        blocks.append(_block({"currency": currency}, values) | {"rows": [], "closing": None})
    for block in blocks:
        for name, found in apart.items():
            rows = found.get(block["currency"], [])
            block[name] = [_item_row(row, values) for row in rows] + _sum_row(rows, values["t"])
    return blocks


def _block(block: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    currency = str(block.get("currency") or values["currency"])
    entries = rows_of(block.get("entries"))
    as_of = parse_date(values.get("as_of") or values.get("date"))
    late = {id(one): _days_late(one, as_of if _is_open(values) else None) for one in entries}
    opening = number_of(block.get("opening"))
    if _is_open(values):
        rows, closing = _open_rows(entries, late, opening, currency, values)
    else:
        rows, closing = _movement_rows(entries, late, block, values)
    aging = _aging(block, entries, late, values)
    return {
        "currency": currency,
        "is_open_items": _is_open(values),
        "rows": rows,
        "has_entries": bool(entries),
        "closing": closing if block.get("closing") in (None, "") else block["closing"],
        "overdue": _or_sum(block.get("overdue_total"), [one["amount"] for one in aging if one["is_late"]]),
        "not_due": _or_sum(
            block.get("not_due_total"), [one["amount"] for one in aging if not one["is_late"]]
        ),
        "aging": aging,
    }


def _is_open(values: Mapping[str, Any]) -> bool:
    """As the data says; without it, a list of amounts that has neither debits nor credits is one of open items."""
    if values.get("layout"):
        return bool(values["layout"] == "open_items")
    blocks = rows_of(values.get("blocks")) or [values]
    entries = [entry for block in blocks for entry in rows_of(block.get("entries"))]
    return bool(entries) and all(
        entry.get("amount") and not entry.get("debit") and not entry.get("credit") for entry in entries
    )


def _movement_rows(
    entries: Sequence[Row], late: Mapping[int, int], block: Row, values: Mapping[str, Any]
) -> tuple[list[Row], Decimal]:
    """Opening balance, every line with the running balance, sums of both sides."""
    words = values["t"]
    balance = number_of(block.get("opening"))
    period = values.get("period") or {}
    start = format_date(period.get("from"), values["language"])
    opening = " ".join(
        part for part in (words["opening_balance"], words["at_day"] if start else "", start) if part
    )
    rows: list[Row] = [{"document": opening, "balance": balance, "strong": True}]
    debits = credits = ZERO
    for entry in entries:
        debit, credit = number_of(entry.get("debit")), number_of(entry.get("credit"))
        if not debit and not credit:
            amount = number_of(entry.get("amount"))
            debit, credit = max(amount, ZERO), max(-amount, ZERO)
        debits, credits = debits + debit, credits + credit
        given = parse_number(entry.get("balance"))
        balance = balance + debit - credit if given is None else given
        row = _row(entry, late[id(entry)], values)
        due = format_date(row["due_date"], values["language"]) if row["due_date"] else ""
        row["due_date"] = "\n".join(part for part in (due, row["status"]) if part)
        rows.append(row | {"debit": debit or "", "credit": credit or "", "balance": balance})
    if not entries:
        rows.append({"document": words["no_movements"]})
    elif len(entries) > 1:
        total = {"document": words["movements_total"], "debit": debits, "credit": credits}
        rows.append(total | {"balance": balance, "strong": True})
    return rows, balance


def _open_rows(
    entries: Sequence[Row],
    late: Mapping[int, int],
    opening: Decimal,
    currency: str,
    values: Mapping[str, Any],
) -> tuple[list[Row], Decimal]:
    """What is open: returned unpaid first, then bank receipts in circulation, then the others (each with its sum)."""
    words = values["t"]
    groups: dict[str, list[Row]] = {"unpaid_items": [], "bills_items": [], "open_items": []}
    for entry in entries:
        groups[_group(entry)].append(entry)
    has_groups = sum(map(bool, groups.values())) > 1
    balance = opening
    rows: list[Row] = []
    for name, members in groups.items():
        total = format_money(sum(map(_open_amount, members), ZERO), currency, values["language"])
        for entry in members:
            balance += _open_amount(entry)
            row = _row(entry, late[id(entry)], values)
            row |= {"open": _open_amount(entry), "balance": balance}
            rows.append(row | {"group": f"{words[name]}: {total}" if has_groups else ""})
    if not rows:
        rows.append({"document": words["no_open_items"]})
    elif len(rows) > 1:
        total_open = sum(map(_open_amount, entries), ZERO)
        rows.append({"document": words["total"], "open": total_open, "balance": balance, "strong": True})
    return rows, balance


def _group(entry: Row) -> str:
    status = str(entry.get("status") or "").lower()
    if status == "unpaid":
        return "unpaid_items"
    return "bills_items" if status in _IN_CIRCULATION else "open_items"


def _row(entry: Row, days_late: int, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "date": entry.get("date") or entry.get("doc_date"),
        "document": _document(entry, values),
        "due_date": entry.get("due_date"),
        "status": _status(entry, days_late, values["t"]),
        "late": days_late or _is_marked(entry),
    }


def _item_row(entry: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    as_of = parse_date(values.get("as_of") or values.get("date"))
    days = _days_late(entry, as_of if entry.get("status") == "unpaid" else None)
    return _row(entry, days, values) | {"amount": _open_amount(entry)}


def _document(entry: Row, values: Mapping[str, Any]) -> str:
    """`Fattura 1033/A del 31/07/2026 · what the program says of it`."""
    words = values["t"]
    kind = str(entry.get("doc_type") or "")
    name = [words.get(f"ref_{kind}", kind), entry.get("number")]
    if not any(name) and entry.get("status") == "opening":
        name = [words["opening_balance"], None]
    day = entry.get("doc_date")
    if day and entry.get("date") and day != entry["date"]:
        name += [words["of_day"], format_date(day, values["language"])]
    parts = (" ".join(str(part) for part in name if part), entry.get("description"))
    return " · ".join(str(part) for part in parts if part)


def _status(entry: Row, days_late: int, words: Words) -> str:
    """Said in words, so that overdue lines are told apart without colour (WCAG 1.4.1)."""
    status = str(entry.get("status") or "").lower()
    late = f"{days_late}\N{NO-BREAK SPACE}{words['days']}" if days_late else ""
    if status in ("disputed", "unpaid"):
        return f"{words[status]} {late}".strip()
    if days_late or status == "overdue":
        return f"{words['overdue']} {late}".strip()
    if status in _IN_CIRCULATION:
        return words["in_circulation"]
    return "" if status in _SILENT else str(entry["status"])


def _is_marked(entry: Row) -> int:
    return int(str(entry.get("status") or "").lower() in ("overdue", "unpaid"))


def _days_late(entry: Row, as_of: Any) -> int:
    """As given; of open items without it, from the due date."""
    given = parse_number(entry.get("overdue_days"))
    if given is not None:
        return max(0, int(given))
    due = parse_date(entry.get("due_date"))
    is_counted = str(entry.get("status") or "").lower() not in _IN_CIRCULATION
    return max(0, (as_of - due).days) if as_of and due and is_counted and _open_amount(entry) > 0 else 0


def _aging(
    block: Row, entries: Sequence[Row], late: Mapping[int, int], values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Each age with its amount and its part of the whole in percent; worked out for open items that bring none."""
    sums = {str(one.get("bucket")): number_of(one.get("amount")) for one in rows_of(block.get("aging"))}
    if not sums and _is_open(values) and entries:
        sums = dict.fromkeys(BUCKETS, ZERO)
        for entry in entries:
            sums[_bucket(late[id(entry)])] += _open_amount(entry)
    whole = sum((max(amount, ZERO) for amount in sums.values()), ZERO)
    return [
        {
            "label": _bucket_label(name, values["t"]),
            "amount": amount,
            "share": int(100 * max(amount, ZERO) / whole) if whole else 0,
            "is_late": name != "not_due",
        }
        for name, amount in sums.items()
    ]


def _bucket(days: int) -> str:
    return BUCKETS[0] if days <= 0 else BUCKETS[min(4, 1 + (days - 1) // 30)]


def _bucket_label(name: str, words: Words) -> str:
    if name == "not_due":
        return words["not_due"]
    if name.startswith(">"):
        return f"{words['over']} {name[1:].strip()} {words['days']}"
    return f"{name.replace('-', '–')} {words['days']}" if name[:1].isdigit() else name


def _sum_row(rows: Sequence[Row], words: Words) -> list[Row]:
    total = sum(map(_open_amount, rows), ZERO)
    return [{"document": words["total"], "amount": total, "strong": True}] if len(rows) > 1 else []


def _by_currency(rows: Iterable[Row], currency: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row.get("currency") or currency), []).append(row)
    return found


def _open_amount(entry: Row) -> Decimal:
    amount = parse_number(entry.get("amount"))
    return number_of(entry.get("debit")) - number_of(entry.get("credit")) if amount is None else amount


def _or_sum(given: object, amounts: Iterable[Decimal]) -> Decimal:
    number = parse_number(given)
    return sum(amounts, ZERO) if number is None else number
