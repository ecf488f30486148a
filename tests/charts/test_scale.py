"""The rules of the axes, in Python and in the script of the page."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.chart import ChartKind
from cmetrics.charts.lane import EventMark, lane_of
from cmetrics.charts.scale import (
    GUTTER,
    LEAST_WIDTH,
    MOST_LABELS,
    SIDE,
    Room,
    TimeTick,
    flow_levels,
    label_width,
    moment,
    named_levels,
    scale_of,
    steps_between,
    stock_levels,
    time_ticks,
)
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month
from cmetrics.site.folders import templates_folder
from tests.boards import AS_OF, a_chart, a_month, a_series, an_event, points_of

NOVEMBER = Month.of(AS_OF)
FIRST = moment(date(2015, 1, 1))


@pytest.mark.parametrize(
    ("most", "texts"),
    [
        (7_624_793, ["", "2", "4", "6", "8 million"]),
        (2_300_000, ["", "0.5", "1", "1.5", "2", "2.5 million"]),
        (900, ["", "200", "400", "600", "800", "1,000"]),
        (8_400, ["", "2", "4", "6", "8", "10 thousand"]),
        (18_999, ["", "5", "10", "15", "20 thousand"]),
        (3_000_000_000, ["", "1", "2", "3 billion"]),
        (3, ["", "1", "2", "3"]),
        (0, ["", "1"]),
    ],
)
def test_levels(most, texts):
    """Levels are few, and the top one has the unit."""
    assert [level.text for level in flow_levels([0, most])] == texts


def test_lines_start_above_zero():
    """Lines start above zero only if all values are close together."""
    assert [level.value for level in stock_levels([8_100, 8_455])] == [8_100, 8_200, 8_300, 8_400, 8_500]
    assert stock_levels([8_100, 8_455])[0].text == "8,100"
    assert stock_levels([4_000, 8_455])[0].value == 0


def texts_of(first: date, last: date, room: Room, *, is_centred: bool = True) -> list[str]:
    return [tick.text for tick in ticks_in(room, moment(first), moment(last), is_centred=is_centred)]


def ticks_in(room: Room, start: datetime, end: datetime, *, is_centred: bool) -> tuple[TimeTick, ...]:
    return time_ticks(start, end, MOST_LABELS[room], LEAST_WIDTH[room], is_centred=is_centred)


def test_time():
    """The first label and January have the year, and no label is outside the data."""
    two_years = date(2024, 12, 1), date(2026, 12, 1)
    quarters = ["Jan 2025", "Apr", "Jul", "Oct", "Jan 2026", "Apr", "Jul", "Oct"]
    assert texts_of(*two_years, Room.LARGE) == texts_of(*two_years, Room.WIDE) == quarters
    assert texts_of(*two_years, Room.NARROW) == ["Jan 2025", "Jul", "Jan 2026", "Jul"]
    assert texts_of(date(2021, 12, 1), date(2026, 12, 1), Room.WIDE) == ["2022", "2023", "2024", "2025", "2026"]
    assert texts_of(date(2026, 9, 1), date(2026, 12, 1), Room.NARROW) == ["Sep 2026", "Oct", "Nov"]
    assert texts_of(date(2026, 11, 1), date(2026, 12, 1), Room.NARROW) == ["Nov 2026"]
    days = texts_of(date(2026, 11, 1), date(2026, 11, 22), Room.WIDE, is_centred=False)
    assert days == ["2 Nov 2026", "9 Nov", "16 Nov"]
    # The first and the last month have a label if it fits.
    assert texts_of(date(2025, 1, 1), date(2026, 11, 1), Room.WIDE) == quarters
    assert texts_of(date(2025, 1, 1), date(2026, 11, 1), Room.NARROW) == ["Jan 2025", "Jul", "Jan 2026", "Jul"]
    assert texts_of(date(2025, 2, 1), date(2027, 2, 1), Room.WIDE) == ["Apr 2025", *quarters[2:]]


@pytest.mark.parametrize("room", list(Room))
@pytest.mark.parametrize("count", range(1, 130))
def test_labels_do_not_overlap(room, count):
    """Labels do not overlap and are not cut at an edge; the labels of levels leave room on the left."""
    start, end = moment(NOVEMBER.plus(1 - count).first), moment(NOVEMBER.last + DAY)
    ticks = ticks_in(room, start, end, is_centred=True)
    assert ticks
    boxes = []
    for tick in ticks:
        at, half = (tick.at - start) / (end - start) * LEAST_WIDTH[room], label_width(tick.text) / 2
        boxes.append((at - half, at + half))
    assert all(after[0] - before[1] >= 6 for before, after in pairwise(boxes))
    assert boxes[0][0] >= -GUTTER
    assert boxes[-1][1] <= LEAST_WIDTH[room] + SIDE


# -- the same rules in the script -------------------------------------------------------------------


def run_script(parts: str, code: str) -> object:
    """Return the result of ``code`` run after the given parts of the page's script."""
    folder = templates_folder() / "app"
    script = "\n".join((folder / f"{part}.js").read_text() for part in parts.split())
    table = json.dumps(formats.current().table())
    node = shutil.which("node")
    assert node, "Node.js is needed"
    whole = f"const FORMATS = {table};\n{script}\nprocess.stdout.write(JSON.stringify({code}));"
    return json.loads(subprocess.run([node, "-e", whole], capture_output=True, check=True, text=True).stdout)


