"""The flow of a counter between its readings, and a slow reference that walks from reading to reading."""

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
    """The time of a reading in the night after ``day``."""
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


# -- one thing -----------------------------------------------------------------------------------


def test_a_first_reading_states_no_flow():
    """A first difference from 0 would be years in a day."""
    assert flows(series(72_673)) == []
    assert flows([]) == []


def test_readings_a_day_apart_state_the_flow_of_the_day_that_ended():
    assert flows(series(100, 107, 107)) == [(7, "on 2 Jan 2026"), (0, "on 3 Jan 2026")]


def test_missed_nights_are_one_interval():
    """It is never divided into days."""
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
def test_only_readings_about_a_day_apart_make_a_day(first_hour, next_hour, text):
    rows = [reading_row(0, 100, hour=first_hour), reading_row(1, 130, hour=next_hour)]
    assert flows(rows) == [(30, text)]


def test_a_fall_is_unknown_and_a_new_base():
    """Both values stay; what follows is counted from the lower one."""
    found = intervals_of(series(821, 789, 800)).of(PULLS.metric_id)
    assert [(i.flow, i.change, i.reason) for i in found] == [(None, -32, Reason.FELL), (11, 11, Reason.NONE)]


def test_another_object_under_the_name_is_a_new_base():
    """Its count has nothing to do with the old one, whichever is larger."""
    rows = [reading_row(0, 100), reading_row(1, 900, identity="2"), reading_row(2, 905, identity="2")]
    found = intervals_of(rows).of(PULLS.metric_id)
    assert [(i.flow, i.reason) for i in found] == [(None, Reason.REPLACED), (5, Reason.NONE)]


def test_two_metrics_do_not_meet():
    """The last reading of one is not the start of the next."""
    other = replace(PULLS, metric_id="pulls:q:hub")
    rows = [*series(1, 2), reading_row(0, 50, metric=other), reading_row(1, 53, metric=other)]
    found = intervals_of(rows)
    assert [i.flow for i in found.of("pulls:p:hub")] == [1]
    assert [i.flow for i in found.of("pulls:q:hub")] == [3]
    assert found.of("pulls:r:hub") == ()


# -- standstills ---------------------------------------------------------------------------------


def moving(*flows_then: int, usual: int = 40, nights: int = 10) -> list[Observation]:
    """A counter that moves by ``usual`` a night, and then by ``flows_then``."""
    value, values = 1000, [1000]
    for flow in (*[usual] * nights, *flows_then):
        value += flow
        values.append(value)
    return series(*values)


def test_a_standstill_and_its_jump_are_one_interval():
    """Five frozen nights: what was counted in them is in the jump."""
    found = intervals_of(moving(0, 0, 0, 0, 0, 260, 40)).of(PULLS.metric_id)
    assert [(i.flow, i.length_text, i.reason) for i in found[10:]] == [
        (260, "over 6 days", Reason.STOOD_STILL),
        (40, "on 18 Jan 2026", Reason.NONE),
    ]


def test_a_standstill_that_lasts_is_unknown():
    """No night without a pull is stated before the count has moved again."""
    found = intervals_of(moving(0, 0, 0)).of(PULLS.metric_id)
    assert [(i.flow, i.length_text, i.reason) for i in found[10:]] == [(None, "over 3 days", Reason.STANDS_STILL)]


@pytest.mark.parametrize(
    ("then", "usual", "nights"),
    [
        ((0, 0, 30), 5, 10),  # a small counter often has nothing
        ((0, 0, 40), 40, 10),  # no jump: nobody pulled on these days
        ((0, 0, 260), 40, 5),  # too young to know what is usual
    ],
)
def test_nights_without_a_flow_stay_nights(then, usual, nights):
    found = intervals_of(moving(*then, usual=usual, nights=nights)).of(PULLS.metric_id)
    assert [i.flow for i in found[nights:]] == list(then)
    assert all(i.is_day for i in found)


# -- parts ---------------------------------------------------------------------------------------


@dataclass
class Nights:
    """Readings of a subject with parts, stored as a run stores them."""

    rows: list[Observation] = field(default_factory=list)
    ledger: list[StoredReading] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    #: What was read, for the slow reference.
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
    """A file that was uploaded since the last reading has its whole count in the interval."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD)})
    nights.read(1, {"a": (101, OLD), "b": (30, at(FIRST, 10))})
    assert [(i.flow, i.change) for i in nights.intervals] == [(31, 31)]


def test_a_part_of_before_that_is_new_here_adds_no_flow():
    """After a change of the globs, files of years are read for the first time."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD)})
    nights.read(1, {"a": (101, OLD), "b": (5000, OLD), "c": (70, None)})
    assert [(i.flow, i.change) for i in nights.intervals] == [(1, 5071)]


def test_a_part_absent_for_a_night():
    """The sum does not fall, and what was counted meanwhile is in the night of its return."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD), "b": (7, OLD)})
    nights.read(1, {"b": (8, OLD)})
    nights.read(2, {"a": (104, OLD), "b": (8, OLD)})
    assert [row.value for row in nights.rows] == [107, 108, 112]
    assert [i.flow for i in nights.intervals] == [1, 4]


def test_an_upload_that_replaces_a_file():
    """The new file has a new id and begins at 0; the old count stays in the sum."""
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
    """The parts of a night were stored, its sum was not."""
    nights = Nights()
    nights.read(0, {"a": (100, OLD)})
    nights.read(1, {"a": (110, OLD), "b": (5, at(FIRST, 12))}, killed=True)
    nights.read(2, {"a": (125, OLD), "b": (6, at(FIRST, 12))})
    assert [(i.flow, i.length_text) for i in nights.intervals] == [(31, "over 2 days")]


# -- against a slow reference --------------------------------------------------------------------


@dataclass(frozen=True)
class Slow:
    flow: int | None
    change: int
    start: datetime
    end: datetime
    reason: Reason
    is_day: bool


def slow_intervals(history: Sequence[tuple[datetime, dict[str, tuple[int, datetime | None]]]]) -> list[Slow]:
    """Walk from night to night with all parts in a dictionary, then merge standstills one by one."""
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
    """Nights with everything that services do: uploads, deletions, absences, resets, standstills, missed nights."""
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
def test_columns_find_what_a_walk_finds(nights: Nights):
    found = nights.intervals
    assert [Slow(i.flow, i.change, i.start_at, i.end_at, i.reason, i.is_day) for i in found] == slow_intervals(
        nights.history
    )


@given(histories())
@settings(max_examples=deep(200))
def test_laws(nights: Nights):
    """The changes add up to last minus first; no flow is negative; no day is invented; time has no holes."""
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
def test_the_flow_of_a_counter_that_never_falls_is_last_minus_first(steps: list[int], data: st.DataObject):
    """Whatever nights were missed; only a standstill up to now is not known yet, and it has no change."""
    missed = data.draw(st.sets(st.sampled_from(range(1, len(steps)))))
    value, rows = 1000, []
    for night, step in enumerate(steps):
        value += step
        if night not in missed:
            rows.append(reading_row(night, value))
    found = intervals_of(rows).of(PULLS.metric_id)
    assert sum(i.flow or 0 for i in found) == rows[-1].value - rows[0].value
