"""How figures are kept and shown: medians of several runs, a ratio against the baseline of the same run."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Figure:
    """One measured thing beside its baseline; values are rates (per second) unless the unit says otherwise."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    baseline_name: str = ""
    baseline: list[float] = field(default_factory=list)
    target: float | None = None
    target_ratio: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """Ours divided by the baseline's, of the medians."""
        return self.median / statistics.median(self.baseline) if self.baseline else None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": round(self.median, 1),
            "values": [round(v, 1) for v in self.values],
            "target": self.target,
            "baseline": self.baseline_name,
            "baseline_median": round(statistics.median(self.baseline), 1) if self.baseline else None,
            "baseline_values": [round(v, 1) for v in self.baseline],
            "ratio": round(self.ratio, 2) if self.ratio is not None else None,
            "target_ratio": self.target_ratio,
            **self.notes,
        }

    def as_text(self) -> str:
        """One line for people."""
        text = f"{self.name}: {self.median:,.1f} {self.unit}"
        if self.target is not None:
            text += f" (wanted {self.target:,.0f})"
        if self.ratio is not None:
            text += f"; {self.ratio:.1f} times {self.baseline_name} ({statistics.median(self.baseline):,.1f})"
        return text + "".join(f"; {key} {value}" for key, value in self.notes.items())


def interleave(times: int, *measures: Callable[[], float]) -> Sequence[list[float]]:
    """Measure each in turn, ``times`` times: what disturbs the machine disturbs all alike."""
    found: list[list[float]] = [[] for _ in measures]
    for _ in range(times):
        for values, measure in zip(found, measures, strict=True):
            values.append(measure())
    return found
