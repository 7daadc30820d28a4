"""Canonical documents: what passes, what is refused and why, and what is kept of it (issue 3, section 1)."""

from typing import Any

import pytest

from crm_mail.document_types import DocumentType
from crm_mail.documents.schemas import (
    PROBLEMS,
    SCHEMAS,
    Canonical,
    FieldKind,
    OwnField,
    OwnSchema,
    validate_canonical,
)
from crm_mail.documents.schemas.problems import _BY_PREFIX, _BY_PYDANTIC
from tests.documents.pdf_samples import invoice, statement

LEAST = {"type": "invoice", "number": "7", "date": "2026-11-21", "party": {"name": "Çelik S.n.c."}}

WARRANTY = {
    "x_warranty": OwnSchema(
        "x_warranty",
        "delivery_note",
        (
            OwnField("months", FieldKind.INTEGER, is_required=True),
            OwnField("bought_on", FieldKind.DATE),
            OwnField("series", is_required=True),
        ),
    )
}

FULL: dict[str, dict[str, Any]] = {
    "delivery_note": {"lines": [{"description": "Vite", "qty": "2"}], "reason": "Vendita"},
    "invoice": {"totals": {"gross": "1220.00"}},
    "credit_note": {"lines": [{"net": "-10.00"}], "reason": "Reso"},
    "quote": {"lines": [{"price": "0.0125"}], "valid_until": "2026-12-31"},
    "sales_order": {"lines": [{"code": "A", "requested_date": "2026-12-01"}]},
    "purchase_order": {"lines": [{"supplier_code": "S-1"}], "deliver_to": {"city": "Forlì"}},
    "goods_receipt": {"lines": [{"ordered": "10", "received": "9", "rejected": "1"}]},
    "account_statement": {"closing": "-150.00"},
    "transfer_advice": {"amount": "99.90", "items": [{"document": "7/A", "paid": "99.90"}]},
    "dunning_letter": {"items": [{"number": "7", "open": "10"}], "level": 2},
    "declaration_of_intent": {
        "year": 2027,
        "kind": "up_to_amount",
        "protocol": "08060120341234567-000001",
        "amount": "50000",
    },
    "payment_order": {"total": "10.00", "signatures": ["Il cassiere"]},
    "receipt": {"amount": "10.00", "method": "cash"},
    "cash_close": {"expected": "100.00", "counted": "99.50", "difference": "-0.50"},
    "sales_close": {"by_method": [{"label": "Contanti", "count": 3, "amount": "30"}]},
    "price_list": {"items": [{"code": "A", "price": "9.99", "min_qty": "10"}]},
    "generic": {"title": "Comunicazione"},
}


def passed(data: dict[str, Any], has_main_pdf: bool = False, **more: Any) -> Canonical:
    result = validate_canonical(data, has_main_pdf, **more)
    assert isinstance(result, Canonical), [one.message for one in result]
    return result


def refused(data: dict[str, Any], has_main_pdf: bool = True, **more: Any) -> list[tuple[str, str]]:
    result = validate_canonical(data, has_main_pdf, **more)
    assert isinstance(result, list)
    assert all("%(" not in one.message for one in result)
    return [(one.code, one.path) for one in result]


@pytest.mark.parametrize("type_id", DocumentType)
def test_each_type_needs_little_with_a_pdf_and_its_minimum_without(type_id: str) -> None:
    """formats reference, section 3: with a main PDF only type, number, date and party."""
    bare = LEAST | {"type": str(type_id)}
    assert passed(bare, True).data == bare | {"schema": "crm-mail/1"} | (
        {"as_of": "2026-11-21"} if type_id == "account_statement" else {}
    )
    assert {code for code, _ in refused(bare, False)} == {"missing_to_render"}
    full = passed(bare | FULL[type_id])
    assert full.warnings == ()
    assert passed(full.data).data == full.data


def test_the_pdf_may_be_one_of_the_files() -> None:
    data = LEAST | {"files": [{"name": "a.pdf", "role": "main", "content": "JVBERi0="}]}
    assert passed(data).data["files"] == [{"name": "a.pdf", "role": "main"}]


def test_what_earlier_importers_kept_passes_unchanged() -> None:
    """`Document.data` of FatturaPA imports and the layouts read these very names."""
    for data in (invoice(), statement(2) | {"number": "1", "date": "2026-11-21"}):
        result = passed(data)
        assert result.data == data | {"schema": "crm-mail/1"}
        assert result.warnings == ()


