"""One calendar month over several SDKs: its total, and its change like for like. Pure.

Two rules decide whether months are compared, and their results may differ. The headline of the page compares
here what is stored: every day of both months needs a value, whatever it is. Roll-ups and reports compare in
:func:`cmetrics.analytics.rollups.compare` what can be relied on: no day that is lost, counted in part or under
review, and no change in the way of counting. Both leave out metrics like for like, up to the same share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cmetrics.analytics.model import DownloadItem, MonthComparison, PeriodPoint, PointKind
from cmetrics.analytics.rollups import LEFT_OUT_SHARE
from cmetrics.analytics.series import change, month_of, points_ending
from cmetrics.domain.days import Month

#: A snapshot covers about 30 days. If it is this close to the end of a month, it counts as the total of the month.
SNAPSHOT_REACH = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """The downloads of one calendar month over several SDKs."""

    month: Month
    value: int = 0
    #: Counted days and all days, over all SDKs with daily data.
    observed: int = 0
    expected: int = 0
    #: SDKs by metric id: with a value; of these, with a snapshot instead of days; without a value although earlier
    #: ones exist; first counted after the month.
    known: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no day is missing for the SDKs that were counted then. Snapshots count as whole months."""
        return bool(self.known) and not self.lost and self.observed == self.expected

    @property
    def is_counted(self) -> bool:
        """Whether the month is whole without snapshots."""
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


def compare_months(points: Mapping[str, Sequence[PeriodPoint]], month: Month, back: int) -> MonthComparison:
    """Compare ``month`` with the month ``back`` months earlier, like for like: over the metrics complete in both.

    ``points`` has the months of each metric by id. A metric that is not complete in both months is left out. There is
    no change if those left out have more than a tenth of the downloads in either month. Metrics without a value in
    both months are not part of the comparison.
    """
    now = before = whole = left_out_weight = known = 0
    left_out: list[str] = []
    month_before = month.plus(-back)
    for metric_id, of_metric in points.items():
        earlier, later = month_of(of_metric, month_before), month_of(of_metric, month)
        known += later is not None
        weight = max(point.value if point else 0 for point in (earlier, later))
        whole += weight
        if earlier and later and earlier.is_complete and later.is_complete:
            now, before = now + later.value, before + earlier.value
        elif earlier or later:
            left_out.append(metric_id)
            left_out_weight += weight
    if len(left_out) >= known or left_out_weight > LEFT_OUT_SHARE * whole:
        return MonthComparison(None, tuple(left_out))
    return MonthComparison(change(before, now), tuple(left_out))


def _snapshot(item: DownloadItem, last: date) -> int | None:
    """Return the newest snapshot taken at the end of the month that ends on ``last``."""
    found = (p for p in reversed(item.points) if p.kind is PointKind.SEEDED and p.period_end <= last)
    newest = next(found, None)
    return newest.value if newest and newest.period_end > last - SNAPSHOT_REACH else None
