"""Published figures are valid for Plotly and have the stored values."""

from __future__ import annotations

from datetime import date

import plotly.io

from cmetrics.analytics.chart import group_charts, item_chart, total_stars_chart
from cmetrics.analytics.overview import all_downloads_chart
from cmetrics.charts.figure import render_figure
from cmetrics.charts.scale import scale_of
from cmetrics.domain.days import DAY, Month, day_range
from tests.boards import AS_OF, a_board, a_package, a_repository, an_event, rows_of


def read(chart, notice: str = ""):
    """Return the figure as a notebook reads it, with every property checked by Plotly."""
    content = render_figure(chart, scale_of(chart), notice=notice)
    assert content == render_figure(chart, scale_of(chart), notice=notice)
    return plotly.io.from_json(content, skip_invalid=False)


def a_full_board():
    packages = [a_package("a"), a_package("b", "two")]
    stars = [a_repository("r"), a_repository("s", "two")]
    rows = [row for n, m in enumerate(packages) for row in rows_of(m, date(2026, 7, 20), AS_OF - DAY, 100 * (n + 1))]
    rows += [row for n, m in enumerate(stars) for row in rows_of(m, date(2024, 1, 1), AS_OF, 1000 * (n + 1), 1)]
    events = [an_event(date(2026, 9, 3), "one", "two", label="1 < 2")]
    return a_board([*packages, *stars], rows, events=events)


def test_months():
    """The bars of all downloads are sums of days, with a pattern for months with missing days."""
    figure = read(all_downloads_chart(a_full_board()))
    two, one = figure.data
    assert (two.name, two.type, two.meta) == ("Two", "bar", {"series": "product-two"})
    assert list(two.x) == ["2026-07-16", "2026-08-16", "2026-09-15", "2026-10-16", "2026-11-15"]
    days = [len([d for d in day_range(date(2026, 7, 20), AS_OF - DAY) if d.month == month]) for month in range(7, 12)]
    assert list(two.y) == [200 * count for count in days]
    assert list(one.y) == [100 * count for count in days]
    assert list(two.marker.pattern.shape) == ["/", "", "", "", "/"]
    assert tuple(figure.layout.xaxis.range) == ("2026-06-01 00:00", "2026-12-01 00:00")
    assert list(figure.layout.xaxis.ticktext) == ["Jun 2026", "Jul", "Aug", "Sep", "Oct", "Nov"]
    assert figure.layout.title.text == "Downloads per month"
    assert figure.layout.title.subtitle.text == "All packages, since Jul 2026"
    assert [note.text for note in figure.layout.annotations] == ["1"]
    assert figure.layout.annotations[0].hovertext == "1 &lt; 2"


def test_bars_cover_their_months():
    """A bar is centred in its month."""
    figure = read(all_downloads_chart(a_full_board()))
    for x, offset, width in zip(figure.data[0].x, figure.data[0].offset, figure.data[0].width, strict=True):
        month = Month.of(date.fromisoformat(x))
        left = (date.fromisoformat(x) - month.first).days * 86_400_000 + offset
        assert abs(left - (month.days * 86_400_000 - left - width)) <= 1


def test_days():
    """The line of stars has every day, and the last day has a mark."""
    board = a_full_board()
    figure = read(total_stars_chart(board))
    line, last = figure.data[:2]
    assert (line.type, line.mode, line.connectgaps) == ("scatter", "lines", False)
    assert (line.x[0], line.x[-1], len(line.x)) == ("2024-12-01", AS_OF.isoformat(), 722)
    first, second = (next(i for i in board.items if i.metric.subject == f"owner/{name}") for name in "rs")
    assert line.y[-1] == first.points[-1].value + second.points[-1].value
    assert (list(last.x), list(last.y), last.mode) == ([AS_OF.isoformat()], [line.y[-1]], "markers")


def test_all_kinds():
    """Every chart of the site is a valid figure, also without data."""
    for board in (a_full_board(), a_board([a_package("a"), a_repository("r")])):
        charts = [chart for group in board.groups for chart in group_charts(board, group)]
        charts += [item_chart(board, item) for item in board.items]
        for chart in charts:
            figure = read(chart, notice="Sample data")
            assert figure.layout.title.text.startswith("Sample data · ")
            assert figure.layout.meta["chart"] == chart.key
            assert len(figure.layout.yaxis.tickvals) <= 6
