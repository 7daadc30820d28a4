"""What becomes of a message, chosen by the local part of a recipient's address (or of one word of it: `ufficio.lenta`).

Times are the operator's; the clock decides how long one waits for them.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Event(StrEnum):
    """What an operator does at a time."""

    DELIVER = "deliver"
    FAIL = "fail"
    UNKNOWN_MAILBOX = "unknown_mailbox"
    DELAY_12 = "delay_12"
    DELAY_24 = "delay_24"


@dataclass(frozen=True, slots=True)
class Step:
    """One event for one recipient, so long after the acceptance. `error`: of the daticert."""

    event: Event
    after: timedelta
    error: str = "altro"
    why: str = ""


def _soon(event: Event, error: str = "altro", why: str = "") -> tuple[Step, ...]:
    return (Step(event, timedelta(seconds=DELIVERY_SECONDS), error, why),)


ACCEPTANCE_SECONDS = 3
DELIVERY_SECONDS = 8
NOTICE_12 = timedelta(hours=12)
NOTICE_24 = timedelta(hours=22, minutes=30)  # not before 22 hours (DM 2 November 2005, 6.5)

DELIVERED = _soon(Event.DELIVER)
RECIPIENTS: dict[str, tuple[Step, ...]] = {
    "piena": _soon(Event.FAIL, why="5.2.2 - casella del destinatario piena"),
    "inesistente": _soon(Event.UNKNOWN_MAILBOX),
    "senzadominio": _soon(Event.FAIL, "no-dominio", "5.1.2 - dominio non valido"),
    "virus": _soon(Event.FAIL, "virus", "Eicar-Test-Signature"),
    "lenta": (Step(Event.DELAY_12, NOTICE_12), Step(Event.DELIVER, timedelta(hours=13))),
    "tardiva": (
        Step(Event.DELAY_12, NOTICE_12),
        Step(Event.DELAY_24, NOTICE_24),
        Step(Event.DELIVER, timedelta(hours=25)),
    ),
    "mai": (Step(Event.DELAY_12, NOTICE_12), Step(Event.DELAY_24, NOTICE_24)),
    "muta": (),
}
"""After the acceptance, for a recipient whose address is PEC."""

REFUSED = {
    "infetta": (True, "Eicar-Test-Signature"),
    "rifiutata": (False, "Il messaggio non rispetta le regole di accettazione del gestore"),
}
"""Not accepted: whether for a virus, and the operator's words."""

SILENT = "silenzio"
"""Taken by the server, and never heard of again: not even an acceptance."""


REPLYING = "risponde"
"""Delivered, and answered by PEC."""
REPLY_AFTER = timedelta(seconds=DELIVERY_SECONDS + 4)


class Fault(StrEnum):
    """What the submission server does to the connection or the message, for any recipient so called."""

    REPLY_LOST = "persa"  # taken, and the connection ends before the answer
    DROP = "cade"  # the connection ends in the middle of the message; not taken
    TOO_MUCH = "troppa"  # 550 Class Of Service
    NOT_NOW = "dopo"  # 451, each second time


def words_of(address: str) -> list[str]:
    """The words of a local part: `ufficio.lenta+1` has `ufficio`, `lenta` and `1`."""
    local = address.partition("@")[0].lower()
    return local.replace("+", ".").replace("-", ".").replace("_", ".").split(".")


def steps_for(address: str) -> tuple[Step, ...]:
    """What follows the acceptance for a certified recipient."""
    return next((RECIPIENTS[word] for word in words_of(address) if word in RECIPIENTS), DELIVERED)


def refusal_for(addresses: tuple[str, ...]) -> tuple[bool, str] | None:
    """Why the access point does not accept, when a recipient asks for that."""
    found = (REFUSED[word] for address in addresses for word in words_of(address) if word in REFUSED)
    return next(found, None)


def is_silent(addresses: tuple[str, ...]) -> bool:
    """Whether a recipient asks for silence."""
    return any(SILENT in words_of(address) for address in addresses)


def replies(address: str) -> bool:
    """Whether the recipient answers."""
    return REPLYING in words_of(address)


def fault_for(addresses: tuple[str, ...]) -> Fault | None:
    """The fault that a recipient asks for."""
    words = {word for address in addresses for word in words_of(address)}
    return next((fault for fault in Fault if fault.value in words), None)
