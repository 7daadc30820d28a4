"""Words in several languages: messages marked for translation, filled with values (pure).

Sentences stand in English where they are made. A function that gives one takes ``translate``; left alone it gives
English, so pages, mails and the command line say the same.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

Translate = Callable[[str], str]
"""Gives an English message in the reader's language."""


def mark(message: str) -> str:
    """Mark a message for collection (babel.cfg), usually under the name `_`; it is translated when it is used."""
    return message


N_ = mark
"""The same under the name by which Babel collects it where `_` translates."""


def english(message: str) -> str:
    """The translation into English: nothing to do."""
    return message


def fill(message: str, values: Mapping[str, Any]) -> str:
    """A message with its values; one that nobody kept is a dash."""
    return message % _Values(values)


class _Values(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


def written_day(iso: str) -> str:
    """A day, given as 2026-11-21, as everywhere in the product: 21/11/2026; anything else stays as it is."""
    try:
        return date.fromisoformat(iso).strftime("%d/%m/%Y")
    except ValueError:
        return iso
