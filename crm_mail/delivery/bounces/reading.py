"""A mail's bytes as a bounce, a delay, an automatic answer or a complaint (RFC 3464, 3834, 5965, 8098). Pure."""

import re
from collections.abc import Iterable

from crm_mail.delivery.bounces.automatic import is_automatic, is_challenge
from crm_mail.delivery.bounces.free_text import addressee, named_recipients, own_words, telling_words
from crm_mail.delivery.bounces.judging import judged
from crm_mail.delivery.bounces.looks import (
    has_failing_subject,
    is_daemon,
    looks_returned,
    says_what_failed,
    subject_of,
)
from crm_mail.delivery.bounces.parsed import (
    BounceKind,
    BounceReason,
    ParsedBounce,
    RecipientReport,
)
from crm_mail.delivery.bounces.parts import Part, headers_of, read_parts
from crm_mail.delivery.bounces.returned import Returned, returned_of
from crm_mail.delivery.bounces.status_fields import (
    MAX_RECIPIENTS,
    RecipientFields,
    first_address,
    read_recipients,
    typed_address,
)
from crm_mail.delivery.replies import printable

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_MDN_TYPES = ("message/disposition-notification", "message/global-disposition-notification")
_TEXTS = ("text/plain", "text/html")
_PASSED_ON = frozenset({"delivered", "relayed", "expanded", "deliverable"})
_DELAYED = frozenset({"delayed", "delay", "warning"})
_DELAY_WORDS = re.compile(
    r"warning (?:message )?only|do not need to (?:re-?send|send)|will (?:be retried|keep trying"
    r"|continue (?:trying|to try)|"
    r"retry)|still being retried|only a temporary (?:failure|notification)|no action is required"
    r"|not yet been delivered|"
    r"(?:temporary|transient) delay|still (?:awaiting|trying)|delivery (?:has been |is )?delayed|no need to resend|"
    r"recapito (?:è stato )?ritardat|consegna (?:è stata )?ritardat|non è necessario (?:re)?inviare"
    r"|verr[aà] ritentat|seguir[aá] intentando",
    re.IGNORECASE,
)
_NOT_SPAM = frozenset({"not-spam", "auth-failure", "opt-out"})


def read_bounce(data: bytes) -> ParsedBounce | None:
    """What came back, or None when the mail is none of these. Never raises, whatever the bytes are.

    A report that says the message was passed on or delivered is none either: nothing failed.

    Args:
        data: the mail as received; the first megabyte is looked at.
    """
    root = read_parts(data)
    parts = list(root.walk())
    looks = looks_returned(root)
    for part in parts:
        if part.type in _MDN_TYPES and part.depth <= 2:
            return _disposition(root, part, parts)
        if part.type == "message/feedback-report" and part.depth <= 2:
            return _complaint(root, part, parts)
        if part.type in _STATUS_TYPES and (looks or part.depth <= 1 or root.type == "multipart/report"):
            fields = read_recipients(part.text)
            if fields:
                return _from_status(root, parts, part, fields)
    text = _own_text(root, parts)
    if looks:
        found = _from_text(root, parts, text)
        is_sure = is_daemon(root) or root.header("x-failed-recipients")
        if found and (is_sure or says_what_failed(root, found, text)):
            return found
        if is_sure:
            return None
    return _from_person(root, parts, text)


def _from_status(
    root: Part, parts: list[Part], part: Part, fields: list[RecipientFields]
) -> ParsedBounce | None:
    kept = [one for one in fields if one.action not in _PASSED_ON]
    if not kept:
        return None
    speaker = _speaker(root, part)
    text = _own_text(speaker, [one for one in speaker.walk() if one is not part])
    own = own_words(text)[0]
    said = {named.address.lower(): named.said for named in named_recipients(own)}
    general = f"{subject_of(root)} {telling_words(own)}" if len(kept) == 1 else subject_of(root)
    reports = []
    for one in kept:
        address = one.original or one.final
        human = said.get(address.lower()) or said.get(one.final.lower(), "")
        is_delay = one.action in _DELAYED or (not one.action and bool(_DELAY_WORDS.search(own[:5000])))
        final = one.final if one.final.lower() != address.lower() else ""
        reports.append(
            judged(address, final, one.status, [one.diagnostic, human], general, is_delay=is_delay)
        )
    return _assembled(root, returned_of(root, parts, text), reports)


def _speaker(root: Part, part: Part) -> Part:
    """The mail that the status part belongs to: an inner one, when a scanner put the report into another mail."""
    inner = [one for one in root.walk() if one.type == "message/rfc822" and part in one.walk()]
    return inner[-1].children[0] if inner else root


