from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.calendar import DAYS_SHOWN, Calendar, DayState, Row, build_calendar
from cmetrics.analytics.gaps import Gap, Reason, count_missing_days
from cmetrics.domain.days import DAY, day_range
from tests.boards import AS_OF, a_board, a_package, a_repository, rows_of
from tests.depth import deep
from tests.samples import a_row, a_snapshot

PACKAGE = a_package("nodejs", daily_from=date(2026, 6, 1))
STARS, OTHER_STARS = a_repository("a"), a_repository("b", "two")
FIRST = AS_OF - (DAYS_SHOWN - 1) * DAY
#: The oldest day of most tests, with which the calendar begins.
LONG_AGO = FIRST
BEFORE, OBSERVED, PENDING, MISSING = DayState.BEFORE, DayState.OBSERVED, DayState.PENDING, DayState.MISSING
SEEDED, ESTIMATED, RECONSTRUCTED = DayState.SEEDED, DayState.ESTIMATED, DayState.RECONSTRUCTED


def calendar_of(metrics, rows, **changes) -> Calendar:
    board = a_board(metrics, rows, **changes)
    return build_calendar(board, board.items)


def states_of(row: Row) -> list[tuple[DayState, int]]:
    return [(stretch.state, stretch.days) for stretch in row.stretches]


def without(rows, *days: date):
    return [row for row in rows if row.period_end not in days]


def ago(days: int) -> date:
    return AS_OF - days * DAY


def state_in(row: Row, day: date) -> DayState:
    (found,) = [stretch.state for stretch in row.stretches if stretch.first <= day <= stretch.last]
    return found


# -- laws ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=deep(60))
@given(
    days=st.sets(st.integers(0, 420), max_size=60),
    seeds=st.sets(st.integers(0, 420), max_size=5),
    run=st.tuples(st.integers(0, 400), st.integers(0, 200)),
)
def test_stretches_cover_all_days_with_the_state_of_their_rows(days, seeds, run):
    known = {ago(n) for n in (*days, *range(run[0], run[0] + run[1]))}
    snapshots = {ago(n) for n in seeds if ago(n) < PACKAGE.daily_from} - known
    # A value before `daily_from` counts, too.
    rows = [*(a_row(PACKAGE, day, 5) for day in known), *(a_snapshot(PACKAGE, day, 90) for day in snapshots)]
    found = calendar_of([PACKAGE], rows)
    (row,) = found.rows
    first = min([FIRST, *known, *snapshots])
    assert (found.first, found.last, found.days) == (first, AS_OF, (AS_OF - first).days + 1)
    assert (row.stretches[0].first, row.stretches[-1].last) == (first, AS_OF)
    assert all(later.first == earlier.last + DAY for earlier, later in pairwise(row.stretches))
    assert all(earlier.state != later.state for earlier, later in pairwise(row.stretches))
    assert all(s.offset == (s.first - first).days for s in row.stretches)
    assert all(s.days == (s.last - s.first).days + 1 for s in row.stretches)
    newest = max(known | snapshots, default=None)
    for day in day_range(first, AS_OF):
        state = state_in(row, day)
        assert (state is OBSERVED) == (day in known)
        assert (state is SEEDED) == (day in snapshots)
        if day not in known | snapshots:
            if not known or day < min(known):
                assert state is BEFORE
            else:
                assert state is (PENDING if day > newest and (AS_OF - day).days < 14 else MISSING)
    waits = [day for day in day_range(first, AS_OF) if state_in(row, day) is PENDING]
    holes = [day for day in day_range(first, AS_OF) if state_in(row, day) is MISSING]
    assert (row.known_days, row.pending_days) == (len(known | snapshots), len(waits))
    assert row.missing_days == len(waits) + len(holes)
    assert {day for gap in row.gaps for day in day_range(gap.first, gap.last)} == {*waits, *holes}


