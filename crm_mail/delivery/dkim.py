"""Signing what leaves, so that receivers can tell it from a forgery: DKIM (RFC 6376), by RSA or Ed25519 (RFC 8463).

The signature is made last, over the very bytes that leave, and is a part of them: segments in, segments out. Both
canonical forms are *relaxed*. The body is hashed piece by piece; attachments come as their base64 and are neither
copied nor looked through. Deterministic, as the rest of building: the same message and key give the same bytes.
Knows no database. PEC messages are never signed: their operator rewrites and signs them.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import idna
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from crm_mail.delivery.mime import BlobRef, Segments

SIGNED = (
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding", "content-language", "auto-submitted",
    "list-unsubscribe", "list-unsubscribe-post", "list-id",
)  # fmt: skip
"""Fields that are signed where they occur (RFC 6376 5.4.1; RFC 8058 4 wants List-Unsubscribe-Post)."""
OVERSIGNED = frozenset({"from", "to", "cc", "reply-to", "subject", "date", "message-id"})
"""Signed once more than they occur, so that nobody can add one (RFC 6376 8.15)."""
RSA_BITS = 2048

_SPACES = re.compile(rb"[ \t]+")
_FIELD = re.compile(rb"\r\n(?![ \t])")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LINE = 72

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class KeyKind(StrEnum):
    """What kind of key signs."""

    RSA = "rsa"  # every receiver checks it
    ED25519 = "ed25519"  # short; not every receiver checks it yet


class DkimKeyUnusable(ValueError):
    """The text is no private key that can sign: RSA of at least 1024 bits, or Ed25519, as PEM without a password."""


class DkimSigner:
    """Signs for one domain. Immutable; may be used by several threads.

    Args:
        domain: whose key it is (d=), selector: which key (s=), key: the private key as PEM.

    Raises:
        DkimKeyUnusable.
    """

    def __init__(self, domain: str, selector: str, key: str) -> None:
        self.domain = wire_domain(domain)
        self.selector = selector
        self._key = load_key(key)
        self._algorithm = "rsa-sha256" if isinstance(self._key, rsa.RSAPrivateKey) else "ed25519-sha256"

    def sign(self, segments: Segments, read_encoded: Callable[[str], bytes], signed_at: datetime) -> Segments:
        """The message with its signature before it; nothing else changes.

        Args:
            segments: as `mime.build` made them; the whole header is in the first.
            read_encoded: the base64 of a stored file by its hash.
            signed_at: aware; whole seconds are kept (t=).
        """
        first = segments[0]
        if isinstance(first, BlobRef):
            raise ValueError("A message begins with its header.")
        head, found, rest = first.partition(b"\r\n\r\n")
        if not found:
            raise ValueError("The header has no end.")
        body_hash = hash_body((rest, *segments[1:]), read_encoded)
        signature = self._signature(head, body_hash, int(signed_at.timestamp()))
        return (signature + first, *segments[1:])

    def _signature(self, head: bytes, body_hash: str, signed_at: int) -> bytes:
        fields = [(_name(field), field) for field in _FIELD.split(head)]
        names, chosen = _select(fields)
        own = "\r\n\t".join(
            (
                f"DKIM-Signature: v=1; a={self._algorithm}; c=relaxed/relaxed;",
                f"d={self.domain}; s={self.selector}; t={signed_at};",
                *_folded_names(names),
                f"bh={body_hash};",
                "b=",
            )
        ).encode("ascii")
        data = b"".join(relaxed_field(field) + b"\r\n" for field in chosen) + relaxed_field(own)
        value = base64.b64encode(self._sign(data)).decode("ascii")
        lines = [value[at : at + _LINE] for at in range(0, len(value), _LINE)]
        return own + "\r\n\t ".join(lines).encode("ascii") + b"\r\n"

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463 3: over the hash

    def record(self) -> str:
        """See `public_record`."""
        return _record(self._key)


@lru_cache(maxsize=64)
def signer_for(domain: str, selector: str, key: str) -> DkimSigner:
    """A signer, kept: reading a key takes longer than signing with it."""
    return DkimSigner(domain, selector, key)


def signed(
    segments: Segments, signer: DkimSigner | None, read_encoded: Callable[[str], bytes], signed_at: datetime
) -> Segments:
    """The message, signed where there is a signer."""
    return segments if signer is None else signer.sign(segments, read_encoded, signed_at)


def hash_body(parts: Segments, read_encoded: Callable[[str], bytes]) -> str:
    """The relaxed body's SHA-256 as base64 (RFC 6376 3.4.4, 3.7): runs of blanks are one, those at the ends of lines
    and empty lines at the end are none.
    """
    digest = hashlib.sha256()
    pending = b""  # blanks and line ends whose meaning is decided by what follows
    is_empty = True
    for part in parts:
        if isinstance(part, BlobRef):
            data = read_encoded(part.sha256)  # base64: no blanks, no line end at its end
            if data:
                digest.update(_relaxed(pending))
                digest.update(data)
                pending, is_empty = b"", False
            continue
        whole = pending + part
        text = whole.rstrip(b" \t\r\n")
        pending = whole[len(text) :]
        if text:
            digest.update(_relaxed(text))
            is_empty = False
    if not is_empty:
        digest.update(b"\r\n")
    return base64.b64encode(digest.digest()).decode("ascii")


def _relaxed(data: bytes) -> bytes:
    if b"  " in data or b"\t" in data:
        data = _SPACES.sub(b" ", data)
    return data.replace(b" \r\n", b"\r\n") if b" \r\n" in data else data


def relaxed_field(field: bytes) -> bytes:
    """A header field in relaxed form, without its line end (RFC 6376 3.4.2)."""
    name, _colon, value = field.partition(b":")
    value = _SPACES.sub(b" ", value.replace(b"\r\n", b""))
    return name.strip(b" \t").lower() + b":" + value.strip(b" ")


def _name(field: bytes) -> str:
    return field.partition(b":")[0].strip(b" \t").decode("ascii", "replace").lower()


def _select(fields: list[tuple[str, bytes]]) -> tuple[list[str], list[bytes]]:
    """The names for h= and the fields they stand for: of several with one name, the last first (RFC 6376 5.4.2)."""
    names: list[str] = []
    chosen: list[bytes] = []
    for name in SIGNED:
        same = [field for its_name, field in reversed(fields) if its_name == name]
        chosen += same
        names += [name] * (len(same) + (name in OVERSIGNED))
    return names, chosen


def _folded_names(names: list[str]) -> list[str]:
    lines, line = [], "h="
    for place, name in enumerate(names):
        piece = name + (":" if place + 1 < len(names) else ";")
        if len(line) + len(piece) > _LINE:
            lines.append(line)
            line = " "
        line += piece
    return [*lines, line]


# --- keys and what is published ------------------------------------------------------------------------------------


def make_key(kind: KeyKind = KeyKind.RSA) -> str:
    """A new private key as PEM; takes up to a second for RSA."""
    key: Any = (
        rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        if kind is KeyKind.RSA
        else ed25519.Ed25519PrivateKey.generate()
    )
    form = serialization.PrivateFormat.PKCS8
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem.decode("ascii")


def load_key(pem: str) -> PrivateKey:
    """The key in a PEM text. Raises DkimKeyUnusable."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise DkimKeyUnusable(f"not a private key as PEM: {error}") from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 1024:  # RFC 8301 3.2
        return key
    raise DkimKeyUnusable("only RSA keys of at least 1024 bits and Ed25519 keys can sign")


