"""The fields of an event as conditions and texts read them: one level, plain values. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

MOST_LINES: Final = 100
MOST_CHARS: Final = 2000


class Fields(dict[str, Any]):
    """Fields by name; what another program left out reads as empty."""

    def __missing__(self, name: str) -> str:
        return ""


def fields_of(data: Mapping[str, Any]) -> Fields:
    """The fields of an event.

    What lies deeper is reached with an underscore (``before_name``); a list is its values with commas. ``changes`` is
    made of ``before`` and ``after``: a line for each field that differs.
    """
    found = Fields()
    for name, value in data.items():
        if isinstance(value, Mapping):
            found.update({f"{name}_{inner}": _plain(one) for inner, one in value.items()})
        found[name] = _plain(value)
    before, after = data.get("before"), data.get("after")
    if "changes" not in found and (isinstance(before, Mapping) or isinstance(after, Mapping)):
        found["changes"] = changes_words(
            before if isinstance(before, Mapping) else {}, after if isinstance(after, Mapping) else {}
        )
    return found


def changes_words(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """A line for each field that differs: its name, what it was, and what it is now."""
    names = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    lines = [
        f"{name}: {_plain(before.get(name)) or '–'} → {_plain(after.get(name)) or '–'}"
        for name in names[:MOST_LINES]
    ]
    return "\n".join(lines)


def _plain(value: object) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:MOST_CHARS]
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _joined(f"{name}: {_plain(one)}" for name, one in value.items())
    if isinstance(value, Iterable):
        return _joined(str(_plain(one)) for one in value)
    return str(value)[:MOST_CHARS]


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(list(parts)[:MOST_LINES])[:MOST_CHARS]
