"""Find the missing days of a metric, with reasons.

Nothing is stored about a missing day. The reason is inferred from the stored days of the metric and
of the other metrics of its source, the outcomes of the runs, and how far back the source serves days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date
from enum import StrEnum
from itertools import pairwise

from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import DAY, day_range, window
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.state import MetricState


class Reason(StrEnum):
    """Why a day is missing."""

    #: The source has not published any newer day either.
    NOT_PUBLISHED = "not published yet"
    #: The source has newer days; this one is missing for every metric of it.
    LOST = "lost at the source"
    #: The last attempt ended with an error, or the source left the day out.
    FAILED = "failed"
    #: No run has requested the day yet.
    NOT_COLLECTED = "not collected yet"
    #: The source responded, and its first day is later.
    BEFORE_FIRST = "before the first publication"
    #: No reading was taken on that night, and the service provides no past values.
    MISSED = "missed night"
    #: The source no longer serves the day.
    NO_LONGER_AVAILABLE = "no longer available"


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive missing days with one reason."""

    first_day: date
    last_day: date
    reason: Reason
    #: The reason as a sentence that names the source, without a full stop.
    text: str

    @property
    def days(self) -> int:
        """The number of missing days."""
        return (self.last_day - self.first_day).days + 1

    @property
    def is_missing(self) -> bool:
        """Whether these days count as missing. Days before the first publication do not."""
        return self.reason is not Reason.BEFORE_FIRST


def count_missing_days(gaps: Iterable[Gap]) -> int:
    """Return the number of missing days in ``gaps``, without those before the first publication."""
    return sum(gap.days for gap in gaps if gap.is_missing)


def find_gaps(
    metric: Metric, state: MetricState, published: DaySet, spec: SourceSpec, log: OutcomeLog, as_of: date
) -> tuple[Gap, ...]:
    """Return the gaps of ``metric`` up to ``as_of``, ascending.

    They begin with the first of these: ``daily_from`` (without it, the first day of a first refresh) and the oldest
    stored day. ``published`` are the days that the source has published for any of its metrics. A measure that is
    read once a night has no gaps before its first reading.
    """
    reasons = _Reasons(metric, state, published, spec, log, as_of)
    if metric.measure.is_rolling:
        return _open_windows(metric, state, spec, reasons, as_of)
    if metric.measure.is_read_nightly:
        return _missed_nights(metric, state, spec, reasons, as_of)
    first = min(metric.daily_from or window(as_of, spec.first_days), state.oldest_day or as_of, as_of)
    return _join(DaySet.between(first, as_of) - state.daily - state.snapshots, reasons.of)


def _missed_nights(
    metric: Metric, state: MetricState, spec: SourceSpec, reasons: _Reasons, as_of: date
) -> tuple[Gap, ...]:
    """Return the nights without a reading since the first one. All are lost, except the last one."""
    effect = "the next increase covers several days" if metric.measure.is_counter else "the count cannot be read later"

    def reason(day: date) -> tuple[Reason, str]:
        if day == as_of:
            return reasons.unanswered(day)
        return Reason.MISSED, f"Lost: {spec.public_name} was not read that night; {effect}"

    first = min(state.oldest_day or as_of, as_of)
    return _join(DaySet.between(first, as_of) - state.daily, reason)


def _open_windows(
    metric: Metric, state: MetricState, spec: SourceSpec, reasons: _Reasons, as_of: date
) -> tuple[Gap, ...]:
    """Return the days since the first window of a rolling measure that no window covers.

    Days after the newest window are missing once the window is older than usual.
    """
    measure = metric.measure
    length = measure.window_days or 1
    ends = list(state.daily)
    missing: list[date] = []
    for end, following in pairwise(ends):
        missing += day_range(end + DAY, following - length * DAY)
    newest = ends[-1] if ends else as_of - DAY
    if not ends or (as_of - newest).days > measure.lag_days:
        missing += day_range(newest + DAY, as_of)

    def reason(day: date) -> tuple[Reason, str]:
        if day > newest:
            return reasons.of_newer_window(day)
        if measure.has_history:
            return (
                Reason.NOT_COLLECTED,
                "Not collected: no stored window includes it; `cmetrics backfill` may recover it",
            )
        return Reason.MISSED, f"Lost: {spec.public_name} was not read while a window still included it"

    return _join(missing, reason)


