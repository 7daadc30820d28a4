"""Header fields of a message: correct (RFC 5322, 2047, 2231), safe against injection, cheap when repeated.

Pure. Plain ASCII values are written as they are, everything else as encoded words. Results are kept: the same
sender, subject and file name come back thousands of times in a run.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from crm_mail.delivery.addresses import wire_address
from crm_mail.delivery.encoded_words import encoded_words

LINE = 78
"""Characters that a header line should not exceed (RFC 5322 2.1.1)."""
MAX_LINE = 998
"""Characters that a header line must not exceed (RFC 5322 2.1.1)."""
MAX_NAME_BYTES = 180
"""UTF-8 bytes of an attachment's file name, extension included."""

_BREAK = re.compile("[\r\n]")
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
_FORBIDDEN_IN_NAMES = re.compile(r'[<>:"|?*\\/]')
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_JOINERS = {"\u200c", "\u200d"}  # emoji sequences and some scripts need them


class HeaderInjection(ValueError):
    """A header's value holds a line break, or its name is none: a text could add headers of its own."""

    def __init__(self, name: str, problem: str = "contains a line break. Write it on one line.") -> None:
        super().__init__(f"The header {name} {problem}")
        self.name = name


def one_line(name: str, value: str) -> str:
    """The value fit for a header: HeaderInjection for line breaks, other control characters become blanks."""
    if _BREAK.search(value):
        raise HeaderInjection(name)
    return _UNSHOWN.sub(" ", value).strip()


@lru_cache(maxsize=4096)
def text_field(name: str, value: str) -> bytes:
    """A field of free text such as Subject, ended by CRLF, folded, encoded where needed (RFC 2047)."""
    if not _FIELD_NAME.fullmatch(name):
        raise HeaderInjection(repr(name[:40]), "has no valid name: letters, digits and hyphens, at most 40.")
    text = one_line(name, value)
    if text.isascii() and "=?" not in text and "  " not in text and len(name) + 2 + len(text) <= LINE:
        return f"{name}: {text}\r\n".encode("ascii")
    return f"{name}: {encoded_words(text, len(name) + 2)}\r\n".encode("ascii")


def structured_field(name: str, value: str) -> bytes:
    """A field whose value is read by programs, such as List-Unsubscribe: ASCII, never encoded, in one line (RFC 2369).

    Raises:
        HeaderInjection: a line break, or a sign that would have to be encoded.
    """
    text = one_line(name, value)
    if not text.isascii() or len(name) + 2 + len(text) > MAX_LINE:
        raise HeaderInjection(name, "holds something that cannot stand in this field as it is.")
    return f"{name}: {text}\r\n".encode("ascii")


@lru_cache(maxsize=4096)
def mailbox_field(name: str, display: str, address: str) -> bytes:
    """A field with one mailbox, `From: "Rossi, Mario" <m@x.it>`; the display name may be empty."""
    written = wire_address(address)
    shown = " ".join(one_line(name, display).split())
    if not shown:
        return f"{name}: {written}\r\n".encode()
    if shown.isascii() and "=?" not in shown and len(shown) <= 60:
        escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
        phrase = shown if _ATOMS.fullmatch(shown) and "  " not in shown else f'"{escaped}"'
    else:
        phrase = encoded_words(shown, len(name) + 2)
    last_line = phrase.rpartition("\r\n")[2] if "\r\n" in phrase else f"{name}: {phrase}"
    gap = " " if len(last_line) + len(written) + 3 <= LINE else "\r\n "
    return f"{name}: {phrase}{gap}<{written}>\r\n".encode()


def address_list_field(name: str, addresses: Iterable[str]) -> bytes:
    """A field with bare addresses, one line each after the first (RFC 5322 3.6.3)."""
    listed = ",\r\n ".join(map(wire_address, addresses))
    return f"{name}: {listed}\r\n".encode()


