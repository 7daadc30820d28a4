"""Text outside ASCII in a header (RFC 2047). Pure.

Made here because the standard library's encoder measures every letter of every header anew: it took two thirds of
the time of building a message.
"""

import binascii
from collections.abc import Callable, Iterator
from functools import lru_cache

_LINE = 76  # characters of a line that holds encoded words (RFC 2047 2)
_FRAME = len("=?utf-8?q??=")
_PHRASE_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def encoded_words(text: str, used: int) -> str:
    """The text as encoded words on folded lines; `used` characters (at most 50) precede them
    on the first line.

    Mostly Latin text in the readable Q form, fit for phrases too (RFC 2047 5 (3)); other text in base64. No
    letter is split between two words.
    """
    readable = sum(character in _PHRASE_SAFE or character == " " for character in text) * 3 >= len(text) * 2
    first, rest = _LINE - used - _FRAME, _LINE - 1 - _FRAME
    if readable:
        pieces = _pieces(text, first, rest, lambda character: len(_q(character)))
        words = [f"=?utf-8?q?{''.join(map(_q, piece))}?=" for piece in pieces]
    else:
        pieces = _pieces(text, first // 4 * 3, rest // 4 * 3, lambda character: len(character.encode()))
        words = [f"=?utf-8?b?{_base64(piece)}?=" for piece in pieces]
    return "\r\n ".join(words)


def _pieces(text: str, first: int, rest: int, weigh: Callable[[str], int]) -> Iterator[str]:
    room, start = first, 0
    for at, character in enumerate(text):
        weight = weigh(character)
        if weight > room:
            yield text[start:at]
            start, room = at, rest
        room -= weight
    yield text[start:]


@lru_cache(maxsize=4096)
def _q(character: str) -> str:
    if character in _PHRASE_SAFE:
        return character
    return "_" if character == " " else "".join(f"={byte:02X}" for byte in character.encode())


def _base64(text: str) -> str:
    return binascii.b2a_base64(text.encode(), newline=False).decode("ascii")
