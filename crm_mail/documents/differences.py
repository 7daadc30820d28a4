"""What differs between two texts, line by line (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

CONTEXT = 3


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: taken out, put in, kept, or the place where a group of them stands (`12` → `14`)."""

    kind: Literal["out", "in", "kept", "place"]
    text: str


def unified(before: str, after: str, context: int = CONTEXT) -> Sequence[DiffLine]:
    """The differing lines with their neighbours; nothing when the texts are equal."""
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=context)
    kinds: dict[str, Literal["out", "in", "kept", "place"]] = {
        "-": "out",
        "+": "in",
        " ": "kept",
        "@": "place",
    }
    return [
        DiffLine(kinds[line[0]], line if line[0] == "@" else line[1:])
        for place, line in enumerate(lines)
        if place > 1
    ]
