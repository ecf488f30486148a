"""The outcome of each metric in each run: the rows of ``outcomes``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
    #: The reason for the failure; None if the metric did not fail.
    error: str | None
    observed_at: datetime


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

    def __init__(self, runs: Iterable[Run], outcomes: Iterable[Outcome] | pa.Table) -> None:
        """Index ``outcomes``: objects, or the columns of the table for many of them."""
        rows = outcomes if isinstance(outcomes, pa.Table) else _to_columns(outcomes)
        runs = list(runs)
        refreshes = {run.ingestion_run_id for run in runs if run.job_name == Job.REFRESH}
        run_codes, run_ids = _encode(rows["ingestion_run_id"])
        metric_codes, metric_ids = _encode(rows["metric_id"])
        self._run_codes = {run_id: code for code, run_id in enumerate(run_ids)}
        self._metric_codes = {metric_id: code for code, metric_id in enumerate(metric_ids)}
        #: For each outcome that is not a failure, a number with the run in its upper half and the metric in its lower
        #: half.
        is_failed = pc.equal(rows["status"], pa.scalar(MetricStatus.FAILED.value)).to_numpy()
        self._present = np.sort((run_codes[~is_failed] << 32) + metric_codes[~is_failed])
        self._failures: dict[str, Failure] = {}
        self._errors: dict[str, dict[str, str]] = {}
        for run_id, metric_id, error, at in _records(rows.filter(pa.array(is_failed)), _FAILURE):
            self._errors.setdefault(run_id, {})[metric_id] = error or ""
            known = self._failures.get(metric_id)
            if known is None or known.at < at:
                self._failures[metric_id] = Failure(error or "no reason given", at)
        # The metrics of a run share a few windows. Metrics with the same window share one answer.
        is_answer = pc.is_in(rows["status"], pa.array([MetricStatus.OK.value, MetricStatus.PENDING.value]))
        asked = rows.append_column("metric", pa.array(metric_codes)).filter(
            pc.and_(is_answer, pc.is_valid(rows["requested_from"]))
        )
        windows = asked.group_by(list(_ANSWER), use_threads=False).aggregate([("metric", "list")])
        self._distinct = [
            _of_outcome(at, first, last, is_refresh=run_id in refreshes)
            for run_id, first, last, at in _records(windows, _ANSWER)
        ]
        members: Any = windows["metric_list"].combine_chunks()
        codes = members.flatten().to_numpy()
        answers = np.repeat(np.arange(len(members)), np.diff(members.offsets.to_numpy()))
        order = np.argsort(codes, kind="stable")
        self._answers = answers[order]
        self._bounds = np.searchsorted(codes[order], np.arange(len(metric_ids) + 1))
        #: Answers for all metrics.
        self._assumed = [
            _Answer(run.started_at, date.min, _utc_day(run.started_at) - DAY, is_refresh=True)
            for run in runs
            if run.job_name == Job.REFRESH
            and run.status == RunStatus.SUCCESS
            and run.ingestion_run_id not in self._run_codes
        ]
        self._histories: dict[bytes, _History] = {}

    def last_answer(self, metric_id: str) -> datetime | None:
        """Return when a source last answered for the metric."""
        return self._history(metric_id).last_answer

    def last_refresh(self, metric_id: str) -> datetime | None:
        """Return when a source last answered for the metric in a refresh, which requests all missing days."""
        return self._history(metric_id).last_refresh

    def last_error(self, metric_id: str) -> Failure | None:
        """Return the newest failure of the metric; None once a source has answered since."""
        failure, answer = self._failures.get(metric_id), self.last_answer(metric_id)
        return failure if failure is not None and (answer is None or answer < failure.at) else None

    def answered_windows(self, metric_id: str, *, by: date = date.max) -> tuple[Span, ...]:
        """Return the days for which the source had answered by the day ``by``, as ascending, separate spans.

        An answer gives no information about the day on which it was received, or later ones.
        """
        return self._history(metric_id).windows(by)

    def failures(self, run: Run) -> Mapping[str, str]:
        """Return the errors of ``run`` by metric id."""
        return dict(sorted(self._errors.get(run.ingestion_run_id, {}).items()))

    def has_answer(self, run: Run, metric_id: str) -> bool:
        """Return whether the metric was part of ``run`` and did not fail."""
        run_code = self._run_codes.get(run.ingestion_run_id)
        if run_code is None:
            return run.status == RunStatus.SUCCESS
        if metric_id not in self._metric_codes:
            return False
        number = (run_code << 32) + self._metric_codes[metric_id]
        place = int(np.searchsorted(self._present, number))
        return place < len(self._present) and int(self._present[place]) == number

    def _history(self, metric_id: str) -> _History:
        """Return the answers for a metric; metrics with the same requests share one object."""
        code = self._metric_codes.get(metric_id)
        answers = self._answers[:0] if code is None else self._answers[self._bounds[code] : self._bounds[code + 1]]
        key = answers.tobytes()
        if key not in self._histories:
            self._histories[key] = _History([*(self._distinct[n] for n in answers.tolist()), *self._assumed])
        return self._histories[key]


#: The columns of a failure, and those of an answer.
_FAILURE = ("ingestion_run_id", "metric_id", "error", "observed_at")
_ANSWER = ("ingestion_run_id", "requested_from", "requested_to", "observed_at")
_TIME = pa.timestamp("us", tz="UTC")


def _to_columns(outcomes: Iterable[Outcome]) -> pa.Table:
    rows = list(outcomes)
    days = [[None if day is None else day.isoformat() for day in (o.requested_from, o.requested_to)] for o in rows]
    return pa.table(
        {
            "ingestion_run_id": pa.array([o.ingestion_run_id for o in rows], pa.string()),
            "metric_id": pa.array([o.metric_id for o in rows], pa.string()),
            "status": pa.array([o.status.value for o in rows], pa.string()),
            "requested_from": pa.array([first for first, _ in days], pa.string()),
            "requested_to": pa.array([last for _, last in days], pa.string()),
            "error": pa.array([o.error for o in rows], pa.string()),
            "observed_at": pa.array([o.observed_at for o in rows], _TIME),
        }
    )


def _encode(column: pa.ChunkedArray[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the index of each text, and the texts."""
    encoded: Any = column.combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _records(rows: pa.Table, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name].to_pylist() for name in names), strict=True)


