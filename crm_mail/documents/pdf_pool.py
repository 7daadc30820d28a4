"""Processes that print documents and make thumbnails (issue “PDF rendering through a pool of processes”).

Processes, because the engines are not safe in threads; started fresh (`spawn`), because forking a process that
has threads or database connections is not safe either. Each handles one job at a time; a job that takes too
long is killed with its process, a process that dies is replaced, and either way the caller gets a result that
says so. Several threads may use one pool: each borrows the processes that are free.

The start method imports the main module again: a script that uses the pool needs the usual
``if __name__ == "__main__":``.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from crm_mail.documents.pdf_jobs import Job, PageJob, PreviewJob, RenderJob, ThumbnailJob, serve
from crm_mail.documents.rendering import RenderFailed, pdf_available

__all__ = ["PageJob", "PdfPool", "PreviewJob", "RenderJob", "RenderResult", "ThumbnailJob"]

DEFAULT_TIMEOUT = 60.0
START_TIMEOUT = 60.0
JOBS_PER_PROCESS = 400  # the engine's memory grows slowly: a fresh process every few hundred documents


@dataclass(frozen=True, slots=True)
class RenderResult:
    """`content` (PDF or PNG) or `error`, never both; `seconds` of work in the process."""

    key: str
    content: bytes | None
    error: RenderFailed | None
    seconds: float


class _Process:
    """One worker process and the pipe to it; started on its first job."""

    def __init__(self) -> None:
        self.pipe: Connection | None = None
        self.process: multiprocessing.process.BaseProcess | None = None
        self.jobs_done = 0
        self.warm = False

    def send(self, job: Job) -> None:
        """Give it a job, starting or replacing the process where needed."""
        if self.jobs_done >= JOBS_PER_PROCESS:
            self.stop()
        if self.process is None or not self.process.is_alive():
            self._start()
        assert self.pipe is not None
        try:
            self.pipe.send(job)
        except OSError:
            self._start()
            self.pipe.send(job)

    def _start(self) -> None:
        self.stop()
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), daemon=True, name="pdf")
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        """End the process at once; whatever it was doing is lost."""
        if self.pipe is not None:
            self.pipe.close()
        if self.process is not None:
            self.process.kill()
            self.process.join(5)
        self.pipe, self.process, self.jobs_done, self.warm = None, None, 0, False


@dataclass(slots=True)
class _Running:
    process: _Process
    job: Job
    since: float
    deadline: float


class PdfPool:
    """A bounded set of processes. `size` defaults to the number of processors; `timeout` is seconds per job.

    Use it as a context manager, or call `close`. Processes start on first use and stay.
    """

    def __init__(self, size: int | None = None, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.size = max(1, size or os.cpu_count() or 1)
        self.timeout = timeout
        self._free: queue.LifoQueue[_Process] = queue.LifoQueue()
        self._all = [_Process() for _ in range(self.size)]
        for process in reversed(self._all):
            self._free.put(process)
        self._closed = threading.Event()

    def __enter__(self) -> PdfPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop all processes; a job still running gives a result with an error."""
        self._closed.set()
        for process in self._all:
            process.stop()

    def render(self, job: Job) -> bytes:
        """One job, waited for: its bytes, or `RenderFailed`."""
        result = next(iter(self.render_many([job])))
        if result.error is not None:
            raise result.error
        assert result.content is not None
        return result.content

    def render_many(self, jobs: Iterable[Job]) -> Iterator[RenderResult]:
        """Results as they are ready (not in the order of the jobs), one per job, errors included.

        `jobs` is read only as fast as processes are free, so it may be a generator over 100,000 documents.
        Leaving the loop early stops the jobs still running.
        """
        running: list[_Running] = []
        coming = iter(jobs)
        more = True
        try:
            while more or running:
                while more and (process := self._borrow(must_wait=not running)) is not None:
                    job = next(coming, None)
                    if job is None:
                        more = False
                        self._free.put(process)
                    elif (refusal := self._start_job(process, job, running)) is not None:
                        yield refusal
                if running:
                    yield from self._collect(running)
        finally:
            for work in running:
                work.process.stop()
                self._free.put(work.process)

    def thumbnail(self, pdf: bytes, width: int = 240, page: int = 0) -> bytes:
        """PNG of one page of a PDF, made in a process because PDFium is not safe in threads."""
        return self.render(ThumbnailJob("thumbnail", pdf, width, page))

    def _borrow(self, must_wait: bool) -> _Process | None:
        while not self._closed.is_set():
            try:
                return self._free.get(block=must_wait, timeout=0.5 if must_wait else None)
            except queue.Empty:
                if not must_wait:
                    return None
        raise RenderFailed("The PDF processes are being stopped.", "died")

    def _start_job(self, process: _Process, job: Job, running: list[_Running]) -> RenderResult | None:
        ready, reason = pdf_available() if isinstance(job, RenderJob | PageJob) else (True, "")
        if not ready:
            self._free.put(process)
            return RenderResult(job.key, None, RenderFailed(reason, "unavailable"), 0.0)
        try:
            process.send(job)
        except Exception as error:  # data that cannot be pickled, no more processes or memory
            process.stop()
            self._free.put(process)
            reason = f"The PDF process could not be started: {error}"
            return RenderResult(job.key, None, RenderFailed(reason, "died"), 0.0)
        now = time.monotonic()
        limit = self.timeout + (0 if process.warm else START_TIMEOUT)
        running.append(_Running(process, job, now, now + limit))
        return None

    def _collect(self, running: list[_Running]) -> Iterator[RenderResult]:
        """Wait until a process answers, dies or is too late; give back its process and yield the result."""
        pipes = {work.process.pipe: work for work in running if work.process.pipe is not None}
        nearest = max(0.0, min(work.deadline for work in running) - time.monotonic())
        ready = wait([pipe for pipe in pipes if not pipe.closed], min(nearest, 0.5))
        done = [work for pipe, work in pipes.items() if pipe in ready]
        late = [work for work in running if work not in done and time.monotonic() >= work.deadline]
        lost = [work for work in running if self._closed.is_set() and work not in done and work not in late]
        for work in [*done, *late, *lost]:
            if work in done:
                result = _receive(work)
            elif work in late:
                result = _failed(work, f"The document took longer than {self.timeout:g} seconds.", "timeout")
            else:
                result = _failed(work, "The PDF processes are being stopped.", "died")
            running.remove(work)
            self._free.put(work.process)
            yield result


def _receive(work: _Running) -> RenderResult:
    pipe = work.process.pipe
    try:
        assert pipe is not None
        content, error, seconds = pipe.recv()
    except (EOFError, OSError):
        return _failed(work, "The PDF process ended unexpectedly (out of memory?).", "died")
    work.process.warm = True
    work.process.jobs_done += 1
    return RenderResult(work.job.key, content, error, seconds)


def _failed(work: _Running, reason: str, code: str) -> RenderResult:
    work.process.stop()
    return RenderResult(work.job.key, None, RenderFailed(reason, code), time.monotonic() - work.since)