def _from_text(root: Part, parts: list[Part], text: str) -> ParsedBounce | None:
    own, _ = own_words(text)
    returned = returned_of(root, parts, text)
    is_delay = bool(_DELAY_WORDS.search(own[:5000]))
    named = {one.address.lower(): one for one in named_recipients(own)}
    listed = _addresses(root.every("x-failed-recipients")) or [one.address for one in named.values()]
    if not listed and returned.to and has_failing_subject(root):
        listed = _addresses([returned.to])[:1]
    if not listed and (quoted := addressee(own)):
        listed = [quoted]
    general = f"{telling_words(own)} {subject_of(root)}" if len(listed) == 1 else subject_of(root)
    reports = []
    for address in listed:
        one = named.get(address.lower())
        said = [one.said] if one else []
        reports.append(judged(address, one.final if one else "", "", said, general, is_delay=is_delay))
    if not reports and has_failing_subject(root) and (returned.token or returned.message_id):
        reports = [judged("", "", "", [], f"{telling_words(own)} {subject_of(root)}", is_delay=is_delay)]
    return _assembled(root, returned, reports) if reports else None


def _from_person(root: Part, parts: list[Part], text: str) -> ParsedBounce | None:
    """An automatic answer or a challenge, or nothing of the kind."""
    if is_challenge(root, text):
        kind = BounceKind.CHALLENGE
    elif is_automatic(root):
        kind = BounceKind.AUTO_REPLY
    else:
        return None
    sender = first_address(root.header("from")) or first_address(root.header("sender"))
    said = printable(re.sub(r"\s+", " ", text[:1000]))
    reports = [RecipientReport(sender, kind, diagnostic=said)] if sender else []
    return ParsedBounce(
        reports=tuple(reports),
        kind=kind,
        original_message_id=_answered_id(root),
        token=returned_of(root, parts, text).token,
    )


def _answered_id(root: Part) -> str:
    for name in ("in-reply-to", "references"):
        ids = re.findall(r"<[^<>\s]{3,250}>", root.header(name)[-5000:])
        if ids:
            return str(ids[-1])
    return ""


def _disposition(root: Part, part: Part, parts: list[Part]) -> ParsedBounce:
    fields = dict(reversed(headers_of(part.text)))
    address = typed_address(fields.get("original-recipient", "")) or typed_address(
        fields.get("final-recipient", "")
    )
    told = RecipientReport(address, BounceKind.MDN, diagnostic=printable(fields.get("disposition", "")))
    returned = returned_of(root, parts, "")
    return ParsedBounce(
        (told,) if address else (),
        BounceKind.MDN,
        fields.get("original-message-id", "").strip() or returned.message_id or _answered_id(root),
        returned.token,
        returned.to,
        returned.subject,
    )


def _complaint(root: Part, part: Part, parts: list[Part]) -> ParsedBounce | None:
    fields = headers_of(part.text)
    feedback = next((value.strip().lower() for name, value in fields if name == "feedback-type"), "abuse")
    if feedback in _NOT_SPAM:
        return None
    returned = returned_of(root, parts, "")
    named = _addresses(
        value
        for name, value in fields
        if name in ("original-rcpt-to", "removal-recipient", "redacted-address")
    )
    named = named or _addresses([returned.to])
    reports = tuple(
        RecipientReport(
            one, BounceKind.COMPLAINT, reason=BounceReason.COMPLAINT, diagnostic=printable(feedback)
        )
        for one in named
    )
    return ParsedBounce(
        reports,
        BounceKind.COMPLAINT,
        returned.message_id,
        returned.token,
        returned.to,
        returned.subject,
    )


def _assembled(root: Part, returned: Returned, reports: list[RecipientReport]) -> ParsedBounce:
    """The reports of one mail, each recipient once; the mail is as bad as its worst report."""
    once: dict[str, RecipientReport] = {}
    for report in reports:
        once.setdefault(report.address.lower(), report)
    kinds = {report.kind for report in once.values()}
    worst = next(k for k in (BounceKind.HARD, BounceKind.SOFT, BounceKind.DELAY) if k in kinds)
    return ParsedBounce(
        tuple(once.values()),
        worst,
        returned.message_id or _answered_id(root),
        returned.token,
        returned.to,
        returned.subject,
    )


def _addresses(values: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for value in values:
        for piece in value.split(",")[:MAX_RECIPIENTS]:
            address = first_address(piece)
            if address:
                found.setdefault(address.lower(), address)
    return list(found.values())[:MAX_RECIPIENTS]


def _own_text(root: Part, parts: list[Part]) -> str:
    """What the mail says itself: its text parts outside any returned message, readable text before HTML."""
    inner = {id(one) for part in parts if part.type == "message/rfc822" for one in part.walk()}
    outer = [one for one in parts if id(one) not in inner and not one.children]
    for wanted in _TEXTS:
        texts = [one.text for one in outer if one.type == wanted]
        if any(text.strip() for text in texts):
            return "\n".join(texts)
    texts = [one.text for one in parts if not one.children and one.type in _TEXTS][:1]
    return "\n".join(texts) or root.text
