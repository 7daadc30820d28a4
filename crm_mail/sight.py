"""What a person sees of the rows: privacy clearance, agents and zones (pure)."""

from dataclasses import dataclass

HIGHEST_CLEARANCE = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """Which rows exist for a person.

    Args:
        clearance: highest privacy level of contacts, 0 to 3 (IT-17).
        agents, zones: customers of these agents, or of these zones; both empty: all customers.
    """

    clearance: int = 0
    agents: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether no customer is left out because of agent or zone."""
        return not self.agents and not self.zones

    def sees_beyond(self, other: "Sight") -> bool:
        """Whether rows may exist for this person that do not for the other."""
        if self.clearance > other.clearance:
            return True
        if other.is_whole:
            return False
        return self.is_whole or not (self.agents <= other.agents and self.zones <= other.zones)

    def covers(self, agent: str, zone: str) -> bool:
        """Whether the customers of this agent and this zone exist; the same rule as in the queries."""
        return self.is_whole or agent in self.agents or zone in self.zones


EVERYTHING = Sight(HIGHEST_CLEARANCE)
"""The sight of the installation itself."""
