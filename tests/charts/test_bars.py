"""Bars of table rows, bars of net stars and stacked bars."""

from __future__ import annotations

import re
from datetime import date

from cmetrics.analytics.overview import all_downloads_chart
from cmetrics.charts.spark import month_bars, net_bars
from cmetrics.charts.svg import draw
from cmetrics.domain.days import DAY, Month
from tests.boards import AS_OF, a_board, a_month, a_package, rows_of

NOVEMBER = Month(2026, 11)


def heights(path: str) -> list[float]:
    return [float(text) for text in re.findall(r"v-([\d.]+)h3", path)]


def test_month_bars():
    """The 24 months are in order, with a style for complete, last full, incomplete and current months."""
    points = [a_month(NOVEMBER.plus(n), 100 - n, missing=2 if n == -3 else 0) for n in range(-30, 0)]
    points.append(a_month(NOVEMBER, 50, missing=8, is_running=True))
    bars = month_bars(points, AS_OF)
    assert (len(heights(bars.earlier)), len(heights(bars.last)), len(heights(bars.partial))) == (21, 1, 2)
    assert max(heights(bars.earlier)) <= 30
    assert bars.last.startswith("M88 32")
    assert bars.partial.endswith("V32")
    assert not month_bars([], AS_OF)


def test_net_bars():
    """Gains are above the line and losses below it; an unknown week has no bar."""
    bars = net_bars([10, None, -5, 0])
    assert bars.gains == f"M0 {bars.zero}v-38.7h3V{bars.zero}"
    assert bars.losses == f"M8 {bars.zero}v19.3h3V{bars.zero}"


def test_stacked_bars():
    """The bars of a month are stacked up to their sum, which is labelled above the last one."""
    metrics = [a_package("a"), a_package("b", "two")]
    rows = [row for n, m in enumerate(metrics) for row in rows_of(m, date(2026, 9, 1), AS_OF - DAY, 100 * (n + 1))]
    drawing = draw(all_downloads_chart(a_board(metrics, rows)))
    by_month: dict[float, list] = {}
    for bar in drawing.bars:
        by_month.setdefault(bar.x, []).append(bar)
    assert [len(bars) for bars in by_month.values()] == [2, 2, 2]
    for lower, upper in by_month.values():
        assert abs(upper.y + upper.height - lower.y) < 0.11
        assert lower.width == upper.width
    assert drawing.last[""].text == "9,300"
    assert drawing.last[""].y == by_month[drawing.bars[1].x][1].y / 10
    running = list(by_month.values())[-1]
    assert all(bar.faint for bar in running)
