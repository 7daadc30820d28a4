"""Which layout prints which document: the file named after its type, else the nearest that exists (IT-19)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from crm_mail.document_types import DocumentType

LAYOUT_FOLDER = Path(__file__).resolve().parents[2] / "templates" / "pdf"
_SHARED = {"base", "parts", "trade", "settlement"}
_NEAREST = {
    DocumentType.INVOICE: "courtesy_copy",
    DocumentType.CREDIT_NOTE: "courtesy_copy",
}
# A stamped CFDI of type I, E, P or T: invoice, credit note, receipt of a payment, transfer of goods.
_STAMPED = frozenset({"invoice", "credit_note", "receipt", "delivery_note"})
CFDI = "cfdi"


@lru_cache(maxsize=1)
def layouts() -> tuple[str, ...]:
    """Names of the layouts that can be rendered, sorted."""
    return tuple(sorted({path.stem for path in LAYOUT_FOLDER.glob("*.html")} - _SHARED))


def _layout_of(kind: DocumentType) -> str:
    if kind.value in layouts():
        return kind.value
    return _NEAREST.get(kind, "generic")


LAYOUTS: dict[DocumentType, str] = {kind: _layout_of(kind) for kind in DocumentType}


def layout_for(document_type: str, data: Mapping[str, Any]) -> str:
    """The layout of this document: that of its type, or the printed form of a CFDI when it is stamped.

    A company's own type, which has no layout of its own, is printed as `generic`.
    Without the stamp's data a PDF must not call itself a CFDI (formats reference, section 4).
    """
    if document_type in _STAMPED and is_stamped(data):
        return CFDI
    known = document_type in LAYOUTS
    return LAYOUTS[DocumentType(document_type)] if known else "generic"


def is_stamped(data: Mapping[str, Any]) -> bool:
    """Whether the data has what the printed form of a CFDI must show: UUID, both seals, both certificates."""
    stamp = data.get("stamp")
    needed = ("uuid", "issuer_seal", "sat_seal", "issuer_certificate", "sat_certificate")
    return isinstance(stamp, Mapping) and all(stamp.get(name) for name in needed)
