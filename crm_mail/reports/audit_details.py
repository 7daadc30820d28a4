"""The detail of a line of the audit for the eye: on the audit page, in timelines, files and notices of changes."""

import json
from collections.abc import Mapping
from typing import Any

from crm_mail.outbox.why_words import withheld_words
from crm_mail.reports.audit_fields import field_label
from crm_mail.reports.audit_values import value_label
from crm_mail.reports.audit_words import yes_no
from crm_mail.reports.languages import gettext as _

LENGTH = 200
_MACHINE = {"merged_id", "moved", "returned_id", "account_id"}
"""What undoing and programs need, and nobody reads."""
_USUAL = (("privacy_level", 0), ("state", "active"))
_NEVER = ("secret", "password", "token", "private_key", "api_key", "recovery_code")
"""The audit holds none; a field that is called so is not shown all the same."""


def flatten(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a field and what is said of it: ``before → after`` when it was changed; long values cut.

    Of something added or deleted only the fields that say something are told.
    """
    before, after = detail.get("before"), detail.get("after")
    rest = [(key, _named(key, value)) for key, value in detail.items() if _is_told(key) and _says(value)]
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in dict.fromkeys([*before, *after]) if _is_open(key)]
        changed = [(key, f"{_named(key, before.get(key))} → {_named(key, after.get(key))}") for key in keys]
    elif isinstance(before or after, dict) and (before is None or after is None):
        told = {key: value for key, value in (before or after or {}).items() if _is_open(key)}
        changed = [(key, _named(key, value)) for key, value in told.items() if _is_worth(key, value)]
        changed = changed or [(key, _named(key, value)) for key, value in told.items()]
    elif before is not None:
        changed = [("", f"{_named('before', before)} → {_named('before', after)}")]
    else:
        changed = [("", shown(after))] if after is not None else []
    return changed + rest


def fields_without_words(detail: Mapping[str, Any]) -> list[str]:
    """The fields that a reader would see by their names alone."""
    sides = [side for side in (detail.get("before"), detail.get("after")) if isinstance(side, dict)]
    told = {key for key in detail if _is_told(key)} | {key for side in sides for key in side if _is_open(key)}
    return sorted(key for key in told if field_label(key) == key)


def codes(detail: Mapping[str, Any]) -> str:
    """The detail as it is kept, as JSON: for files that other programs read."""
    told = {key: value for key, value in detail.items() if key not in _MACHINE and _is_open(key)}
    return json.dumps(_open_part(told), ensure_ascii=False) if told else ""


def _open_part(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _open_part(one) for key, one in value.items() if _is_open(str(key))}
    return [_open_part(one) for one in value] if isinstance(value, list) else value


def _named(key: str, value: Any) -> str:
    if isinstance(value, str):
        return shown(value_label(key, value))
    if isinstance(value, dict) and key == "dropped":
        return " ".join(f"{withheld_words(reason, _)} ({count})" for reason, count in value.items()) or "–"
    if isinstance(value, dict) and key == "rows":  # of an erasure, by the database's tables
        return str(sum(value.values()))
    if isinstance(value, list):
        return shown([value_label(key, one) if isinstance(one, str) else one for one in value])
    return shown(value)


def shown(value: Any) -> str:
    """A value on one line, cut; what says nothing is a dash."""
    if not _says(value):
        return "–"
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, dict):
        kept = ((str(key), one) for key, one in value.items() if _is_worth(str(key), one))
        text = ", ".join(f"{field_label(key)}: {_named(key, one)}" for key, one in kept)
    elif isinstance(value, list):
        text = ", ".join(shown(one) for one in value)
    else:
        text = str(value).removesuffix(" (unknown)")  # an address whose kind nobody has said yet
    text = " ".join(text.split())
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def _says(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _is_worth(key: str, value: Any) -> bool:
    """Whether a field of something whole tells more than that nothing special was said."""
    return _says(value) and _is_open(key) and (key, value) not in _USUAL


def _is_open(key: str) -> bool:
    return key.startswith("has_") or not any(part in key.lower() for part in _NEVER)


def _is_told(key: str) -> bool:
    return key not in {"before", "after"} and key not in _MACHINE and _is_open(key)
