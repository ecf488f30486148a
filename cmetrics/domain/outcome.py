"""The outcome of each metric in each run: the rows of ``outcomes``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.run import Job, MetricStatus, Run, RunStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of ``outcomes``; its key is ``(ingestion_run_id, metric_id)``."""

    ingestion_run_id: str
    metric_id: str
    status: MetricStatus
    #: The oldest and the newest requested day; None if no day was requested.
    requested_from: date | None
    requested_to: date | None
    #: The number of days fetched in this run that are now in the store.
    days_stored: int
    #: The number of completed days that the source had not published yet.
    pending_days: int
    #: The reason of the failure; None if the metric did not fail.
    error: str | None
    observed_at: datetime

    @property
    def is_answer(self) -> bool:
        """Whether the source answered for the whole requested window."""
        return self.status in (MetricStatus.OK, MetricStatus.PENDING) and self.requested_from is not None


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why a metric could not be fetched, with the time."""

    error: str
    at: datetime


class OutcomeLog:
    """The requests of the last months' runs for each metric, and their outcomes.

    Runs without any outcome are from a version before the table, or from a cluster that does not allow
    new tables. Their error texts are not parsed: a successful refresh counts as an answer for every
    metric up to the day before it started; a partial one gives no information about any metric.
    """

    def __init__(self, runs: Iterable[Run], outcomes: Iterable[Outcome]) -> None:
        self._by_run: dict[str, dict[str, Outcome]] = {}
        self._failures: dict[str, Failure] = {}
        self._answers: dict[str, list[_Answer]] = {}
        runs = list(runs)
        jobs = {run.ingestion_run_id: run.job_name for run in runs}
        for outcome in outcomes:
            self._by_run.setdefault(outcome.ingestion_run_id, {})[outcome.metric_id] = outcome
            if outcome.status is MetricStatus.FAILED:
                self._add_failure(outcome)
            elif outcome.is_answer:
                is_refresh = jobs.get(outcome.ingestion_run_id) == Job.REFRESH
                self._answers.setdefault(outcome.metric_id, []).append(_of_outcome(outcome, is_refresh=is_refresh))
        #: Answers for all metrics.
        self._assumed = [
            _Answer(run.started_at, date.min, _utc_day(run.started_at) - DAY, is_refresh=True)
            for run in runs
            if run.job_name == Job.REFRESH
            and run.status == RunStatus.SUCCESS
            and run.ingestion_run_id not in self._by_run
        ]

    def _add_failure(self, outcome: Outcome) -> None:
        known = self._failures.get(outcome.metric_id)
        if known is None or known.at < outcome.observed_at:
            self._failures[outcome.metric_id] = Failure(outcome.error or "no reason given", outcome.observed_at)

    def last_answer(self, metric_id: str) -> datetime | None:
        """Return when a source last answered for the metric."""
        return max((answer.at for answer in self._answers_of(metric_id)), default=None)

    def last_refresh(self, metric_id: str) -> datetime | None:
        """Return when a source last answered for the metric in a refresh, which requests all missing days."""
        return max((answer.at for answer in self._answers_of(metric_id) if answer.is_refresh), default=None)

    def last_error(self, metric_id: str) -> Failure | None:
        """Return the newest failure of the metric; None once a source has answered since."""
        failure, answer = self._failures.get(metric_id), self.last_answer(metric_id)
        return failure if failure is not None and (answer is None or answer < failure.at) else None

    def answered_windows(self, metric_id: str, *, by: date = date.max) -> tuple[Span, ...]:
        """Return the days for which the source had answered by the day ``by``, as ascending, separate spans.

        An answer gives no information about the day on which it was received, or later ones.
        """
        windows = sorted(
            (answer.first, answer.last) for answer in self._answers_of(metric_id) if _utc_day(answer.at) <= by
        )
        merged: list[Span] = []
        for first, last in windows:
            if merged and first <= merged[-1].last + DAY:
                merged[-1] = Span(merged[-1].first, max(last, merged[-1].last))
            else:
                merged.append(Span(first, last))
        return tuple(merged)

    def outcome(self, run: Run, metric_id: str) -> Outcome | None:
        """Return the outcome of the metric in ``run``; None if it was not part of the run."""
        return self._by_run.get(run.ingestion_run_id, {}).get(metric_id)

    def failures(self, run: Run) -> Mapping[str, str]:
        """Return the errors of ``run`` by metric id."""
        outcomes = self._by_run.get(run.ingestion_run_id, {})
        return {
            metric_id: outcome.error or ""
            for metric_id, outcome in sorted(outcomes.items())
            if outcome.status is MetricStatus.FAILED
        }

    def has_answer(self, run: Run, metric_id: str) -> bool:
        """Return whether the metric was part of ``run`` and did not fail."""
        if run.ingestion_run_id not in self._by_run:
            return run.status == RunStatus.SUCCESS
        outcome = self.outcome(run, metric_id)
        return outcome is not None and outcome.status is not MetricStatus.FAILED

    def _answers_of(self, metric_id: str) -> Iterable[_Answer]:
        return chain(self._answers.get(metric_id, ()), self._assumed)


@dataclass(frozen=True, slots=True)
class _Answer:
    at: datetime
    first: date
    last: date
    is_refresh: bool


def _of_outcome(outcome: Outcome, *, is_refresh: bool) -> _Answer:
    last = min(outcome.requested_to or date.min, _utc_day(outcome.observed_at) - DAY)
    return _Answer(outcome.observed_at, outcome.requested_from or date.max, last, is_refresh)


@lru_cache(maxsize=4096)
def _utc_day(moment: datetime) -> date:
    """Return the UTC day. Cached, because all outcomes of a run have the same time."""
    return moment.astimezone(UTC).date()
