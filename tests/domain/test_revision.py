from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.revision import Revision, build_revisions, largest
from tests.samples import a_metric, a_row, a_snapshot

DAY_0 = date(2026, 11, 2)
AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
NPM, STARS = a_metric("npm"), a_metric("github")


def replaced(*changes: tuple[int, int, int], metric=NPM):
    """``(days after DAY_0, old value, new value)``."""
    return [(a_row(metric, DAY_0 + n * DAY, old), a_row(metric, DAY_0 + n * DAY, new)) for n, old, new in changes]


def built(*changes: tuple[int, int, int]) -> list[tuple[date, date, int, int]]:
    found = build_revisions(replaced(*changes), "run", AT)
    return [(r.first_day, r.last_day, r.old_value, r.new_value) for r in found]


def test_days_that_follow_each_other_and_changed_by_the_same_are_one_row_with_the_values_of_the_last():
    assert built((2, 12, 11), (0, 10, 9), (1, 11, 10)) == [(DAY_0, DAY_0 + 2 * DAY, 12, 11)]


def test_another_difference_a_hole_or_another_metric_begins_a_new_row():
    day = [DAY_0 + n * DAY for n in range(5)]
    assert built((0, 10, 9), (1, 10, 8), (3, 10, 8)) == [
        (day[0], day[0], 10, 9),
        (day[1], day[1], 10, 8),
        (day[3], day[3], 10, 8),
    ]
    both = [*replaced((0, 10, 9)), *replaced((1, 10, 9), metric=STARS)]
    assert [r.metric_id for r in build_revisions(both, "run", AT)] == [NPM.metric_id, STARS.metric_id]


def test_no_day_is_lost_or_doubled_when_rows_are_joined():
    revisions = build_revisions(replaced(*((n, 100 + n, 99 + n - n % 3) for n in range(20))), "run", AT)
    assert sum(revision.days for revision in revisions) == 20


def test_an_equal_value_and_a_snapshot_that_gives_way_are_no_revisions():
    assert built((0, 10, 10)) == []
    assert build_revisions([(a_snapshot(NPM, DAY_0, 900), a_row(NPM, DAY_0, 30))], "run", AT) == ()


@pytest.mark.parametrize(
    ("old", "new", "day", "unusual"),
    [
        (1000, 499, DAY_0, True),
        (1000, 500, DAY_0, False),
        (1000, 1501, DAY_0, True),
        (0, 900, DAY_0, True),
        (1000, 10, AT.date() - 8 * DAY, True),
        (1000, 10, AT.date() - 7 * DAY, False),
        (4, 9, DAY_0, False),
    ],
)
def test_a_settled_day_that_changes_by_more_than_half_is_unusual(old, new, day, unusual):
    assert Revision(NPM.metric_id, day, day, old, new, "run", AT).is_unusual is unusual


def test_the_largest_change_counts_in_either_direction():
    revisions = build_revisions(replaced((0, 10, 12), (1, 50, 20), (3, 10, 30)), "run", AT)
    assert largest(revisions).new_value == 20
    assert largest([]) is None
