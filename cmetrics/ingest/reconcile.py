"""Which of two values of one key stays. Pure; the rules of contract §4 in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Family, Metric, SourceSpec
from cmetrics.domain.observation import Observation

#: Whether the second value is written over the first.
Overwrite = Callable[[Observation, Observation], bool]


def overwrite_rule(metrics: Mapping[str, Metric], specs: Mapping[str, SourceSpec]) -> Overwrite:
    """The rule for rows of these metrics."""

    def overwrites(stored: Observation, new: Observation) -> bool:
        metric = metrics[new.metric_id]
        if metric.family is Family.STARS:
            return _newer_count_wins(stored, new)
        return _newer_downloads_win(stored, new, metric, specs[metric.source])

    return overwrites


def newer_wins(stored: Observation, new: Observation) -> bool:
    """The rule for rows of another store of the same metrics: the value observed last stays.

    Before that, what a refresh keeps to: a count taken on its day is not replaced by one worked out
    later, nor a source's own count by another service's. Two stores that merge each other end equal.
    """
    return _rank(new) > _rank(stored)


def _rank(row: Observation) -> tuple[bool, bool, datetime, str, int]:
    return not row.is_reconstructed, not row.is_stand_in, row.observed_at, row.ingestion_run_id, row.value


def same_statement(stored: Observation, new: Observation) -> bool:
    """Whether writing ``new`` would tell a reader nothing that ``stored`` does not.

    The run that read a value, when, and by which command may differ: a value that a backfill finds
    unchanged stays the row it was.
    """
    return (
        stored.value == new.value
        and stored.is_seed == new.is_seed
        and stored.is_reconstructed == new.is_reconstructed
        and stored.is_stand_in == new.is_stand_in
        and stored.period_start == new.period_start
        and stored.source_window == new.source_window
    )


def _newer_count_wins(stored: Observation, new: Observation) -> bool:
    """A count taken on its day is never replaced by one worked out later (contract §4.7).

    Nor is any by a history without stars: it proves nothing, stars that were taken back are not in it.
    """
    if new.is_reconstructed and new.value == 0 and stored.value > 0:
        return False
    if new.is_reconstructed and not stored.is_reconstructed:
        return False
    return not same_statement(stored, new)


def _newer_downloads_win(stored: Observation, new: Observation, metric: Metric, spec: SourceSpec) -> bool:
    if new.is_seed:
        return False
    if stored.is_seed:
        # From `daily_from` on, and for a metric without one, a daily value replaces a snapshot.
        return metric.daily_from is None or new.period_end >= metric.daily_from
    if new.value == 0 and stored.value > 0:
        return False
    if stored.is_stand_in != new.is_stand_in:
        # The source's own count is what the metric is; another service's never replaces it.
        return stored.is_stand_in
    read_on = new.observed_at.date()
    if new.value < stored.value and read_on <= new.period_end + spec.growing_days * DAY:
        return False
    return not same_statement(stored, new)