def public_record(pem: str) -> str:
    """The TXT record to publish at `record_name` (RFC 6376 3.6.1). Raises DkimKeyUnusable."""
    return _record(load_key(pem))


def _record(key: PrivateKey) -> str:
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        kind, raw = "ed25519", public.public_bytes_raw()
    else:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        kind, raw = "rsa", public.public_bytes(serialization.Encoding.DER, info)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode('ascii')}"


def record_name(domain: str, selector: str) -> str:
    """Where the record is published."""
    return f"{selector}._domainkey.{wire_domain(domain)}"


def wire_domain(domain: str) -> str:
    """A domain as it is written into a signature: lower case, A-labels. Raises ValueError."""
    domain = domain.strip().rstrip(".")
    try:
        written = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError(f"Not a domain: {domain!r}") from None
    if len(written) > 200 or "." not in written or not all(_LABEL.fullmatch(x) for x in written.split(".")):
        raise ValueError(f"Not a domain: {domain!r}")
    return written


def is_selector(text: str) -> bool:
    """Whether a text can be a selector: one or more labels (RFC 6376 3.1), in lower case."""
    return len(text) <= 63 and all(_LABEL.fullmatch(label) for label in text.split("."))


def is_aligned(domain: str, from_domain: str) -> bool:
    """Whether a signature counts for DMARC: both the same, or one below the other (RFC 9989, relaxed alignment)."""
    try:
        ours, theirs = wire_domain(domain), wire_domain(from_domain)
    except ValueError:
        return False
    return ours == theirs or theirs.endswith("." + ours) or ours.endswith("." + theirs)
