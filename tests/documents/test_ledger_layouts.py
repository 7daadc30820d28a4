"""Statements, reminders and advices of transfers as they will be printed, without drawing them (formats, section 4)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from crm_mail.demo.document_samples import sample_document
from crm_mail.documents.pdf_labels import labels
from crm_mail.documents.pdf_markup import build_html
from crm_mail.documents.pdf_statement import statement_blocks
from crm_mail.documents.pdf_sums import difference_of, reminder, with_shares, with_sums
from crm_mail.documents.pdf_theme import Theme

FIVE = ("EUR", "USD", "MXN", "PYG", "GBP")


def text_of(name: str, language: str = "it", theme: Theme | None = None, **changes: Any) -> str:
    """The words of a sample's printed form."""
    data = sample_document(name) | changes
    html = build_html(str(data["type"]), data, language, theme or Theme())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("<body", 1)[1])).replace("&#39;", "'")


def blocks_of(**values: Any) -> list[dict[str, Any]]:
    """What a statement of open items as of 21 November 2026 prints."""
    words = {"t": labels("it"), "language": "it", "currency": "EUR", "as_of": "2026-11-21"}
    return statement_blocks({"layout": "open_items", **words, **values})


@pytest.mark.parametrize(
    ("due", "bucket"),
    [
        ("2026-11-21", 0),
        ("2026-11-20", 1),
        ("2026-10-22", 1),
        ("2026-10-21", 2),
        ("2026-09-22", 2),
        ("2026-09-21", 3),
        ("2026-08-23", 3),
        ("2026-08-22", 4),
    ],
)
def test_open_items_without_ageing_are_sorted_into_not_due_30_60_90_and_over(due: str, bucket: int) -> None:
    """What is due on the day is not late yet."""
    (block,) = blocks_of(entries=[{"number": "1", "due_date": due, "amount": "10.00"}])
    assert [one["amount"] for one in block["aging"]] == [Decimal(10) * (n == bucket) for n in range(5)]
    assert bool(block["rows"][0]["status"]) == (bucket > 0)


def test_a_movement_without_balance_gets_the_running_one_and_the_closing_follows() -> None:
    entries = [{"debit": "100.00"}, {"credit": "130.50"}]
    (block,) = blocks_of(layout="movements", opening="10", entries=entries)
    assert [str(row["balance"]) for row in block["rows"]] == ["10", "110.00", "-20.50", "-20.50"]
    assert block["closing"] == Decimal("-20.50")
    assert block["rows"][-1]["debit"] == Decimal("100.00")


def test_each_of_five_currencies_has_its_block_and_bills_of_a_sixth_one_too() -> None:
    """Sums of different currencies are never added; a guaraní has no cents."""
    given = [{"currency": code, "entries": [{"number": code, "amount": "15000.40"}]} for code in FIVE]
    bills = [{"number": "R1", "amount": "7", "currency": "BRL"}, {"number": "R2", "amount": "8"}]
    found = blocks_of(blocks=given, bills=bills)
    assert [block["currency"] for block in found] == [*FIVE, "BRL"]
    assert [len(block["bills"]) for block in found] == [1, 0, 0, 0, 0, 1]
    assert found[-1]["closing"] is None
    text = text_of("account_statement", layout="open_items", entries=[], blocks=given, aging=[], bills=[])
    assert text.count("Partite aperte in") == 5
    assert "15.000 PYG" in text
    assert "15.000,40 €" in text


def test_returned_items_stand_first_with_their_sum_and_the_balance_runs_in_that_order() -> None:
    entries = [
        {"number": "1", "amount": "10.00"},
        {"number": "2", "amount": "5.00", "status": "unpaid"},
        {"number": "3", "amount": "-4.00", "status": "credit"},
    ]
    (block,) = blocks_of(entries=entries)
    assert [row["document"] for row in block["rows"]] == ["2", "1", "3", "Totale"]
    assert [str(row["balance"]) for row in block["rows"]] == ["5.00", "15.00", "11.00", "11.00"]
    assert block["rows"][0]["group"] == "Insoluti restituiti dalla banca: 5,00\xa0€"


def test_a_statement_says_in_whose_favour_it_closes_and_prints_the_companys_comment() -> None:
    """PD-6; also nothing at all is said clearly."""
    comment = Theme(statement_comment="Pagare solo su questo IBAN.")
    assert "a Vostro credito" in text_of("account_statement", closing="-1.00")
    text = text_of("account_statement", theme=comment, entries=[], opening="0", closing="0", aging=[])
    assert "conto a saldo zero" in text
    assert "Nessun movimento nel periodo." in text
    assert "Pagare solo su questo IBAN." in text


@pytest.mark.parametrize("language", ["it", "es", "en"])
def test_each_level_of_reminder_has_its_own_words(language: str) -> None:
    words = labels(language)
    seen = {text_of("dunning_letter", language, level=level) for level in range(5)}
    assert len(seen) == 5
    for level in (0, 2, 3, 4):
        assert words[f"dunning_title_{level}"] in text_of("dunning_letter", language, level=level)
    assert not [text for text in seen if "%(" in text]


def test_italian_law_stands_only_in_letters_of_italian_companies() -> None:
    """Art. 1219 and 2943 c.c.: formal notice by PEC; a Mexican company's letter names neither."""
    company = sample_document("dunning_letter")["company"] | {"country": "MX"}
    ours, theirs = (text_of("dunning_letter", "es", level=3, **more) for more in ({}, {"company": company}))
    for part in ("art. 1219", "art. 2943", "PEC o carta", "231/2002"):
        assert part in ours, part
        assert part not in theirs, part


def test_a_reminder_adds_up_and_paragraphs_of_the_data_replace_the_words() -> None:
    items = [{"number": "1", "open": "100.00"}, {"number": "2", "amount": "-20.00"}]
    sums = reminder({"items": items, "interest": "1.50", "unpaid_reason": {"charges": "2.00"}})
    assert (sums["due"], sums["total"], sums["level"]) == (Decimal("80.00"), Decimal("83.50"), 1)
    text = text_of("dunning_letter", paragraphs=["Parole nostre."])
    assert "Parole nostre." in text
    assert "tuttora insoluti" not in text


def test_an_iban_is_masked_when_the_company_wants_it() -> None:
    text = text_of("transfer_advice", theme=Theme(mask_iban=True))
    assert "IT40 •••• 4321" in text
    assert "0306" not in text


def test_sums_shares_and_differences_of_closes() -> None:
    rows = [{"label": "a", "amount": "1.00"}, {"label": "b", "amount": "2.00", "count": 3}]
    *_, total = with_sums(with_shares(rows), ("amount", "count", "tax"), "label", "Totale")
    assert total == {"label": "Totale", "amount": Decimal("3.00"), "count": Decimal(3), "strong": True}
    assert [str(row["share"]) for row in with_shares(rows)] == ["33.3", "66.7"]
    assert with_shares([{"amount": "1"}, {"amount": "-1"}])[0] == {"amount": "1"}
    assert difference_of("10", "8.50", None) == Decimal("-1.50")
    assert difference_of("10", None, None) is None
