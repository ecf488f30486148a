"""Sums of several packages by month and by day."""

from __future__ import annotations

from datetime import date

from cmetrics.analytics.sums import complete_days, month_points
from cmetrics.domain.days import DAY
from tests.boards import AS_OF, a_board, a_package, rows_of
from tests.samples import a_snapshot

FIRST = date(2026, 8, 1)


def test_totals_by_month():
    """A month is the sum of its packages, and is incomplete if one of them has missing days."""
    metrics = [a_package("a"), a_package("b", "two")]
    rows = [*rows_of(metrics[0], FIRST, AS_OF, 10), *rows_of(metrics[1], FIRST, AS_OF, 5)]
    rows = [row for row in rows if row.metric_id != metrics[1].metric_id or row.period_end != date(2026, 9, 7)]
    board = a_board(metrics, rows)
    points = month_points([item for group in board.groups for item in group.downloads], board.as_of)
    assert [(p.period_start.month, p.value, p.is_complete, p.is_running) for p in points] == [
        (8, 31 * 15, True, False),
        (9, 30 * 15 - 5, False, False),
        (10, 31 * 15, True, False),
        (11, 22 * 15, False, True),
    ]
    assert (points[1].days_observed, points[1].days_expected) == (59, 60)


def test_published_totals():
    """A published total is shown for a month before daily data, which is never complete."""
    package = a_package("x", daily_from=date(2026, 10, 1))
    rows = [a_snapshot(package, date(2026, 9, 30), 400), *rows_of(package, date(2026, 10, 1), AS_OF)]
    board = a_board([package], rows)
    september, october, _ = month_points(board.groups[0].downloads, board.as_of)
    assert (september.value, september.days_observed, september.is_complete) == (400, None, False)
    assert october.is_complete


def test_days_of_several_packages():
    """A day counts if every package that has started has a value; later packages have no effect."""
    metrics = [a_package("a"), a_package("b")]
    rows = [*rows_of(metrics[0], FIRST, AS_OF, 10), *rows_of(metrics[1], date(2026, 9, 1), AS_OF - 2 * DAY, 5)]
    points = complete_days(a_board(metrics, rows).groups[0].downloads)
    values = dict(zip(points.dates, points.values.tolist(), strict=True))
    assert values[FIRST] == 10
    assert values[date(2026, 9, 1)] == 15
    assert max(values) == AS_OF - 2 * DAY
