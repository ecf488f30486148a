"""Data sets for tests of the page: reproducible on every machine, and built without a store.

Each of them is a function in :data:`DATA_SETS`:

* ``rich``: 7 metrics, 3 to 4 years with gaps, spikes, removed stars, and 9 events;
* ``five``: the same metrics over five whole years;
* ``m24``, ``m300``: 24 and 300 metrics;
* ``stale``: the last 35 nights failed;
* ``weird``: long, right-to-left and emoji names, and names that look like HTML;
* ``eight``: 14 SDKs of very different size in one product (the name is that of an earlier number);
* ``counts``: counters with missed nights and a reset, windows, likes and daily views, next to one package;
* ``empty``: nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.dashboard import build_dashboard
from cmetrics.analytics.insights import build_insights
from cmetrics.analytics.intervals import Intervals, build_intervals
from cmetrics.analytics.model import Findings, Publication
from cmetrics.analytics.quality import build_quality
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.catalog import Catalog, parse_catalog
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.metric import Metric, definition
from cmetrics.domain.observation import STAR_COUNT_REF, STAR_HISTORY_REF, Provenance
from cmetrics.domain.outcome import Outcome, OutcomeLog
from cmetrics.domain.run import MetricStatus, Run, RunStatus
from cmetrics.sources import SPECS
from cmetrics.store.schema import STATS

AS_OF = date(2026, 11, 24)
NOW = datetime(2026, 11, 25, 9, 5, tzinfo=UTC)
URL = "https://example.org/metrics/"
#: The windows of the page and of the API, in days.
ALL_DAYS, DAILY_DAYS = 7300, 180
#: The first counted day of stars; older values are reconstructed.
COUNTED_FROM = date(2026, 3, 1)
#: The first nightly run; older downloads are from a backfill.
NIGHTLY_FROM = date(2026, 8, 25)

SEVEN = """
title = "Lance & LanceDB community metrics"
contact = "https://example.com/contact"
url = "https://example.org/metrics/"
[[products]]
id = "lance"
title = "Lance"
[[products]]
id = "lancedb"
title = "LanceDB"
[[metrics]]
product = "lance"
source = "pypistats"
subject = "pylance"
mirrors = true
[[metrics]]
product = "lance"
source = "cratesio"
subject = "lance"
[[metrics]]
product = "lancedb"
source = "pypistats"
subject = "lancedb"
mirrors = true
[[metrics]]
product = "lancedb"
source = "npm"
subject = "@lancedb/lancedb"
[[metrics]]
product = "lancedb"
source = "cratesio"
subject = "lancedb"
[[metrics]]
product = "lance"
source = "github"
subject = "lance-format/lance"
[[metrics]]
product = "lancedb"
source = "github"
subject = "lancedb/lancedb"
"""
NINE_EVENTS = (
    ("2022-02-01", "Before anything was counted", ()),
    ("2024-05-14", "LanceDB 0.7", ("lancedb",)),
    ("2025-01-20", "Show HN", ("lance", "lancedb")),
    ("2025-09-30", "Series A", ("lance", "lancedb")),
    ("2026-02-10", "LanceDB 1.0", ("lancedb",)),
    ("2026-06-16", "Lance SDK 2.0", ("lance",)),
    ("2026-06-19", "Data + AI talk", ("lance", "lancedb")),
    ("2026-10-06", "DuckDB extension", ("lance",)),
    ("2026-11-05", "LanceDB 1.4", ("lancedb",)),
)


@dataclass(frozen=True)
class DataSet:
    """A catalogue, the rows of its metrics by metric and day, and the runs that stored them."""

    catalog: Catalog
    rows: pa.Table
    runs: tuple[Run, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    now: datetime = NOW
    #: The stored values by metric id and day.
    values: Mapping[str, Mapping[date, int]] = field(default_factory=dict)

    @property
    def as_of(self) -> date:
        """The last completed day."""
        return self.now.astimezone(UTC).date() - DAY

    @property
    def newest_day(self) -> date | None:
        """The newest stored day of any metric."""
        return max((max(days) for days in self.values.values() if days), default=None)

    def report_inputs(self) -> ReportInputs:
        """Return the inputs of the monthly reports."""
        return ReportInputs(
            rows=SeriesTable.from_arrow(self.rows),
            revisions=(),
            catalog=self.catalog,
            specs=SPECS,
            events=self.catalog.events,
            now=self.now,
            as_of=self.as_of,
        )

    def publication(self) -> Publication:
        """Return the publication of a build."""
        table = SeriesTable.from_arrow(self.rows)
        log = OutcomeLog(self.runs, self.outcomes)
        titles = {name: spec.public_name for name, spec in SPECS.items()}
        all_days, daily = (
            build_dashboard(
                self.catalog,
                titles,
                table,
                self.runs,
                as_of=self.as_of,
                days=days,
                generated_at=self.now,
                log=log,
                intervals=self._intervals(),
            )
            for days in (ALL_DAYS, DAILY_DAYS)
        )
        insights = build_insights(table, self.catalog, self.catalog.events, self.as_of, specs=SPECS)
        return Publication(
            dashboard=all_days,
            daily=daily,
            definitions=tuple(definition(metric, self.now) for metric in self.catalog.metrics),
            rows=table,
            runs=self.runs,
            url=self.catalog.url,
            log=log,
            quality=build_quality(self.catalog.metrics, SPECS, table, table, log, (), as_of=self.as_of),
            findings=Findings(insights, self.catalog.events),
        )

    def _intervals(self) -> Intervals:
        counters = pa.array([m.metric_id for m in self.catalog.metrics if m.measure.is_counter], pa.string())
        return build_intervals(SeriesTable.from_arrow(self.rows.filter(pc.is_in(self.rows["metric_id"], counters))))


# -- series ---------------------------------------------------------------------------------------


def downloads(seed: int, size: int, first: date, last: date, *, growth: float = 1.0) -> dict[date, int]:
    """Return downloads with weekends, noise and ``growth`` (1.0 doubles a year's values in the next)."""
    numbers = np.random.default_rng(seed)
    days = np.arange((last - first).days + 1)
    weekend = np.where((days + first.weekday()) % 7 >= 5, 0.55, 1.0)
    noise = numbers.normal(1, 0.06, len(days)).clip(0.6, 1.4)
    years_before_end = (len(days) - 1 - days) / 365
    values = size * weekend * noise * (1 + growth) ** -years_before_end
    return dict(zip(day_range(first, last), values.astype(int).tolist(), strict=True))


def stars(seed: int, a_day: float, first: date, last: date) -> tuple[dict[date, int], dict[date, int]]:
    """Return the counts at the end of each day, and the stars gained on it; on some days, more are lost than gained."""
    numbers = np.random.default_rng(seed)
    days = (last - first).days + 1
    gained = numbers.poisson(a_day, days)
    lost = numbers.poisson(a_day * 0.06, days)
    # A peak after a blog post, and a campaign whose stars were removed.
    gained[-310:-305] += int(a_day * 25)
    lost[-55:-53] += int(a_day * 6)
    totals = np.maximum(np.cumsum(gained - lost), 0) + int(a_day * 40)
    every = list(day_range(first, last))
    return dict(zip(every, totals.tolist(), strict=True)), dict(zip(every, gained.tolist(), strict=True))


def without(values: dict[date, int], *gaps: tuple[str, str]) -> dict[date, int]:
    """Return the values without the days of ``gaps``, each given by its first and last day."""
    gone = {day for a, b in gaps for day in day_range(date.fromisoformat(a), date.fromisoformat(b))}
    return {day: value for day, value in values.items() if day not in gone}


def table_of(series: Iterable[tuple[Metric, Mapping[date, int], Mapping[date, int]]]) -> pa.Table:
    """Return rows of ``stats`` sorted by metric and day. The third element of a series is the stars gained by day."""
    tables = [STATS.schema.empty_table()]
    for metric, values, gained in sorted(series, key=lambda one: one[0].metric_id):
        days = sorted(values)
        texts = pa.array([day.isoformat() for day in days], pa.string())
        is_stock = not metric.measure.is_flow
        length = (metric.measure.window_days or 1) - 1
        starts = pa.array([(day - length * DAY).isoformat() for day in days], pa.string())
        refs = [_ref(metric, day, gained.get(day)) for day in days]
        provenances = [Provenance.API_DAILY if is_stock or d >= NIGHTLY_FROM else Provenance.RECOMPUTED for d in days]
        moments = [datetime.combine(day + DAY, time(6), UTC) for day in days]
        columns = {
            "metric_id": pa.repeat(metric.metric_id, len(days)),
            "period_start": starts,
            "period_end": texts,
            "observed_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "value": pa.array([values[day] for day in days], pa.int64()),
            "provenance": pa.array([str(name.value) for name in provenances]),
            "source_window": pa.repeat(metric.measure.source_window, len(days)),
            "ingestion_run_id": pa.repeat("refresh-20261125T060000Z-abcdef", len(days)),
            "source_ref": pa.array(refs, pa.string()),
        }
        tables.append(pa.table(columns).select(STATS.schema.names).cast(STATS.schema))
    return pa.concat_tables(tables)


def _ref(metric: Metric, day: date, gained: int | None) -> str:
    if not metric.measure.is_stars:
        return f"{metric.source}:{metric.subject}"
    if day < COUNTED_FROM or gained is None:
        return f"{STAR_HISTORY_REF}{metric.subject}#700001"
    return f"{STAR_COUNT_REF}{metric.subject}#700001; gained {gained}"


def nights(count: int, now: datetime = NOW) -> list[datetime]:
    """Return the starting times of the last ``count`` nightly runs, newest first."""
    return [datetime.combine(now.date() - n * DAY, time(6), UTC) for n in range(count)]


def good_runs(count: int = 90) -> tuple[Run, ...]:
    """Return successful nightly runs, newest first."""
    return tuple(
        Run(f"refresh-{at:%Y%m%dT%H%M%SZ}-abcdef", "refresh", RunStatus.SUCCESS, at, at + timedelta(minutes=1), 7, 0)
        for at in nights(count)
    )


def _quoted(value: object) -> str:
    """Return a TOML string or array. TOML allows no surrogates, so text is not escaped."""
    return json.dumps(value, ensure_ascii=False)


def _catalog(text: str) -> Catalog:
    return parse_catalog(Path("cmetrics.toml"), text.encode(), SPECS)


def _data_set(
    catalog: Catalog,
    values: Mapping[str, Mapping[date, int]],
    gained: Mapping[str, Mapping[date, int]],
    runs: tuple[Run, ...],
) -> DataSet:
    rows = table_of((m, values.get(m.metric_id, {}), gained.get(m.metric_id, {})) for m in catalog.metrics)
    return DataSet(catalog, rows, runs, values=values)


# -- data sets ------------------------------------------------------------------------------------

#: The newest day of each source, as days before AS_OF, and the approximate downloads per day at the end by metric id.
_LAG = {"pypistats": 1, "npm": 2, "cratesio": 0, "github": 0}
_SIZES = {
    "downloads:lance:python": 92_000,
    "downloads:lance:rust": 4_400,
    "downloads:lancedb:python": 184_000,
    "downloads:lancedb:nodejs": 26_000,
    "downloads:lancedb:rust": 1_900,
}
_STARS = {"stars:lance:github": 4.5, "stars:lancedb:github": 8.0}


def _seven(first_days: Callable[[Metric], date]) -> tuple[dict[str, dict[date, int]], dict[str, dict[date, int]]]:
    values: dict[str, dict[date, int]] = {}
    gained: dict[str, dict[date, int]] = {}
    for number, metric in enumerate(_catalog(SEVEN).metrics):
        last = AS_OF - _LAG[metric.source] * DAY
        if not metric.measure.is_flow:
            rate = _STARS[metric.metric_id]
            values[metric.metric_id], gained[metric.metric_id] = stars(100 + number, rate, first_days(metric), last)
        else:
            size = _SIZES[metric.metric_id]
            values[metric.metric_id] = downloads(number, size, first_days(metric), last, growth=1.4)
    return values, gained


@cache
def rich() -> DataSet:
    """Return seven metrics over 3 to 4 years: gaps that sources can and cannot fill, a spike, removed stars, events."""
    four, three = date(2022, 12, 1), date(2023, 11, 1)
    values, gained = _seven(lambda m: four if not m.measure.is_flow or m.product == "lance" else three)
    pylance = values["downloads:lance:python"]
    values["downloads:lance:python"] = without(pylance, ("2026-03-09", "2026-03-11"), ("2024-06-01", "2024-06-04"))
    for crate in ("downloads:lance:rust", "downloads:lancedb:rust"):
        values[crate] = without(values[crate], ("2026-09-01", "2026-09-02"))
    node = values["downloads:lancedb:nodejs"]
    for day in day_range(date(2026, 4, 13), date(2026, 4, 17)):
        node[day] *= 6
    values["stars:lancedb:github"] = without(values["stars:lancedb:github"], ("2026-07-04", "2026-07-06"))
    return _data_set(_catalog(SEVEN + _events(NINE_EVENTS)), values, gained, good_runs())


def _events(events: Iterable[tuple[str, str, Collection[str]]]) -> str:
    return "".join(
        f"[[events]]\ndate = {day}\nlabel = {_quoted(label)}\n"
        + (f"products = {_quoted(list(products))}\n" if products else "")
        for day, label, products in events
    )


@cache
def five() -> DataSet:
    """Return seven metrics over five whole years."""
    values, gained = _seven(lambda _: date(2021, 11, 25))
    return _data_set(_catalog(SEVEN), values, gained, good_runs())


@cache
def stale() -> DataSet:
    """Return ``rich`` after 35 nights on which every request failed: the newest day is 20 October 2026."""
    whole = rich()
    last = AS_OF - 35 * DAY
    values = {name: {d: v for d, v in days.items() if d <= last} for name, days in whole.values.items()}
    keep = pa.array([text <= last.isoformat() for text in whole.rows["period_end"].to_pylist()])
    failed = nights(35)
    error = "api.github.com could not be reached"
    runs = tuple(
        Run(f"refresh-{at:%Y%m%dT%H%M%SZ}-abcdef", "refresh", RunStatus.FAILED, at, at + DAY / 1440, 0, 0, error)
        for at in failed
    )
    outcomes = tuple(
        Outcome(run.ingestion_run_id, m.metric_id, MetricStatus.FAILED, last, AS_OF, 0, 0, error, run.started_at)
        for run in runs
        for m in whole.catalog.metrics
    )
    return DataSet(whole.catalog, whole.rows.filter(keep), (*runs, *good_runs()[35:]), outcomes, values=values)


def _many(products: int, packages: int, repositories: int, first: date) -> DataSet:
    lines = ['title = "Many metrics"', 'contact = "https://example.com/contact"', f'url = "{URL}"']
    for p in range(products):
        lines += ["[[products]]", f'id = "p{p:02}"', f'title = "Product {p:02}"']
        for n in range(packages):
            lines += ["[[metrics]]", f'id = "downloads:p{p:02}:n{n:02}"', f'product = "p{p:02}"', 'source = "npm"']
            lines += [f'subject = "package-{p:02}-{n:02}"', f'display_name = "Package {n:02}"']
        for n in range(repositories):
            lines += ["[[metrics]]", f'id = "stars:p{p:02}:r{n:02}"', f'product = "p{p:02}"', 'source = "github"']
            lines += [f'subject = "owner-{p:02}/repository-{n:02}"']
    catalog = _catalog("\n".join(lines))
    values: dict[str, dict[date, int]] = {}
    gained: dict[str, dict[date, int]] = {}
    for number, metric in enumerate(catalog.metrics):
        if not metric.measure.is_flow:
            values[metric.metric_id], gained[metric.metric_id] = stars(number, 1 + number % 9, first, AS_OF)
        else:
            size = 40 + 977 * (number % 17) ** 2
            values[metric.metric_id] = downloads(number, size, first, AS_OF - 2 * DAY, growth=(number % 5) / 3)
    return _data_set(catalog, values, gained, good_runs())


@cache
def m24() -> DataSet:
    """Return four products with six metrics each over three years."""
    return _many(4, 5, 1, date(2023, 11, 25))


@cache
def m300() -> DataSet:
    """Return twenty products with fifteen metrics each over two years."""
    return _many(20, 12, 3, date(2024, 11, 25))


WEIRD_NAMES = (
    ("npm", "an-extraordinarily-long-package-name-that-nobody-can-read-in-a-column", "Very long " * 5 + "name"),
    ("npm", "right-to-left", "מדדי קהילה (Lance), 2.0!"),
    ("npm", "arabic", "مقاييس المجتمع – npm"),
    ("npm", "emoji", "🚀 Rocket & <b>bold</b> 👩‍💻"),
    ("npm", "html", "<img src=x onerror=window.owned=1>"),
    ("github", "some-owner/repository.with-a_long.name-and-dots", "⭐ מאגר"),
)


@cache
def weird() -> DataSet:
    """Return two products with unusual names over two years."""
    lines = [f"title = {_quoted('مقاييس & <metrics>')}", 'contact = "https://example.com/contact"']
    lines += ["[[products]]", 'id = "rtl"', f"title = {_quoted('מוצר (א)')}"]
    lines += ["[[products]]", 'id = "html"', f"title = {_quoted('<i>Product</i> & Söhne 🎉')}"]
    for number, (source, subject, name) in enumerate(WEIRD_NAMES):
        product = "rtl" if number % 2 else "html"
        lines += ["[[metrics]]", f'id = "m:{product}:n{number}"', f'product = "{product}"', f'source = "{source}"']
        lines += [f"subject = {_quoted(subject)}", f"display_name = {_quoted(name)}"]
    catalog = _catalog("\n".join(lines) + "\n" + _events((("2026-05-05", "גרסה 2.0 (beta)", ()),)))
    values: dict[str, dict[date, int]] = {}
    gained: dict[str, dict[date, int]] = {}
    for number, metric in enumerate(catalog.metrics):
        if not metric.measure.is_flow:
            values[metric.metric_id], gained[metric.metric_id] = stars(number, 3, date(2024, 11, 25), AS_OF)
        else:
            values[metric.metric_id] = downloads(number, 300 * 7**number, date(2024, 11, 25), AS_OF - 2 * DAY)
    return _data_set(catalog, values, gained, good_runs())


@cache
def eight() -> DataSet:
    """Return one product with fourteen SDKs, from 2 thousand to 4 million downloads a month, over two years."""
    lines = ['title = "Element SDKs"', 'contact = "https://example.com/contact"', f'url = "{URL}"']
    lines += ["[[products]]", 'id = "sdk"', 'title = "Elements"']
    names = ["Copper", "Cobalt", "Zinc", "Iron", "Gold", "Tin", "Lead", "Neon", "Argon", "Boron", "Radon", "Xenon"]
    names += ["Silver", "Nickel"]
    for name in names:
        lines += ["[[metrics]]", 'product = "sdk"', 'source = "npm"', f'subject = "{name.lower()}-sdk"']
        lines += [f'sdk = "{name.lower()}"', f'display_name = "{name}"']
    lines += ["[[metrics]]", 'product = "sdk"', 'source = "github"', 'subject = "elements/sdk"']
    catalog = _catalog("\n".join(lines))
    values: dict[str, dict[date, int]] = {}
    gained: dict[str, dict[date, int]] = {}
    for number, metric in enumerate(catalog.metrics):
        if not metric.measure.is_flow:
            values[metric.metric_id], gained[metric.metric_id] = stars(number, 6, date(2024, 11, 25), AS_OF)
        else:
            size = int(80 * 1.85 ** ((number * 5) % 14))
            values[metric.metric_id] = downloads(number, size, date(2024, 11, 25), AS_OF - 2 * DAY, growth=0.4)
    return _data_set(catalog, values, gained, good_runs())


COUNTED = """
title = "Acme Database"
contact = "https://example.com/contact"
url = "https://example.org/metrics/"
[[products]]
id = "acme"
title = "Acme DB"
[[metrics]]
product = "acme"
source = "npm"
subject = "acme-db"
[[metrics]]
product = "acme"
source = "github"
subject = "acme/db"
[[metrics]]
product = "acme"
source = "dockerhub"
subject = "acme/db"
[[metrics]]
product = "acme"
source = "openvsx"
subject = "acme.db"
[[metrics]]
product = "acme"
source = "homebrew"
subject = "acme-db"
[[metrics]]
product = "acme"
source = "duckdb"
subject = "acme"
[[metrics]]
product = "acme"
source = "huggingface"
count = "likes"
subject = "models/acme/db"
[[metrics]]
product = "acme"
source = "github-traffic"
count = "views"
subject = "acme/db"
"""


@cache
def counts() -> DataSet:
    """Return one product with counts of every kind, over 170 days and less."""
    catalog = _catalog(COUNTED)
    values: dict[str, dict[date, int]] = {}
    gained: dict[str, dict[date, int]] = {}
    for number, metric in enumerate(catalog.metrics):
        name, first = metric.metric_id, AS_OF - 169 * DAY
        a_day = downloads(number, 900, first, AS_OF, growth=0.5)
        if metric.measure.is_stars:
            values[name], gained[name] = stars(number, 6, date(2024, 11, 25), AS_OF)
            values[name] = without(values[name], ("2026-08-16", "2026-08-17"))
        elif metric.source == "npm":
            values[name] = downloads(number, 40_000, date(2024, 11, 25), AS_OF - 2 * DAY)
        elif metric.measure.is_counter:
            total = np.cumsum(list(a_day.values())) + (2_400_000 if metric.source == "dockerhub" else 120)
            totals = dict(zip(a_day, total.tolist(), strict=True))
            if metric.source == "dockerhub":
                # Nights without a run, a correction, and four days without a change.
                totals = without(totals, ("2026-07-04", "2026-07-10"), ("2026-10-19", "2026-10-20"))
                totals = {day: count - (60_000 if day >= date(2026, 9, 9) else 0) for day, count in totals.items()}
                still = list(day_range(date(2026, 11, 2), date(2026, 11, 5)))
                totals |= dict.fromkeys(still, totals[still[0] - DAY])
            else:
                totals = {day: count for day, count in totals.items() if day > AS_OF - 21 * DAY}
            values[name] = totals
        elif metric.measure.is_rolling:
            days = list(a_day)[:: 7 if metric.measure.has_history else 1]
            values[name] = {day: 30 * a_day[day] // 7 for day in days if day != date(2026, 9, 1)}
        elif metric.measure.is_flow:
            values[name] = without({day: value // 9 for day, value in a_day.items()}, ("2026-09-14", "2026-09-16"))
        else:
            values[name] = dict(zip(a_day, (300 + np.arange(len(a_day)) // 3).tolist(), strict=True))
    return _data_set(catalog, values, gained, good_runs())


@cache
def empty() -> DataSet:
    """Return the seven metrics before the first run."""
    return _data_set(_catalog(SEVEN), {}, {}, ())


DATA_SETS: Mapping[str, Callable[[], DataSet]] = {
    "rich": rich,
    "five": five,
    "m24": m24,
    "m300": m300,
    "stale": stale,
    "weird": weird,
    "eight": eight,
    "counts": counts,
    "empty": empty,
}
