"""A run while it lasts: bars on a terminal, lines in a log, nothing with --quiet."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cmetrics.cli.terminal import say, stderr
from cmetrics.domain.metric import Metric
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.sources.base import Ask


class Silent:
    """A watcher for --quiet."""

    def waiting(self) -> None:
        """Nothing."""

    def planned(self, asks: Sequence[Ask]) -> None:
        """Nothing."""

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Nothing."""

    def storing(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines(Silent):
    """A watcher for logs: one plain line per event."""

    def waiting(self) -> None:
        """Another run holds the store."""
        say("waiting: another run is writing to this store")

    def planned(self, asks: Sequence[Ask]) -> None:
        """How much is going to be asked."""
        for source, count in _per_source(asks).items():
            say(f"{source}: asking for {count} metric{'s' if count != 1 else ''}")

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """How it went for one metric."""
        say(f"{metric.source}: {metric.metric_id}: {_in_words(outcome)}")


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
        self._started = False

    def waiting(self) -> None:
        """Another run holds the store."""
        say("waiting: another run is writing to this store")

    def planned(self, asks: Sequence[Ask]) -> None:
        """One bar per source."""
        for source, count in _per_source(asks).items():
            self._bars[source] = self._progress.add_task(source, total=count, last="")
        self._progress.start()
        self._started = True

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """One step of the source's bar."""
        self._progress.update(self._bars[metric.source], advance=1, last=f"{metric.metric_id}: {_in_words(outcome)}")

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


def _per_source(asks: Sequence[Ask]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for ask in asks:
        counts[ask.metric.source] = counts.get(ask.metric.source, 0) + 1
    return counts


def _in_words(outcome: MetricOutcome) -> str:
    if outcome.status is MetricStatus.FAILED:
        return f"failed: {outcome.error}"
    words = f"{outcome.days_stored} days read, newest {outcome.latest_day or 'none'}"
    return f"{words}, {outcome.pending_days} not published yet" if outcome.pending_days else words
