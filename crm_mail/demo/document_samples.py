"""Sample documents in canonical form, one for each type and one CFDI: for the gallery, previews and tests."""

import json
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "samples" / "documents"


def sample_names() -> list[str]:
    """Type ids, and `cfdi`."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def sample_document(name: str) -> dict[str, Any]:
    """The sample of a type, as new. Raises `FileNotFoundError` for a name that has none."""
    return deepcopy(_read(name))


@lru_cache(maxsize=32)
def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document
