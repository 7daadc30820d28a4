"""The machine-readable part of a report (RFC 3464 2), read as real servers write it. Pure."""

import re
from dataclasses import dataclass

from crm_mail.delivery.bounces.parts import headers_of
from crm_mail.delivery.bounces.reasons import status_in

MAX_RECIPIENTS = 100
_TYPED = re.compile(
    r"^\s*(?:(?:rfc|utf-?)[- ]?\d+|x400|x-[\w-]+|smtp|unknown|dns|[\w-]{2,20})\s*;\s*", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]{1,64}@[^\s<>()\[\]\",;:@]{1,250}")
_QUOTED = re.compile(r'"[^"\r\n]{1,62}"@[^\s<>()\[\]",;:@]{1,250}')


@dataclass(frozen=True, slots=True)
class RecipientFields:
    """One recipient's fields. `action` in lower case and one word; `status` as given, if it is one (RFC 3463)."""

    original: str
    final: str
    action: str
    status: str
    diagnostic: str


def first_address(text: str) -> str:
    """The first e-mail address in a text, without a dot at its end; empty when there is none."""
    found = _QUOTED.search(text[:1000]) or _ADDRESS.search(text[:1000])
    return found.group().rstrip(".'`") if found else ""


def typed_address(value: str) -> str:
    """The address of `rfc822; <ann@x.example>`; empty for addresses of another world (X.400)."""
    if value.strip().lower().startswith("x400"):
        return ""
    return first_address(_xtext(_TYPED.sub("", value)))


def read_recipients(text: str) -> list[RecipientFields]:
    """The recipients of a delivery-status part, at most MAX_RECIPIENTS.

    Groups are told apart by empty lines; a group whose fields begin anew without one is split, and groups without a
    recipient (the message's own, or MIME headers that a gateway put between) are passed over.
    """
    found = []
    for group in _groups(text):
        original = typed_address(_original(group))
        final = typed_address(group.get("final-recipient", ""))
        if not (original or final):
            continue
        found.append(
            RecipientFields(
                original=original,
                final=final,
                action=_word(group.get("action", "")),
                status=status_in(group.get("status", "")),
                diagnostic=_diagnostic(group),
            )
        )
        if len(found) == MAX_RECIPIENTS:
            break
    return found


def _original(group: dict[str, str]) -> str:
    return group.get("original-recipient") or group.get("x-original-recipient", "")


def _groups(text: str) -> list[dict[str, str]]:
    groups: list[dict[str, str]] = []
    for block in re.split(r"\n[ \t]*\n", text[:200_000], maxsplit=5 * MAX_RECIPIENTS):
        current: dict[str, str] = {}
        for name, value in headers_of(block):
            if name in ("final-recipient", "original-recipient", "action") and name in current:
                groups.append(current)
                current = {}
            current.setdefault(name, value)
        groups.append(current)
    return groups


def _word(value: str) -> str:
    return re.split(r"[\s(;]", value.strip().lower(), maxsplit=1)[0]


def _diagnostic(group: dict[str, str]) -> str:
    given = _TYPED.sub("", group.get("diagnostic-code", ""))
    extra = group.get("x400-supplementary-info") or group.get("x-display-name", "") if not given else ""
    extra = group.get("x400-supplementary-info", extra)
    comment = group.get("status", "").partition(" ")[2]
    return " ".join(part for part in (extra, given, comment) if part)


def _xtext(value: str) -> str:
    """`+40` is `@` in an Original-Recipient that kept the encoding of the command (RFC 3461 4)."""
    if "@" in value or "+40" not in value:
        return value
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), value)
