"""Sample data: a catalogue of made-up packages and a store filled with made-up numbers, for `cmetrics demo`.

Everything follows from a seed and the day, so the same day gives the same rows. The numbers look real: growth,
weekends, holidays, releases, days that a source lost, nights that failed, and a wave of unstars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, Month, last_completed_day
from cmetrics.domain.event import GITHUB_RELEASES, StoredEvent
from cmetrics.domain.metric import Metric, definition
from cmetrics.domain.observation import STAR_COUNT_REF, STAR_HISTORY_REF, Provenance, SourceRef, StarRef
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.reading import StoredReading
from cmetrics.domain.run import ERROR_SEPARATOR, Job, MetricStatus, Run, RunStatus
from cmetrics.settings import StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS

#: Marks every page and picture.
NOTICE = "Sample data"

_SEED = 20_260_101
#: The history begins this number of months before the current one.
_MONTHS = 28
#: The number of nightly runs; older days were filled by a backfill.
_NIGHTS = 240
#: Runs and outcomes older than this number of days are not shown anywhere.
_NIGHTS_LOGGED = 90
#: The time of the nightly run, and how long it takes.
_RUN_AT, _RUN_TIME = time(0, 5, tzinfo=UTC), timedelta(seconds=38)
#: Ages of events in days, counted from the last completed day.
_FAILED_NIGHTS, _MISSED_NIGHT = (12, 11), 33
_LOST_DAYS = range(98, 101)
_UNSTAR_WAVE = {64: 260, 63: 190, 62: 70}
_SPIKES = {"heron": {700: 900, 401: 1300, 151: 600}, "plover": {520: 420}}
_FAILED_SOURCE, _LOSING_SOURCE = "cratesio", "pypistats"
_ERROR = "crates.io answered with HTTP 503 to 4 requests; the next run requests these days again"
#: Releases of a product: the age in days of the newest, and the number of days between two.
_RELEASES = {"heron": (21, 56), "plover": (47, 91)}
_ASSETS = ("linux-x86_64.tar.gz", "macos-arm64.tar.gz", "windows-x86_64.zip")

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Shape:
    """The course of one count: its value per day at first, the factor of a year, and the share of a weekend day."""

    start: float
    growth: float
    weekend: float = 1.0
    #: The value of a stock or a counter on the first day.
    base: int = 0
    #: The number of newest days that the source has not published yet.
    lag: int = 0


_SHAPES = {
    "downloads:heron:python": _Shape(5200, 2.1, 0.5),
    "downloads:heron:rust": _Shape(420, 1.7, 0.6),
    "downloads:heron:nodejs": _Shape(900, 2.6, 0.35, lag=1),
    "downloads:plover:python": _Shape(2600, 1.5, 0.55),
    "downloads:plover:rust": _Shape(310, 1.9, 0.65),
    "stars:heron:github": _Shape(5.0, 1.3, 0.8, base=1840),
    "stars:plover:github": _Shape(2.2, 1.2, 0.8, base=610),
    "pulls:heron:dockerhub": _Shape(640, 1.8, 0.7, base=96_000),
    "forks:heron:github": _Shape(0.5, 1.2, base=118),
    "downloads:plover:huggingface:30d": _Shape(55, 2.0, 0.8),
}


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one metric, one element per day."""

    metric: Metric
    #: As `date.toordinal` counts.
    days: Ints
    values: Ints
    refs: Sequence[str]
    #: The number of days from the end of a day to the run that read it.
    lag: int = 0
    #: The number of days that a value covers.
    window: int = 1


def sample_time(now: datetime) -> datetime:
    """Return the time at which the sample data of the day of ``now`` are complete: just after the nightly run."""
    return datetime.combine(now.date(), _RUN_AT) + 2 * _RUN_TIME


