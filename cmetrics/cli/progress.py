"""Show the progress of a run: bars on a terminal, lines in a log, nothing with --quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from cmetrics.cli.output import print_progress, stderr
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import ProgressStep
from cmetrics.ingest.progress import NoProgress
from cmetrics.sources.base import FetchRequest

SECONDS_BETWEEN_LINES = 10.0
#: The widths of a bar, of the numbers next to it, and of the time.
BAR_WIDTH, COUNT_WIDTH, TIME_WIDTH = 16, 9, 7


class Pace:
    """Estimate the remaining time of a long request from its progress so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: Start time and first value of each request; `_last` has the latest value.
        self._begun: dict[tuple[str, str], tuple[float, int]] = {}
        self._last: dict[tuple[str, str], int] = {}

    def describe(self, source: str, step: ProgressStep) -> str:
        """Return a text such as ``120 of 800 archive files, about 6 min left``."""
        now, key = self._clock(), (source, step.what)
        if step.done <= self._last.get(key, step.done):
            # This is the first step, or the next package has started.
            self._begun[key] = (now, step.done)
        self._last[key] = step.done
        begun, first = self._begun[key]
        text = f"{step.done} of {step.total} {step.what}"
        if step.done == first:
            return text
        left = (now - begun) / (step.done - first) * (step.total - step.done)
        return f"{text}, about {f'{left:.0f} s' if left < 100 else f'{left / 60:.0f} min'} left"  # noqa: PLR2004


class LogProgress(NoProgress):
    """A display for logs: one plain line per event, and a line every few seconds during a long request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace(clock)
        self._last_line: dict[str, float] = {}

    def waiting(self) -> None:
        """Show that the run waits for another run on the same store."""
        print_progress("waiting: another run is writing to this store")

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """Print how many metrics are requested from each source."""
        for source, count in _count_by_source(requests).items():
            print_progress(f"{source}: fetching {plural(count, 'metric')}")

    def fetched(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Print the outcome of a metric. The reason of a failure is printed once, at the end of the run."""
        print_progress(f"{metric.source}: {metric.metric_id}: {_describe(outcome)}")

    def message(self, source: str, text: str) -> None:
        """Print a decision of a source."""
        print_progress(f"{source}: {text}")

    def step(self, source: str, step: ProgressStep) -> None:
        """Print the progress, at most once every few seconds."""
        text = self._pace.describe(source, step)
        now = self._clock()
        if now - self._last_line.setdefault(source, now) >= SECONDS_BETWEEN_LINES:
            self._last_line[source] = now
            print_progress(f"{source}: {text}")


class BarProgress(NoProgress):
    """A display for terminals: one bar per source, with the last fetched metric."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", table_column=_fixed()),
            BarColumn(bar_width=BAR_WIDTH, table_column=_fixed()),
            MofNCompleteColumn(table_column=_fixed()),
            TimeElapsedColumn(table_column=_fixed()),
            TextColumn("{task.fields[last]}", markup=False, table_column=_fixed()),
            console=stderr(),
        )
        self._names = 0
        self._bars: dict[str, TaskID] = {}
        self._pace = Pace(time.monotonic)
        self._started = False

    def waiting(self) -> None:
        """Show that the run waits for another run on the same store."""
        print_progress("waiting: another run is writing to this store")

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """Show a bar per source."""
        counts = _count_by_source(requests)
        self._names = max(map(len, counts), default=0)
        for source, count in counts.items():
            self._bars[source] = self._progress.add_task(source, total=count, last="")
        self._progress.start()
        self._started = True

    def fetched(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Advance the bar of the source."""
        what = _describe(outcome)
        last = self._fitting(f"{metric.metric_id}: {what}", metric.metric_id)
        self._progress.update(self._bars[metric.source], advance=1, last=last)

    def message(self, source: str, text: str) -> None:
        """Print a decision of a source above the bars."""
        self._progress.console.print(Text(sanitize(f"{source}: {text}", limit=2000)), soft_wrap=True)

    def step(self, source: str, step: ProgressStep) -> None:
        """Show the progress next to the bar."""
        text = self._pace.describe(source, step)
        last = self._fitting(text, text.partition(",")[0], f"{step.done} of {step.total}")
        self._progress.update(self._bars[source], last=last)

    def _fitting(self, *texts: str) -> str:
        """Return the first text, in order of preference, that fits next to the bars; empty if none does."""
        room = self._progress.console.width - self._names - BAR_WIDTH - COUNT_WIDTH - TIME_WIDTH - 4
        return next((text for text in texts if len(text) <= room), "")

    def storing(self) -> None:
        """Remove the bars."""
        self.close()

    def close(self) -> None:
        """Release the terminal."""
        if self._started:
            self._progress.stop()
            self._started = False


class Announced(NoProgress):
    """A display that first prints a text, but only once a run begins to fetch."""

    def __init__(self, inner: NoProgress, announce: Callable[[], None]) -> None:
        self._inner = inner
        self._announce = announce

    def waiting(self) -> None:
        """Show that the run waits for another run on the same store."""
        self._inner.waiting()

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """Print the text, then the requests."""
        self._announce()
        self._inner.planned(requests)

    def step(self, source: str, step: ProgressStep) -> None:
        """Show the progress of a source."""
        self._inner.step(source, step)

    def message(self, source: str, text: str) -> None:
        """Show a decision of a source."""
        self._inner.message(source, text)

    def fetched(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Show the outcome of a metric."""
        self._inner.fetched(metric, outcome)

    def storing(self) -> None:
        """Show that fetching has ended."""
        self._inner.storing()

    def close(self) -> None:
        """Release the terminal."""
        self._inner.close()


def make_progress(*, quiet: bool) -> NoProgress:
    """Return a display for stderr: bars on a terminal, lines elsewhere, nothing if ``quiet``."""
    if quiet:
        return NoProgress()
    return BarProgress() if stderr().is_terminal else LogProgress()


def _fixed() -> Column:
    """Return a column that is never narrower than its content."""
    return Column(no_wrap=True)


def _count_by_source(requests: Sequence[FetchRequest]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for request in requests:
        counts[request.metric.source] = counts.get(request.metric.source, 0) + 1
    return counts


def _describe(outcome: MetricOutcome) -> str:
    if outcome.status is MetricStatus.FAILED:
        return "failed"
    text = f"{plural(outcome.days_stored, 'day')} read, newest {outcome.latest_day or 'none'}"
    return f"{text}, {outcome.pending_days} not published yet" if outcome.pending_days else text
