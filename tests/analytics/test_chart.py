from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.chart import (
    PARTS_BESIDE_TOTAL,
    SERIES_SHOWN,
    ChartKind,
    extent_of,
    group_charts,
    item_chart,
    month_rows,
    total_stars_chart,
)
from cmetrics.analytics.model import Change, PointKind
from cmetrics.domain.days import DAY, Month
from tests.boards import AS_OF, a_board, a_chart, a_month, a_package, a_repository, a_seed, a_series, an_event, rows_of
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot

PYTHON = a_metric("pypistats", metric_id="downloads:one:python", product="one", subject="pylance")
NODE = a_package("nodejs", daily_from=date(2026, 6, 1))
STARS, OTHER_STARS = a_repository("a"), a_repository("b", "two")
FIRST = date(2026, 9, 1)


def only_chart(metric, rows, **changes):
    board = a_board([metric], rows, **changes)
    return item_chart(board, board.items[0])


# -- which charts, which series ------------------------------------------------------------------


def test_a_product_has_a_chart_of_downloads_and_one_of_stars():
    board = a_board([STARS, PYTHON, NODE])
    downloads, stars = group_charts(board, board.groups[0])
    assert (downloads.key, downloads.title, downloads.kind) == ("downloads-one", "Downloads of One", ChartKind.FLOW)
    assert (stars.key, stars.title, stars.kind) == ("stars-one", "GitHub stars of One", ChartKind.STOCK)
    assert [series.metric_id for series in downloads.series] == [PYTHON.metric_id, NODE.metric_id]
    assert [series.metric_id for series in stars.series] == [STARS.metric_id]
    assert (downloads.as_of, downloads.left_out) == (AS_OF, 0)


@pytest.mark.parametrize(("metric", "key"), [(NODE, "downloads-one"), (STARS, "stars-one")])
def test_an_absent_family_has_no_chart(metric, key):
    board = a_board([metric])
    assert [chart.key for chart in group_charts(board, board.groups[0])] == [key]


def test_series_have_distinct_names():
    board = a_board([PYTHON, STARS])
    downloads, stars = group_charts(board, board.groups[0])
    (python,), (repository,) = downloads.series, stars.series
    assert (python.key, python.name, python.subject) == ("downloads-one-python", "Python (pylance)", "pylance")
    assert (repository.key, repository.name) == ("stars-one-a", "owner/a")
    assert (python.source_title, repository.source_title) == ("pypistats.org", "api.github.com")


def test_many_series():
    """The largest of many packages are drawn, in descending order, and the others as one series."""
    metrics = [a_package(f"sdk{n}") for n in range(SERIES_SHOWN + 3)]
    sizes = [3, 0, 9, 7, None, 8, 1, 2, 6, 5, 4]
    rows = [
        row
        for metric, size in zip(metrics, sizes, strict=True)
        if size is not None
        for row in rows_of(metric, date(2026, 10, 1), AS_OF, size)
    ]
    board = a_board(metrics, rows)
    (chart,) = group_charts(board, board.groups[0])
    *shown, others = chart.series
    assert [series.metric_id for series in shown] == [metrics[n].metric_id for n in (2, 5, 3, 8, 9, 10, 0)]
    assert (others.name, others.metric_id) == ("4 others", None)
    assert others.members == tuple(metrics[n].metric_id for n in (7, 6, 1, 4))
    assert len({series.tone for series in chart.series}) == SERIES_SHOWN
    october = [series.months[0].value for series in chart.series]
    assert sum(october) == 31 * sum(size or 0 for size in sizes)
    assert others.days[0].value == 3
    assert (chart.left_out, chart.scope) == (0, "11 packages")


def test_many_repositories():
    """The largest of many repositories are drawn, in catalogue order, and the others are omitted."""
    metrics = [a_repository(f"r{n}") for n in range(SERIES_SHOWN + 2)]
    rows = [row for n, metric in enumerate(metrics) for row in rows_of(metric, FIRST, AS_OF, n + 1)]
    board = a_board(metrics, rows)
    (chart,) = group_charts(board, board.groups[0])
    assert [series.metric_id for series in chart.series] == [metric.metric_id for metric in metrics[2:]]
    assert chart.left_out == 2


