"""daticert.xml, the certification data, as values (DTD of the technical rules of DM 2 November 2005; RFC 6109).

Read by expat without network: an external DOCTYPE (TIM, 2013) is legitimate and not fetched, any entity is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from xml.parsers import expat

from crm_mail.delivery.pec.receipt import Recipient

MOST_BYTES = 5_000_000
_DEEPEST = 16
_MOST_ELEMENTS = 50_000
_MOST_TEXT = 20_000  # characters of one element
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_HOUR = re.compile(r"(\d{1,2}):(\d\d):(\d\d)")


class DaticertRefused(ValueError):
    """It is hostile, or no daticert. `code` with `detail` for pages."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list["_Element"] = field(default_factory=list)

    def child(self, name: str) -> "_Element | None":
        return next((child for child in self.children if child.name == name), None)

    def every(self, name: str) -> list["_Element"]:
        return [child for child in self.children if child.name == name]

    def text_of(self, name: str) -> str:
        found = self.child(name)
        return found.text.strip() if found is not None else ""


@dataclass(frozen=True, slots=True)
class Daticert:
    """The values as they stand there; `occurred_at` in UTC, None when day, hour or zone are not readable."""

    type: str
    error: str
    sender: str
    recipients: tuple[Recipient, ...]
    reply_to: str
    subject: str
    provider: str
    occurred_at: datetime | None
    provider_id: str
    message_id: str
    form: str
    delivered_to: str
    received_by: tuple[str, ...]
    error_detail: str


def read_daticert(data: bytes) -> Daticert:
    """Raises `DaticertRefused`. Cost is linear in the size, which is bounded."""
    root = _parse(data)
    if root.name != "postacert":
        raise DaticertRefused("xml_root", root.name[:60])
    head = root.child("intestazione") or _Element("intestazione", {})
    facts = root.child("dati") or _Element("dati", {})
    form = facts.child("ricevuta")
    return Daticert(
        type=root.attributes.get("tipo", "").strip(),
        error=root.attributes.get("errore", "nessuno").strip(),  # the DTD's default
        sender=_address(head.text_of("mittente")),
        recipients=tuple(_recipient(found) for found in head.every("destinatari")),
        reply_to=head.text_of("risposte"),
        subject=head.text_of("oggetto"),
        provider=facts.text_of("gestore-emittente"),
        occurred_at=_moment(facts.child("data")),
        provider_id=facts.text_of("identificativo"),
        message_id=bracketed(facts.text_of("msgid")),
        form=form.attributes.get("tipo", "").strip() if form is not None else "",
        delivered_to=_address(facts.text_of("consegna")),
        received_by=tuple(_address(found.text.strip()) for found in facts.every("ricezione")),
        error_detail=facts.text_of("errore-esteso"),
    )


def bracketed(message_id: str) -> str:
    """A Message-ID with its angle brackets and without spaces; empty stays empty."""
    bare = "".join(message_id.split()).removeprefix("<").removesuffix(">")
    return f"<{bare}>" if bare else ""


def _recipient(element: _Element) -> Recipient:
    kind = element.attributes.get("tipo", "certificato").strip().lower()  # the DTD's default
    return Recipient(_address(element.text.strip()), kind == "certificato")


def _address(text: str) -> str:
    """A bare address, also out of `Name <address>`."""
    inside = re.search(r"<([^<>]*)>", text)
    return (inside.group(1) if inside else text).strip()


def _moment(element: _Element | None) -> datetime | None:
    if element is None:
        return None
    zone = _ZONE.fullmatch(element.attributes.get("zona", "").strip())
    day = _DAY.fullmatch(element.text_of("giorno"))
    hour = _HOUR.fullmatch(element.text_of("ora"))
    if zone is None or day is None or hour is None:
        return None
    offset = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (-1 if zone[1] == "-" else 1)
    try:
        local = datetime(
            int(day[3]),
            int(day[2]),
            int(day[1]),
            int(hour[1]),
            int(hour[2]),
            int(hour[3]),
            tzinfo=timezone(offset),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Builder:
    """Takes expat's events; stops at the first thing that has no place in a daticert."""

    def __init__(self) -> None:
        self.root: _Element | None = None
        self._open: list[_Element] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _DEEPEST:
            raise DaticertRefused("xml_too_large")
        element = _Element(name.rpartition(":")[2], attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        element = self._open[-1]
        if len(element.text) + len(data) > _MOST_TEXT:
            raise DaticertRefused("xml_too_large")
        element.text += data


def _refuse_entity(*facts: object) -> None:
    raise DaticertRefused("xml_entities")


def _parse(data: bytes) -> _Element:
    if len(data) > MOST_BYTES:
        raise DaticertRefused("xml_too_large")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    refuse: Callable[..., None] = _refuse_entity
    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.SkippedEntityHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data.strip(b"\x00\t\r\n "), True)
    except expat.ExpatError as error:
        raise DaticertRefused(
            "xml_malformed", f"{expat.ErrorString(error.code)} ({error.lineno}:{error.offset})"
        ) from None
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        if isinstance(error, DaticertRefused):
            raise
        raise DaticertRefused("xml_malformed", str(error)[:100]) from None
    if builder.root is None:
        raise DaticertRefused("xml_malformed")
    return builder.root