@settings(deadline=None)
@given(as_of=st.dates(date(2024, 1, 1), date(2032, 12, 31)))
def test_a_calendar_marks_every_first_of_a_month(as_of):
    found = calendar_of([PACKAGE], [], as_of=as_of)
    firsts = [found.first + offset * DAY for offset in found.month_offsets]
    assert firsts == [day for day in day_range(found.first, found.last) if day.day == 1]


# -- states --------------------------------------------------------------------------------------


def test_a_metric_without_rows_has_no_known_days():
    (row,) = calendar_of([PACKAGE], []).rows
    assert states_of(row) == [(BEFORE, DAYS_SHOWN)]
    assert (row.known_days, row.pending_days, row.missing_days, row.gaps) == (0, 0, 0, ())


@pytest.mark.parametrize(
    ("behind", "tail"),
    [
        (0, []),
        (1, [(PENDING, 1)]),
        (14, [(PENDING, 14)]),
        (15, [(MISSING, 1), (PENDING, 14)]),
        (40, [(MISSING, 26), (PENDING, 14)]),
    ],
)
def test_days_of_the_last_two_weeks_are_pending_and_older_ones_missing(behind, tail):
    (row,) = calendar_of([STARS], rows_of(STARS, LONG_AGO, ago(behind))).rows
    assert states_of(row) == [(OBSERVED, DAYS_SHOWN - behind), *tail]


def test_a_day_between_two_observed_ones_is_missing():
    (row,) = calendar_of([STARS], without(rows_of(STARS, LONG_AGO, AS_OF), ago(3), ago(200), ago(201))).rows
    assert states_of(row) == [
        (OBSERVED, DAYS_SHOWN - 202),
        (MISSING, 2),
        (OBSERVED, 196),
        (MISSING, 1),
        (OBSERVED, 3),
    ]
    assert [(gap.first, gap.last) for gap in row.gaps] == [(ago(201), ago(200)), (ago(3), ago(3))]
    assert row.known_days == DAYS_SHOWN - 3


def test_no_day_is_missing_before_the_first_daily_value():
    seeds = [a_snapshot(PACKAGE, ago(n), 100) for n in (300, 260)]
    (row,) = calendar_of([PACKAGE], [*seeds, *rows_of(PACKAGE, ago(99), AS_OF)]).rows
    assert states_of(row) == [
        (BEFORE, DAYS_SHOWN - 301),
        (SEEDED, 1),
        (BEFORE, 39),
        (SEEDED, 1),
        (BEFORE, 160),
        (OBSERVED, 100),
    ]
    assert row.known_days == 102


def test_a_snapshot_does_not_hide_observed_days():
    rows = [*rows_of(PACKAGE, ago(300), AS_OF), a_snapshot(PACKAGE, ago(290), 100)]
    (row,) = calendar_of([PACKAGE], rows).rows
    assert states_of(row) == [(BEFORE, DAYS_SHOWN - 301), (OBSERVED, 301)]


def test_reconstructed_counts_have_their_own_state():
    rows = [
        replace(row, source_ref="github-history:x") if row.period_end < ago(30) else row
        for row in rows_of(STARS, LONG_AGO, AS_OF)
    ]
    (row,) = calendar_of([STARS], rows).rows
    assert states_of(row) == [(RECONSTRUCTED, DAYS_SHOWN - 31), (OBSERVED, 31)]


# -- the total of stars --------------------------------------------------------------------------


def test_a_total_of_stars_is_estimated_where_one_repository_has_no_count():
    rows = [*rows_of(STARS, LONG_AGO, AS_OF), *without(rows_of(OTHER_STARS, ago(99), ago(2)), ago(50))]
    *_, total = calendar_of([STARS, OTHER_STARS], rows).rows
    assert states_of(total) == [
        (BEFORE, DAYS_SHOWN - 100),
        (OBSERVED, 49),
        (ESTIMATED, 1),
        (OBSERVED, 48),
        (PENDING, 2),
    ]
    assert "not every repository has data" in total.gaps[-1].reason