def test_a_chart_has_only_the_events_of_its_product():
    first, second, both = an_event(AS_OF - 3 * DAY), an_event(AS_OF - 2 * DAY, "two"), an_event(AS_OF, "one", "two")
    board = a_board([PYTHON, STARS, OTHER_STARS], events=[first, second, both])
    assert [chart.events for chart in group_charts(board, board.groups[0])] == [(first, both)] * 2
    assert item_chart(board, board.items[-1]).events == (second, both)
    assert total_stars_chart(board).events == (first, second, both)


def test_a_chart_of_one_metric_has_its_name():
    board = a_board([PYTHON, STARS], rows_of(PYTHON, FIRST, AS_OF))
    downloads, stars = (item_chart(board, item) for item in board.items)
    assert (downloads.key, downloads.title) == ("downloads-one-python", "Downloads of pylance (Python)")
    assert (stars.key, stars.title, stars.kind) == ("stars-one-a", "GitHub stars of owner/a", ChartKind.STOCK)
    assert [chart.is_empty for chart in (downloads, stars)] == [False, True]
    assert len(downloads.series) == len(stars.series) == 1


def test_a_chart_of_one_snapshot_is_not_empty():
    assert not only_chart(NODE, [a_snapshot(NODE, date(2026, 1, 1), 5)]).is_empty


def test_a_series_has_every_grain():
    flow = only_chart(PYTHON, rows_of(PYTHON, FIRST, AS_OF)).series[0]
    assert [point.value for point in flow.months] == [300, 310, 220]
    assert len(flow.days) == (AS_OF - FIRST).days + 1
    stock = only_chart(STARS, rows_of(STARS, FIRST, AS_OF, 100, grows=1)).series[0]
    assert [(point.period_end, point.value) for point in stock.months] == [
        (date(2026, 9, 30), 129),
        (date(2026, 10, 31), 160),
        (date(2026, 11, 30), 182),
    ]
    assert stock.days[-1].value == 182


# -- colours -------------------------------------------------------------------------------------


def test_a_series_has_the_colour_of_its_metric_in_every_chart():
    repositories = [a_repository("a"), a_repository("b"), a_repository("c", "two")]
    board = a_board([*repositories, a_package("java"), NODE])
    tones = {item.metric.metric_id: item.tone for item in board.items}
    charts = [chart for group in board.groups for chart in group_charts(board, group)]
    charts += [total_stars_chart(board), *(item_chart(board, item) for item in board.items)]
    drawn = [(series.metric_id, series.tone) for chart in charts for series in chart.series if series.metric_id]
    assert len(drawn) == 3 * 3 + 2 * 2
    assert set(drawn) == set(tones.items())


# -- all repositories ----------------------------------------------------------------------------


def test_one_repository_has_no_chart_of_all_of_them():
    assert total_stars_chart(a_board([STARS, PYTHON], rows_of(STARS, FIRST, AS_OF))) is None


def test_the_total_of_stars_is_first_and_the_sum_of_its_parts():
    rows = [*rows_of(STARS, FIRST, AS_OF, 100, 1), *rows_of(OTHER_STARS, FIRST, AS_OF, 1000)]
    chart = total_stars_chart(a_board([STARS, OTHER_STARS], rows))
    total, *parts = chart.series
    assert (total.metric_id, total.tone, total.subject) == (None, "total", "all 2 repositories")
    assert [part.metric_id for part in parts] == [STARS.metric_id, OTHER_STARS.metric_id]
    for one, two, both in zip(parts[0].days, parts[1].days, total.days, strict=True):
        assert (both.day, both.value) == (one.day, one.value + two.value)
    assert [point.value for point in total.months] == [1129, 1160, 1182]
    extent = extent_of(chart, total)
    assert (extent.first, extent.last) == (1100, 1182)


@pytest.mark.parametrize(
    ("repositories", "series"), [(PARTS_BESIDE_TOTAL, PARTS_BESIDE_TOTAL + 1), (PARTS_BESIDE_TOTAL + 1, 1)]
)
def test_few_parts_are_drawn_with_their_total(repositories, series):
    board = a_board([a_repository(f"r{n}") for n in range(repositories)])
    chart = total_stars_chart(board)
    assert len(chart.series) == series
    assert chart.series[0].tone == "total"


# -- the extent of a series ----------------------------------------------------------------------


