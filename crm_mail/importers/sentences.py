"""What an importer says, in whatever language the caller translates into. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from crm_mail.documents.schemas import PROBLEMS
from crm_mail.importers.messages import MESSAGES, ProblemList

_WORDS: Final = frozenset({"found", "expected", "remedy", "detail", "place"})
"""Parameters that are sentences of ours, not values of the file."""


def explain_in(translate: Callable[[str], str], code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a code. Values are put in afterwards: gettext without values leaves placeholders alone."""
    shown = {
        name: translate(value) if name in _WORDS and isinstance(value, str) and value else value
        for name, value in params.items()
    }
    if isinstance(problems := params.get("problems"), ProblemList):
        shown["problems"] = " ".join(str(translate(PROBLEMS[one.code])) % one.values for one in problems)
    return str(translate(MESSAGES[code])) % shown
