"""The data at the top of the overview: monthly totals, stars of all repositories, and the order of rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cmetrics.analytics.overview import (
    all_downloads_chart,
    by_size,
    first_time,
    star_flow_30,
    weekly_stars,
    year_change,
)
from tests.boards import AS_OF, a_board, a_package, a_repository, rows_of

FIRST = date(2026, 8, 1)


def test_sdk_of_several_names():
    """The sum of packages with different display names has the name of their SDK."""
    named = [
        replace(a_package("nodejs"), display_name="Web"),
        replace(a_package("nodejs", "two"), display_name="Server"),
    ]
    chart = all_downloads_chart(a_board(named, [row for metric in named for row in rows_of(metric, FIRST, AS_OF)]))
    assert [series.name for series in chart.series if series.split == "sdk"] == ["Node.js"]


def test_splits():
    """The sum of each month is equal by product, by SDK and in total; the largest part comes first."""
    metrics = [a_package("rust"), a_package("python"), a_package("nodejs", "two")]
    rows = [row for n, metric in enumerate(metrics) for row in rows_of(metric, FIRST, AS_OF, 10 * (n + 1))]
    chart = all_downloads_chart(a_board(metrics, rows))
    sums = {}
    for series in chart.series:
        sums.setdefault(series.split, []).append(series.months[2].value)
    assert {split: sum(values) for split, values in sums.items()} == dict.fromkeys(("product", "sdk", "total"), 31 * 60)
    assert all(values == sorted(values, reverse=True) for values in sums.values())
    assert [series.split for series in chart.shown] == ["product"] * 2
    assert len({series.key for series in chart.series}) == len(chart.series)


def test_no_packages():
    """Without packages, there is no chart of downloads."""
    assert all_downloads_chart(a_board([a_repository("a")])) is None
    assert first_time(None) is None


def test_first_time():
    """The largest round number that the last full month is the first to exceed."""
    package = a_package("a")
    rows = [*rows_of(package, FIRST, date(2026, 9, 30), 1000), *rows_of(package, date(2026, 10, 1), AS_OF, 2000)]
    found = first_time(all_downloads_chart(a_board([package], rows)))
    assert (found.name, found.step) == (None, 50_000)
    steady = rows_of(package, FIRST, AS_OF, 1000)
    assert first_time(all_downloads_chart(a_board([package], steady))) is None


def test_stars():
    """The net gain of full weeks over all repositories; a week without a count at either end is unknown."""
    metrics = [a_repository("a"), a_repository("b")]
    rows = [row for metric in metrics for row in rows_of(metric, FIRST, AS_OF, 100, 2)]
    board = a_board(metrics, rows)
    assert set(weekly_stars(board)) == {28}
    assert star_flow_30(board).net == 120
    gap = date(2026, 10, 11)
    missing = a_board(metrics, [row for row in rows if row.period_end != gap])
    assert weekly_stars(missing).count(None) == 2


def test_order():
    """Downloads come before stars, each in descending order."""
    metrics = [a_repository("a"), a_package("small"), a_package("large")]
    rows = [row for n, metric in enumerate(metrics) for row in rows_of(metric, FIRST, AS_OF, 100 * (n + 1))]
    items = a_board(metrics, rows).items
    assert [item.metric.subject for item in by_size(items)] == ["large", "small", metrics[0].subject]
    assert all(year_change(item) is None for item in items), "there is no value of a year before"
