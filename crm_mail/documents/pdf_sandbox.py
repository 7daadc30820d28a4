"""Layouts written by a company, filled in where they can do no harm (IT-19).

Jinja's immutable sandbox, narrowed: only our own parts can be extended or included, only listed filters, methods and
functions exist, numbers stay numbers, loops share one budget of rounds, and output, time and memory end. A fault tells
line and reason. What the finished HTML names (`url(…)`, pictures, attachments) is the engine's matter, which reads
data: addresses only (`rendering`). Runs in the processes of the PDF pool; compiling alone is safe anywhere.
"""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

from jinja2 import ChainableUndefined, FunctionLoader, Template, TemplateSyntaxError, pass_context
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, markup_join
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crm_mail.documents.pdf_filters import layout_environment
from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER
from crm_mail.documents.pdf_sandbox_rules import (
    FILTERS,
    METHODS,
    OUR_FUNCTIONS,
    PARTS,
    LayoutFault,
    LayoutProblem,
    LoopsTooLong,
    check_layout,
)

__all__ = ["LayoutFault", "LayoutProblem", "compile_layout", "render_own_layout"]

MAX_SOURCE = 200_000
MAX_OUTPUT = 20_000_000
MAX_ROUNDS = 300_000
MAX_TEXT = 200_000  # characters of what `~` joins
LARGEST_NUMBER = 10**18
SECONDS = 8.0
MEMORY = 768 * 1024**2  # bytes of address space above what the process has
_OWN = "own layout"
_ROUNDS = "_rounds_left"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Refuses whatever is not listed."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic with ordinary numbers only: no text times a billion, no towers of digits."""
        if operator == "**" or not all(_is_number(value) for value in (left, right)):
            raise SecurityError(f"“{operator}” works with ordinary numbers only (texts are joined with ~)")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *arguments: Any, **named: Any) -> Any:
        """As the sandbox does, with words that fit a page."""
        if not self.is_safe_callable(obj):
            raise SecurityError("this cannot be called in a layout")
        return super().call(context, obj, *arguments, **named)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Fields of the data, the state of a loop, our macros; of texts and groups a few methods."""
        if attr.startswith("_") or not super().is_safe_attribute(obj, attr, value):
            return False
        for kind, allowed in METHODS:
            if isinstance(obj, kind):
                return attr in allowed
        return isinstance(obj, LoopContext | TemplateReference | ChainableUndefined) or _is_module(obj)

    def is_safe_callable(self, obj: Any) -> bool:
        """Macros, blocks, the functions that layouts are given, and the listed methods."""
        if isinstance(obj, Macro | BlockReference):
            return True
        if isinstance(obj, partial):
            return self.is_safe_callable(obj.func)
        if isinstance(obj, FunctionType):
            return str(obj.__module__).startswith(OUR_FUNCTIONS)
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        if isinstance(owner, LoopContext):
            return name in {"cycle", "changed"}
        return any(isinstance(owner, kind) and name in allowed for kind, allowed in METHODS)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and -LARGEST_NUMBER <= value <= LARGEST_NUMBER


def _is_module(obj: Any) -> bool:
    return type(obj).__name__ == "TemplateModule" and type(obj).__module__ == "jinja2.environment"


def _load(name: str) -> str:
    if name not in PARTS:
        raise TemplateNotFound(name, f"“{name}” is not one of the parts: {', '.join(sorted(PARTS))}")
    return (Path(LAYOUT_FOLDER) / name).read_text(encoding="utf-8")


@pass_context
def _counted(context: Context, items: Any) -> Any:
    """Loops go over lists and groups; their lengths add up against one budget."""
    if isinstance(items, ChainableUndefined) or items is None:
        return ()
    taken = list(items)
    budget = context.parent[_ROUNDS]
    budget[0] -= len(taken)
    if budget[0] < 0:
        raise LoopsTooLong
    return taken


def _joined(parts: Any) -> Any:
    """What `~` gives, as long as it is a text and not a bomb."""
    if sum(len(str(part)) for part in parts) > MAX_TEXT:
        raise SecurityError(f"a text joined with ~ is longer than {MAX_TEXT} characters")
    return markup_join(parts)


_FIELD = re.compile(r"%\((\w+)\)s|%%")


def _format(text: object, **values: Any) -> str:
    """`%(name)s` in a sentence; no widths, which could be of any length."""
    return _FIELD.sub(lambda found: str(values.get(found[1], "")) if found[1] else "%", str(text))


@lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    environment = _Sandbox(
        loader=FunctionLoader(_load), autoescape=True, undefined=ChainableUndefined, auto_reload=False
    )
    ours = layout_environment()
    builtin = {name: environment.filters[name] for name in FILTERS}
    environment.filters = builtin | {n: f for n, f in ours.filters.items() if n not in environment.filters}
    environment.filters |= {"format": _format, "_counted": _counted, "_joined": _joined}
    environment.globals = {}
    return environment


@lru_cache(maxsize=32)
def compile_layout(source: str) -> Template:
    """Check a layout and compile it. Raises `LayoutFault` with line and reason."""
    if len(source) > MAX_SOURCE:
        raise LayoutFault(LayoutProblem.TOO_LONG, 0, f"more than {MAX_SOURCE} characters")
    environment = _environment()
    try:
        tree = environment.parse(source.replace("\r\n", "\n"))
        check_layout(tree, environment.filters.keys())
        code = environment.compile(tree, "own", _OWN)
    except TemplateSyntaxError as error:
        raise LayoutFault(LayoutProblem.SYNTAX, error.lineno, (error.message or "").rstrip(".")) from error
    except (RecursionError, MemoryError) as error:
        raise LayoutFault(LayoutProblem.TOO_LONG, 0, "nested too deeply") from error
    return environment.template_class.from_code(environment, code, {})


def render_own_layout(source: str, values: Mapping[str, Any]) -> str:
    """The HTML of one document by a company's own layout.

    Raises:
        LayoutFault: what is wrong, with the line of the layout where it is known.
    """
    with _limits():
        try:
            return _fill(compile_layout(source), {**values, _ROUNDS: [MAX_ROUNDS]})
        except LayoutFault:
            raise
        except LoopsTooLong as error:
            raise LayoutFault(LayoutProblem.LOOP_TOO_LONG, _line(error), str(MAX_ROUNDS)) from error
        except _TooSlow as error:
            raise LayoutFault(LayoutProblem.TOO_SLOW, _line(error), f"{SECONDS:g}") from error
        except MemoryError as error:
            raise LayoutFault(LayoutProblem.TOO_BIG, _line(error)) from error
        except TemplateSyntaxError as error:
            raise LayoutFault(LayoutProblem.SYNTAX, error.lineno, error.message or "") from error
        except TemplateNotFound as error:
            raise LayoutFault(LayoutProblem.UNKNOWN_PART, _line(error), str(error.name)) from error
        except Exception as error:  # whatever a layout can raise is its author's mistake
            raise LayoutFault(LayoutProblem.FILL_FAILED, _line(error), str(error)[:300]) from error


def _fill(template: Template, values: Mapping[str, Any]) -> str:
    parts, size = [], 0
    for part in template.generate(values):
        size += len(part)
        if size > MAX_OUTPUT:
            raise LayoutFault(LayoutProblem.OUTPUT_TOO_LONG, 0, str(MAX_OUTPUT))
        parts.append(part)
    return "".join(parts)


def _line(error: BaseException) -> int:
    """The last line of the own layout that the error came through; 0 when it came through none."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if frame.filename == _OWN), 0)


class _TooSlow(BaseException):
    """Filling in takes too long; no `except Exception` on the way may swallow it."""


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """Time and memory end, where the system can: Python's own loops are broken off. The pool's time-out, which ends
    the whole process, stands behind this."""
    is_main = threading.current_thread() is threading.main_thread()
    if sys.platform == "win32" or not is_main:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with _memory_limit():
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _TooSlow


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    try:
        import resource  # noqa: PLC0415 - does not exist on Windows

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = pages * resource.getpagesize() + MEMORY
    except (ImportError, OSError, ValueError):  # no Linux: the process's own limit is all there is
        yield
        return
    known = [limit for limit in (soft, hard, wanted) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(known), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
