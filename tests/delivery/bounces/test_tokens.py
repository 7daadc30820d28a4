"""The token of the return path: short, signed, and only ours."""

from crm_mail.delivery.bounces.tokens import find_token, make_token, read_token, return_path, token_key

KEY = token_key("the installation's secret")


def test_a_token_tells_its_message_and_recipient() -> None:
    token = make_token(KEY, 123_456_789, "Ann@Bella.example")
    assert len(token) == 24
    read = read_token(KEY, token.upper())
    assert read is not None
    assert read.message_id == 123_456_789
    assert read.is_for(KEY, "ann@bella.example")
    assert not read.is_for(KEY, "bob@bella.example")


def test_nobody_else_makes_one() -> None:
    token = make_token(KEY, 7, "ann@bella.example")
    assert read_token(token_key("another"), token) is None
    changed = ("b" if token[0] != "b" else "c") + token[1:]
    assert read_token(KEY, changed) is None
    assert read_token(KEY, token[:-1]) is None
    assert read_token(KEY, "not base 32 at all") is None
    assert read_token(KEY, "") is None


def test_the_return_path_carries_it_and_it_is_found_again() -> None:
    path = return_path("bounces+{token}@acme.example", KEY, 7, "ann@bella.example")
    assert path.endswith("@acme.example")
    assert read_token(KEY, find_token(f"<{path.upper()}>")) == read_token(
        KEY, make_token(KEY, 7, "ann@bella.example")
    )
    assert return_path("bounces@acme.example", KEY, 7, "ann@bella.example") == "bounces@acme.example"
