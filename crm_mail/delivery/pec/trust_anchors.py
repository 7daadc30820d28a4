"""The authorities that receipts are believed from: pinned root certificates, and more from a folder."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

PINNED = Path(__file__).parent / "anchors"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.S)


class AnchorUnreadable(ValueError):
    """A file in the folder of anchors holds no certificate; the message names it."""


@dataclass(frozen=True)
class Anchors:
    """Root certificates as DER; equal when they hold the same ones."""

    certificates: tuple[bytes, ...] = field(repr=False)

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """SHA-256 of each, hexadecimal."""
        return frozenset(sha256(der).hexdigest() for der in self.certificates)

    def with_more(self, *certificates: bytes) -> "Anchors":
        """These and more, given as DER or PEM."""
        more = [der for given in certificates for der in _certificates(given)]
        return Anchors(tuple(dict.fromkeys((*self.certificates, *more))))


def _certificates(data: bytes) -> list[bytes]:
    """DER certificates of a file: several in PEM, or one in DER."""
    found = [b64decode(match) for match in _PEM.findall(data)]
    return found or ([data] if data[:1] == b"\x30" else [])


def read_anchors(folder: Path | None, base: "Anchors | None" = None) -> Anchors:
    """The pinned anchors (or ``base``) and the certificates in ``folder`` (.pem, .crt, .cer, .der).

    A folder that does not exist adds nothing. `AnchorUnreadable` for a file without a certificate.
    """
    anchors = BUILT_IN if base is None else base
    if folder is None or not folder.is_dir():
        return anchors
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".pem", ".crt", ".cer", ".der"):
            continue
        found = _certificates(path.read_bytes())
        if not found:
            raise AnchorUnreadable(f"{path.name} holds no certificate (PEM or DER).")
        anchors = anchors.with_more(*found)
    return anchors


BUILT_IN = Anchors(
    tuple(der for path in sorted(PINNED.glob("*.pem")) for der in _certificates(path.read_bytes()))
)
