"""What a run is prepared from: company, document types, period, parties (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from crm_mail.contacts.finding.party_filter import PartyFilter
from crm_mail.sight import Sight

PREPARED_WITHIN = "prepared_within"
"""Key of a run's criteria: the sight of who prepared it, where somebody was left for a colleague."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """The answers of the *Prepare* page; empty means “no restriction”.

    Args:
        parties: company, and which of its parties and contacts.
        document_types: ids of the types; empty means every type the person may prepare.
        from_on, to_on: first and last day of the documents' date.
        only_unsent: leave out what a recipient was already sent (CO-8).
        document_ids: these documents only (the button on a document's page).
        beyond: only what lies beyond this sight: the rest of a run that somebody who sees less has prepared.
    """

    parties: PartyFilter
    document_types: tuple[str, ...] = ()
    from_on: date | None = None
    to_on: date | None = None
    only_unsent: bool = True
    document_ids: tuple[int, ...] = ()
    beyond: Sight | None = None

    @property
    def company_id(self) -> int:
        """The company whose documents are sent."""
        return self.parties.company_id

    @property
    def is_everybody(self) -> bool:
        """Whether nothing narrows the parties: the clerk must be told how many that is, and asked (PD-13)."""
        return self.parties.is_empty and not self.document_ids

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, for the run's row."""
        return {
            "parties": self.parties.to_dict(),
            "document_types": list(self.document_types),
            "from_on": self.from_on.isoformat() if self.from_on else None,
            "to_on": self.to_on.isoformat() if self.to_on else None,
            "only_unsent": self.only_unsent,
            "document_ids": list(self.document_ids),
        } | ({"beyond": write_sight(self.beyond)} if self.beyond is not None else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(
            PartyFilter.from_dict(values["parties"]),
            tuple(values.get("document_types") or ()),
            _day(values.get("from_on")),
            _day(values.get("to_on")),
            bool(values.get("only_unsent", True)),
            tuple(values.get("document_ids") or ()),
            read_sight(values["beyond"]) if values.get("beyond") else None,
        )


def write_sight(sight: Sight) -> dict[str, Any]:
    """As JSON values."""
    return {"clearance": sight.clearance, "agents": sorted(sight.agents), "zones": sorted(sight.zones)}


def read_sight(values: Mapping[str, Any]) -> Sight:
    """Read what `write_sight` wrote."""
    return Sight(int(values["clearance"]), frozenset(values["agents"]), frozenset(values["zones"]))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