def milliseconds(at: datetime) -> int:
    return round(at.replace(tzinfo=UTC).timestamp() * 1000)


def test_same_time_labels():
    """Python and the script have the same time labels for many ranges."""
    numbers = random.Random(1)
    cases = []
    for number in range(600):
        start = FIRST + timedelta(days=numbers.randrange(4000))
        days = numbers.choice([1, 7, 20, 61, 62, 63, 90, 183, 365, 730, 1826, 3000]) + numbers.randrange(9)
        cases.append((start, start + timedelta(days=days), numbers.choice([Room.WIDE, Room.NARROW]), number % 2 == 0))
    given_cases = [[milliseconds(a), milliseconds(b), room, centred] for a, b, room, centred in cases]
    got = run_script("format ticks", f"{json.dumps(given_cases)}.map((one) => timeTicks(...one))")
    assert got == [
        [[milliseconds(t.at), t.text] for t in ticks_in(room, a, b, is_centred=centred)]
        for a, b, room, centred in cases
    ]


def test_same_levels():
    """Python and the script have the same levels and labels for many values."""
    numbers = random.Random(2)
    values = [0, 1, 5, 6, 9, 10, 99, 1000, 9_999, 10_000, 10_001, 999_999, 10**6, 10**9 + 1]
    values += [numbers.randrange(10 ** numbers.randrange(1, 13)) for _ in range(400)]
    got = run_script(
        "format ticks", f"{values}.map((most) => {{ const v = levelsTo(most); return [v, levelTexts(v)]; }})"
    )
    assert got == [
        [[level.value for level in found], [level.text for level in found]]
        for found in (flow_levels([value]) for value in values)
    ]
    pairs = [(low := numbers.randrange(10**6), low + numbers.randrange(1, 10**6)) for _ in range(300)]
    pairs += [(-low, high) for low, high in pairs]
    code = f"{json.dumps(pairs)}.map(([a, b]) => {{ const v = stepsBetween(a, b); return [v, levelTexts(v)]; }})"
    assert run_script("format ticks", code) == [
        [list(steps), [level.text for level in named_levels(steps)]]
        for steps in (steps_between(low, high) for low, high in pairs)
    ]


# -- events -----------------------------------------------------------------------------------------


def a_dated_chart(days_ago, labels=("Release 1.0",)):
    sums = tuple(a_month(NOVEMBER.plus(-n), 5) for n in range(24))[::-1]
    events = [an_event(AS_OF - n * DAY, label=labels[i % len(labels)]) for i, n in enumerate(days_ago)]
    return a_chart(ChartKind.FLOW, a_series(months=sums), events=events)


def boxes(marks: tuple[EventMark, ...], width: float) -> list[tuple[float, float]]:
    """Return the horizontal extents of circles and names from left to right."""
    found = []
    for mark in marks:
        x = mark.x * width / 100
        half = mark.half_width
        found.append((x - half, x + half))
        if mark.name:
            long = label_width(mark.name) + 4
            found.append((x - half - long, x - half) if mark.is_before else (x + half, x + half + long))
    return sorted(found)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 720), max_size=25, unique=True),
    st.sampled_from([("Short",), ("LanceDB 1.0", "A much longer name of an event"), ("גרסה 2.0", "版本二")]),
    st.sampled_from(list(Room)),
)
def test_events_do_not_overlap(days_ago, labels, room):
    """Marks and names of events do not overlap at any width."""
    chart = a_dated_chart(days_ago, labels)
    marks = lane_of(chart, scale_of(chart), room)
    for width in (LEAST_WIDTH[room], LEAST_WIDTH[room] * 1.5):
        covered = boxes(marks, width)
        assert all(after[0] - before[1] >= -0.2 for before, after in pairwise(covered)), marks
    numbers = [int(part) for mark in marks for part in mark.number.split("–")]
    assert numbers == sorted(numbers)
    assert numbers[-1:] == ([len(days_ago)] if days_ago else [])


def test_merged_events():
    """Events closer together than their marks share one mark that names all of them and has no link."""
    chart = a_dated_chart([300, 298, 296, 20])
    merged, single = lane_of(chart, scale_of(chart), Room.LARGE)
    assert (merged.number, merged.name, merged.url) == ("1–3", "", None)
    assert merged.title.count("\n") == 2
    assert (single.number, single.name, single.is_before) == ("4", "Release 1.0", True)
    assert single.url == "https://example.com/"


def test_thousands_of_events():
    """Thousands of events are merged in order, and longer numbers have wider marks."""
    marks = lane_of(chart := a_dated_chart([n % 700 for n in range(2500)]), scale_of(chart), Room.NARROW)
    assert marks[0].number.startswith("1–") and marks[-1].number.endswith("–2500")
    assert len(marks) == 3
    covered = boxes(marks, LEAST_WIDTH[Room.NARROW])
    assert all(after[0] - before[1] >= -0.2 for before, after in pairwise(covered))
    assert all(mark.half_width >= 4 * len(mark.number) for mark in marks)


def test_no_event_before_the_first_value():
    """An event before the first value has no mark and no number."""
    days = points_of({AS_OF - n * DAY: 5 for n in range(50)})
    chart = a_chart(
        ChartKind.STOCK, a_series(days=days), events=[an_event(AS_OF - 60 * DAY), an_event(AS_OF - 9 * DAY)]
    )
    (mark,) = lane_of(chart, scale_of(chart), Room.LARGE)
    assert mark.number == "1"
