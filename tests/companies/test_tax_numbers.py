"""The shapes of VAT numbers and tax codes."""

import pytest

from crm_mail.companies.tax_numbers import country_of, number_forms, number_in_code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IT01234567890", "012.345.678-90"),
        ("MXEKU9003173C9", "eku 9003173c9"),
        ("MXCACX7605101P8", "CACX7605101P8"),
        ("ESB12345678", "B-12345678"),
        ("PY800123456", "PY80012345-6"),
    ],
)
def test_a_number_is_the_same_with_and_without_its_country(one: str, other: str) -> None:
    assert number_forms(one) & number_forms(other)


@pytest.mark.parametrize("other", ["EKU9003173C8", "XEKU9003173C9", "9003173C9", "", "RSSMRA80A01H501U"])
def test_letters_that_belong_to_a_number_are_no_country(other: str) -> None:
    """The first letters of an RFC or of an Italian tax code are the name's."""
    assert not number_forms("MXEKU9003173C9") & number_forms(other)
    assert number_forms("MXA900101AB1") == {"MXA900101AB1", "MXMXA900101AB1"}
    assert number_forms("RSSMRA80A01H501U") == {"RSSMRA80A01H501U"}


@pytest.mark.parametrize(
    ("number", "country"),
    [("MXEKU9003173C9", "MX"), ("EKU9003173C9", "MX"), ("EL123456789", "GR"), ("01234567890", ""), ("", "")],
)
def test_a_number_tells_its_country_by_prefix_or_shape(number: str, country: str) -> None:
    assert country_of(number) == country


def test_a_code_is_a_tax_number_only_beyond_doubt() -> None:
    assert number_in_code("ced990101ab1") == "CED990101AB1"
    assert number_in_code("IT01234567890") == "IT01234567890"
    assert [number_in_code(code) for code in ("01234567890", "C001", "XAXX010101000", "")] == ["", "", "", ""]
