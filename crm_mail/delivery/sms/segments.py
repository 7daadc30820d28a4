"""How long a text is as SMS: its alphabet and the segments it takes (3GPP TS 23.038 6.2.1, 23.040 9.2.3.24.1). Pure.

A segment holds 140 bytes: 160 septets of the GSM alphabet, or 70 UTF-16 units as soon as one sign is not of that
alphabet. Texts of several segments lose six bytes of each to the header that joins them: 153 septets, 67 units.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM alphabet in the order of its codes."""
EXTENSION = {"\f": 10, "^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}
"""Signs that cost two septets, with the second one: an escape comes first."""
BASIC = frozenset(GSM) - {"\x1b"}
MOST_SEGMENTS = 10
"""Longer texts are refused: handsets and gateways join no more reliably."""
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
        **dict.fromkeys("\u2018\u2019\u201a\u2032\u00b4\u0060", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff\u00ad", ""),
        "\u2026": "...",
        "\t": " ",
    }
)


class Alphabet(StrEnum):
    """What the signs of a text are sent in."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


_ROOM = {Alphabet.GSM7: (160, 153), Alphabet.UCS2: (70, 67)}


@dataclass(frozen=True, slots=True)
class Length:
    """Units are septets, or UTF-16 units; ``room``: units that the present number of segments holds."""

    alphabet: Alphabet
    units: int
    segments: int
    room: int


def plain_text(text: str) -> str:
    """A text as it is sent: typographic signs that would halve the room are written with plain ones."""
    lines = [line.rstrip() for line in text.translate(_PLAIN).replace("\r\n", "\n").strip().split("\n")]
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return "\n".join(kept)


def alphabet_of(text: str) -> Alphabet:
    """The GSM alphabet when it has every sign of the text."""
    return Alphabet.GSM7 if all(sign in BASIC or sign in EXTENSION for sign in text) else Alphabet.UCS2


def _septets(sign: str) -> int:
    return 2 if sign in EXTENSION else 1


def _utf16_units(sign: str) -> int:
    return 2 if ord(sign) > 0xFFFF else 1


def split_text(text: str) -> list[str]:
    """The segments, in order; an escape or a pair of surrogates is never divided. An empty text is one segment."""
    alphabet = alphabet_of(text)
    alone, joined = _ROOM[alphabet]
    cost = _cost_of(alphabet)
    if sum(map(cost, text)) <= alone:
        return [text]
    parts: list[str] = []
    start = used = 0
    for place, sign in enumerate(text):
        if used + cost(sign) > joined:
            parts.append(text[start:place])
            start, used = place, 0
        used += cost(sign)
    return [*parts, text[start:]]


def _cost_of(alphabet: Alphabet) -> Callable[[str], int]:
    return _septets if alphabet is Alphabet.GSM7 else _utf16_units


def measure(text: str) -> Length:
    """Alphabet, units and segments of a text."""
    alphabet = alphabet_of(text)
    alone, joined = _ROOM[alphabet]
    segments = len(split_text(text))
    units = sum(map(_cost_of(alphabet), text))
    return Length(alphabet, units, segments, alone if segments == 1 else segments * joined)