def safe_file_name(name: str) -> str:
    """A name that a recipient's computer can store: no folder, control or direction-changing characters.

    Accents and emoji stay. At most MAX_NAME_BYTES bytes, the extension kept. Never empty.
    """
    base = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(c for c in base if c in _JOINERS or unicodedata.category(c) not in _UNSTORABLE)
    clean = re.sub(r"\s+", " ", _FORBIDDEN_IN_NAMES.sub("_", kept)).strip(" .")
    if _DEVICE.match(clean):
        clean = f"_{clean}"
    return _shortened(clean, MAX_NAME_BYTES) or "attachment"


_UNSTORABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _shortened(name: str, limit: int) -> str:
    if len(name.encode()) <= limit:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > 16:
        stem, dot, extension = name, "", ""
    room = limit - len((dot + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + dot + extension


def plain_file_name(name: str) -> str:
    """An ASCII stand-in for readers that know no RFC 2231: accents dropped, the rest `_`."""
    flat = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"[^A-Za-z0-9 ._()&,'+=@#-]", "_", flat).strip(" .")
    extension = name.rpartition(".")[2]
    return plain if plain and plain != extension else f"attachment.{plain}" if plain else "attachment"


@lru_cache(maxsize=4096)
def attachment_fields(name: str, mime: str) -> bytes:
    """Content-Type, Content-Transfer-Encoding and Content-Disposition of an attached file.

    The true name stands in `filename` (RFC 2231 if it is not short ASCII), an ASCII one in `name`.
    """
    true_name = safe_file_name(name)
    plain = _shortened(plain_file_name(true_name), 60)
    fields = [f"Content-Type: {_media_type(mime)};", f' name="{plain}"', "Content-Transfer-Encoding: base64"]
    fields += ["Content-Disposition: attachment;", *_file_name_parameter(true_name)]
    return ("\r\n".join(fields) + "\r\n").encode("ascii")


_CONTENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,64}")


@lru_cache(maxsize=1024)
def inline_fields(name: str, mime: str, content_id: str) -> bytes:
    """The fields of a picture that stands in the HTML body (RFC 2387, RFC 2392).

    Raises:
        ValueError: the content id cannot be written as ``<left@right>``.
    """
    if not _CONTENT_ID.fullmatch(content_id):
        raise ValueError(f"Not a Content-ID: {content_id!r}")
    attached = attachment_fields(name, mime).replace(b"Disposition: attachment;", b"Disposition: inline;")
    return attached + f"Content-ID: <{content_id}>\r\n".encode("ascii")


def _media_type(mime: str) -> str:
    """The type as a header takes it; of parameters only the charset of a text survives."""
    kind = mime.strip().lower()
    acceptable = re.fullmatch(
        r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}|text/[a-z0-9.+-]{1,60}; ?charset=[a-z0-9-]{1,40}",
        kind,
    )
    if not acceptable or kind.startswith(
        ("multipart/", "message/")
    ):  # those may not be in base64 (RFC 2045 6.4)
        return "application/octet-stream"
    return kind


def _file_name_parameter(name: str) -> list[str]:
    if name == plain_file_name(name) and len(name) <= 60:
        return [f' filename="{name}"']
    quoted = "utf-8''" + quote(name, safe="", encoding="utf-8")
    if len(quoted) <= 64:
        return [f" filename*={quoted}"]
    pieces = _cut(quoted, 60)
    ends = [";"] * (len(pieces) - 1) + [""]
    return [f" filename*{i}*={piece}{end}" for i, (piece, end) in enumerate(zip(pieces, ends, strict=True))]


def _cut(text: str, width: int) -> list[str]:
    """Pieces of at most `width` that never split a `%XX`."""
    pieces = []
    while text:
        end = min(width, len(text))
        if end < len(text):
            end -= next((back for back in (1, 2) if text[end - back] == "%"), 0)
        pieces.append(text[:end])
        text = text[end:]
    return pieces
