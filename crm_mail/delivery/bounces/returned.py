"""What a report returns of our message: its headers, wherever they stand. Pure."""

import re
from dataclasses import dataclass

from crm_mail.delivery.bounces.free_text import own_words
from crm_mail.delivery.bounces.parts import Part, headers_of, words
from crm_mail.delivery.bounces.tokens import find_token

_HEADERS = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_ID = re.compile(r"<[^<>\s]{3,250}>")
_ARRIVED_AT = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "to", "cc",
               "original-recipient")  # fmt: skip
_SENT_FROM = ("return-path", "x-envelope-from", "reply-to", "sender", "errors-to", "from")
_ENVELOPE = re.compile(
    r"^(?:x-postfix-sender|x-[\w-]*sender|original-mail-from|x-internet-inbound-sender|original-envelope-id):.*$",
    re.IGNORECASE | re.MULTILINE,
)
_MENTIONED_ID = re.compile(r"^\s*message-id:\s*(<[^<>\s]{3,250}>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Returned:
    """Of our message: Message-ID with angle brackets, recipient and subject as returned, and a token, unverified."""

    message_id: str
    to: str
    subject: str
    token: str


def returned_of(root: Part, parts: list[Part], text: str) -> Returned:
    """Look in the returned message, the returned headers, and the text after which they are quoted.

    Args:
        text: the mail's own text, uncut.
    """
    own, quoted = own_words(text)
    found = _returned_headers(parts) or headers_of(quoted[:50_000])
    message_id = _first(found, "message-id")
    matched = _ID.search(message_id) if message_id else None
    mentioned = None if matched else (_MENTIONED_ID.search(quoted) or _MENTIONED_ID.search(own))
    return Returned(
        matched.group() if matched else (mentioned[1] if mentioned else ""),
        _first(found, "to"),
        words(_first(found, "subject"))[:300],
        _token(root, parts, found),
    )


def _returned_headers(parts: list[Part]) -> list[tuple[str, str]]:
    for part in parts:
        if part.type == "message/rfc822" and part.children and part.depth:
            inner = part.children[0]
            if inner.header("message-id") or inner.header("subject") or inner.header("from"):
                deeper = [one for one in inner.walk() if one is not inner]
                return _returned_headers(deeper) or inner.headers if _is_report(inner) else inner.headers
        if part.type in _HEADERS:
            found = headers_of(part.text)
            if found:
                return found
    return []


def _is_report(part: Part) -> bool:
    """A report that was itself put into a message (by a virus scanner, say): ours lies deeper."""
    return part.type == "multipart/report"


def _first(fields: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in fields if key == name and value), "")


def _token(root: Part, parts: list[Part], returned: list[tuple[str, str]]) -> str:
    """Where the bounce was sent to, then where the returned message said it came from."""
    places = [value for name in _ARRIVED_AT for value in root.every(name)]
    places += [value for name in _SENT_FROM for key, value in returned if key == name]
    for part in parts:
        if part.type.endswith("delivery-status") or part.type == "message/feedback-report":
            places += _ENVELOPE.findall(part.text[:20_000])
    return next((token for place in places[:60] if (token := find_token(_locals(place)))), "")


def _locals(value: str) -> str:
    """What stands before an @: a token is part of a local part, never of a display name or a domain."""
    return " ".join(re.findall(r"[^\s<>,;:\"]{1,64}(?=@)", value[:2000]))
