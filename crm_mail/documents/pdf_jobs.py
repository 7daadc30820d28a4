"""The jobs of the PDF processes and the loop that does them; runs inside the processes of `pdf_pool`."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from crm_mail.documents.pdf_markup import UnknownLayout
from crm_mail.documents.pdf_sandbox import LayoutFault
from crm_mail.documents.pdf_theme import Theme
from crm_mail.documents.rendering import (
    EmbeddedFile,
    RenderFailed,
    prepare_process,
    print_html,
    render_pdf,
)

MEMORY_LIMIT = 3 * 1024**3  # bytes of address space: a hostile PDF or a giant table fails instead of swapping
MAX_PIXELS = 4000


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One document to print; `key` is the caller's name for it (usually `render_key`) and comes back."""

    key: str
    layout: str
    data: Mapping[str, Any]
    language: str
    theme: Theme
    files: tuple[EmbeddedFile, ...] = ()
    source: str = ""  # a company's own layout, in place of the built-in one


@dataclass(frozen=True, slots=True)
class PreviewJob:
    """A picture of one page of a document as it would be printed; `page` from 0, the last one where it is beyond."""

    key: str
    document: RenderJob
    width: int = 900
    page: int = 0


@dataclass(frozen=True, slots=True)
class ThumbnailJob:
    """A picture of one page; `width` in pixels, `page` from 0."""

    key: str
    pdf: bytes
    width: int = 240
    page: int = 0


@dataclass(frozen=True, slots=True)
class PageJob:
    """One of our own pages (`printed_pages`), complete with its styles."""

    key: str
    html: str


Job = RenderJob | PreviewJob | ThumbnailJob | PageJob


def serve(pipe: Connection) -> None:
    """Do jobs from `pipe` until its other end closes; answers `(content, error, seconds)` for each."""
    _settle()
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        started = time.perf_counter()
        content, error = _attempt(job)
        try:
            pipe.send((content, error, time.perf_counter() - started))
        except OSError:
            return


def _settle() -> None:
    """Ctrl-C is the parent's business; memory is bounded where the system can; warnings go nowhere."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - does not exist on Windows

        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


_prepared: list[bool] = []


def _print(job: RenderJob) -> bytes:
    return render_pdf(job.layout, job.data, job.language, job.theme, job.files, job.source)


def _attempt(job: Job) -> tuple[bytes | None, RenderFailed | None]:
    try:
        if isinstance(job, ThumbnailJob):
            return pdf_thumbnail(job.pdf, job.width, job.page), None
        if not _prepared:
            prepare_process()
            _prepared.append(True)
        if isinstance(job, PageJob):
            return print_html(job.html), None
        if isinstance(job, PreviewJob):
            return page_picture(_print(job.document), job.width, job.page), None
        return _print(job), None
    except RenderFailed as error:
        return None, error
    except LayoutFault as error:
        return None, RenderFailed(str(error), "layout", error.facts)
    except (UnknownLayout, OSError) as error:
        return None, RenderFailed(str(error))
    except MemoryError:
        return None, RenderFailed("The document needs too much memory.")
    except Exception as error:  # a broken document must not end the process
        return None, RenderFailed(f"{type(error).__name__}: {error}")


def page_picture(pdf: bytes, width: int, page: int) -> bytes:
    """The number of pages in four bytes (big-endian), then the PNG of one page. Only in a process of the pool."""
    import pypdfium2  # noqa: PLC0415 - a native library, needed only in the processes

    document = pypdfium2.PdfDocument(pdf)
    pages = len(document)
    document.close()
    return pages.to_bytes(4, "big") + pdf_thumbnail(pdf, width, min(max(0, page), pages - 1))


def pdf_thumbnail(pdf: bytes, width: int = 240, page: int = 0) -> bytes:
    """PNG of one page, `width` pixels wide. Only in a process of the pool: PDFium is not thread-safe.

    Raises `RenderFailed` for a file that is no PDF, is encrypted or has no such page.
    """
    import pypdfium2  # noqa: PLC0415 - a native library, needed only in the processes

    try:
        document = pypdfium2.PdfDocument(pdf)
        sheet = document[page]
        points_wide, points_high = sheet.get_size()
        scale = min(max(16, width), MAX_PIXELS) / max(points_wide, 1)
        scale = min(scale, MAX_PIXELS / max(points_high, 1))
        picture = sheet.render(scale=scale).to_pil()
    except (pypdfium2.PdfiumError, IndexError, ValueError) as error:
        raise RenderFailed(f"No picture can be made of this PDF: {error}") from error
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    document.close()
    return target.getvalue()
