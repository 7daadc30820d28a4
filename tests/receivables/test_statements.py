"""Account statements worked out from entries: balances, ages, currencies, both layouts (PD-9 to PD-11)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm_mail.receivables.ledger import Bucket, Entry, age, bucket_of, residuals
from crm_mail.receivables.statements import Account, Layout, Status, make_blocks, statement_data

D = Decimal
AS_OF = date(2026, 3, 31)


def entry(key: str, amount: str, due: date | None = None, **values: Any) -> Entry:
    net = D(amount)
    known: dict[str, Any] = {
        "currency": "EUR",
        "number": key,
        "doc_on": date(2026, 1, 1),
        "due_on": due,
        "debit": max(net, D(0)),
        "credit": max(-net, D(0)),
    }
    return Entry(key=key, **(known | values))


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-5, Bucket.NOT_DUE),
        (0, Bucket.NOT_DUE),  # what is due on the cut-off day is not late
        (1, Bucket.TO_30),
        (30, Bucket.TO_30),
        (31, Bucket.TO_60),
        (60, Bucket.TO_60),
        (61, Bucket.TO_90),
        (90, Bucket.TO_90),
        (91, Bucket.OVER_90),
    ],
)
def test_the_age_of_an_item_is_counted_from_the_day_after_it_was_due(days: int, bucket: Bucket) -> None:
    assert bucket_of(days) is bucket


def test_the_leap_day_counts_as_a_day_late() -> None:
    assert entry("1", "1", date(2028, 2, 28)).days_late(date(2028, 3, 1)) == 2
    assert entry("1", "1", date(2027, 2, 28)).days_late(date(2027, 3, 1)) == 1


def test_open_items_run_up_to_the_closing_balance_and_the_ages_add_up_to_it() -> None:
    items = [
        entry("A", "100.00", date(2026, 1, 15)),
        entry("B", "50.00", date(2026, 4, 30), open_amount=D("20.00")),  # partly paid
        entry("C", "-30.00", date(2026, 3, 20)),
        entry("later", "999.00", doc_on=date(2026, 4, 1)),
    ]
    [block] = make_blocks(Account(items), Layout.OPEN_ITEMS, AS_OF)
    assert [(line.entry.key, line.balance, line.status) for line in block.lines] == [
        ("A", D("100.00"), Status.OVERDUE),
        ("C", D("70.00"), Status.CREDIT),
        ("B", D("90.00"), Status.NOT_DUE),
    ]
    assert block.closing == D("90.00") == sum(amount for _bucket, amount in block.aging)
    assert (block.overdue_total, block.not_due_total) == (D("70.00"), D("20.00"))
    assert block.lines[0].days_late == 75


def test_a_customer_in_credit_closes_below_zero_and_is_not_overdue() -> None:
    [block] = make_blocks(Account([entry("NC", "-250.00", date(2026, 1, 1))]), Layout.OPEN_ITEMS, AS_OF)
    assert block.closing == D("-250.00")
    assert block.lines[0].days_late == 0


def test_movements_begin_with_the_balance_before_the_period() -> None:
    lines = [
        entry("open", "1200.00", posted_on=date(2025, 12, 31), is_opening=True, number=""),
        entry("jan", "500.00", posted_on=date(2026, 1, 10)),
        entry("feb", "-200.00", posted_on=date(2026, 2, 10), number=""),
        entry("apr", "70.00", posted_on=date(2026, 4, 10)),
    ]
    account = Account(movements=lines)
    [whole] = make_blocks(account, Layout.MOVEMENTS, AS_OF)
    assert (whole.opening, whole.closing) == (D("1200.00"), D("1500.00"))
    assert [line.balance for line in whole.lines] == [D("1700.00"), D("1500.00")]
    [part] = make_blocks(account, Layout.MOVEMENTS, AS_OF, from_on=date(2026, 2, 1))
    assert (part.opening, len(part.lines), part.closing) == (D("1700.00"), 1, D("1500.00"))
    assert sum(amount for _bucket, amount in part.aging) == D("1500.00")


def test_a_credit_pays_its_own_document_first_and_then_the_oldest() -> None:
    lines = [
        entry("old", "100.00", date(2026, 1, 31)),
        entry("own", "100.00", date(2026, 2, 28)),
        entry("note", "-60.00", doc_on=date(2026, 3, 1), number="own"),
        entry("money", "-120.00", doc_on=date(2026, 3, 2), number=""),
    ]
    assert [(e.key, e.open_amount) for e in residuals(lines)] == [("own", D("20.00"))]
    over = residuals([*lines, entry("more", "-50.00", doc_on=date(2026, 3, 3), number="")])
    assert [(e.key, e.open_amount) for e in over] == [("more", D("-30.00"))]


def test_five_currencies_are_five_blocks_and_never_one_sum() -> None:
    items = [
        entry(f"{n}", f"{n}0.00", date(2026, 2, 1), currency=currency)
        for n, currency in enumerate(("USD", "EUR", "MXN", "GBP", "PYG"), start=1)
    ]
    blocks = make_blocks(Account(items), Layout.OPEN_ITEMS, AS_OF)
    assert [(b.currency, b.closing) for b in blocks] == [
        ("EUR", D("20.00")),
        ("GBP", D("40.00")),
        ("MXN", D("30.00")),
        ("PYG", D("50.00")),
        ("USD", D("10.00")),
    ]
    data = statement_data(blocks, Layout.OPEN_ITEMS, AS_OF, number="1", party={"code": "1"})
    assert len(data["blocks"]) == 5
    assert "closing" not in data


def test_settled_and_empty_accounts_give_no_statement() -> None:
    paid = [entry("1", "10.00", open_amount=D("0.00"))]
    assert make_blocks(Account(paid), Layout.OPEN_ITEMS, AS_OF) == []
    assert make_blocks(Account(), Layout.MOVEMENTS, AS_OF) == []


def test_the_canonical_statement_passes_its_schema_with_nothing_left_over() -> None:
    from crm_mail.documents.schemas import Canonical, validate_canonical

    items = [
        entry("A", "100.00", date(2026, 1, 15), doc_type="FT", description="x", method="RIBA", is_unpaid=True)
    ]
    data = statement_data(
        make_blocks(Account(items), Layout.OPEN_ITEMS, AS_OF),
        Layout.OPEN_ITEMS,
        AS_OF,
        number="000123-20260331",
        party={"code": "000123", "name": "Rossi"},
        comment="Grazie",
        payment={"iban": "IT60X0542811101000000123456"},
    )
    checked = validate_canonical(data, False)
    assert isinstance(checked, Canonical)
    assert checked.warnings == ()
    assert data["entries"][0]["status"] == "unpaid"
    assert data["overdue_total"] == "100.00"
    assert age(items, AS_OF)[Bucket.TO_90] == D("100.00")
