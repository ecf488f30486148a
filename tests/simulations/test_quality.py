"""The insights are right as often as the documentation states."""

from __future__ import annotations

import pytest

from tests.docs.blocks import read_block
from tests.simulations import quality
from tests.simulations.__main__ import HEAD, PAGE, line
from tests.simulations.quality import CALM, Figure


def broken(*figures: Figure) -> list[str]:
    """Return the figures that miss their bound."""
    return [f"{figure.what}: {figure.value:.4f}" for figure in figures if not figure.meets_bound]


def test_few_cases():
    """A part of the cases is simulated: false alarms, detection, outages, steps at events, and projections."""
    assert broken(quality.false_alarms(100, "calm", CALM)) == []
    assert broken(*quality.detection(100)) == []
    assert broken(quality.outages(6, every=9)) == []
    assert broken(*quality.projected(40)) == []
    # A rate near its bound needs more cases.
    steps = {figure.what: figure.value for figure in quality.steps_at_events(40)}
    assert steps["effect: +20% at the event is above, calm"] >= 0.8
    assert steps["effect: +40% planted 20 days before the event is above"] <= 0.1


def test_a_bound_can_be_missed():
    """A figure below its minimum or above its maximum misses its bound."""
    assert not Figure("x", 0.94, 0.95, is_minimum=True, cases=1).meets_bound
    assert not Figure("x", 0.011, 0.01, is_minimum=False, cases=1).meets_bound
    assert Figure("x", 0.01, 0.01, is_minimum=False, cases=1).meets_bound


@pytest.mark.long
def test_all_cases():
    """Every figure of `python -m tests.simulations` meets its bound, and is in the documentation."""
    figures = list(quality.measure())
    assert broken(*figures) == []
    assert read_block(PAGE, "figures").splitlines() == [*HEAD.splitlines(), *map(line, figures)]
