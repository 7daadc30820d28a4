"""Addresses as people write them in cells (IT-9; issue section 3 and 12)."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from crm_mail.delivery.addresses import (
    AddressInvalid,
    address_key,
    domain_of,
    is_address,
    normalise_address,
    split_addresses,
    wire_address,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mario.rossi@cliente.it", "mario.rossi@cliente.it"),
        ("  Mario.Rossi@CLIENTE.It\u00a0", "Mario.Rossi@cliente.it"),
        ("mailto:info@cliente.it", "info@cliente.it"),
        ('"Rossi, Mario" <mario@cliente.it>', "mario@cliente.it"),
        ("a@localhost", "a@localhost"),
        ("a@posta.local", "a@posta.local"),
        ("A@Ufficio.TEST", "A@ufficio.test"),
        ("a@acme.example", "a@acme.example"),
        ("info@españa.es", "info@españa.es"),
        ("o'neill+crm@x.co.uk", "o'neill+crm@x.co.uk"),
    ],
)
def test_an_address_is_kept_in_one_spelling(text: str, kept: str) -> None:
    assert normalise_address(text) == kept


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("mario", "@-sign"),
        ("mario@cliente", "period"),
        ("a@b@c.it", "invalid characters"),
        ("a..b@c.it", "two periods"),
        ("a b@c.it", "invalid characters"),
        ("a@b.it\r\nBcc: x@y.it", "line break"),
        ("a\n@b.it", "line break"),
        ("a\u2028@b.it", "line break"),
        ("a\x00@b.it", "control character"),
        ("a@b.it; c@d.it", "invalid characters"),
        ("x" * 260 + "@b.it", "too long"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(AddressInvalid, match=reason):
        normalise_address(text)


@pytest.mark.parametrize(
    ("stored", "is_fit"),
    [
        ("mario@cliente.it", True),
        ("niño@españa.es", True),
        ("mario@cliente", False),
        ("mario", False),
        ("a@b..it", False),
        ("Mario <a@b.it>", False),
        (" a@b.it", False),
        ("a@b.it\r\nBcc: x@y.it", False),
        ("a\u2028@b.it", False),
        ("", False),
    ],
)
def test_a_stored_address_is_fit_when_it_is_one_bare_address(stored: str, is_fit: bool) -> None:
    assert is_address(stored) is is_fit


def test_a_cell_with_several_addresses_gives_them_in_order_and_once() -> None:
    cell = 'a@b.it; "Rossi, Mario" <c@d.it>, e@f.it|g@h.it ::: i@l.it\nm@n.it; A@b.it;;'
    assert [normalise_address(part) for part in split_addresses(cell)] == (
        ["a@b.it", "c@d.it", "e@f.it", "g@h.it", "i@l.it", "m@n.it"]
    )
    assert split_addresses("  ") == []


def test_servers_get_the_ascii_form_of_a_domain() -> None:
    assert wire_address("Info@españa.es") == "Info@xn--espaa-rta.es"
    assert wire_address("niño@x.es") == "niño@x.es"
    for bad in ("a@b.it>\r\nRCPT TO:<x@y.it", "a b@c.it", "<a@b.it>", "@b.it", "a@", "a@..it", ""):
        with pytest.raises(AddressInvalid):
            wire_address(bad if "..it" not in bad else "a@é..it")


def test_two_spellings_of_one_mailbox_have_one_key() -> None:
    assert address_key(" Info@X.it") == address_key("info@x.IT")
    assert domain_of("A@Pec.IT") == "pec.it"
    assert domain_of("nothing") == ""


@given(st.from_regex(r"[a-zA-Z0-9._+-]{1,20}@[a-zA-Z0-9.-]{1,20}\.(it|com|test)", fullmatch=True))
def test_the_fast_way_and_the_library_agree(text: str) -> None:
    try:
        expected: str | None = validate_email(
            text, check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError:
        expected = None
    try:
        got: str | None = normalise_address(text)
    except AddressInvalid:
        got = None
    assert got == expected