@dataclass(frozen=True, slots=True)
class _Answer:
    at: datetime
    first: date
    last: date
    is_refresh: bool


def _of_outcome(at: datetime, first: str, last: str | None, *, is_refresh: bool) -> _Answer:
    at = at.astimezone(UTC)
    newest = date.min if last is None else date.fromisoformat(last)
    return _Answer(at, date.fromisoformat(first), min(newest, _utc_day(at) - DAY), is_refresh)


class _History:
    """The answers for one metric."""

    def __init__(self, answers: Sequence[_Answer]) -> None:
        self._answers = sorted(answers, key=lambda answer: (answer.first, answer.last))
        self._windows: dict[date, tuple[Span, ...]] = {}
        self.last_answer = max((answer.at for answer in answers), default=None)
        self.last_refresh = max((answer.at for answer in answers if answer.is_refresh), default=None)

    def windows(self, by: date) -> tuple[Span, ...]:
        """Return the days that the answers up to the day ``by`` cover, as ascending, separate spans."""
        if by not in self._windows:
            merged: list[Span] = []
            for answer in self._answers:
                if _utc_day(answer.at) > by:
                    continue
                if merged and answer.first <= merged[-1].last + DAY:
                    merged[-1] = Span(merged[-1].first, max(answer.last, merged[-1].last))
                else:
                    merged.append(Span(answer.first, answer.last))
            self._windows[by] = tuple(merged)
        return self._windows[by]


@lru_cache(maxsize=4096)
def _utc_day(moment: datetime) -> date:
    """Return the UTC day. Cached, because all outcomes of a run have the same time."""
    return moment.astimezone(UTC).date()
