"""Sets of days as spans, compared with sets of dates."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.day_set import DaySet, build_day_sets
from cmetrics.domain.days import DAY, day_range
from tests.depth import deep

DAY_0 = date(2026, 11, 2)
DAYS = st.frozensets(st.integers(0, 14).map(lambda n: DAY_0 + n * DAY), max_size=15)


@settings(max_examples=deep(300), deadline=None)
@given(one=DAYS, other=DAYS, third=DAYS)
def test_day_set(one, other, third):
    """Operations equal those of sets of dates, with either type on both sides."""
    days = DaySet(one)
    assert list(days) == sorted(one)
    assert (len(days), bool(days)) == (len(one), bool(one))
    assert (days.first, days.last) == (min(one, default=None), max(one, default=None))
    assert [day in days for day in day_range(DAY_0 - DAY, DAY_0 + 15 * DAY)] == [
        day in one for day in day_range(DAY_0 - DAY, DAY_0 + 15 * DAY)
    ]
    for right in (other, DaySet(other), set(other)):
        assert days - right == one - other
        assert days & right == one & other
        assert days | right == one | other
        assert (days == right) is (one == other)
    assert other - days == other - one
    assert other & days == other & one
    assert other | days == other | one
    assert set(other) - days == other - one
    assert DaySet.union(map(DaySet, (one, other, third))) == one | other | third
    assert (hash(days) == hash(DaySet(other))) or one != other
    assert DaySet.of(days) is days


def test_between():
    """Both ends are included; a reversed range is empty."""
    assert DaySet.between(DAY_0, DAY_0 + 2 * DAY) == {DAY_0, DAY_0 + DAY, DAY_0 + 2 * DAY}
    assert DaySet.between(DAY_0, DAY_0 - DAY) == set()
    assert "2026-11-02" not in DaySet([DAY_0])


@settings(max_examples=deep(100), deadline=None)
@given(sets=st.lists(DAYS, max_size=5), copies=st.integers(1, 2))
def test_build_day_sets(sets, copies):
    """The sets of all owners are built in one pass, even with duplicate rows."""
    rows = [(owner, day.toordinal()) for owner, days in enumerate(sets) for day in sorted([*days] * copies)]
    owners, days = (np.array([row[n] for row in rows], np.int64) for n in (0, 1))
    assert build_day_sets(owners, days, len(sets)) == sets
