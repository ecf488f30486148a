"""Compare the counts of two services on the days that both have. They are never averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Overlap:
    """The difference between the counts of archive and source on the days that both have."""

    days: int
    #: (archive - own) / own over all these days, in percent.
    total: float = 0.0
    #: The same for the single day on which it differs most.
    largest: float = 0.0
    largest_day: date | None = None

    @property
    def ref(self) -> str:
        """The part of ``source_ref`` that records the comparison."""
        return f"overlap {self.total:+.1f}% over {self.days} days" if self.days else "overlap not compared"

    @property
    def sentence(self) -> str:
        """The comparison as a sentence for the summary of a run."""
        if not self.days:
            return "ClickPy was not compared with pypistats.org: no day has a count in both"
        return (
            f"ClickPy differs from pypistats.org by {self.total:+.1f}% over the {self.days} days that both have, "
            f"by {self.largest:+.1f}% on the worst one ({self.largest_day})"
        )


def compare_overlap(archive: Mapping[date, int], own: Mapping[date, int]) -> Overlap:
    """Compare an archive with its source. Days without downloads at the source are ignored."""
    both = sorted(day for day in archive.keys() & own.keys() if own[day] > 0)
    if not both:
        return Overlap(0)

    def percent(ours: int, theirs: int) -> float:
        return 100.0 * (ours - theirs) / theirs

    by_day = {day: percent(archive[day], own[day]) for day in both}
    worst = max(both, key=lambda day: abs(by_day[day]))
    total = percent(sum(archive[day] for day in both), sum(own[day] for day in both))
    return Overlap(len(both), total, by_day[worst], worst)
