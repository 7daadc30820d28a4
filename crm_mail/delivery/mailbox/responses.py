"""IMAP answers as values (RFC 9051 7). Pure.

Servers differ: items of a FETCH come in any order (some send UID after the literal), unasked FETCH answers with flags
stand between those that were asked for, and an empty header may come as a literal, as "" or as NIL.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

Part = bytes | tuple[bytes, bytes] | None
"""What imaplib gives: a line, or a line and the literal that follows it."""

_TOKEN = re.compile(
    rb"\s*(?:(?P<open>\()|(?P<close>\))"
    rb'|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb"|(?P<atom>(?:\[[^\]]*\]|[^\s()\"\[])+))"
)
_LITERAL = re.compile(rb"~?\{\d+\+?\}\s*$")
_PARTIAL = re.compile(rb"<\d+>$")
_DATE = re.compile(r"\s?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder by the name that people see; `flags` in lower case, such as ``\\sent`` (RFC 6154)."""

    name: str
    flags: frozenset[str] = frozenset()
    delimiter: str = ""

    @property
    def can_be_opened(self) -> bool:
        return not self.flags & {"\\noselect", "\\nonexistent"}


NEARLY_FULL = 0.8
"""Share of the mailbox in use from which it is told: a full PEC mailbox takes in no receipts."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Room in the mailbox, in KiB (RFC 9208); the limit is never 0."""

    used_kb: int
    limit_kb: int

    @property
    def share(self) -> float:
        """How full: 0 to 1 and above."""
        return self.used_kb / self.limit_kb


def _answers(parts: Iterable[Part]) -> Iterator[list[bytes | tuple[bytes]]]:
    """Each answer as its pieces of text, and its literals as one-tuples."""
    pieces: list[bytes | tuple[bytes]] = []
    for part in parts:
        if isinstance(part, tuple):
            pieces += [_LITERAL.sub(b"", part[0]), (part[1],)]
        elif part is not None:
            yield [*pieces, part]
            pieces = []
    if pieces:
        yield pieces


def _tokens(pieces: Iterable[bytes | tuple[bytes]]) -> list[object]:
    """Words, quoted strings and literals as bytes, what stands in parentheses as lists."""
    root: list[object] = []
    stack = [root]
    for piece in pieces:
        if isinstance(piece, tuple):
            stack[-1].append(piece[0])
            continue
        for found in _TOKEN.finditer(piece):
            if found["open"]:
                inner: list[object] = []
                stack[-1].append(inner)
                stack.append(inner)
            elif found["close"]:
                if len(stack) > 1:
                    stack.pop()
            elif found["quoted"] is not None:
                stack[-1].append(re.sub(rb"\\(.)", rb"\1", found["quoted"]))
            else:
                stack[-1].append(found["atom"])
    return root


def read_fetch(parts: Iterable[Part]) -> Iterator[dict[str, bytes]]:
    """The items of each FETCH answer by name in capitals, without partial ranges; lists are left out."""
    for pieces in _answers(parts):
        items = next((token for token in _tokens(pieces) if isinstance(token, list)), [])
        found: dict[str, bytes] = {}
        for name, value in zip(items[::2], items[1::2], strict=False):
            if isinstance(name, bytes) and isinstance(value, bytes):
                key = _PARTIAL.sub(b"", name).decode("ascii", "replace").upper()
                found[key] = b"" if value.upper() == b"NIL" else value
        if found:
            yield found


def read_folders(parts: Iterable[Part]) -> Iterator[Folder]:
    """The folders of LIST answers."""
    for pieces in _answers(parts):
        match _tokens(pieces):
            case [list(flags), bytes(delimiter), bytes(name), *_]:
                words = frozenset(f.decode("ascii", "replace").lower() for f in flags if isinstance(f, bytes))
                is_nil = delimiter.upper() == b"NIL"
                yield Folder(decode_name(name), words, "" if is_nil else delimiter.decode("ascii", "replace"))


def read_quota(parts: Iterable[Part]) -> Quota | None:
    """The tightest STORAGE limit of QUOTA answers."""
    found: list[Quota] = []
    for pieces in _answers(parts):
        lists = [token for token in _tokens(pieces) if isinstance(token, list)]
        for resources in lists:
            for name, used, limit in zip(resources[::3], resources[1::3], resources[2::3], strict=False):
                if name.upper() == b"STORAGE" and used.isdigit() and limit.isdigit() and int(limit):
                    found.append(Quota(int(used), int(limit)))
    return max(found, key=lambda quota: quota.share, default=None)


def read_date(value: bytes) -> datetime | None:
    """An INTERNALDATE in UTC; None when it is none."""
    found = _DATE.fullmatch(value.decode("ascii", "replace"))
    if found is None or found[2].title() not in MONTHS:
        return None
    offset = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    month = MONTHS.index(found[2].title()) + 1
    day, hour, minute, second = (int(found[n]) for n in (1, 4, 5, 6))
    try:
        moment = datetime(int(found[3]), month, day, hour, minute, second, tzinfo=timezone(offset))
    except ValueError:
        return None
    return moment.astimezone(UTC)


def decode_name(name: bytes) -> str:
    """A folder's name from modified UTF-7 (RFC 3501 5.1.3); what is none stays as it is."""

    def word(found: re.Match[bytes]) -> str:
        if not found[1]:
            return "&"
        text = found[1].replace(b",", b"/")
        return b64decode(text + b"=" * (-len(text) % 4)).decode("utf-16-be")

    try:
        pieces = re.split(rb"(&[A-Za-z0-9+,]*-)", name)
        return "".join(
            word(re.match(rb"&([A-Za-z0-9+,]*)-", piece))  # type: ignore[arg-type]
            if place % 2
            else piece.decode("utf-8")
            for place, piece in enumerate(pieces)
        )
    except ValueError:
        return name.decode("utf-8", "replace")


def encode_name(name: str) -> str:
    """A folder's name in modified UTF-7.

    Raises:
        ValueError: a control character in it.
    """
    if re.search("[\x00-\x1f\x7f]", name):
        raise ValueError("a folder's name has no control characters")

    def word(found: re.Match[str]) -> str:
        if found[0] == "&":
            return "&-"
        text = b64encode(found[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return f"&{text.decode('ascii')}-"

    return re.sub("&|[^\x20-\x7e]+", word, name)


def quote(text: str) -> str:
    """A quoted string (RFC 9051 4.3).

    Raises:
        ValueError: it cannot be one.
    """
    if not text.isascii() or re.search("[\x00\r\n]", text):
        raise ValueError("not to be quoted")
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def uid_set(uids: Iterable[int]) -> str:
    """Ascending numbers as a set with ranges, such as ``1:3,7``."""
    ranges: list[list[int]] = []
    for uid in uids:
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in ranges)
