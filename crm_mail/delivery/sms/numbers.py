"""Telephone numbers as SMS needs them: international, possible, and mobile (library phonenumbers). Pure.

GA-9: ``0981 123 456`` of a company in Paraguay becomes ``+595981123456``.
"""

from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from crm_mail.refusals import Refusal

_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class NumberProblem(StrEnum):
    """Why a text is no number that takes SMS."""

    NOT_A_NUMBER = "not_a_number"
    NOT_MOBILE = "not_mobile"


class NumberInvalid(Refusal, ValueError):
    """A text is no number that takes SMS; ``problem`` says why."""

    def __init__(self, given: str, problem: NumberProblem) -> None:
        words = {
            NumberProblem.NOT_A_NUMBER: f"{given} is no telephone number: write it as +39 333 1234567",
            NumberProblem.NOT_MOBILE: f"{given} is no mobile number: SMS reach mobile phones only",
        }
        super().__init__(words[problem])
        self.problem = problem


@lru_cache(maxsize=8192)
def normalise_number(given: str, region: str) -> str:
    """A mobile number as ``+`` and digits (E.164).

    Args:
        region: country (ISO 3166, two letters) of numbers that are written without a prefix; may be empty.

    Raises:
        NumberInvalid
    """
    try:
        number = phonenumbers.parse(given, region.strip().upper() or None)
    except NumberParseException:
        raise NumberInvalid(given, NumberProblem.NOT_A_NUMBER) from None
    if not phonenumbers.is_valid_number(number):
        raise NumberInvalid(given, NumberProblem.NOT_A_NUMBER)
    if phonenumbers.number_type(number) not in _MOBILE:
        raise NumberInvalid(given, NumberProblem.NOT_MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def mobile_of(given: tuple[str, ...], region: str) -> tuple[str, str]:
    """The first of these texts that is a mobile number: (number, the text); two empty texts when none is."""
    for text in given:
        if text.strip():
            try:
                return normalise_number(text.strip(), region), text
            except NumberInvalid:
                continue
    return "", ""


def is_number(address: str) -> bool:
    """Whether an address of a message is a telephone number as `normalise_number` writes it."""
    return address.startswith("+") and address[1:].isascii() and address[1:].isdigit()


def readable_number(number: str) -> str:
    """A number with its blanks, as people write it; anything else stays as it is."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return number
