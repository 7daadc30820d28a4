"""What can be wrong with a canonical document, as values: where, what, and what to do.

The sentences are gettext msgids in the ``%(name)s`` style; the web layer translates them, the command line and
the hot folder print `Problem.message` as it is. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from crm_mail.words import N_

PROBLEMS: Final[Mapping[str, str]] = {
    "missing": N_("“%(path)s” is missing. Add it."),
    "missing_to_render": N_(
        "“%(path)s” is missing: without it the PDF cannot be made. Add it, or supply the PDF as the main file."
    ),
    "missing_own": N_("“%(path)s” is missing: the type “%(type)s” of this company requires it. Add it."),
    "bad_amount": N_(
        "“%(path)s” is “%(found)s”, not an amount. Write digits with a point before the decimals and nothing "
        "between the thousands: 1234.50."
    ),
    "amount_too_big": N_(
        "“%(path)s” has more digits than are kept: 15 before the point, 20 after it. Check it."
    ),
    "bad_date": N_(
        "“%(path)s” is “%(found)s”, not a date. Write year, month and day with hyphens: 2026-11-21."
    ),
    "bad_moment": N_("“%(path)s” is “%(found)s”, not a moment. Write it like this: 2026-11-21T18:30:00."),
    "bad_number": N_("“%(path)s” is “%(found)s”, not a whole number. Write digits only."),
    "bad_flag": N_("“%(path)s” is “%(found)s”. Write true or false."),
    "bad_choice": N_("“%(path)s” is “%(found)s”. Write one of: %(choices)s."),
    "bad_code": N_("“%(path)s” is “%(found)s”, which has not the right form. It must be like: %(example)s."),
    "not_text": N_("“%(path)s” must be text. Put it between quotation marks."),
    "not_a_list": N_("“%(path)s” must be a list: put its values between square brackets."),
    "not_an_object": N_("“%(path)s” must be an object: put its fields between braces."),
    "too_long": N_("“%(path)s” is longer than %(limit)s. Shorten it."),
    "party_unnamed": N_(
        "“party” says nothing that names it. Add its code, its name, its VAT number or its tax code."
    ),
    "unknown_type": N_("There is no document type “%(found)s”. The types are: %(choices)s."),
    "unknown_field": N_("“%(path)s” is not a field of this type: it was kept under “extra”."),
    "bad_value": N_("“%(path)s” cannot be read. Check it."),
    "file_nowhere": N_(
        "“%(path)s” has neither “content” nor “path”. Give the file's bytes in Base64, or say where it lies."
    ),
    "bad_base64": N_("“%(path)s” is not Base64. Encode the file's bytes again."),
    "path_outside": N_(
        "“%(path)s” is “%(found)s”, which leads out of the folder of the JSON file. Put the file beside it, and "
        "write its name."
    ),
    "file_absent": N_("“%(path)s” is “%(found)s”: there is no such file. Put it beside the JSON file."),
    "file_too_big": N_("“%(path)s” is a file of more than %(limit)s MB. Make it smaller."),
    "sha_differs": N_(
        "“%(path)s” is not the SHA-256 of the file: it was changed on its way. Produce it again."
    ),
    "main_not_pdf": N_(
        "“%(path)s” has the role main and is not a PDF. Supply the PDF, or make it an attachment."
    ),
    "two_mains": N_("“%(path)s”: the document has a main file already. Make one of them an attachment."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (or, among warnings, worth knowing): a code of `PROBLEMS`, a path, and parameters.

    `path` is the place in the document, as a person would write it: `lines[2].net`, counted from 1.
    """

    code: str
    path: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, object]:
        """What the sentence names."""
        return {"path": self.path, **self.params}

    @property
    def message(self) -> str:
        """The English sentence."""
        return PROBLEMS[self.code] % self.values


def written_path(parts: Iterable[str | int]) -> str:
    """`("lines", 1, "net")` → `lines[2].net`: list places are counted from 1, as people do."""
    text = ""
    for part in parts:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_BY_PYDANTIC: Final[Mapping[str, str]] = {
    "missing": "missing",
    "decimal_max_digits": "amount_too_big",
    "decimal_max_places": "amount_too_big",
    "decimal_whole_digits": "amount_too_big",
    "less_than": "amount_too_big",
    "greater_than": "amount_too_big",
    "string_type": "not_text",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "list_type": "not_a_list",
    "model_type": "not_an_object",
    "model_attributes_type": "not_an_object",
    "dict_type": "not_an_object",
    "literal_error": "bad_choice",
    "string_pattern_mismatch": "bad_code",
    "string_too_short": "missing",
    "party_unnamed": "party_unnamed",
}
_BY_PREFIX: Final[tuple[tuple[str, str], ...]] = (
    ("decimal_", "bad_amount"),
    ("finite_", "bad_amount"),
    ("datetime_", "bad_moment"),
    ("date_", "bad_date"),
    ("int_", "bad_number"),
    ("bool_", "bad_flag"),
    ("greater_than_equal", "bad_number"),
    ("less_than_equal", "bad_number"),
)


def problems_of(error: ValidationError, prefix: tuple[str, ...] = ()) -> list[Problem]:
    """Pydantic's errors in our words, in the order of the document."""
    return [_problem(one, prefix) for one in error.errors(include_url=False)]


def _problem(error: Mapping[str, Any], prefix: tuple[str, ...]) -> Problem:
    kind = str(error["type"])
    code = _BY_PYDANTIC.get(kind) or next(
        (c for start, c in _BY_PREFIX if kind.startswith(start)), "bad_value"
    )
    context = error.get("ctx") or {}
    params: dict[str, object] = {"found": _short(error.get("input"))}
    if code == "bad_choice":
        params["choices"] = str(context.get("expected", "")).replace("'", "")
    if code == "bad_code":
        params["example"] = _EXAMPLES.get(str(context.get("pattern")), str(context.get("pattern")))
    if code == "too_long":
        params["limit"] = context.get("max_length", "")
    return Problem(code, written_path((*prefix, *error["loc"])), params)


_EXAMPLES: dict[str, str] = {}


def example_of(pattern: str, example: str) -> str:
    """Remember what a value of a pattern looks like, for the sentence; returns the pattern."""
    _EXAMPLES[pattern] = example
    return pattern


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
