"""Why a text written by a user is refused: code, line, words and remedy (issue “When things go wrong”).

`str(error)` is complete English for the command line; the pages translate by `facts` (see `template_words`).
"""

from __future__ import annotations

from enum import StrEnum


class TemplateProblem(StrEnum):
    """Closed set of reasons; the value is the stable code for translations and the API."""

    SYNTAX = "syntax"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    FORBIDDEN = "forbidden"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    UNKNOWN_FILTER = "unknown_filter"
    BAD_FILTER_USE = "bad_filter_use"
    BAD_LOOP = "bad_loop"
    UNSAFE_POSITION = "unsafe_position"
    OUTPUT_TOO_LONG = "output_too_long"
    LOOP_TOO_LONG = "loop_too_long"
    RENDER_FAILED = "render_failed"


class TemplateInvalid(Exception):
    """The text cannot be used: `line` (1-based, 0 if unknown), what is wrong and how to mend it."""

    def __init__(
        self, problem: TemplateProblem, line: int, reason: str, hint: str = "", **params: str | int
    ) -> None:
        self.problem = problem
        self.code = problem.value
        self.line = line
        self.reason = reason
        self.hint = hint
        self.params = params
        where = f"Line {line}: " if line else ""
        super().__init__(" ".join(part for part in (f"{where}{reason}", hint) if part))

    @property
    def facts(self) -> dict[str, str | int]:
        """What `template_words` needs, fit to be stored: the problem, its line and its values."""
        return {"problem": self.code, "line": self.line, **self.params}

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.problem, self.line, self.reason, self.hint, self.params)


def _rebuild(
    problem: TemplateProblem, line: int, reason: str, hint: str, params: dict[str, str | int]
) -> TemplateInvalid:
    return TemplateInvalid(problem, line, reason, hint, **params)