def _join(days: Iterable[date], reason: Callable[[date], tuple[Reason, str]]) -> tuple[Gap, ...]:
    gaps: list[Gap] = []
    for day in days:
        why, text = reason(day)
        last = gaps[-1] if gaps else None
        if last is not None and (last.last_day + DAY, last.reason, last.text) == (day, why, text):
            gaps[-1] = Gap(last.first_day, day, why, text)
        else:
            gaps.append(Gap(day, day, why, text))
    return tuple(gaps)


class _Reasons:
    def __init__(
        self,
        metric: Metric,
        state: MetricState,
        published: DaySet,
        spec: SourceSpec,
        log: OutcomeLog,
        as_of: date,
    ) -> None:
        self._title, self._host = spec.public_name, spec.title
        self._known_loss = spec.known_loss
        self._archive_hint = "; `cmetrics backfill --full` may recover it" if spec.archive is not None else ""
        self._published = published
        self._newest = published.last or date.min
        self._oldest = state.oldest_day
        self._available = spec.oldest_served(as_of)
        self._reach = max(self._available, window(as_of, spec.first_days))
        self._answered = log.answered_windows(metric.metric_id)
        refreshed = log.last_refresh(metric.metric_id)
        self._refreshed = date.min if refreshed is None else refreshed.astimezone(UTC).date()
        self._failure = log.last_error(metric.metric_id)

    def of(self, day: date) -> tuple[Reason, str]:
        """Return why ``day`` is missing."""
        is_early = self._oldest is None or day < self._oldest
        loss = self._known_loss(day)
        if loss is not None and not is_early and day not in self._published:
            return Reason.LOST, f"Missing at the source: {loss.reason}{self._archive_hint}"
        if day < self._available:
            return Reason.NO_LONGER_AVAILABLE, f"No longer available from {self._host}{self._archive_hint}"
        if is_early and day < self._reach:
            text = "Not collected: too old for a refresh; `cmetrics backfill` may recover it"
            return Reason.NOT_COLLECTED, text
        return self._of_reachable(day, is_early=is_early)

    def _of_reachable(self, day: date, *, is_early: bool) -> tuple[Reason, str]:
        has_answer = self._refreshed > day if is_early else any(day in span for span in self._answered)
        # The day was not published at the last response, and later requests had no response.
        if not has_answer or (day > self._newest and self._failure is not None):
            return self.unanswered(day)
        if is_early:
            return Reason.BEFORE_FIRST, f"Before first data: {self._title} has no earlier day"
        if day in self._published:
            return (
                Reason.FAILED,
                f"Not collected: {self._title} returned values for other metrics, but not for this one",
            )
        if day > self._newest:
            return Reason.NOT_PUBLISHED, f"Pending: not yet published by {self._title}"
        return Reason.LOST, f"Missing at {self._title}; retried nightly"

    def of_newer_window(self, day: date) -> tuple[Reason, str]:
        """Return why no window includes ``day``, which is after the newest one."""
        if self._failure is not None or self._refreshed <= day:
            return self.unanswered(day)
        return Reason.NOT_PUBLISHED, f"Pending: {self._title} has not published a newer window"

    def unanswered(self, day: date) -> tuple[Reason, str]:
        """Return why the source has not responded for ``day``."""
        failure = self._failure
        if failure is None or failure.at.astimezone(UTC).date() <= day:
            return Reason.NOT_COLLECTED, f"Not collected: no refresh has run {'since' if self._oldest else 'yet'}"
        when = f"{failure.at.astimezone(UTC):%Y-%m-%d}"
        return Reason.FAILED, f"Not collected: the request failed or was not made ({when}: {failure.error})"
