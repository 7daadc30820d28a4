"""multipart/signed by hand: the bytes that are signed are the bytes that are sent."""

import base64
import html
import quopri
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from crm_mail.pec_simulator.authority import Signer
from crm_mail.pec_simulator.signing import detached_signature
from crm_mail.pec_simulator.skins import Skin

CRLF = "\r\n"
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Content:
    """What goes under the signature. `daticert` None: left out; `postacert` None: no original."""

    title: str
    text: str
    daticert: bytes | None
    postacert: bytes | None = None


def assemble(headers: Headers, content: Content, signer: Signer, skin: Skin, at: datetime) -> bytes:
    """A whole signed mail. The headers stand outside of the signature, as in life."""
    inner = _mixed(content, skin, at)
    signature = detached_signature(inner, signer, at, skin.digest, skin.is_ber)
    return wrap(headers, inner, signature, skin)


def wrap(headers: Headers, inner: bytes, signature: bytes, skin: Skin) -> bytes:
    """The signed part and its signature as one mail."""
    boundary = "----" + secrets.token_hex(16).upper()
    kind = f'multipart/signed; protocol="{skin.protocol}"; micalg={skin.micalg}; boundary="{boundary}"'
    head = [f"{name}: {value}" for name, value in [*headers, ("MIME-Version", "1.0"), ("Content-Type", kind)]]
    tail = [
        f'Content-Type: {skin.protocol}; name="smime.p7s"',
        "Content-Transfer-Encoding: base64",
        'Content-Disposition: attachment; filename="smime.p7s"',
        "",
        _base64(signature),
        "",
        f"--{boundary}--",
        "",
    ]
    opening = [*head, "", "This is an S/MIME signed message", "", f"--{boundary}", ""]
    return b"".join(
        [
            CRLF.join(opening).encode(),
            inner,
            CRLF.join(["", f"--{boundary}", *tail]).encode(),
        ]
    )


def date_header(at: datetime) -> str:
    """A Date header's value (RFC 5322 3.3)."""
    return format_datetime(at)


def subject_header(text: str) -> str:
    """A Subject header's value; encoded (RFC 2047) only where it must be. Long ones are folded."""
    try:
        text.encode("ascii")
    except UnicodeEncodeError:
        return Header(text, "utf-8", maxlinelen=70).encode(linesep=CRLF)
    return text


def _mixed(content: Content, skin: Skin, at: datetime) -> bytes:
    boundary = f"----------=_{int(at.timestamp())}-{secrets.randbelow(10**6)}-{secrets.randbelow(10**4)}"
    parts = [_words(content, skin, boundary + "a")]
    certified = [] if content.daticert is None else [_daticert(content.daticert)]
    original = [] if content.postacert is None else [_postacert(content.postacert)]
    parts += original + certified if skin.is_daticert_last else certified + original
    head = _lines(
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
        "Content-Transfer-Encoding: binary",
        "MIME-Version: 1.0",
        "",
    )
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return head + body + f"--{boundary}--\r\n".encode()


def _words(content: Content, skin: Skin, boundary: str) -> bytes:
    plain = _lines(
        'Content-Type: text/plain; charset="iso-8859-1"',
        "Content-Disposition: inline",
        "Content-Transfer-Encoding: quoted-printable",
        "",
    ) + _quoted(content.text)
    if not skin.has_html:
        return plain
    page = (
        f"<html>\n<head><title>{html.escape(content.title)}</title></head>\n<body>\n<h3>{html.escape(content.title)}"
        f"</h3>\n<hr><br>\n{html.escape(content.text).replace(chr(10), '<br>' + chr(10))}\n</body>\n</html>\n"
    )
    marked = _lines(
        'Content-Type: text/html; charset="iso-8859-1"',
        "Content-Disposition: inline",
        "Content-Transfer-Encoding: quoted-printable",
        "",
    ) + _quoted(page)
    line = f"--{boundary}\r\n".encode()
    head = _lines(
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
        "Content-Transfer-Encoding: binary",
        "",
    )
    return head + line + plain + b"\r\n" + line + marked + f"\r\n--{boundary}--\r\n".encode()


def _daticert(xml: bytes) -> bytes:
    return _lines(
        'Content-Type: application/xml; name="daticert.xml"',
        'Content-Disposition: inline; filename="daticert.xml"',
        "Content-Transfer-Encoding: base64",
        "",
        _base64(xml),
    )


def _postacert(content: bytes) -> bytes:
    encoding = "7bit" if content.isascii() else "8bit"
    return (
        _lines(
            'Content-Type: message/rfc822; name="postacert.eml"',
            'Content-Disposition: inline; filename="postacert.eml"',
            f"Content-Transfer-Encoding: {encoding}",
            "",
        )
        + content
    )


def _quoted(text: str) -> bytes:
    lines = text.encode("iso-8859-1", "replace").splitlines()
    return b"".join(quopri.encodestring(line).replace(b"=\n", b"=\r\n") + b"\r\n" for line in lines)


def _base64(data: bytes) -> str:
    return base64.encodebytes(data).decode().strip().replace("\n", CRLF)


def _lines(*lines: str) -> bytes:
    return (CRLF.join(lines) + CRLF).encode()
