"""Who hears how a run is getting on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cmetrics.domain.metric import Metric
from cmetrics.domain.run import MetricOutcome
from cmetrics.http.service import ProgressStep
from cmetrics.sources.base import FetchRequest


class Progress(Protocol):
    """A display of a run. The methods are called in this order; `step` and `message` between `fetched`."""

    def waiting(self) -> None:
        """Show that another run holds the store."""

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """Show how much will be fetched; fetching begins."""

    def step(self, source: str, step: ProgressStep) -> None:
        """Show how far a source is with a long request."""

    def message(self, source: str, text: str) -> None:
        """Show a choice that a source has made."""

    def fetched(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Show the outcome of a metric; its values need not be stored yet."""

    def storing(self) -> None:
        """Show that everything is fetched."""


class NoProgress:
    """Show nothing. Displays derive from it and show what they can."""

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
        """Give the terminal back."""