def sample_catalog(now: datetime) -> str:
    """Return the catalogue of the sample data as ``cmetrics.toml``. Packages and repositories are made up."""
    last = last_completed_day(now)
    metrics = "".join(
        f'\n[[metrics]]\nproduct = "{product}"\nsource = "{source}"\nsubject = "{subject}"\n{more}'
        for product, source, subject, more in (
            ("heron", "pypistats", "cmetrics-sample-heron", ""),
            ("heron", "cratesio", "cmetrics-sample-heron", ""),
            ("heron", "npm", "@cmetrics-sample/heron", ""),
            ("heron", "github", "cmetrics-sample/heron", ""),
            ("heron", "github", "cmetrics-sample/heron", 'count = "forks"\n'),
            ("heron", "dockerhub", "cmetrics-sample/heron", ""),
            ("heron", "github-releases", "cmetrics-sample/heron", ""),
            ("plover", "pypistats", "cmetrics-sample-plover", ""),
            ("plover", "cratesio", "cmetrics-sample-plover", ""),
            ("plover", "github", "cmetrics-sample/plover", ""),
            ("plover", "huggingface", "datasets/cmetrics-sample/plover", 'count = "downloads-30d"\n'),
        )
    )
    return f"""\
# Written by `cmetrics demo`. The products do not exist, and all numbers are made up.
title = "Heron and Plover"
notice = "{NOTICE}"
license = "CC0-1.0"
contact = "https://github.com/lancedb/cmetrics"

[[products]]
id = "heron"
title = "Heron"

[[products]]
id = "plover"
title = "Plover"
{metrics}
[[events]]
date = {last - timedelta(days=400)}
label = "Heron on the front page of a news site"
products = ["heron"]

[[events]]
date = {last - timedelta(days=64)}
label = "Platform removes fake accounts"

[[notes]]
date = {last - timedelta(days=62)}
text = "The stars lost this week belonged to fake accounts; downloads are unaffected."
author = "{NOTICE}"
products = ["heron"]
"""


def fill_sample_store(target: StoreTarget, catalog: Catalog, now: datetime) -> int:
    """Create the tables at ``target`` and fill them with sample data as of `sample_time`; return the rows of ``stats``.

    The target has no tables yet. Raises StoreError.
    """
    store = LanceStore.open(target)
    store.create_tables()
    sample = _Sample(catalog, last_completed_day(now))
    store.save_definitions([definition(metric, sample.started(_NIGHTS)) for metric in catalog.metrics])
    table = pa.concat_tables(sample.to_arrow(rows) for rows in sample.rows())
    counts = store.upsert_observations(table, lambda old, _: np.ones(old.num_rows, np.bool_))
    store.save_runs(sample.runs())
    store.save_outcomes(sample.outcomes())
    store.save_readings(sample.readings)
    store.save_events(sample.events())
    return counts.inserted


