"""Pictures of a mail's HTML in its preview: a frame that may load nothing shows them from the page itself."""

import base64
from collections.abc import Iterable
from typing import Protocol

from crm_mail.storage import BlobStore, StoredFileDamaged, StoredFileMissing

MOST_BYTES = 10_000_000
"""Bytes of pictures that a preview carries; what is beyond is not shown there."""


class Picture(Protocol):
    """A file of a message."""

    content_id: str
    mime: str
    sha256: str
    size: int


def with_pictures(html: str, files: Iterable[Picture], store: BlobStore) -> str:
    """The HTML with ``cid:`` addresses replaced by the pictures themselves."""
    room = MOST_BYTES
    for file in files:
        if not file.content_id or f"cid:{file.content_id}" not in html or file.size > room:
            continue
        try:
            data = base64.b64encode(store.read(file.sha256)).decode("ascii")
        except (StoredFileMissing, StoredFileDamaged):
            continue
        room -= file.size
        html = html.replace(f"cid:{file.content_id}", f"data:{file.mime};base64,{data}")
    return html
