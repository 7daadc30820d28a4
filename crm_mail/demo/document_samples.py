"""Sample documents in canonical form, for the gallery, previews and tests: one of each type, one CFDI, and variants.

A variant (`account_statement_open_items`, `dunning_letter_3`) says which sample it is `of`, what it changes and leaves
out.
"""

import json
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "samples" / "documents"
VARIANTS = FOLDER.parent / "document_variants"


def sample_names() -> list[str]:
    """Type ids, and `cfdi`."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def variant_names() -> list[str]:
    """Names of the other samples of a type; each begins with its type's id."""
    return sorted(path.stem for path in VARIANTS.glob("*.json"))


def sample_document(name: str) -> dict[str, Any]:
    """The sample of a type or a variant, as new. Raises `FileNotFoundError` for a name that has none."""
    return deepcopy(_read(name))


@lru_cache(maxsize=32)
def _read(name: str) -> dict[str, Any]:
    variant = VARIANTS / f"{name}.json"
    if not variant.is_file():
        document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        return document
    told = json.loads(variant.read_text(encoding="utf-8"))
    kept = {key: value for key, value in _read(told["of"]).items() if key not in told["without"]}
    return kept | dict(told["changes"])
