"""Logs carry neither addresses nor secrets."""

import logging

import pytest

from crm_mail.logs import Redaction, redact


def test_an_address_and_a_password_are_struck_out() -> None:
    assert redact("to anna.bianchi@cliente.example password=abc") == "to ***@*** password=***"


def test_the_text_of_an_exception_is_struck_out_too() -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "sending to %s", ("a@b.example",), None)
    try:
        raise ValueError("refused c@d.example")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert Redaction().filter(record)
    assert record.getMessage() == "sending to ***@***"
    assert record.exc_text is not None
    assert "c@d.example" not in record.exc_text


@pytest.mark.parametrize("text", ["run 12 finished", "token of the run"])
def test_other_words_stay(text: str) -> None:
    assert redact(text) == text
