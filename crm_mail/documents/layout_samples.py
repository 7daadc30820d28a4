"""The product's sample documents, short, long and empty: what a look and a layout are tried on. Pure."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from crm_mail.document_types import DocumentType
from crm_mail.documents.pdf_layouts import CFDI

FOLDER = Path(__file__).resolve().parents[1] / "demo" / "samples" / "documents"
SIZES = ("short", "long", "empty")
_LONG = 40  # rows of each list: more than a page


def sample_data(name: str, size: str = "short") -> dict[str, Any]:
    """The sample of a type or of `cfdi`; an own type, which has none, takes the general document.

    Args:
        size: `long` repeats the rows of every list, `empty` leaves nothing but the type (and a stamp).
    """
    data = deepcopy(_read(name if (FOLDER / f"{name}.json").is_file() else DocumentType.GENERIC.value))
    if size == "empty":
        kept = ("type", "stamp") if name == CFDI else ("type",)
        return {key: data[key] for key in kept if key in data}
    return {key: _repeated(value) for key, value in data.items()} if size == "long" else data


def _repeated(value: Any) -> Any:
    is_rows = isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)
    return (value * _LONG)[:_LONG] if is_rows else value


@lru_cache(maxsize=32)
def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document
