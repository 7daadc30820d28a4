"""Pictures of articles in a price list: the document's own files, put where the layout can show them.

A layout reads neither files nor the network, so a picture comes to it as a `data:` address inside the data.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from crm_mail.documents.models import DocumentFile
from crm_mail.storage import BlobStore

MAX_PICTURE: Final = 290_000  # bytes of one picture
MAX_PICTURES: Final = 5_000_000  # bytes of all pictures of one document
_KINDS: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def with_pictures(data: Mapping[str, Any], files: Iterable[DocumentFile], store: BlobStore) -> dict[str, Any]:
    """The data with each `items[].image` that names a PNG, JPEG or GIF of the document replaced by the picture.

    A picture that is too big (290 kB each, 5 MB together), of another kind or not there is left out.
    """
    items = data.get("items")
    if not isinstance(items, list) or not any(isinstance(i, Mapping) and i.get("image") for i in items):
        return dict(data)
    by_name = {file.name: file for file in files if file.size <= MAX_PICTURE}
    known: dict[str, str] = {}
    left = MAX_PICTURES
    shown = []
    for item in items:
        name = str(item.get("image") or "") if isinstance(item, Mapping) else ""
        if name in by_name and name not in known and by_name[name].size <= left:
            left -= by_name[name].size
            known[name] = _data_address(store.read(by_name[name].sha256))
        shown.append({**item, "image": known.get(name, "")} if name else item)
    return {**data, "items": shown}


def _data_address(content: bytes) -> str:
    kind = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), "")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}" if kind else ""
