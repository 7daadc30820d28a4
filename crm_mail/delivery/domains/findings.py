"""What the deliverability doctor finds, as values: codes with parameters, never sentences (pure)."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How a finding stands; UNCHECKED says that nobody answered, which is no fault of the domain's."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    UNCHECKED = "unchecked"


class Check(StrEnum):
    """What is looked at, in the order in which it is shown."""

    MX = "mx"
    SPF = "spf"
    SPF_SENDER = "spf_sender"
    DKIM = "dkim"
    DMARC = "dmarc"
    ALIGNMENT = "alignment"
    TLS = "tls"
    REVERSE = "reverse"
    MTA_STS = "mta_sts"
    TLS_RPT = "tls_rpt"
    PEC = "pec"


@dataclass(frozen=True, slots=True)
class Publish:
    """A record as it should stand in the domain's DNS."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    ``about``: the account concerned, where it is not the whole domain; ``found``: the records, as they stand.
    """

    check: Check
    level: Level
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    found: tuple[str, ...] = ()
    publish: Publish | None = None
    about: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As it is kept (JSON)."""
        values = asdict(self)
        return values | {"check": self.check.value, "level": self.level.value, "found": list(self.found)}


def from_dict(values: dict[str, Any]) -> Finding:
    """A finding as it was kept."""
    publish = values.get("publish")
    return Finding(
        Check(values["check"]),
        Level(values["level"]),
        values["code"],
        values.get("params") or {},
        tuple(values.get("found") or ()),
        Publish(**publish) if publish else None,
        values.get("about", ""),
    )


_SEVERITY = {Level.ERROR: 4, Level.WARNING: 3, Level.UNCHECKED: 2, Level.OK: 1, Level.NOTE: 0}


def worst(levels: "list[Level]") -> Level:
    """The level of a whole domain."""
    return max(levels, key=lambda level: _SEVERITY[level], default=Level.UNCHECKED)
