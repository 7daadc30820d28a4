"""Reminders worked out from entries: levels, interest to the cent, and every reason not to remind."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm_mail.receivables.dunning import (
    Debtor,
    Letter,
    Reason,
    Rules,
    interest_on,
    letter_data,
    level_by_days,
    propose,
)
from crm_mail.receivables.ledger import Entry

D = Decimal
AS_OF = date(2026, 6, 30)
RULES = Rules(level_days=(3, 7, 30, 60, 90))


def item(amount: str, late: int, **values: Any) -> Entry:
    known: dict[str, Any] = {"key": f"{amount}/{late}", "currency": "EUR", "number": "1"}
    return Entry(
        **(
            known
            | {"doc_on": AS_OF - timedelta(days=late + 30), "due_on": AS_OF - timedelta(days=late)}
            | values
        ),
        open_amount=D(amount),
    )


def letter(*items: Entry, debtor: Debtor | None = None, rules: Rules = RULES) -> Letter:
    [found] = propose(debtor or Debtor(), items, AS_OF, rules).letters
    return found


@pytest.mark.parametrize(
    ("amount", "rate", "days", "interest"),
    [
        ("1000.00", "10.15", 30, "8.34"),  # 8.342…
        ("2440.00", "10.15", 31, "21.03"),  # 21.034…
        ("100.00", "10.00", 365, "10.00"),
        ("100.00", "10.00", 366, "10.03"),  # a leap year's extra day is a day
        ("36.50", "10.00", 50, "0.50"),
        ("36.50", "1.00", 5, "0.01"),  # 0.005: halves go up
        ("0.01", "10.15", 1, "0.00"),
        ("-500.00", "10.15", 30, "0.00"),  # a credit earns nothing
        ("500.00", "10.15", 0, "0.00"),
        ("999999999.99", "10.15", 1000, "278082191.78"),
    ],
)
def test_interest_to_the_cent(amount: str, rate: str, days: int, interest: str) -> None:
    assert interest_on(D(amount), D(rate), days) == D(interest)


@pytest.mark.parametrize(
    ("late", "level"),
    [(-4, None), (-3, 0), (0, 0), (1, None), (6, None), (7, 1), (29, 1), (30, 2), (60, 3), (90, 4), (900, 4)],
)
def test_the_level_follows_from_the_days(late: int, level: int | None) -> None:
    assert level_by_days(item("1.00", late), AS_OF, RULES) == level


def test_the_first_letter_is_a_friendly_one_however_late_it_is_and_then_one_step_at_a_time() -> None:
    assert letter(item("100.00", 200)).level == 1
    assert [letter(item("100.00", 200, level=n)).level for n in (0, 1, 2, 3)] == [1, 2, 3, 4]


def test_a_level_that_is_off_is_stepped_over() -> None:
    rules = replace(RULES, level_days=(None, 7, None, 60, None))
    assert letter(item("100.00", 200, level=1), rules=rules).level == 3


def test_a_letter_names_every_late_item_and_the_credits() -> None:
    found = letter(item("100.00", 40, level=1), item("50.00", 2), item("-30.00", 10), item("70.00", -20))
    assert found.level == 2
    assert [line.open_amount for line in found.items] == [D("100.00"), D("-30.00"), D("50.00")]
    assert found.due_total == D("120.00")
    assert found.interest == D("1.14")  # 100 x 10.15% x 40/365 = 1.11; 50 x 10.15% x 2/365 = 0.03
    assert found.lump_sum == D("40.00")
    assert found.total == D("161.14")
    assert found.pay_by == AS_OF + timedelta(days=10)


def test_of_a_partly_paid_item_only_the_rest_bears_interest() -> None:
    found = letter(item("400.00", 100, debit=D("1000.00"), level=1))
    assert found.interest == interest_on(D("400.00"), RULES.business_rate, 100) == D("11.12")


def test_consumers_pay_the_legal_rate_and_no_lump_sum() -> None:
    found = letter(item("1000.00", 60, level=1), debtor=Debtor(is_business=False))
    assert (found.interest, found.lump_sum, found.rate) == (D("2.63"), D("0.00"), D("1.60"))


def test_the_first_reminders_ask_for_no_interest() -> None:
    found = letter(item("1000.00", 60))
    assert (found.level, found.interest, found.lump_sum, found.total) == (1, 0, 0, D("1000.00"))


def test_the_lump_sum_is_in_euro_and_once_unless_the_company_wants_it_per_document() -> None:
    two = [item("100.00", 40, level=1), item("200.00", 40, level=1)]
    assert letter(*two).lump_sum == D("40.00")
    assert letter(*two, rules=replace(RULES, lump_sum_per_document=True)).lump_sum == D("80.00")
    assert letter(item("100.00", 40, level=1, currency="MXN")).lump_sum == 0


def test_before_the_due_date_only_what_is_about_to_fall_due_is_named() -> None:
    found = letter(item("100.00", -2), item("200.00", -20))
    assert (found.level, found.total) == (0, D("100.00"))
    assert propose(Debtor(), [item("100.00", -2, level=0)], AS_OF, RULES).letters == ()


@pytest.mark.parametrize(
    ("debtor", "items", "reason"),
    [
        (Debtor(is_blocked=True), [item("100.00", 40)], Reason.BLOCKED),
        (Debtor(has_address=False), [item("100.00", 40)], Reason.NO_ADDRESS),
        (Debtor(has_waiting=True), [item("100.00", 40)], Reason.WAITING),
        (Debtor(last_reminded_on=AS_OF - timedelta(days=13)), [item("100.00", 40)], Reason.RECENTLY),
        (Debtor(), [item("100.00", 40, is_disputed=True)], Reason.DISPUTED),
        (Debtor(), [item("100.00", 40), item("-100.00", 5)], Reason.CREDIT_BALANCE),
        (Debtor(), [item("100.00", 40), item("-500.00", 5)], Reason.CREDIT_BALANCE),
        (Debtor(), [item("9.99", 40)], Reason.BELOW_MINIMUM),
        (Debtor(), [item("100.00", 20, level=1)], Reason.NOT_YET),
        (Debtor(), [item("100.00", 200, level=4)], Reason.LAST_LEVEL),
        (Debtor(), [item("100.00", -30)], Reason.NOTHING_DUE),
        (Debtor(), [item("-100.00", 30)], Reason.NOTHING_DUE),
    ],
)
def test_who_is_not_reminded_and_why(debtor: Debtor, items: list[Entry], reason: Reason) -> None:
    found = propose(debtor, items, AS_OF, RULES)
    assert found.letters == ()
    assert [refusal.reason for refusal in found.refusals] == [reason]


def test_after_the_days_between_the_same_customer_is_reminded_again() -> None:
    debtor = Debtor(last_reminded_on=AS_OF - timedelta(days=14))
    assert letter(item("100.00", 40, level=1), debtor=debtor).level == 2


def test_a_disputed_item_is_not_in_the_letter_about_the_others() -> None:
    assert letter(item("100.00", 40), item("900.00", 80, is_disputed=True)).total == D("100.00")


def test_five_currencies_are_five_letters_and_a_small_one_is_left_out() -> None:
    items = [item("100.00", 40, currency=code, key=code) for code in ("EUR", "USD", "GBP", "MXN")]
    found = propose(Debtor(), [*items, item("1.00", 40, currency="CHF")], AS_OF, RULES)
    assert [one.currency for one in found.letters] == ["EUR", "GBP", "MXN", "USD"]
    assert [(one.reason, one.currency) for one in found.refusals] == [(Reason.BELOW_MINIMUM, "CHF")]


def test_the_canonical_letter_passes_its_schema_with_nothing_left_over() -> None:
    from crm_mail.documents.schemas import Canonical, validate_canonical

    found = letter(item("100.00", 40, level=1, reminded_on=date(2026, 6, 1)))
    data = letter_data(found, AS_OF, number="1-2", party={"code": "1", "name": "Rossi"})
    checked = validate_canonical(data, False)
    assert isinstance(checked, Canonical)
    assert checked.warnings == ()
    assert data["previous"] == [{"date": "2026-06-01", "level": 1}]
    assert (data["lump_sum"], data["interest"], data["total"]) == ("40.00", "1.11", "141.11")
