"""The expected content of charts, computed from rows only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from playwright.sync_api import Page

from tests.site.conftest import AS_OF

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Sum:
    """The sum of a week or month."""

    first: date
    last: date
    value: int | None
    known: int

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def is_whole(self) -> bool:
        return self.known == self.days

    @property
    def middle(self) -> str:
        return (self.first + timedelta(days=(self.last - self.first).days // 2)).isoformat()


def week(day: date) -> tuple[date, date]:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - DAY


def sums(days: Mapping[date, int], period: Callable[[date], tuple[date, date]], since: date = date.min) -> list[Sum]:
    """Return sums of the days, with a sum without a value for each missing period in between."""
    found: dict[tuple[date, date], list[int]] = {}
    for day in sorted(days):
        found.setdefault(period(day), []).append(days[day])
    made = [Sum(*span, sum(values), len(values)) for span, values in found.items()]
    gaps = [Sum(a.last + DAY, b.first - DAY, None, 0) for a, b in pairwise(made) if b.first - a.last > DAY]
    return [one for one in sorted([*made, *gaps], key=lambda s: s.first) if one.last >= since]


def each_day(days: Mapping[date, int], since: date = date.min) -> dict[str, int | None]:
    """Return the values from the first to the last day, None for missing ones."""
    first, last = min(days), max(days)
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day.isoformat(): days.get(day) for day in span if day >= since}


def range_start(months: int) -> date:
    """Return the first day of a range that ends with the running month."""
    index = AS_OF.year * 12 + AS_OF.month - months
    return date(index // 12, index % 12 + 1, 1)


def approx_equal(got: Iterable[float | None], expected: Iterable[float | None]) -> bool:
    """Return whether values are equal except for rounding, with gaps in the same places."""
    one, other = list(got), list(expected)
    return len(one) == len(other) and all(
        a is b if a is None or b is None else abs(a - b) < 1e-6 * max(1, abs(b))
        for a, b in zip(one, other, strict=True)
    )


FIGURE = """
(key) => {
  const gd = document.querySelector(`[id="chart-${key}"] .plot`);
  const list = (value) => (value && typeof value === "object" ? [...value] : value);
  const axis = ({ type, range, tickvals, ticktext }) => ({
    type, range: list(range), tickvals: list(tickvals), ticktext: list(ticktext),
  });
  return {
    traces: gd.data.map((t) => ({
      name: t.name, type: t.type, mode: t.mode, connectgaps: t.connectgaps,
      x: list(t.x), y: list(t.y), dash: t.line?.dash, symbol: list(t.marker?.symbol),
      hatch: list(t.marker?.pattern?.shape) ?? "", fill: t.fill ?? "",
    })),
    barmode: gd.layout.barmode, margin: gd.layout.margin, x: axis(gd.layout.xaxis), y: axis(gd.layout.yaxis),
  };
}
"""


@dataclass(frozen=True)
class Trace:
    """A trace of a live chart."""

    name: str
    type: str
    mode: str | None
    connectgaps: bool | None
    x: list[str | None]
    y: list[float | None]
    dash: str | None
    symbol: object
    #: One value for all points, or one for each.
    hatch: str | list[str]
    fill: str

    @property
    def points(self) -> dict[str | None, float | None]:
        return dict(zip(self.x, self.y, strict=True))


@dataclass(frozen=True)
class Figure:
    """The arguments of Plotly."""

    traces: list[Trace]
    barmode: str
    margin: dict[str, float]
    x: dict[str, object]
    y: dict[str, object]

    def of(self, name: str, **expected: object) -> Trace:
        """Return the only trace with ``name`` in its name and these properties."""
        found = [t for t in self.traces if name in t.name and all(getattr(t, k) == v for k, v in expected.items())]
        assert len(found) == 1, [(t.name, t.type, t.dash, t.symbol, t.hatch) for t in self.traces]
        return found[0]

    def bars(self, name: str) -> Trace:
        """Return the sums of a series as bars."""
        (found,) = [t for t in self.traces if name in t.name and t.type == "bar" and set(t.hatch) != {"x"}]
        return found

    def published(self, name: str) -> Trace:
        """Return the published totals of a series as bars."""
        (found,) = [t for t in self.traces if name in t.name and t.type == "bar" and set(t.hatch) == {"x"}]
        return found

    def line(self, name: str, **expected: object) -> Trace:
        """Return the only solid line of a series, without marks, dotted parts and areas."""
        lines = [t for t in self.traces if name in t.name and (t.mode or "").startswith("lines") and t.dash is None]
        found = [t for t in lines if not t.fill and all(getattr(t, k) == v for k, v in expected.items())]
        assert len(found) == 1, [(t.name, t.type, t.mode, t.dash, t.symbol, t.fill) for t in self.traces]
        return found[0]

    def area(self, name: str) -> Trace:
        """Return the only area of a series."""
        (found,) = [t for t in self.traces if name in t.name and t.fill]
        return found

    @property
    def names(self) -> set[str]:
        return {trace.name for trace in self.traces}


def figure(page: Page, key: str) -> Figure:
    """Return what a chart shows after it has been updated to the chosen view."""
    page.wait_for_function("(key) => !document.querySelector(`[id='chart-${key}'][data-stale]`)", arg=key)
    got = page.evaluate(FIGURE, key)
    empty = {"mode": None, "connectgaps": None, "dash": None, "symbol": None}
    return Figure(**{**got, "traces": [Trace(**{**empty, **trace}) for trace in got["traces"]]})