def test_the_extent_of_downloads_is_of_full_months_and_snapshots():
    rows = [
        a_snapshot(NODE, date(2026, 3, 15), 500),
        *(row for row in rows_of(NODE, date(2026, 6, 1), AS_OF, 20) if row.period_end != date(2026, 7, 4)),
        *rows_of(NODE, date(2026, 11, 23), date(2026, 11, 30), 999),
    ]
    extent = extent_of(chart := only_chart(NODE, rows), chart.series[0])
    assert (extent.first_day, extent.first) == (date(2026, 3, 15), 500)
    assert (extent.last_day, extent.last) == (date(2026, 10, 31), 620)
    assert (extent.peak_day, extent.peak) == (date(2026, 10, 31), 620)
    assert extent.change == Change(120, 24.0)


def test_the_extent_of_stars_excludes_estimates():
    rows = [*rows_of(STARS, FIRST, AS_OF, 100, 1), *rows_of(OTHER_STARS, FIRST, AS_OF, 50)]
    holed = [row for row in rows if (row.metric_id, row.period_end) != (STARS.metric_id, date(2026, 10, 1))]
    chart = total_stars_chart(a_board([STARS, OTHER_STARS], holed))
    assert chart.series[0].days[30].kind is PointKind.ESTIMATED
    extent = extent_of(chart, chart.series[0])
    assert (extent.first_day, extent.last_day, extent.peak) == (FIRST, AS_OF, 232)
    # The window may begin with an estimated value.
    shown = (AS_OF - date(2026, 10, 1)).days + 1
    cut = total_stars_chart(a_board([STARS, OTHER_STARS], holed, days=shown))
    assert (cut.series[0].days[0].day, extent_of(cut, cut.series[0]).first_day) == (
        date(2026, 10, 1),
        date(2026, 10, 2),
    )


@settings(deadline=None, max_examples=deep(60))
@given(st.dictionaries(st.dates(date(2026, 9, 1), AS_OF), st.integers(0, 10**15), min_size=1, max_size=30))
def test_the_extent_of_stars_is_their_first_their_last_and_their_peak(values):
    chart = only_chart(STARS, [a_row(STARS, day, value) for day, value in values.items()])
    extent = extent_of(chart, chart.series[0])
    first, last = min(values), max(values)
    assert (extent.first_day, extent.first, extent.last_day, extent.last) == (first, values[first], last, values[last])
    assert extent.peak == values[extent.peak_day] == max(values.values())
    assert extent.peak_day == max(day for day, value in values.items() if value == extent.peak)
    assert extent.change.absolute == values[last] - values[first]
    assert (extent.change.percent is None) == (values[first] == 0)


def test_without_complete_periods_there_is_no_extent():
    for chart in (only_chart(PYTHON, rows_of(PYTHON, date(2026, 11, 1), AS_OF)), only_chart(STARS, [])):
        assert extent_of(chart, chart.series[0]) is None


# -- tables --------------------------------------------------------------------------------------

MONTHS = st.dictionaries(st.integers(0, 12).map(Month(2025, 10).plus), st.integers(0, 99), max_size=8)
SEEDS = st.dictionaries(st.dates(date(2025, 10, 1), date(2026, 3, 1)), st.integers(0, 99), max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(MONTHS, SEEDS), min_size=1, max_size=4))
def test_a_table_has_every_value_once_in_its_column(columns):
    series = [
        a_series(months=(*(a_month(m, v) for m, v in sums.items()), *(a_seed(d, v) for d, v in seeds.items())))
        for sums, seeds in columns
    ]
    rows = month_rows(a_chart(ChartKind.FLOW, *series))
    for index, one in enumerate(series):
        cells = [row.cells[index] for row in rows if row.cells[index]]
        assert sorted(map(repr, cells)) == sorted(map(repr, one.months))
    for row in rows:
        assert len(row.cells) == len(series)
        assert any(row.cells)
        assert {(p.period_start, p.period_end) for p in row.cells if p} == {(row.period_start, row.period_end)}
        assert {p.kind is PointKind.SEEDED for p in row.cells if p} == {row.is_snapshot}
    assert [row.period_end for row in rows] == sorted((row.period_end for row in rows), reverse=True)


def test_a_snapshot_of_the_last_day_is_a_separate_row():
    october = Month(2025, 10)
    sums, seeds = a_series(months=(a_month(october, 310),)), a_series(months=(a_seed(october.last, 500),))
    assert [
        (row.is_snapshot, [cell and cell.value for cell in row.cells])
        for row in month_rows(a_chart(ChartKind.FLOW, sums, seeds))
    ] == [(True, [None, 500]), (False, [310, None])]
