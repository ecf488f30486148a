"""Flows of a counter between its readings, compared with a slow reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.intervals import (
    FEWEST_INTERVALS,
    JUMP,
    STILL_INTERVALS,
    USUAL_FLOW,
    USUAL_INTERVALS,
    Interval,
    Intervals,
    Reason,
    build_intervals,
)
from cmetrics.domain.days import DAY
from cmetrics.domain.kind import LONGEST_DAY, SHORTEST_DAY, counter
from cmetrics.domain.observation import DailyValue, Observation, Provenance, Reading
from cmetrics.domain.reading import StoredReading, changed_readings
from cmetrics.store.schema import STATS, encode
from tests.depth import deep
from tests.samples import a_metric, observe

FIRST = date(2026, 1, 1)
PULLS = replace(a_metric("npm"), metric_id="pulls:p:hub", measure=counter("pulls"))


def at(day: date, hour: float = 3) -> datetime:
    """Return the time of a reading in the night after ``day``."""
    return datetime.combine(day + DAY, time(), UTC) + timedelta(hours=hour)


def reading_row(night: int, value: int, *, hour: float = 3, identity: str = "1", metric=PULLS) -> Observation:
    day = FIRST + night * DAY
    value_read = DailyValue(day, value, f"hub:acme/db#{identity}", observed_at=at(day, hour))
    return observe(metric, value_read, provenance=Provenance.API_DAILY, run_id="r", at=at(day))


def intervals_of(rows: Sequence[Observation], readings: Sequence[StoredReading] = ()) -> Intervals:
    table = SeriesTable.from_arrow(encode(sorted(rows, key=lambda row: row.key), STATS))
    return build_intervals(table, readings)


def flows(rows: Sequence[Observation], readings: Sequence[StoredReading] = ()) -> list[tuple[int | None, str]]:
    found = intervals_of(rows, readings)
    return [(i.flow, i.length_text) for i in found.of(PULLS.metric_id)]


def series(*values: int, first: int = 0) -> list[Observation]:
    return [reading_row(first + number, value) for number, value in enumerate(values)]


# -- a single counter ----------------------------------------------------------------------------


def test_a_first_reading_has_no_flow():
    """The difference to 0 would be that of years."""
    assert flows(series(72_673)) == []
    assert flows([]) == []


def test_readings_a_day_apart_give_the_flow_of_the_ended_day():
    assert flows(series(100, 107, 107)) == [(7, "on 2 Jan 2026"), (0, "on 3 Jan 2026")]


def test_missed_nights_are_one_interval():
    """The interval is not divided into days."""
    rows = [reading_row(0, 100), reading_row(3, 160), reading_row(4, 170)]
    assert flows(rows) == [(60, "over 3 days"), (10, "on 5 Jan 2026")]


@pytest.mark.parametrize(
    ("first_hour", "next_hour", "text"),
    [
        (3, 3, "on 2 Jan 2026"),
        (0, 6, "on 2 Jan 2026"),
        (6, 0, "on 2 Jan 2026"),
        (20, 1, "over 5 hours"),
        (0, 16, "over 40 hours"),
    ],
)
def test_only_readings_about_a_day_apart_give_the_flow_of_a_day(first_hour, next_hour, text):
    rows = [reading_row(0, 100, hour=first_hour), reading_row(1, 130, hour=next_hour)]
    assert flows(rows) == [(30, text)]


def test_a_decrease_has_no_flow_and_starts_a_new_base():
    """Both values are kept, and later flows are relative to the lower one."""
    found = intervals_of(series(821, 789, 800)).of(PULLS.metric_id)
    assert [(i.flow, i.change, i.reason) for i in found] == [(None, -32, Reason.FELL), (11, 11, Reason.NONE)]


def test_another_object_with_the_same_name_starts_a_new_base():
    """The counts of different objects are not compared, whichever is larger."""
    rows = [reading_row(0, 100), reading_row(1, 900, identity="2"), reading_row(2, 905, identity="2")]
    found = intervals_of(rows).of(PULLS.metric_id)
    assert [(i.flow, i.reason) for i in found] == [(None, Reason.REPLACED), (5, Reason.NONE)]


def test_metrics_are_separate():
    """The last reading of one metric is not the start of the next."""
    other = replace(PULLS, metric_id="pulls:q:hub")
    rows = [*series(1, 2), reading_row(0, 50, metric=other), reading_row(1, 53, metric=other)]
    found = intervals_of(rows)
    assert [i.flow for i in found.of("pulls:p:hub")] == [1]
    assert [i.flow for i in found.of("pulls:q:hub")] == [3]
    assert found.of("pulls:r:hub") == ()


# -- standstills ---------------------------------------------------------------------------------


def moving(*flows_then: int, usual: int = 40, nights: int = 10) -> list[Observation]:
    """Return a counter that grows by ``usual`` per night, and then by ``flows_then``."""
    value, values = 1000, [1000]
    for flow in (*[usual] * nights, *flows_then):
        value += flow
        values.append(value)
    return series(*values)


def test_a_standstill_and_its_jump_are_one_interval():
    """The jump after five unchanged nights contains their flow."""
    found = intervals_of(moving(0, 0, 0, 0, 0, 260, 40)).of(PULLS.metric_id)
    assert [(i.flow, i.length_text, i.reason) for i in found[10:]] == [
        (260, "over 6 days", Reason.STOOD_STILL),
        (40, "on 18 Jan 2026", Reason.NONE),
    ]


def test_a_lasting_standstill_has_no_flow():
    """A zero flow is not stated before the count has changed again."""
    found = intervals_of(moving(0, 0, 0)).of(PULLS.metric_id)
    assert [(i.flow, i.length_text, i.reason) for i in found[10:]] == [(None, "over 3 days", Reason.STANDS_STILL)]


@pytest.mark.parametrize(
    ("then", "usual", "nights"),
    [
        ((0, 0, 30), 5, 10),  # small counters often have zero flows
        ((0, 0, 40), 40, 10),  # no jump, so the flows were really zero
        ((0, 0, 260), 40, 5),  # too few nights to know the usual flow
    ],
)
def test_single_zero_flows_are_not_merged(then, usual, nights):
    found = intervals_of(moving(*then, usual=usual, nights=nights)).of(PULLS.metric_id)
    assert [i.flow for i in found[nights:]] == list(then)
    assert all(i.is_day for i in found)


# -- parts ---------------------------------------------------------------------------------------


@dataclass
class Nights:
    """Readings of a subject with parts, stored as by a run."""

    rows: list[Observation] = field(default_factory=list)
    ledger: list[StoredReading] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    #: All readings, for the slow reference.
    history: list[tuple[datetime, dict[str, tuple[int, datetime | None]]]] = field(default_factory=list)

    def read(
        self, night: int, parts: dict[str, tuple[int, datetime | None]], *, hour: float = 3, killed: bool = False
    ) -> None:
        day = FIRST + night * DAY
        moment = at(day, hour)
        readings = [Reading(identity, identity, value, moment, created) for identity, (value, created) in parts.items()]
        for reading in changed_readings(self.known, readings):
            self.ledger.append(
                StoredReading(
                    PULLS.metric_id, reading.identity, reading.name, day, reading.value, moment, reading.created_at, "r"
                )
            )
        self.history.append((moment, parts))
        self.known |= {reading.identity: reading.value for reading in readings}
        if not killed:
            total = DailyValue(day, sum(self.known.values()), "hub:acme/db", observed_at=moment)
            self.rows.append(observe(PULLS, total, provenance=Provenance.API_DAILY, run_id="r", at=moment))

    @property
    def intervals(self) -> tuple[Interval, ...]:
        return intervals_of(self.rows, self.ledger).of(PULLS.metric_id)


OLD = at(FIRST, -5000)


def test_an_uploaded_part_counts_since_its_creation():
    """The complete count of a file that was uploaded since the last reading is part of the flow."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD)})
    nights.read(1, {"a": (101, OLD), "b": (30, at(FIRST, 10))})
    assert [(i.flow, i.change) for i in nights.intervals] == [(31, 31)]


