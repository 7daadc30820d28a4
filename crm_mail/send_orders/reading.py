"""A claimed file becomes an order with its files in the store: everything that needs no database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from crm_mail.delivery.headers import safe_file_name
from crm_mail.importers.file_kinds import mime_of
from crm_mail.send_orders.attachment_paths import AttachmentRoots
from crm_mail.send_orders.folder import age_of, read_file
from crm_mail.send_orders.linking import StoredFile
from crm_mail.send_orders.order_xml import SIZE_LIMIT, read_order, uuids_in
from crm_mail.send_orders.orders import OrderRefused, ParsedOrder

SETTLING_SECONDS: Final = 10.0
"""A file that is no whole XML is looked at again while it is younger: somebody may still be writing it."""
LOCKED_SECONDS: Final = 300.0
"""A file that cannot be read is tried for so long."""
MOST_BYTES: Final = 100 * 1024 * 1024
_UNREADABLE: Final = frozenset({"broken_xml", "empty_file", "not_an_order"})


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """One order as it was read.

    Args:
        missing: the first file that is not there, or held by another program.
        refused: why it cannot be carried out; then the rest says nothing.
    """

    path: Path
    name: str
    order_id: str
    sha256: str = ""
    order: ParsedOrder = field(default_factory=ParsedOrder)
    files: tuple[StoredFile, ...] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)  # hash by content id
    missing: OrderRefused | None = None
    refused: OrderRefused | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How the orders of one company are read.

    Args:
        put: keeps bytes and gives their hash (`storage.BlobStore.put`).
        size_limit: bytes of all files of an order.
        patience: seconds that a file which is no XML is waited for (`SETTLING_SECONDS`).
    """

    roots: AttachmentRoots
    put: Callable[[bytes], str]
    own_paths: Mapping[str, Sequence[str]] = field(default_factory=dict)
    size_limit: int = MOST_BYTES
    patience: float = SETTLING_SECONDS
    lock_patience: float = LOCKED_SECONDS

    def read(self, path: Path, name: str, order_id: str, now: float) -> ReadOrder | None:
        """The order in a file; None: not now, look again later. ``now``: seconds since 1970."""
        try:
            data = read_file(path, SIZE_LIMIT)
        except IsADirectoryError:
            return ReadOrder(path, name, order_id, refused=OrderRefused("not_a_file", path=name))
        except OSError as trouble:
            if age_of(path, now) < self.lock_patience:
                return None
            detail = trouble.strerror or type(trouble).__name__
            return ReadOrder(path, name, order_id, refused=OrderRefused("locked", detail=detail))
        digest = sha256(data).hexdigest()
        try:
            order = read_order(data, self.own_paths)
        except OrderRefused as refused:
            if refused.code in _UNREADABLE and 0 <= age_of(path, now) < self.patience:
                return None
            return ReadOrder(path, name, order_id, digest, refused=refused)
        return self._with_files(ReadOrder(path, name, order_id, digest, order))

    def _with_files(self, read: ReadOrder) -> ReadOrder:
        order, files, left = read.order, [], self.size_limit
        pictures: dict[str, str] = {}
        try:
            for asked in order.files:
                data = self.roots.read(asked.path, left)
                if asked.sha256 and sha256(data).hexdigest() != asked.sha256:
                    raise OrderRefused("file_changed", is_final=False, path=asked.path[:200])
                left -= len(data)
                files.append(self._store(asked.path, asked.name, data))
            for content_id, path in order.pictures:
                data = self.roots.read(path, left)
                left -= len(data)
                picture = self._store(path, "", data)
                if not picture.mime.startswith("image/"):
                    raise OrderRefused("not_a_picture", path=path[:200])
                files.append(picture)
                pictures[content_id] = picture.sha256
        except OrderRefused as refused:
            is_missing = not refused.is_final
            return ReadOrder(
                *(read.path, read.name, read.order_id, read.sha256, order),
                missing=refused if is_missing else None,
                refused=None if is_missing else refused,
            )
        return ReadOrder(
            *(read.path, read.name, read.order_id, read.sha256, order), files=tuple(files), pictures=pictures
        )

    def _store(self, path: str, name: str, data: bytes) -> StoredFile:
        shown = safe_file_name(name or path.replace("\\", "/").rpartition("/")[2])
        mime = mime_of(shown, data)
        uuids = uuids_in(data) if shown.lower().endswith(".xml") else set()
        return StoredFile(path, shown, mime, self.put(data), len(data), frozenset(uuids))
