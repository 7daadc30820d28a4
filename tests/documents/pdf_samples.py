"""Made-up documents in canonical form for the printing tests: short, long and extreme."""

from __future__ import annotations

from typing import Any

COMPANY = {
    "name": "Officine Rossi & C. S.r.l.",
    "address": "Via Roma 12",
    "postcode": "10121",
    "city": "Torino",
    "province": "TO",
    "country": "IT",
    "vat_number": "IT01234567890",
}
PARTY = {
    "code": "000123",
    "name": "Società Agricola Çelik & Figli S.n.c.",
    "address": "Località Sant’Andrea 4/bis",
    "postcode": "39100",
    "city": "Bolzano",
}

# every field of the theme but the logo, each with another value than its default
EVERY_CHOICE: dict[str, Any] = {
    "accent": "#222222",
    "legal_notice": "x",
    "address_left": True,
    "typeface": "serif",
    "paper": "Letter",
    "footer": "x",
    "legal_texts": {"quote": "x"},
    "columns": {"quote": ["lot"]},
    "statement_comment": "x",
    "fallback_language": "it",
    "tagged": False,
    "archive": True,
    "mask_iban": True,
}


def invoice(lines: int = 2, **changes: Any) -> dict[str, Any]:
    """An invoice with so many lines; any key may be replaced."""
    line = {"qty": "12.5", "uom": "pz", "price": "1234.5678", "net": "1234.50", "tax_code": "22"}
    return {
        "type": "invoice",
        "number": "12",
        "series": "A",
        "date": "2026-11-21",
        "currency": "EUR",
        "company": COMPANY,
        "party": PARTY,
        "lines": [{"code": f"ART-{n}", "description": f"Vite nº {n} è", **line} for n in range(lines)],
        "tax_summary": [{"rate": "22", "base": "1000.00", "tax": "220.00"}],
        "totals": {"net": "1000.00", "tax": "220.00", "gross": "1220.00"},
        "due_dates": [{"date": "2026-12-31", "method": "Bonifico", "amount": "1220.00"}],
        "payment": {"iban": "IT60X0542811101000000123456"},
        "notes": ["Contributo CONAI assolto."],
        **changes,
    }


def statement(entries: int) -> dict[str, Any]:
    """A statement of account with so many movements."""
    return {
        "type": "account_statement",
        "as_of": "2026-11-21",
        "currency": "EUR",
        "company": COMPANY,
        "party": PARTY,
        "opening": "100.00",
        "entries": [
            {"date": "2026-03-01", "number": f"{n}/A", "debit": "50", "balance": "150", "overdue_days": n % 3}
            for n in range(entries)
        ],
        "closing": "-150.00",
    }


def extreme_invoice() -> dict[str, Any]:
    """Everything too long, strange or missing at once."""
    long = "Parolalunghissimasenzaspazi" * 12
    return invoice() | {
        "company": {"name": long},
        "party": {"name": f"{long} & <script>alert(1)</script>", "address": long, "city": long},
        "number": "FATT-2026/000000000000000123456789/ELETTRONICA",
        "lines": [
            {"description": "Testo lungo " * 400, "qty": "123456789.123456", "net": "-12345678901.23"},
            {"description": "Ελληνικά Кириллица \x00\x08 \ud800 fine"},
            {},
        ],
        "totals": {"gross": "not a number"},
        "notes": ["nota " * 2000],
    }
