"""The numbers of a final month are reconstructed from the store, whatever was revised later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.frozen import FrozenMonth, LaterChange, freeze_month, observed_times
from cmetrics.domain.days import DAY, Month, day_range
from cmetrics.domain.revision import Revision
from tests.depth import deep
from tests.samples import a_metric, a_row, a_table

PACKAGE, REPOSITORY = a_metric("npm"), a_metric("github")
MONTH = Month(2026, 10)
FINAL = datetime(2026, 11, 15, tzinfo=UTC)
STARS = {REPOSITORY.metric_id}


def october(**changed: int) -> dict[date, int]:
    return dict.fromkeys(day_range(MONTH.first, MONTH.last), 100)


def rows_of(values: dict[date, int], later: dict[date, datetime] | None = None, metric=PACKAGE):
    later = later or {}
    return [
        a_row(metric, day, value, **({"observed_at": later[day]} if day in later else {}))
        for day, value in values.items()
    ]


def revised(day: date, old: int, new: int, at: datetime, metric=PACKAGE, days: int = 1) -> Revision:
    return Revision(metric.metric_id, day - (days - 1) * DAY, day, old, new, "r", at)


def freeze(table: SeriesTable, revisions: Iterable[Revision], now: datetime) -> FrozenMonth:
    return freeze_month(table, observed_times(table), revisions, MONTH, now, STARS)


def values_of(frozen, metric=PACKAGE) -> dict[date, int]:
    place = frozen.rows.slices.get(metric.metric_id, slice(0))
    return dict(
        zip(map(date.fromordinal, frozen.rows.days[place].tolist()), frozen.rows.values[place].tolist(), strict=True)
    )


def test_a_month_is_final_14_days_after_its_end():
    """Until then, the report contains all revisions."""
    table = a_table(rows_of(october()))
    before = freeze(table, (), FINAL - timedelta(seconds=1))
    after = freeze(table, (), FINAL)
    assert (before.is_final, after.is_final) == (False, True)
    assert before.final_on == after.final_on == FINAL.date()
    assert values_of(before) == values_of(after) == october()


def test_later_revisions_are_undone_and_listed():
    """The rows are those of the final day, and later changes are listed."""
    day, at = date(2026, 10, 9), datetime(2026, 11, 20, 6, tzinfo=UTC)
    early = datetime(2026, 11, 2, 6, tzinfo=UTC)
    table = a_table(rows_of(october() | {day: 160}, {day: at}))
    revisions = [revised(day, 90, 100, early), revised(day, 100, 160, at)]
    frozen = freeze(table, revisions, FINAL + 30 * DAY)
    assert values_of(frozen) == october()
    assert frozen.later == (LaterChange(at.date(), PACKAGE.metric_id, 1, 0, 60),)


def test_days_stored_later_are_excluded_and_listed():
    """A gap of October that is filled in December does not change the report."""
    day, at = date(2026, 10, 9), datetime(2026, 12, 20, 6, tzinfo=UTC)
    table = a_table(rows_of(october(), {day: at, day + DAY: at}))
    frozen = freeze(table, (), at + DAY)
    assert values_of(frozen) == {d: v for d, v in october().items() if d not in (day, day + DAY)}
    assert frozen.later == (LaterChange(at.date(), PACKAGE.metric_id, 0, 2, 200),)


def test_a_month_that_was_collected_later_is_final_later():
    """A month before the first run is final two weeks after its first value was stored."""
    at = datetime(2027, 3, 1, 6, tzinfo=UTC)
    table = a_table(rows_of(october(), dict.fromkeys(october(), at)))
    early = freeze(table, (), at + DAY)
    assert (early.is_final, values_of(early)) == (False, october())
    late = freeze(table, (), at + 16 * DAY)
    assert (late.is_final, late.final_on, values_of(late), late.later) == (True, date(2027, 3, 16), october(), ())


def test_stars_are_listed_when_the_count_at_the_end_changes():
    """A removed star lowers many reconstructed days, of which the report shows the last."""
    at = datetime(2026, 12, 1, 6, tzinfo=UTC)
    table = a_table(rows_of(october(), dict.fromkeys([MONTH.last], at), metric=REPOSITORY))
    inside = revised(date(2026, 10, 20), 101, 100, at, REPOSITORY, days=5)
    to_end = revised(MONTH.last, 101, 100, at, REPOSITORY)
    frozen = freeze(table, [inside, to_end], at + DAY)
    assert values_of(frozen, REPOSITORY)[date(2026, 10, 18)] == 101
    assert values_of(frozen, REPOSITORY)[MONTH.last] == 101
    assert frozen.later == (LaterChange(at.date(), REPOSITORY.metric_id, 1, 0, -1),)


@settings(max_examples=deep(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40), st.integers(0, 500)), max_size=25))
def test_later_revisions_do_not_change_a_final_month(changes):
    """Revisions after the final day do not change the rows, whenever the report is rebuilt."""
    values, later, revisions = october(), {}, []
    for place, night, value in sorted(changes, key=lambda change: change[1]):
        day, at = MONTH.first + place * DAY, FINAL + night * DAY
        if value != values[day]:
            revisions.append(revised(day, values[day], value, at))
            values[day], later[day] = value, at
        frozen = freeze(a_table(rows_of(values, later)), revisions, at + DAY)
        assert values_of(frozen) == october()
        assert sum(change.difference for change in frozen.later) == sum(values.values()) - 3100
