"""The projection bar of the current month."""

from __future__ import annotations

from dataclasses import replace

from cmetrics.analytics.insight_results import Projection, ReasonKind, Scope
from cmetrics.charts.projection import WIDTH, projection_bar
from cmetrics.domain.days import Month

PROJECTED = Projection(
    scope=Scope.ALL,
    metric_id=None,
    product=None,
    month=Month(2026, 11),
    end=None,
    counted=500,
    days_observed=15,
    days_expected=30,
    value=1000,
    low=900,
    high=1250,
    months_tested=20,
    months_inside=16,
    reason=None,
    reason_kind=None,
    text="All downloads: projected 1,000 downloads.",
)


def test_positions_are_proportional():
    """Positions are proportional to the largest value, which fills the drawing."""
    bar = projection_bar(PROJECTED)
    assert bar is not None
    assert bar.interval == f"M{0.72 * (WIDTH - 2) + 1:.1f} 1v22M{0.72 * (WIDTH - 2) + 1:.1f} 12H399.0M399.0 1v22"
    assert [round(x / (WIDTH - 2), 2) for x in (bar.counted, bar.rest, bar.rest_at)] == [0.4, 0.4, 0.4]
    assert bar.text == PROJECTED.text


def test_a_month_can_be_above_its_interval():
    """A month above its interval stays within the drawing."""
    bar = projection_bar(replace(PROJECTED, counted=2000, value=2000))
    assert bar is not None
    assert (bar.counted, bar.rest) == (WIDTH - 2, 0)


def test_a_projection_without_a_value_has_no_bar():
    """A projection without a value has no bar."""
    refused = replace(PROJECTED, value=None, low=None, high=None, reason="x", reason_kind=ReasonKind.SHORT_HISTORY)
    assert projection_bar(refused) is None
