from __future__ import annotations

from datetime import date

import pytest

from cmetrics.domain.days import DAY
from cmetrics.sources.overlap import compare_overlap

FIRST = date(2026, 6, 1)


def series(*values: int) -> dict[date, int]:
    return {FIRST + n * DAY: value for n, value in enumerate(values)}


def test_only_common_days_are_compared():
    overlap = compare_overlap(series(101, 202, 9) | {FIRST - DAY: 5}, series(100, 200))
    assert (overlap.days, overlap.total) == (2, pytest.approx(1.0))
    assert overlap.ref == "overlap +1.0% over 2 days"


def test_the_total_is_weighted_by_downloads_and_the_worst_day_is_named():
    overlap = compare_overlap(series(1000, 8, 100), series(1000, 10, 100))
    assert overlap.total == pytest.approx(-2 / 11.1)
    assert (overlap.largest, overlap.largest_day) == (pytest.approx(-20.0), FIRST + DAY)
    assert "-0.2% over the 3 days" in overlap.sentence
    assert f"-20.0% on the worst one ({FIRST + DAY})" in overlap.sentence


@pytest.mark.parametrize("own", [{}, {FIRST - DAY: 4}, {FIRST: 0}])
def test_without_a_common_day_there_is_no_comparison(own):
    overlap = compare_overlap(series(5, 6), own)
    assert (overlap.days, overlap.ref) == (0, "overlap not compared")
    assert "no day has a count in both" in overlap.sentence
