"""One process that draws previews for the pages, started when the first is asked for and ended when it is idle.

Starting the PDF engine takes seconds, so the process stays between two changes of an editor. Whatever a layout does,
it does it there: too slow and the process is ended, too big and the system refuses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from crm_mail.documents.pdf_jobs import PreviewJob, RenderJob
from crm_mail.documents.pdf_pool import PdfPool, RenderResult
from crm_mail.documents.rendering import RenderFailed

SECONDS = 20.0
IDLE_SECONDS = 180.0
WAITING = 4
_KEY = "pdf_previews"


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A PNG of one page and how many there are."""

    png: bytes
    pages: int


class PreviewPool:
    """Draws one preview at a time; more than a few waiting are refused."""

    def __init__(self, seconds: float = SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._pool: PdfPool | None = None
        self._asked = 0
        self._timer: threading.Timer | None = None

    def picture(self, job: RenderJob, page: int = 0) -> PagePicture:
        """One page of a document. Raises `RenderFailed`; its code is `busy` when too many are waiting."""
        content = self._one(PreviewJob("preview", job, page=page))
        return PagePicture(content[4:], int.from_bytes(content[:4], "big"))

    def pdf(self, job: RenderJob) -> bytes:
        """The whole document. Raises `RenderFailed`."""
        return self._one(job)

    def check(self, jobs: Iterable[RenderJob]) -> None:
        """Draw all and throw them away. Raises `RenderFailed` for the first that cannot be drawn."""
        for job in jobs:
            self._one(job)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _one(self, job: RenderJob | PreviewJob) -> bytes:
        pool = self._enter()
        try:
            result: RenderResult = next(iter(pool.render_many([job])))
        finally:
            self._leave()
        if result.error is not None:
            raise result.error
        assert result.content is not None
        return result.content

    def _enter(self) -> PdfPool:
        with self._lock:
            if self._asked >= WAITING:
                raise RenderFailed("Too many previews are being drawn.", "busy")
            self._asked += 1
            if self._timer is not None:
                self._timer.cancel()
            if self._pool is None:
                self._pool = PdfPool(1, self._seconds)
            return self._pool

    def _leave(self) -> None:
        with self._lock:
            self._asked -= 1
            if self._asked == 0:
                self._timer = threading.Timer(self._idle_seconds, self._close_idle)
                self._timer.daemon = True
                self._timer.start()

    def _close_idle(self) -> None:
        with self._lock:
            if self._asked:
                return
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


def previews_of(extensions: dict[str, object]) -> PreviewPool:
    """The application's own pool, made on first use (`app.extensions`)."""
    pool = extensions.setdefault(_KEY, PreviewPool())
    assert isinstance(pool, PreviewPool)
    return pool
