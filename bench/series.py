"""Repeated measurements: a median with its range, and ratios of what was measured side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one quantity, in the order in which they were measured. Never empty."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> "Series":
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return median(self.values)

    def scaled(self, factor: float) -> "Series":
        return Series.of(value * factor for value in self.values)

    def text(self, digits: int = 2) -> str:
        """``median [lowest-highest]``."""
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} [{low:.{digits}f}-{high:.{digits}f}]"


def ratio(ours: Series, floor: Series) -> Series:
    """Round by round: what slows both of one round, such as another program, cancels."""
    return Series.of(mine / other for mine, other in zip(ours.values, floor.values, strict=True))
