"""The interface for progress displays of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cmetrics.domain.metric import Metric
from cmetrics.domain.run import MetricOutcome
from cmetrics.http.service import ProgressStep
from cmetrics.sources.base import FetchRequest


class Progress(Protocol):
    """A progress display. Methods are called in this order; `step` and `message` between calls of `fetched`."""

    def waiting(self) -> None:
        """Show that the run waits for another run on the same store."""

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """Show the requests, before fetching begins."""

    def step(self, source: str, step: ProgressStep) -> None:
        """Show the progress of a long request of a source."""

    def message(self, source: str, text: str) -> None:
        """Show a decision of a source."""

    def fetched(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Show the outcome of a metric. Its values may not be stored yet."""

    def storing(self) -> None:
        """Show that fetching has ended."""


class NoProgress:
    """A display that shows nothing. Other displays override some of its methods."""

    def waiting(self) -> None:
        """Show nothing."""

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """Show nothing."""

    def step(self, source: str, step: ProgressStep) -> None:
        """Show nothing."""

    def message(self, source: str, text: str) -> None:
        """Show nothing."""

    def fetched(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Show nothing."""

    def storing(self) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Release the terminal."""
