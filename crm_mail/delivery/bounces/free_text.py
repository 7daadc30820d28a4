"""Bounces for people to read: whom they speak of, and what they say of each. Pure.

There was no standard before RFC 3464, and many systems ignore it; yet nearly all name the address on a line of its
own, or at the start of one, before or after a sentence that says it failed. This reads these customs (qmail, exim,
sendmail, Postfix, Courier, Exchange, GroupWise, PMDF, OpenSMTPD, Gmail, Zoho, 1&1 and others) instead of one program
for each system.
"""

import re
from dataclasses import dataclass

from crm_mail.delivery.bounces.reasons import is_telling
from crm_mail.delivery.bounces.status_fields import MAX_RECIPIENTS, first_address

_A = r"[^\s<>()\[\]\",;:@']{1,64}@[^\s<>()\[\]\",;:@']{1,250}"
_MAX_LINES = 600
_MAX_LINE = 1000
_MAX_SAID = 1500

_RETURNED = re.compile(
    r"^(?:[-=_* >]*(?:below this line is a copy|this is a copy of|(?:the )?(?:header|body)s? of the original"
    r"|the original message|original (?:e-?mail|message)(?: (?:follows|headers|header|details))?|unsent message"
    r"|message"
    r" header follows|message (?:text |headers? )?follows|returned (?:message|text)|included is a copy|copy of"
    r" (?:the |your )?(?:original )?message|undelivered message|your (?:original )?message (?:is attached|reads"
    r"|headers|"
    r"follows)|below is a copy of|messaggio originale|mensaje original|urspr[uü]ngliche nachricht|message"
    r" d'origine|begin(?:ning)? of (?:the )?(?:original|returned)|text of (?:your )?message|intestazioni? del"
    r" messaggio).*|return-path: .*|received: from .*|message-id:\s*<.*)$",
    re.IGNORECASE,
)
# Most telling first; each names the address as its group 1.
_LINES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf'^\s*original address:\s*<?"?({_A})',
        rf"^\s*\(expanded from:?\s*<?({_A})>?\)",
        rf"^\s*\((?:was|originally) addressed to <?({_A})>?\)",
        rf"^\s*\(generated from <?({_A})>?\)",
        rf"^\s*(?:(?:intended |final )?recipient(?: address)?|error-for|[\w ]{{0,40}}userid|user's mailbox is full)"
        rf":\s*(?:\[?smtp:)?<?({_A})",
        rf"^\s*(?:\* |> )?<({_A})>(?:\s*\(expanded from\s*<?{_A}>?\))?\s*(?::|$|\(|\.{{2,3}}\s)",
        rf'^\s*["\']({_A})["\']\s*(?::|$)',
        rf"^\s*(?:\* |--? |>{{1,3}} |\d\. |\"[^\"]{{1,100}}\" <)?({_A})>?(?:<mailto:[^<>]{{1,260}}>"
        rf"|\s*<{_A}>)?\s*:?\s*$",
        rf"^\s*(?:\* )?\[?({_A})\]?:\s+\S",
        rf"^\s*<?({_A})>?;?\s+(?:on\s+\w{{3}},|- no such|\[|Invalid Address|\((?:failed|unrecoverable|reason"
        rf"|delayed)|Action:)",
        rf"dda:smtp=({_A})",
        rf"addressed to [<'\"]?({_A})|(?:following|intended) recipients?:? <?({_A})",
        rf"(?:local )?mailbox <?({_A})>? is",
        rf"(?:failed (?:\d+ )?attempts|fail(?:ed|ure)|not (?:be )?delivered|undeliverable|unable to deliver"
        rf"|could ?n[o']t"
        rf" be delivered|rejected)[^@<>:]{{0,60}}[:\s]\s*<?({_A})",
        rf"(?:message|mail|delivery)(?: sent)? to <?({_A})>?\s+(?:could|can|was|has|fail|is|didn)",
        rf"^\s*(?:\d{{3}}[ -])?(?:\d\.\d\.\d+ )?<?({_A})>?\s?\.\.\.\s",
        rf"rcpt to:\s*<?({_A})>?",
    )
)
_ORIGINAL_FIRST = 4  # these say who was written to; the line before them, where it ended up
_TO = re.compile(rf"^\s*To:\s[^\n@]{{0,100}}?<?({_A})>?\s*$", re.IGNORECASE | re.MULTILINE)
_EXPANDED = re.compile(rf"^\s*<({_A})>\s*\(expanded from\s*<?({_A})>?\)", re.IGNORECASE)
_SKIP = re.compile(
    r"postmaster|mailer-daemon|for (?:further )?assistance|please (?:contact|send)|contact |^\s*(?:from|sender"
    r"|reply-to"
    r"|date|subject|message-id|to|cc|sent|x-[\w-]+|references|in-reply-to)\s*:|do not reply|^\s*https?://",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"(?<![\d.])[45]\d\d[ -]|[45]\.\d\.\d{1,3}\b|error|reason|refus|reject|fail|unknown|quota|full|not (?:be "
    r"|recogni|"
    r"found|exist)|exceed|denied|block|timed? ?out|delay|attempts|unable|couldn't|wasn't|permanent|undeliver"
    r"|could not",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """An address that a text names, where it ended up if that is another one, and what is said of it."""

    address: str
    final: str
    said: str


def own_words(text: str) -> tuple[str, str]:
    """A text cut where the returned message begins: what the mail system says, and what it returns."""
    lines = text.split("\n", 20_000)
    for at, line in enumerate(lines):
        if at and _RETURNED.match(line[:200].rstrip()):
            return "\n".join(lines[:at]), "\n".join(lines[at:])
    return text, ""


def telling_words(text: str) -> str:
    """The lines of a text that say why, joined; the whole beginning when none does."""
    lines = [line.strip() for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]]
    told = " ".join(line[:_MAX_LINE] for line in lines if _TELLING.search(line[:_MAX_LINE]))
    return (told or " ".join(filter(None, lines)))[:_MAX_SAID]


