"""A run while it lasts: bars on a terminal, lines in a log, nothing with --quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from cmetrics.cli.output import print_progress, stderr
from cmetrics.domain.metric import Metric
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import ProgressStep
from cmetrics.sources.base import FetchRequest

SECONDS_BETWEEN_LINES = 10.0


class Silent:
    """A watcher for --quiet."""

    def waiting(self) -> None:
        """Nothing."""

    def planned(self, asks: Sequence[FetchRequest]) -> None:
        """Nothing."""

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Nothing."""

    def progress(self, source: str, step: ProgressStep | str) -> None:
        """Nothing."""

    def storing(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Pace:
    """What is left of a long answer, worked out from how long its beginning took."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: When it began, with how much, and how much was done last.
        self._begun: dict[tuple[str, str], tuple[float, int]] = {}
        self._last: dict[tuple[str, str], int] = {}

    def in_words(self, source: str, step: ProgressStep) -> str:
        """Such as ``120 of 800 archive files, about 6 min left``."""
        now, key = self._clock(), (source, step.what)
        if step.done <= self._last.get(key, step.done):
            # The first step, or the next package begins.
            self._begun[key] = (now, step.done)
        self._last[key] = step.done
        begun, first = self._begun[key]
        told = f"{step.done} of {step.total} {step.what}"
        if step.done == first:
            return told
        left = (now - begun) / (step.done - first) * (step.total - step.done)
        return f"{told}, about {f'{left:.0f} s' if left < 100 else f'{left / 60:.0f} min'} left"  # noqa: PLR2004


class Lines(Silent):
    """A watcher for logs: one plain line per event, and one now and then while an answer takes long."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace(clock)
        self._told: dict[str, float] = {}

    def waiting(self) -> None:
        """Another run holds the store."""
        print_progress("waiting: another run is writing to this store")

    def planned(self, asks: Sequence[FetchRequest]) -> None:
        """How much is going to be asked."""
        for source, count in _per_source(asks).items():
            print_progress(f"{source}: asking for {count} metric{'s' if count != 1 else ''}")

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """How it went for one metric."""
        print_progress(f"{metric.source}: {metric.metric_id}: {_in_words(outcome)}")

    def progress(self, source: str, step: ProgressStep | str) -> None:
        """Choices at once, steps every few seconds."""
        if isinstance(step, str):
            print_progress(f"{source}: {step}")
            return
        words = self._pace.in_words(source, step)
        now = self._clock()
        if now - self._told.setdefault(source, now) >= SECONDS_BETWEEN_LINES:
            self._told[source] = now
            print_progress(f"{source}: {words}")


class Bars(Silent):
    """A watcher for terminals: a bar per source, with the metric that answered last."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}", markup=False),
            console=stderr(),
        )
        self._bars: dict[str, TaskID] = {}
        self._pace = Pace(time.monotonic)
        self._started = False

    def waiting(self) -> None:
        """Another run holds the store."""
        print_progress("waiting: another run is writing to this store")

    def planned(self, asks: Sequence[FetchRequest]) -> None:
        """One bar per source."""
        for source, count in _per_source(asks).items():
            self._bars[source] = self._progress.add_task(source, total=count, last="")
        self._progress.start()
        self._started = True

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """One step of the source's bar."""
        self._progress.update(self._bars[metric.source], advance=1, last=f"{metric.metric_id}: {_in_words(outcome)}")

    def progress(self, source: str, step: ProgressStep | str) -> None:
        """Choices above the bars, steps beside them."""
        if isinstance(step, str):
            self._progress.console.print(Text(sanitize(f"{source}: {step}", limit=2000)), soft_wrap=True)
        else:
            self._progress.update(self._bars[source], last=self._pace.in_words(source, step))

    def storing(self) -> None:
        """All bars are full."""
        self.close()

    def close(self) -> None:
        """Give the terminal back."""
        if self._started:
            self._progress.stop()
            self._started = False


def make_watcher(*, quiet: bool) -> Silent:
    """The watcher that fits where stderr goes."""
    if quiet:
        return Silent()
    return Bars() if stderr().is_terminal else Lines()


def _per_source(asks: Sequence[FetchRequest]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for ask in asks:
        counts[ask.metric.source] = counts.get(ask.metric.source, 0) + 1
    return counts


def _in_words(outcome: MetricOutcome) -> str:
    if outcome.status is MetricStatus.FAILED:
        return f"failed: {outcome.error}"
    words = f"{outcome.days_stored} days read, newest {outcome.latest_day or 'none'}"
    return f"{words}, {outcome.pending_days} not published yet" if outcome.pending_days else words
