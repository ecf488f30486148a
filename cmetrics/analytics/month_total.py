"""One calendar month over several SDKs, and how much of it is known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cmetrics.analytics.model import DownloadItem, PointKind
from cmetrics.analytics.series import points_ending
from cmetrics.domain.days import Month

#: A snapshot counts about 30 days; this close to the end of its month it stands for the month.
SNAPSHOT_REACH = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """What is known of one calendar month over several SDKs."""

    month: Month
    value: int = 0
    #: Days counted and days there are, over all SDKs that are counted by day.
    observed: int = 0
    expected: int = 0
    #: SDKs by metric id: with a value; of these, with a snapshot in place of days; without a value
    #: though there are earlier ones; first counted after the month.
    known: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Nothing is missing of the SDKs that were counted then; snapshots may stand in."""
        return bool(self.known) and not self.lost and self.observed == self.expected

    @property
    def is_counted(self) -> bool:
        """Whole, and every day of it was counted."""
        return self.is_whole and not self.snapshots


def month_total(items: Sequence[DownloadItem], month: Month) -> MonthTotal:
    """Sum the downloads of ``month`` over ``items``."""
    first, last = month.first, month.last
    value = observed = expected = 0
    known, snapshots, lost, later = list[str](), list[str](), list[str](), list[str]()
    for item in items:
        name = item.metric.metric_id
        ending = points_ending(item.points, last)
        point = next((p for p in ending if p.kind is not PointKind.SEEDED and p.period_start == first), None)
        if point is not None:
            known.append(name)
            value += point.value
            observed += point.days_observed or 0
            expected += point.days_expected or 0
        elif (snapshot := _snapshot(item, last)) is not None:
            known.append(name)
            snapshots.append(name)
            value += snapshot
        else:
            begun = any(p.period_end <= last for p in item.points)
            (lost if begun else later).append(name)
    return MonthTotal(month, value, observed, expected, tuple(known), tuple(snapshots), tuple(lost), tuple(later))


def _snapshot(item: DownloadItem, last: date) -> int | None:
    """Return the newest snapshot taken at the end of the month that ends on ``last``."""
    found = (p for p in reversed(item.points) if p.kind is PointKind.SEEDED and p.period_end <= last)
    newest = next(found, None)
    return newest.value if newest and newest.period_end > last - SNAPSHOT_REACH else None
