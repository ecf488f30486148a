"""Revisions of a run, computed by column, compared with a slow reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY
from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Revision
from cmetrics.ingest.revisions import Replaced, build_revisions
from cmetrics.store.schema import STATS, encode
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot

DAY_0 = date(2026, 11, 2)
AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
NPM, STARS = a_metric("npm"), a_metric("github")


def as_columns(pairs: Sequence[tuple[Observation, Observation]]) -> Replaced:
    old, new = ([pair[side] for pair in pairs] for side in (0, 1))
    return encode(old, STATS), encode(new, STATS)


def replaced(*changes: tuple[int, int, int], metric=NPM):
    """Return replaced rows for ``(days after DAY_0, old value, new value)``."""
    pairs = [(a_row(metric, DAY_0 + n * DAY, old), a_row(metric, DAY_0 + n * DAY, new)) for n, old, new in changes]
    return as_columns(pairs)


def built(*changes: tuple[int, int, int]) -> list[tuple[date, date, int, int]]:
    found = build_revisions([replaced(*changes)], "run", AT)
    return [(r.first_day, r.last_day, r.old_value, r.new_value) for r in found]


def test_consecutive_days_with_equal_changes_are_one_revision():
    assert built((2, 12, 11), (0, 10, 9), (1, 11, 10)) == [(DAY_0, DAY_0 + 2 * DAY, 12, 11)]


def test_a_new_revision_starts_with_another_change_gap_or_metric():
    day = [DAY_0 + n * DAY for n in range(5)]
    assert built((0, 10, 9), (1, 10, 8), (3, 10, 8)) == [
        (day[0], day[0], 10, 9),
        (day[1], day[1], 10, 8),
        (day[3], day[3], 10, 8),
    ]
    both = [replaced((0, 10, 9)), replaced((1, 10, 9), metric=STARS)]
    assert [r.metric_id for r in build_revisions(both, "run", AT)] == [NPM.metric_id, STARS.metric_id]


def test_joined_revisions_cover_every_day_once():
    revisions = build_revisions([replaced(*((n, 100 + n, 99 + n - n % 3) for n in range(20)))], "run", AT)
    assert sum(revision.days for revision in revisions) == 20


def test_equal_values_and_replaced_snapshots_are_not_revisions():
    assert built((0, 10, 10)) == []
    assert build_revisions([as_columns([(a_snapshot(NPM, DAY_0, 900), a_row(NPM, DAY_0, 30))])], "run", AT) == ()


def slow_revisions(pairs: Sequence[tuple[Observation, Observation]]) -> list[Revision]:
    """Return the revisions, computed day by day."""
    found: list[Revision] = []
    for old, new in sorted(pairs, key=lambda pair: pair[0].key):
        if old.value == new.value or old.is_seed or new.is_seed:
            continue
        day = Revision(old.metric_id, old.period_end, old.period_end, old.value, new.value, "run", AT)
        last = found[-1] if found else None
        if (
            last is not None
            and (last.metric_id, last.last_day + DAY) == (day.metric_id, day.first_day)
            and last.difference == day.difference
            and last.is_unusual == day.is_unusual
        ):
            found[-1] = Revision(day.metric_id, last.first_day, day.last_day, day.old_value, day.new_value, "run", AT)
        else:
            found.append(day)
    return found


CHANGES = st.dictionaries(
    st.tuples(st.sampled_from([NPM, STARS]), st.integers(0, 20)),
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans()),
    max_size=30,
)


@settings(max_examples=deep(200), deadline=None)
@given(changes=CHANGES, cut=st.integers(0, 30))
def test_build_revisions(changes, cut):
    """For any changes in one or two merges, the result equals the slow reference."""
    pairs = [
        ((a_snapshot if seeded else a_row)(metric, DAY_0 + n * DAY, old), a_row(metric, DAY_0 + n * DAY, new))
        for (metric, n), (old, new, seeded) in changes.items()
    ]
    found = build_revisions([as_columns(pairs[:cut]), as_columns(pairs[cut:])], "run", AT)
    assert list(found) == slow_revisions(pairs)