def test_a_total_needs_several_repositories_and_can_be_omitted():
    rows = [*rows_of(STARS, ago(9), AS_OF), *rows_of(OTHER_STARS, ago(9), AS_OF)]
    board, alone = a_board([STARS, OTHER_STARS], rows), a_board([STARS], rows)
    uncounted = a_board([STARS, OTHER_STARS], rows_of(STARS, ago(9), AS_OF))
    assert [row.subject for row in build_calendar(board, board.items).rows] == [
        STARS.subject,
        OTHER_STARS.subject,
        "all repositories",
    ]
    assert len(build_calendar(board, board.items[:1], total=False).rows) == 1
    assert len(build_calendar(alone, alone.items).rows) == 1
    assert len(build_calendar(uncounted, uncounted.items).rows) == 2


# -- reasons -------------------------------------------------------------------------------------


def test_only_gaps_have_reasons():
    rows = without(rows_of(STARS, LONG_AGO, ago(2)), ago(100), ago(150))
    board = a_board([STARS], rows)
    gaps = [
        Gap(LONG_AGO - DAY, LONG_AGO - DAY, Reason.BEFORE_FIRST, "long ago"),
        Gap(ago(150), ago(150), Reason.LOST, "lost for all"),
        Gap(ago(100), ago(100), Reason.FAILED, "gone (404)"),
        Gap(ago(1), ago(0), Reason.NOT_PUBLISHED, "not published"),
    ]
    (row,) = build_calendar(board, board.items, {STARS.metric_id: gaps}).rows
    assert [(gap.state, gap.first, gap.reason) for gap in row.gaps] == [
        (MISSING, ago(150), "lost for all"),
        (MISSING, ago(100), "gone (404)"),
        (PENDING, ago(1), "not published"),
    ]
    assert {stretch.reason for stretch in row.stretches if stretch not in row.gaps} == {None}


def test_days_before_the_first_published_one_are_not_called_missing():
    board = a_board([STARS], rows_of(STARS, ago(99), AS_OF))
    gap = Gap(LONG_AGO, ago(100), Reason.BEFORE_FIRST, "before")
    (row,) = build_calendar(board, board.items, {STARS.metric_id: [gap]}).rows
    assert states_of(row) == [(BEFORE, DAYS_SHOWN - 100), (OBSERVED, 100)]
    assert row.stretches[0].reason == "before"


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.BEFORE_FIRST])
def test_counted_like_status(reason):
    """The calendar and `status` count the same missing days, in all years."""
    gaps = [Gap(ago(1500), ago(1498), reason, "one"), Gap(ago(1), ago(0), reason, "two")]
    board = a_board([STARS], without(rows_of(STARS, ago(2000), ago(2)), ago(1500), ago(1499), ago(1498)))
    (row,) = build_calendar(board, board.items, {STARS.metric_id: gaps}).rows
    assert row.missing_days == count_missing_days(gaps) == 5
    assert {state_in(row, ago(1499)), state_in(row, ago(1))} == {PENDING if reason is Reason.NOT_PUBLISHED else MISSING}


def test_a_gap_without_a_known_reason_has_a_general_one():
    (row,) = calendar_of([STARS], without(rows_of(STARS, LONG_AGO, ago(2)), ago(100))).rows
    assert [gap.reason for gap in row.gaps] == [
        "Missing at the source",
        "Pending: not published yet",
    ]


def test_every_state_has_its_own_label():
    labels = [state.label for state in DayState]
    assert len(set(labels)) == len(labels)
    assert all(labels)


def test_all_years():
    """The calendar begins with the oldest value, and marks years if months would be too close."""
    found = calendar_of([STARS], rows_of(STARS, AS_OF - timedelta(days=2000), AS_OF))
    assert states_of(found.rows[0]) == [(OBSERVED, 2001)]
    firsts = [found.first + offset * DAY for offset in found.month_offsets]
    assert firsts == [date(year, 1, 1) for year in range(2022, 2027)]
