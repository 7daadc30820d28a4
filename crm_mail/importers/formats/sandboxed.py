"""Run a function over a stranger's bytes in a child process with limits on memory, processor and waiting time.

For parsers that are native code, or that a crafted file can send round in circles (PDF above all). One child is
kept for many files, so that a thousand files are not a thousand process starts; a child that dies, or has to be
killed, refuses the file it was reading and no other.

Bytes go in and bytes come out: nothing that the child says is unpickled here. The child has none of our
environment, hence no passwords. Where the system has no resource limits (Windows), the time-out remains.
"""

import atexit
import contextlib
import importlib
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Final

from crm_mail.importers.base import ImportRefused

if sys.platform != "win32":
    import resource

START_SECONDS: Final = 30.0
"""Added to the first file of a child, for starting Python and importing the parser."""
JOBS_PER_CHILD: Final = 500
_HEADER: Final = struct.Struct(">BQ")
_JOB: Final = struct.Struct(">IIIQ")
_DONE, _FAILED = 0, 1
_KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")

Parser = Callable[[bytes], bytes]


class ParserFailed(Exception):
    """The function raised; the message is that of its exception, with the name of its type."""


def run_limited(function: Parser, argument: bytes, seconds: float, megabytes: int) -> bytes:
    """Give `function(argument)`, computed in the child process.

    Arguments: `function`, one that its module can name (not a lambda, not a method); `seconds`, of processor time
    and of waiting; `megabytes`, of memory beyond which the child's allocations fail.
    Raises ParserFailed when the function raised; ImportRefused("parser_timeout") when it took too long, and
    ImportRefused("parser_died") when the child ended, most often for lack of memory.
    """
    return _child.run(f"{function.__module__}:{function.__qualname__}", argument, seconds, megabytes)


class _Child:
    """The process that is kept, and the lock that gives it one file at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._jobs = 0

    def run(self, name: str, argument: bytes, seconds: float, megabytes: int) -> bytes:
        with self._lock:
            is_new = self._ensure()
            process = self._process
            assert process is not None
            late = threading.Event()

            def expire() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(seconds + (START_SECONDS if is_new else 0), expire)
            timer.daemon = True
            timer.start()
            try:
                status, answer = _ask(process, name.encode(), argument, seconds, megabytes)
            except (OSError, EOFError):
                code = self._stop()
                if late.is_set() or code in (-24, -9):  # SIGXCPU, and the SIGKILL of its hard limit
                    raise ImportRefused("parser_timeout", seconds=f"{seconds:g}") from None
                raise ImportRefused("parser_died") from None
            finally:
                timer.cancel()
            self._jobs += 1
        if status == _FAILED:
            raise ParserFailed(answer.decode("utf-8", errors="replace"))
        return answer

    def _ensure(self) -> bool:
        """Start a child where there is none of ours; whether it is new."""
        if self._owner != os.getpid():  # after a fork the child is our parent's: leave it alone
            self._process = None
        elif self._jobs >= JOBS_PER_CHILD:
            self._stop()
        if self._process is not None and self._process.poll() is None:
            return False
        self._stop()
        environment = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and our own module)
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._owner, self._jobs = os.getpid(), 0
        return True

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return None
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(0.5)
        process.kill()
        return process.wait()

    def close(self) -> None:
        """End the child, when this process ends."""
        with self._lock:
            self._stop()


def _ask(
    process: subprocess.Popen[bytes], name: bytes, argument: bytes, seconds: float, megabytes: int
) -> tuple[int, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(_JOB.pack(max(1, round(seconds)), megabytes, len(name), len(argument)))
    process.stdin.write(name)
    process.stdin.write(argument)
    process.stdin.flush()
    status, size = _HEADER.unpack(_read_exactly(process.stdout, _HEADER.size))
    if size > megabytes << 20:
        raise EOFError
    return status, _read_exactly(process.stdout, size)


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


_child: Final = _Child()
atexit.register(_child.close)


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Do jobs from `source` until it ends: the child's whole life."""
    while head := source.read(_JOB.size):
        seconds, megabytes, name_size, size = _JOB.unpack(head)
        name, argument = source.read(name_size).decode(), source.read(size)
        try:
            module, _, function = name.partition(":")
            parser: Parser = getattr(importlib.import_module(module), function)
            _limit(seconds, megabytes, len(argument))
            status, answer = _DONE, parser(argument)
        except MemoryError:
            os._exit(1)
        except Exception as error:  # whatever a parser raises is an answer
            status, answer = _FAILED, f"{type(error).__name__}: {error}"[:500].encode()
        sink.write(_HEADER.pack(status, len(answer)))
        sink.write(answer)
        sink.flush()


def _limit(seconds: int, megabytes: int, held: int) -> None:
    """Allow `seconds` of processor time from now on, and `megabytes` besides what the argument holds."""
    if sys.platform == "win32":
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = (megabytes << 20) + held
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    _sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints must not pass for an answer
    serve(sys.stdin.buffer, _sink)