def test_an_old_part_that_is_read_first_adds_no_flow():
    """This happens after a change of the glob patterns, when old files are read for the first time."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD)})
    nights.read(1, {"a": (101, OLD), "b": (5000, OLD), "c": (70, None)})
    assert [(i.flow, i.change) for i in nights.intervals] == [(1, 5071)]


def test_a_part_absent_for_a_night():
    """The sum does not fall, and the flow of both nights is in the second one."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD), "b": (7, OLD)})
    nights.read(1, {"b": (8, OLD)})
    nights.read(2, {"a": (104, OLD), "b": (8, OLD)})
    assert [row.value for row in nights.rows] == [107, 108, 112]
    assert [i.flow for i in nights.intervals] == [1, 4]


def test_an_upload_that_replaces_a_file():
    """The new file has a new id and starts at 0; the old count stays in the sum."""
    nights = Nights()
    nights.read(0, {"a": (312, OLD)})
    nights.read(1, {"a2": (3, at(FIRST, 12))})
    nights.read(2, {"a2": (10, at(FIRST, 12))})
    assert [row.value for row in nights.rows] == [312, 315, 322]
    assert [i.flow for i in nights.intervals] == [3, 7]


def test_a_part_that_falls_makes_the_interval_unknown():
    nights = Nights()
    nights.read(0, {"a": (100, OLD), "b": (7, OLD)})
    nights.read(1, {"a": (90, OLD), "b": (9, OLD)})
    nights.read(2, {"a": (91, OLD), "b": (9, OLD)})
    assert [(i.flow, i.reason) for i in nights.intervals] == [(None, Reason.FELL), (1, Reason.NONE)]


