"""What a proof dossier is made of: names inside the ZIP, and the facts of a message as JSON (pure).

::

    README.txt                          how to check it without this program
    summary.pdf                         to be printed
    manifest.json                       what it is about, and when it was made
    SHA256SUMS                          every other file (as `sha256sum -c` reads it)
    certificates/<SHA-256>.pem          every certificate that signed a receipt, and the authorities trusted
    messages/0001-<party>/message.json  who, what, when; attempts; receipts with their verification
    messages/0001-<party>/message.eml   the exact bytes that were sent
    messages/0001-<party>/evidence/01-accettazione.eml            each mail as it was received
    messages/0001-<party>/evidence/01-accettazione.daticert.xml   its signed part
"""

import re
from dataclasses import dataclass, field
from typing import Any

FORMAT = "crm-mail-dossier/1"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
SUMMARY = "summary.pdf"
READ_ME = "README.txt"
MESSAGE_FACTS = "message.json"
MESSAGE_SOURCE = "message.eml"
CERTIFICATES = "certificates"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a dossier is about. ``kind``: message, document or run; ``id`` its row."""

    kind: str
    id: int
    label: str = ""


@dataclass(slots=True)
class Listing:
    """The lines of SHA256SUMS while a dossier is written."""

    lines: list[str] = field(default_factory=list)

    def add(self, path: str, sha256: str) -> None:
        self.lines.append(f"{sha256}  {path}\n")

    def text(self) -> bytes:
        return "".join(self.lines).encode()


def folder_of(place: int, party_code: str) -> str:
    """The folder of one message inside the ZIP."""
    return f"messages/{place:04}-{safe_name(party_code) or 'party'}"


def evidence_name(place: int, kind: str) -> str:
    """A received mail's name inside its message's folder."""
    return f"evidence/{place:02}-{safe_name(kind) or 'mail'}.eml"


def safe_name(text: str) -> str:
    """Letters, digits, dots, dashes and underscores only, so that the ZIP can be opened anywhere."""
    return _UNSAFE.sub("-", text).strip("-.")[:60]


def read_sums(data: bytes) -> dict[str, str]:
    """Path → SHA-256 of SHA256SUMS. Raises ValueError with the number of the line that is none."""
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8").splitlines(), 1):
        sha256, separator, path = line.partition("  ")
        if not separator or not re.fullmatch(r"[0-9a-f]{64}", sha256) or not path or path in found:
            raise ValueError(f"line {number}")
        found[path] = sha256
    return found


def is_dossier(manifest: Any) -> bool:
    """Whether a manifest is one of a format that this version reads."""
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT
