"""What every gateway for SMS offers, and what an account must say to reach it. Values and an abstract class only."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crm_mail.delivery.envelope import Outcome


class GatewayProtocol(StrEnum):
    """How a gateway is spoken to."""

    HTTP = "http"
    SMPP = "smpp"


class BodyForm(StrEnum):
    """How an HTTP gateway wants its fields."""

    JSON = "json"
    FORM = "form"


class Fate(StrEnum):
    """What a gateway's word on a message means for us."""

    DELIVERED = "delivered"
    FAILED = "failed"
    UNDERWAY = "underway"


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What a person wrote down about a gateway; kept as JSON on its account.

    Args:
        url: where an HTTP gateway takes messages.
        template: its fields, one a line as ``name: value``; values may hold ``{number}``, ``{text}``, ``{sender}``,
            ``{reference}``. In JSON a dotted name is an object inside another, and a value that reads as JSON (a
            number, true, a list) is one.
        id_path: where its answer holds the message's number: a dotted path, numbers for places in lists.
        ok_path, ok_values: where the answer says that it was taken, and the words for it; empty: any 2xx will do.
        status_reference, status_id, status_field, error_field: the fields of a status report.
        delivered, failed: its words for the two; any other word changes nothing.
        inbound_number, inbound_text: the fields of an answer that somebody sent to us.
        system_type: of SMPP.
        cost: of one segment; ``currency`` three letters; ``daily_cap`` None: no cap.
        token_version: grows when the addresses for reports are renewed.
    """

    protocol: GatewayProtocol = GatewayProtocol.HTTP
    url: str = ""
    method: str = "POST"
    form: BodyForm = BodyForm.JSON
    template: str = "to: {number}\ntext: {text}\nfrom: {sender}\nreference: {reference}"
    id_path: str = "id"
    ok_path: str = ""
    ok_values: str = ""
    status_reference: str = "reference"
    status_id: str = "id"
    status_field: str = "status"
    error_field: str = "error"
    delivered: str = "delivered, DELIVRD"
    failed: str = "failed, undelivered, rejected, expired, UNDELIV, REJECTD, EXPIRED, DELETED"
    inbound_number: str = "from"
    inbound_text: str = "text"
    system_type: str = ""
    cost: Decimal = Decimal(0)
    currency: str = "EUR"
    daily_cap: Decimal | None = None
    token_version: int = 1

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        cap = None if self.daily_cap is None else str(self.daily_cap)
        return values | {
            "protocol": self.protocol.value,
            "form": self.form.value,
            "cost": str(self.cost),
            "daily_cap": cap,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> "GatewayConfig":
        """Read what `to_dict` wrote; what it does not name keeps its default."""
        given = {name: value for name, value in (values or {}).items() if name in cls.__dataclass_fields__}
        readers = {"protocol": GatewayProtocol, "form": BodyForm, "cost": Decimal}
        given |= {name: read(given[name]) for name, read in readers.items() if name in given}
        if given.get("daily_cap") is not None:
            given["daily_cap"] = Decimal(given["daily_cap"])
        return cls(**given)

    def fate_of(self, word: str) -> Fate:
        """What a gateway's word for a state means."""
        said = word.strip().casefold()
        if said in words_of(self.delivered):
            return Fate.DELIVERED
        return Fate.FAILED if said in words_of(self.failed) else Fate.UNDERWAY


def words_of(listed: str) -> frozenset[str]:
    """Words that are separated by commas, for comparing."""
    return frozenset(word.strip().casefold() for word in listed.split(",") if word.strip())


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What a transport needs of an account beside host, port, user name and password.

    ``headers`` may hold secrets. ``allow_private``: the gateway may stand in a private network.
    """

    config: GatewayConfig
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of one text, and the numbers that the gateway gave it (one for each segment by SMPP)."""

    outcome: Outcome
    provider_ids: tuple[str, ...] = ()


class SmsTransport(ABC):
    """A way to send texts; the counterpart of `transports.Transport`. One instance per thread."""

    @abstractmethod
    def connect(self) -> None:
        """Raises ConnectionFailed."""

    @abstractmethod
    def is_usable(self) -> bool:
        """Whether the next text may go over this connection; if not: close, connect."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it is connected."""

    @abstractmethod
    def submit(self, number: str, text: str, reference: str) -> Submitted:
        """Hand one text over; never raises for what a gateway or a network does.

        Args:
            reference: our own number of the message, the same at each try: gateways that know idempotency use it.
        """

    @abstractmethod
    def close(self) -> None:
        """Never raises."""
