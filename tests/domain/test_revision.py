from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.revision import Revision, largest
from tests.samples import a_metric

DAY_0 = date(2026, 11, 2)
AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
NPM = a_metric("npm")


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
    revisions = [Revision("m", DAY_0, DAY_0, old, new, "run", AT) for old, new in ((10, 12), (50, 20), (10, 30))]
    assert largest(revisions).new_value == 20
    assert largest([]) is None