class _Sample:
    """The rows of all tables as of the end of the day ``last``."""

    def __init__(self, catalog: Catalog, last: date) -> None:
        self._catalog = catalog
        self._last = last
        self._days: Ints = np.arange(
            Month.of(last).plus(-_MONTHS).first.toordinal(), last.toordinal() + 1, dtype=np.int64
        )
        #: Ages of the days that nightly runs collected, without the night that was missed.
        ages = last.toordinal() - self._days
        self._is_collected = (ages < _NIGHTS) & (ages != _MISSED_NIGHT)
        self._ages = ages
        self.readings: list[StoredReading] = []

    def started(self, age: int) -> datetime:
        """Return the start of the run that collected the day that is ``age`` days old."""
        return datetime.combine(self._last - timedelta(days=age - 1), _RUN_AT)

    # -- stats -------------------------------------------------------------------------------------

    def rows(self) -> Iterator[_Rows]:
        """Yield the rows of each metric."""
        for number, metric in enumerate(self._catalog.metrics):
            random = np.random.default_rng((_SEED, number))
            if metric.source == "github-releases":
                yield self._release_files(metric, random)
                continue
            shape = _SHAPES[metric.metric_id]
            if metric.measure.is_stars:
                yield self._stars(metric, shape, random)
            elif metric.measure.is_flow:
                yield self._downloads(metric, shape, random)
            else:
                yield self._current(metric, shape, random)

    def _per_day(self, product: str, shape: _Shape, random: np.random.Generator) -> Floats:
        """Return the expected number of events of each day."""
        days = self._days
        trend = shape.start * shape.growth ** ((days - days[0]) / 365.25)
        week = np.where((days + 6) % 7 >= 5, shape.weekend, 1.0)  # noqa: PLR2004  # 0 is a Monday
        # From 23 December to 2 January.
        shifted = (days - date(1970, 1, 1).toordinal() + 9).astype("datetime64[D]")
        of_year = (shifted - shifted.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
        holidays = np.where(of_year <= 10, 0.62, 1.0)  # noqa: PLR2004
        since = days - self._release_days(product)[:, None]
        releases = 1 + 0.3 * np.where(since >= 0, np.exp(-np.maximum(since, 0) / 4), 0).sum(axis=0)
        result: Floats = trend * week * holidays * releases * random.lognormal(0, 0.06, len(days))
        return result

    def _downloads(self, metric: Metric, shape: _Shape, random: np.random.Generator) -> _Rows:
        values = random.poisson(self._per_day(metric.product, shape, random))
        is_there = self._ages >= shape.lag
        if metric.source == _LOSING_SOURCE:
            is_there &= ~np.isin(self._ages, _LOST_DAYS)
        ref = SourceRef(metric.source, metric.subject).text
        days = self._days[is_there]
        return _Rows(metric, days, values[is_there], [ref] * len(days), shape.lag)

    def _stars(self, metric: Metric, shape: _Shape, random: np.random.Generator) -> _Rows:
        rate = self._per_day(metric.product, shape, random)
        for age, stars in _SPIKES[metric.product].items():
            since = age - self._ages
            rate += np.where(since >= 0, stars / 3 * np.exp(-np.maximum(since, 0) / 3), 0)
        gained, lost = random.poisson(rate), random.poisson(0.06 * rate)
        if metric.product == "heron":
            for age, stars in _UNSTAR_WAVE.items():
                lost[self._ages == age] += stars
        values = shape.base + np.cumsum(gained - lost)
        number = 900_000_001 + list(_RELEASES).index(metric.product)
        past = StarRef(metric.subject, number).text(STAR_HISTORY_REF)
        refs = [
            StarRef(metric.subject, number, count).text(STAR_COUNT_REF) if collected else past
            for count, collected in zip(gained.tolist(), self._is_collected.tolist(), strict=True)
        ]
        return _Rows(metric, self._days, values, refs)

    def _current(self, metric: Metric, shape: _Shape, random: np.random.Generator) -> _Rows:
        """Return the rows of a count without a history: a value per night."""
        counts = random.poisson(self._per_day(metric.product, shape, random))
        total = shape.base + np.cumsum(counts)
        window = metric.measure.window_days or 1
        values = total.copy()
        if metric.measure.is_rolling:
            values[window:] -= total[:-window]
        nights = self._is_collected
        ref = SourceRef(metric.source, metric.subject, "sample").text
        return _Rows(metric, self._days[nights], values[nights], [ref] * int(nights.sum()), window=window)

    def _release_files(self, metric: Metric, random: np.random.Generator) -> _Rows:
        """Return the sum over all files of the releases, and add the readings of each file."""
        nights = self._days[self._is_collected]
        total = np.zeros(len(nights), np.int64)
        releases = self._release_days(metric.product)
        for number, (released, tag) in enumerate(zip(releases.tolist(), _tags(len(releases)), strict=True)):
            created_at = datetime.combine(date.fromordinal(released), time(15, 0, tzinfo=UTC))
            for part, asset in enumerate(_ASSETS):
                age = np.maximum(self._days - released, 0)
                per_day = np.where(self._days >= released, 140 / (part + 1) * np.exp(-age / 20) + 2, 0)
                counts = np.cumsum(random.poisson(per_day))[self._is_collected]
                total += counts
                is_new = (nights >= released) & (np.diff(counts, prepend=-1) != 0)
                self.readings += [
                    StoredReading(
                        metric_id=metric.metric_id,
                        identity=str(500_000 + 10 * number + part),
                        name=f"{tag}/heron-{asset}",
                        period_end=date.fromordinal(day),
                        value=value,
                        observed_at=datetime.combine(date.fromordinal(day) + DAY, _RUN_AT),
                        created_at=created_at,
                        ingestion_run_id=self._run_id(self._last.toordinal() - day),
                    )
                    for day, value in zip(nights[is_new].tolist(), counts[is_new].tolist(), strict=True)
                ]
        ref = SourceRef(metric.source, metric.subject, "900000001").text
        return _Rows(metric, nights, total, [ref] * len(nights))

    def to_arrow(self, rows: _Rows) -> pa.Table:
        """Return rows as columns of ``stats``. Days before the nightly runs belong to the backfill."""
        ages = self._last.toordinal() - rows.days
        read_ages = np.minimum(ages - rows.lag, _NIGHTS)
        is_late = read_ages == _MISSED_NIGHT
        if rows.metric.source == _FAILED_SOURCE:
            is_late |= np.isin(read_ages, _FAILED_NIGHTS)
        while is_late.any():
            read_ages = read_ages - is_late
            is_late = is_late & np.isin(read_ages, (*_FAILED_NIGHTS, _MISSED_NIGHT))
        is_backfill = read_ages == _NIGHTS
        observed = [self.started(age) for age in read_ages.tolist()]
        provenance = np.where(is_backfill, Provenance.RECOMPUTED.value, Provenance.API_DAILY.value)
        columns: dict[str, object] = {
            "metric_id": [rows.metric.metric_id] * len(ages),
            "period_start": [date.fromordinal(day).isoformat() for day in (rows.days - rows.window + 1).tolist()],
            "period_end": [date.fromordinal(day).isoformat() for day in rows.days.tolist()],
            "observed_at": observed,
            "value": rows.values,
            "provenance": provenance.tolist(),
            "source_window": [rows.metric.measure.source_window] * len(ages),
            "ingestion_run_id": [self._run_id(age) for age in read_ages.tolist()],
            "source_ref": list(rows.refs),
        }
        return pa.table({name: columns[name] for name in STATS.schema.names}, schema=STATS.schema)

    # -- runs --------------------------------------------------------------------------------------

    def _run_id(self, age: int) -> str:
        job = Job.BACKFILL if age >= _NIGHTS else Job.REFRESH
        return f"{job.value}-{self.started(age):%Y%m%dT%H%M%SZ}-{age:06x}"

    @property
    def _logged(self) -> Iterable[int]:
        return (age for age in range(_NIGHTS_LOGGED) if age != _MISSED_NIGHT)

    def _is_failed(self, metric: Metric, age: int) -> bool:
        return metric.source == _FAILED_SOURCE and age in _FAILED_NIGHTS

    def runs(self) -> list[Run]:
        """Return the runs of the last nights and the backfill before the first one."""
        metrics = self._catalog.metrics
        runs = []
        for age in (*self._logged, _NIGHTS):
            failed = [metric.metric_id for metric in metrics if self._is_failed(metric, age)]
            runs.append(
                Run(
                    ingestion_run_id=self._run_id(age),
                    job_name=Job.BACKFILL if age == _NIGHTS else Job.REFRESH,
                    status=RunStatus.PARTIAL if failed else RunStatus.SUCCESS,
                    started_at=self.started(age),
                    finished_at=self.started(age) + _RUN_TIME,
                    rows_inserted=len(metrics) - len(failed),
                    error_summary=ERROR_SEPARATOR.join(f"{name}: {_ERROR}" for name in failed) or None,
                )
            )
        return runs

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each metric in each of these nights."""
        return [
            self._outcome(metric, age)
            for age in self._logged
            for metric in self._catalog.metrics
            if metric.metric_id in _SHAPES or metric.source == "github-releases"
        ]

    def _outcome(self, metric: Metric, age: int) -> Outcome:
        day = self._last - timedelta(days=age)
        shape = _SHAPES.get(metric.metric_id)
        lag = shape.lag if shape else 0
        is_failed = self._is_failed(metric, age)
        status = MetricStatus.FAILED if is_failed else MetricStatus.PENDING if lag else MetricStatus.OK
        return Outcome(
            ingestion_run_id=self._run_id(age),
            metric_id=metric.metric_id,
            status=status,
            # Lost days are requested again as long as the source may serve them.
            requested_from=day - timedelta(days=150) if metric.measure.is_flow else day,
            requested_to=day,
            days_stored=0 if is_failed else 1,
            pending_days=lag,
            error=_ERROR if is_failed else None,
            observed_at=self.started(age),
        )

    # -- events ------------------------------------------------------------------------------------

    def _release_days(self, product: str) -> Ints:
        """Return the days of all releases, ascending."""
        newest, step = _RELEASES[product]
        return np.arange(self._last.toordinal() - newest, self._days[0] - 1, -step, dtype=np.int64)[::-1]

    def events(self) -> list[StoredEvent]:
        """Return the releases of all products."""
        events = []
        for number, product in enumerate(_RELEASES):
            days = self._release_days(product)
            for place, (day, tag) in enumerate(zip(days.tolist(), _tags(len(days)), strict=True)):
                events.append(
                    StoredEvent(
                        event_id=f"{GITHUB_RELEASES}:{1000 * (number + 1) + place}",
                        product=product,
                        day=date.fromordinal(day),
                        label=tag,
                        url=f"https://github.com/cmetrics-sample/{product}/releases/tag/{tag}",
                        source=GITHUB_RELEASES,
                        tag=tag,
                        prerelease=False,
                        observed_at=self.started(min(self._last.toordinal() - day, _NIGHTS)),
                    )
                )
        return events


def _tags(count: int) -> list[str]:
    """Return version tags: two patch releases follow each minor one."""
    return [f"v{place // 12}.{place % 12 // 3 + 1}.{place % 3}" for place in range(count)]