def test_readings_of_a_killed_run_count_in_the_next_one():
    """The parts of that night were stored, but not their sum."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD)})
    nights.read(1, {"a": (110, OLD), "b": (5, at(FIRST, 12))}, killed=True)
    nights.read(2, {"a": (125, OLD), "b": (6, at(FIRST, 12))})
    assert [(i.flow, i.length_text) for i in nights.intervals] == [(31, "over 2 days")]


# -- comparison with a slow reference ------------------------------------------------------------


@dataclass(frozen=True)
class Slow:
    flow: int | None
    change: int
    start: datetime
    end: datetime
    reason: Reason
    is_day: bool


def slow_intervals(history: Sequence[tuple[datetime, dict[str, tuple[int, datetime | None]]]]) -> list[Slow]:
    """Process the nights one by one with all parts in a dictionary, then merge standstills."""
    found: list[Slow] = []
    counts: dict[str, int] = {}
    for number, (moment, parts) in enumerate(history):
        before, flow = sum(counts.values()), 0
        fell = False
        for identity, (value, created) in parts.items():
            if identity in counts:
                fell = fell or value < counts[identity]
                flow += value - counts[identity]
            elif number and created is not None and created >= history[number - 1][0]:
                flow += value
            counts[identity] = value
        if number:
            start = history[number - 1][0]
            is_day = SHORTEST_DAY <= moment - start <= LONGEST_DAY
            reason = Reason.FELL if fell else Reason.NONE
            found.append(Slow(None if fell else flow, sum(counts.values()) - before, start, moment, reason, is_day))
    merged: list[Slow] = []
    place = 0
    while place < len(found):
        stop = place
        while stop < len(found) and found[stop].flow == 0 and found[stop].change == 0:
            stop += 1
        if stop == place:
            merged.append(found[place])
            place += 1
            continue
        earlier = [i.flow for i in found[max(place - USUAL_INTERVALS, 0) : place] if i.is_day and i.flow is not None]
        usual = median(earlier) if len(earlier) >= FEWEST_INTERVALS else 0
        if usual >= USUAL_FLOW and stop < len(found) and (found[stop].flow or 0) >= JUMP * usual:
            jump = found[stop]
            merged.append(Slow(jump.flow, jump.change, found[place].start, jump.end, Reason.STOOD_STILL, is_day=False))
            place = stop + 1
        elif usual >= USUAL_FLOW and stop == len(found) and stop - place >= STILL_INTERVALS:
            merged.append(Slow(None, 0, found[place].start, found[-1].end, Reason.STANDS_STILL, is_day=False))
            place = stop
        else:
            merged += found[place:stop]
            place = stop
    return merged


@st.composite
def histories(draw: st.DrawFn) -> Nights:
    """Return nights with uploads, deletions, absences, resets, standstills and missed nights."""
    nights = Nights()
    parts: dict[str, tuple[int, datetime | None]] = {"p0": (draw(st.integers(0, 500)), OLD)}
    serial, last = 1, at(FIRST, -24)
    for night in range(draw(st.integers(1, 45))):
        what = draw(
            st.sampled_from(
                ["move"] * 8 + ["still"] * 4 + ["upload", "hidden", "delete", "absent", "reset", "miss", "jump"]
            )
        )
        hour = draw(st.sampled_from([3.0, 3.0, 3.0, 0.5, 9.0, 20.0]))
        moment = at(FIRST + night * DAY, hour)
        if what in ("move", "jump"):
            step = draw(st.integers(0, 60)) * (5 if what == "jump" else 1)
            parts = {name: (value + step, created) for name, (value, created) in parts.items()}
        elif what == "upload":
            parts[f"p{serial}"] = (draw(st.integers(0, 99)), last + (moment - last) * draw(st.floats(0, 1)))
            serial += 1
        elif what == "hidden":
            parts[f"p{serial}"] = (draw(st.integers(0, 99)), draw(st.sampled_from([OLD, None])))
            serial += 1
        elif what == "delete" and len(parts) > 1:
            parts.pop(draw(st.sampled_from(sorted(parts))))
        elif what == "reset":
            name = draw(st.sampled_from(sorted(parts)))
            parts[name] = (parts[name][0] // 2, parts[name][1])
        if what == "miss":
            continue
        shown = dict(parts)
        if what == "absent" and len(shown) > 1:
            shown.pop(draw(st.sampled_from(sorted(shown))))
        nights.read(night, shown, hour=hour)
        last = moment
    return nights


@given(histories())
@settings(max_examples=deep(300))
def test_intervals_equal_the_slow_reference(nights: Nights):
    found = nights.intervals
    assert [Slow(i.flow, i.change, i.start_at, i.end_at, i.reason, i.is_day) for i in found] == slow_intervals(
        nights.history
    )


@given(histories())
@settings(max_examples=deep(200))
def test_laws(nights: Nights):
    """Changes add up to last minus first; no flow is negative; no single day is invented; intervals have no gaps."""
    found = nights.intervals
    if not found:
        assert len(nights.rows) <= 1
        return
    assert sum(i.change for i in found) == nights.rows[-1].value - nights.rows[0].value
    assert all(i.flow is None or i.flow >= 0 for i in found)
    assert all(i.flow is None or i.flow <= i.change for i in found)
    assert all(SHORTEST_DAY <= i.end_at - i.start_at <= LONGEST_DAY for i in found if i.is_day)
    assert [i.start_at for i in found[1:]] == [i.end_at for i in found[:-1]]
    read = {row.period_end for row in nights.rows}
    assert {i.end_day for i in found} <= read
    assert len({i.end_day for i in found}) == len(found)


@given(st.lists(st.integers(0, 100), min_size=2, max_size=60), st.data())
@settings(max_examples=deep(200))
def test_flows_of_a_growing_counter_sum_to_last_minus_first(steps: list[int], data: st.DataObject):
    """This holds whatever nights were missed. Only a standstill at the end is unknown, and has no change."""
    missed = data.draw(st.sets(st.sampled_from(range(1, len(steps)))))
    value, rows = 1000, []
    for night, step in enumerate(steps):
        value += step
        if night not in missed:
            rows.append(reading_row(night, value))
    found = intervals_of(rows).of(PULLS.metric_id)
    assert sum(i.flow or 0 for i in found) == rows[-1].value - rows[0].value
