"""Which days of a metric are missing, and why. Pure: inferred from what the store keeps.

Nothing is written down about a missing day. What is known of it: the days of the metric and of the
other metrics of its source, the runs since, and how far back the source answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cmetrics.domain.days import DAY, day_range, window
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.run import Run


class Reason(StrEnum):
    """Why a day is missing."""

    #: Nothing newer has been published either.
    NOT_LANDED = "not landed yet"
    #: Newer days are there, this one is missing for every metric of the source.
    LOST = "lost at the source"
    #: No run since has got an answer, or none has asked.
    FAILED = "failed here"
    #: The source was asked and knows of nothing so early.
    BEFORE = "before the package existed"
    #: A refresh does not reach it (any more).
    OUTSIDE = "outside what the source holds"


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing days that follow each other, for one reason."""

    first_day: date
    last_day: date
    reason: Reason
    #: One sentence more than the reason.
    text: str

    @property
    def days(self) -> int:
        """How many days are missing."""
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True, slots=True)
class Kept:
    """The stored days of one metric."""

    metric: Metric
    #: Days with a daily value.
    days: frozenset[date]
    #: Days that a seeded snapshot stands for.
    snapshots: frozenset[date] = frozenset()


def build_kept(metric: Metric, stored: Iterable[tuple[date, bool]]) -> Kept:
    """From the stored days of ``metric``, each with whether it is a seeded snapshot."""
    split: dict[bool, set[date]] = {False: set(), True: set()}
    for day, is_seed in stored:
        split[is_seed].add(day)
    return Kept(metric, frozenset(split[False]), frozenset(split[True]))


@dataclass(frozen=True, slots=True)
class Landed:
    """The days that any metric of a source has."""

    days: frozenset[date]

    @property
    def newest(self) -> date:
        """The last of them."""
        return max(self.days, default=date.min)


def build_landed(metrics: Iterable[Kept]) -> Landed:
    """From all metrics of one source."""
    return Landed(frozenset().union(*(kept.days for kept in metrics)))


def explain(kept: Kept, landed: Landed, spec: SourceSpec, runs: Sequence[Run], as_of: date) -> tuple[Gap, ...]:
    """The gaps of a metric up to ``as_of``, ascending.

    From ``daily_from`` on, for a metric without one as far as a first refresh reaches, and in any
    case from the oldest stored day on. ``landed`` is of all metrics of the same source, ``runs`` are
    those of the last months, newest first.
    """
    reason = _Reasons(kept, landed, spec, runs, as_of).of
    first = min(kept.metric.daily_from or window(as_of, spec.first_days), *kept.days, as_of)
    covered = kept.days | (kept.snapshots if kept.metric.daily_from else frozenset())
    return _ranges((day for day in day_range(first, as_of) if day not in covered), reason)


def _ranges(days: Iterable[date], reason: Callable[[date], tuple[Reason, str]]) -> tuple[Gap, ...]:
    found: list[Gap] = []
    for day in days:
        why, text = reason(day)
        last = found[-1] if found else None
        if last is not None and (last.last_day + DAY, last.reason, last.text) == (day, why, text):
            found[-1] = Gap(last.first_day, day, why, text)
        else:
            found.append(Gap(day, day, why, text))
    return tuple(found)


class _Reasons:
    def __init__(self, kept: Kept, landed: Landed, spec: SourceSpec, runs: Sequence[Run], as_of: date) -> None:
        self._title = spec.title
        self._landed = landed.days
        self._oldest = min(kept.days, default=None)
        self._newest = landed.newest
        self._held = spec.oldest_held(as_of)
        self._reach = max(self._held, window(as_of, spec.first_days))
        metric_id = kept.metric.metric_id
        #: On that day a source has answered for the metric last.
        self._asked = max((run.started_at.date() for run in runs if run.has_asked(metric_id)), default=date.min)
        errors = ((run.started_at.date(), run.error_of(metric_id)) for run in runs if not run.has_asked(metric_id))
        self._failed, self._error = next((found for found in errors if found[1]), (date.min, None))

    def of(self, day: date) -> tuple[Reason, str]:
        """Why ``day`` is missing."""
        early = self._oldest is None or day < self._oldest
        if day < (self._reach if early else self._held):
            return Reason.OUTSIDE, f"{self._title} does not answer for it; `cmetrics backfill --full` may fill it"
        # A day that was not there yet when a source answered last is waited for in vain since.
        if self._asked <= day or (day > self._newest and self._failed > self._asked):
            said = f"no answer since; last error: {self._error}" if self._failed > day else "no refresh since"
            return Reason.FAILED, said
        if early:
            return Reason.BEFORE, f"{self._title} knows of nothing before"
        if day in self._landed:
            return Reason.FAILED, f"{self._title} has it for other metrics; this one was not asked for, or not answered"
        if day > self._newest:
            return Reason.NOT_LANDED, f"{self._title} has not published it"
        return Reason.LOST, f"{self._title} has newer days and not this one; it is asked for again"
