from __future__ import annotations

from dataclasses import replace

import pytest

from cmetrics.domain.kind import DOWNLOADS, STARS, Measure, counter, flow, rolling, stock
from cmetrics.sources import SPECS

PULLS, LIKES, INSTALLS, VIEWS = counter("pulls"), stock("likes"), rolling("installs", 30), flow("views")


@pytest.mark.parametrize(
    ("measure", "value_kind", "source_window"),
    [
        (DOWNLOADS, "daily_downloads", "1d"),
        (VIEWS, "daily_views", "1d"),
        (STARS, "cumulative_stars", "cumulative_snapshot"),
        (LIKES, "cumulative_likes", "cumulative_snapshot"),
        (PULLS, "cumulative_pulls", "cumulative_snapshot"),
        (INSTALLS, "rolling_30d_installs", "30d"),
        (rolling("downloads", 7), "rolling_7d_downloads", "7d"),
    ],
)
def test_columns(measure: Measure, value_kind: str, source_window: str):
    """The columns match the documented ones."""
    assert (measure.value_kind, measure.source_window) == (value_kind, source_window)


@pytest.mark.parametrize(
    "measure", [VIEWS, STARS, LIKES, PULLS, INSTALLS, counter("downloads"), rolling("downloads", 7)]
)
def test_totals_include_daily_downloads_only(measure: Measure):
    """Totals of downloads exclude counters, rolling windows and traffic."""
    assert DOWNLOADS.is_in_totals
    assert not measure.is_in_totals


def test_labels_of_a_window_state_its_length():
    """A value of 30 days is not called monthly."""
    assert (INSTALLS.card_label, INSTALLS.badge_label) == ("installs in 30 days", "installs / 30 days")
    assert (PULLS.card_label, PULLS.badge_label) == ("pulls", "pulls")


def test_measures_without_history_are_read_nightly():
    """A rolling window is read every night, even if the service keeps older ones."""
    nightly = [PULLS, LIKES, INSTALLS, rolling("downloads", 7, has_history=True)]
    assert [measure.is_read_nightly for measure in nightly] == [True] * 4
    assert [measure.is_read_nightly for measure in (DOWNLOADS, VIEWS, STARS)] == [False] * 3


def test_measures_of_a_source_differ_in_the_store():
    """Two counts of one subject with the same value kind would share an id."""
    with pytest.raises(ValueError, match="different value kinds"):
        replace(SPECS["npm"], measures={"a": rolling("installs", 30), "b": rolling("installs", 30)})
    with pytest.raises(ValueError, match="none"):
        replace(SPECS["npm"], measures={})


def test_lag():
    """Only weekly windows may have an old newest value."""
    weekly = rolling("downloads", 7, has_history=True)
    assert [measure.lag_days for measure in (DOWNLOADS, STARS, PULLS, INSTALLS, weekly)] == [0, 0, 0, 0, 7]
    assert replace(PULLS, every_days=7).lag_days == 6