def test_other_names_of_fields_are_read_and_written_back_under_ours() -> None:
    data = LEAST | {
        "party": {"vat": "IT1"},
        "iban": "IT60X0542811101000000123456",
        "payment_terms": "30 gg",
        "company": "SM02",
        "lines": [{"description": "Vite", "quantity": 2, "unit": "pz"}],
    }
    found = passed(data).data
    assert found["party"] == {"vat_number": "IT1"}
    assert found["payment"] == {"terms": "30 gg", "iban": "IT60X0542811101000000123456"}
    assert found["company"] == {"code": "SM02"}
    assert found["lines"] == [{"description": "Vite", "qty": "2", "uom": "pz"}]


def test_amounts_come_out_as_decimal_strings_and_dates_as_iso() -> None:
    data = LEAST | {"date": "2026-11-21T10:30:00", "number": 7, "totals": {"gross": 1220, "net": "1000.10"}}
    found = passed(data).data
    assert found["totals"] == {"net": "1000.10", "gross": "1220"}
    assert (found["date"], found["number"]) == ("2026-11-21", "7")


def test_an_unknown_field_is_kept_under_extra_with_a_warning() -> None:
    data = LEAST | {"colour": "rød\x00", "lines": [{"description": "a", "shelf": {"row": 3}}]}
    result = passed(data)
    assert result.data["extra"] == {"colour": "rød"}
    assert result.data["lines"] == [{"description": "a", "extra": {"shelf": {"row": 3}}}]
    assert [(one.code, one.path) for one in result.warnings] == [
        ("unknown_field", "colour"),
        ("unknown_field", "lines[1].shelf"),
    ]


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"number": ""}, "missing", "number"),
        ({"number": None}, "missing", "number"),
        ({"type": "bill"}, "unknown_type", "type"),
        ({"type": None}, "missing", "type"),
        ({"party": {}}, "party_unnamed", "party"),
        ({"party": "Rossi"}, "not_an_object", "party"),
        ({"date": "21/11/2026"}, "bad_date", "date"),
        ({"date": "2026-13-01"}, "bad_date", "date"),
        ({"date": 20261121}, "bad_date", "date"),
        ({"due_dates": [{"date": "soon"}]}, "bad_date", "due_dates[1].date"),
        ({"lines": [{}, {"net": "1.234,50"}]}, "bad_amount", "lines[2].net"),
        ({"lines": [{"net": "1e3"}]}, "bad_amount", "lines[1].net"),
        ({"lines": [{"net": "NaN"}]}, "bad_amount", "lines[1].net"),
        ({"lines": [{"net": float("inf")}]}, "bad_amount", "lines[1].net"),
        ({"lines": [{"net": True}]}, "bad_amount", "lines[1].net"),
        ({"lines": [{"net": "9" * 16}]}, "amount_too_big", "lines[1].net"),
        ({"lines": "none"}, "not_a_list", "lines"),
        ({"lines": [3]}, "not_an_object", "lines[1]"),
        ({"currency": "EURO"}, "bad_code", "currency"),
        ({"direction": "up"}, "bad_choice", "direction"),
        ({"confidential": "perhaps"}, "bad_flag", "confidential"),
        ({"notes": ["x" * 20_001]}, "too_long", "notes[1]"),
        ({"number": "9" * 61}, "too_long", "number"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(wrong: dict[str, Any], code: str, path: str) -> None:
    assert refused(LEAST | wrong) == [(code, path)]


def test_everything_wrong_is_told_at_once() -> None:
    found = refused({"type": "invoice", "date": "x", "totals": {"gross": "y"}})
    assert [path for _, path in found] == ["number", "date", "party", "totals.gross"]


def test_every_problem_has_words() -> None:
    assert {*_BY_PYDANTIC.values(), *(code for _, code in _BY_PREFIX)} <= set(PROBLEMS)
    assert set(SCHEMAS) == set(DocumentType)


def test_an_own_type_adds_fields_to_its_base() -> None:
    data = LEAST | {"type": "x_warranty", "lines": [{"code": "A"}], "series": "W"}
    result = passed(data | {"months": "24", "bought_on": "2026-01-02"}, own=WARRANTY)
    assert result.data["extra"] == {"months": 24, "bought_on": "2026-01-02"}
    assert result.warnings == ()
    assert refused(data, False, own=WARRANTY) == [("missing_own", "months")]
    assert refused(data | {"series": "", "months": 1}, False, own=WARRANTY) == [("missing_own", "series")]
    assert refused(data | {"months": "two"}, own=WARRANTY) == [("bad_number", "months")]
    assert refused(LEAST | {"type": "x_warranty"}) == [("unknown_type", "type")]
    passed(LEAST | {"type": "x_warranty"}, True, own=WARRANTY)