def named_recipients(text: str) -> list[Named]:
    """Whom the text names as not reached, in order, each once; at most MAX_RECIPIENTS.

    Args:
        text: a mail system's own words (`own_words`).
    """
    lines = [line[:_MAX_LINE].rstrip() for line in _joined(text).split("\n", _MAX_LINES)[:_MAX_LINES]]
    for at, pattern in enumerate(_LINES):
        places = [
            (number, next(filter(None, found.groups())).rstrip(".'`"))
            for number, line in enumerate(lines)
            if (found := pattern.search(line)) and not _SKIP.search(line[: found.end()])
        ]
        if places:
            return _with_words(lines, places, is_original=at < _ORIGINAL_FIRST)
    return []


def _joined(text: str) -> str:
    """Postfix breaks `<a@x> (expanded from\\n    <b@x>): …` in the middle."""
    return re.sub(r"\(expanded from:?\n\s+", "(expanded from ", text[:200_000])


def _with_words(lines: list[str], places: list[tuple[int, str]], *, is_original: bool) -> list[Named]:
    found: dict[str, Named] = {}
    for position, (number, address) in enumerate(places[:MAX_RECIPIENTS]):
        others = (at for at, other in places[position + 1 :] if other.lower() != address.lower())
        end = next(others, len(lines))
        final = ""
        expanded = _EXPANDED.match(lines[number])
        if expanded:
            final, address = expanded[1], expanded[2]
        elif is_original and number:
            final = first_address(lines[number - 1])
        if address.lower() not in found:
            final = "" if final == address else final
            found[address.lower()] = Named(address, final, _said(lines, number, end))
    return list(found.values())


def _said(lines: list[str], number: int, end: int) -> str:
    """From the address up to an empty line, looking further while that says nothing."""
    collected: list[str] = []
    for line in lines[number : min(end, number + 25)]:
        if not line.strip() and is_telling(" ".join(collected)):
            break
        if line.strip():
            collected.append(line.strip())
    return " ".join(collected)[:_MAX_SAID]


def addressee(text: str) -> str:
    """The `To:` that a text quotes among its own words; empty when it quotes none."""
    found = _TO.search(text[:200_000])
    return found[1].rstrip(".'`") if found else ""
