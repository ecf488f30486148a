"""The overwrite rules for single pairs of rows: a slow and simple reference for the rules by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import Observation, parse_package


def overwrite_rule(
    metrics: Mapping[str, Metric], specs: Mapping[str, SourceSpec]
) -> Callable[[Observation, Observation], bool]:
    """Return the rule for rows of these metrics."""

    def overwrites(stored: Observation, new: Observation) -> bool:
        metric = metrics[new.metric_id]
        if not metric.measure.is_flow:
            return _newer_count_wins(stored, new)
        return _newer_downloads_win(stored, new, metric, specs[metric.source])

    return overwrites


def newer_wins(stored: Observation, new: Observation) -> bool:
    """Return whether ``new``, from another store of the same metrics, replaces ``stored``.

    The value observed last wins. The rules of a refresh come first: a reconstructed count never
    replaces one taken on its day, nor the count of another service that of the metric's own source.
    Two stores that merge each other end with the same rows.
    """
    return _rank(new) > _rank(stored)


def _rank(row: Observation) -> tuple[bool, bool, datetime, str, int]:
    return not row.is_reconstructed, not row.is_stand_in, row.observed_at, row.ingestion_run_id, row.value


def same_statement(stored: Observation, new: Observation) -> bool:
    """Return whether the rows differ at most in the run, the time and the command that read the value.

    A value that a backfill finds unchanged keeps its row.
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
    """Return whether the star count ``new`` replaces ``stored``.

    A reconstructed count never replaces one taken on its day. A history without stars replaces
    nothing: it proves nothing, because stars that were taken back are not in it.
    """
    if new.is_reconstructed and new.value == 0 and stored.value > 0:
        return False
    if new.is_reconstructed and not stored.is_reconstructed:
        return False
    return not same_statement(stored, new)


def _newer_downloads_win(stored: Observation, new: Observation, metric: Metric, spec: SourceSpec) -> bool:
    if new.is_seed or _is_other_package(stored, new, spec):
        return False
    if stored.is_seed:
        # From `daily_from` on, and for a metric without one, a daily value replaces a snapshot.
        return metric.daily_from is None or new.period_end >= metric.daily_from
    if new.value == 0 and stored.value > 0:
        return False
    if stored.is_stand_in != new.is_stand_in:
        # The metric is what its own source counts. The count of another service replaces it only for
        # days of which the source is known to have lost the larger part.
        loss = spec.known_loss(new.period_end)
        return stored.is_stand_in or (loss is not None and loss.is_damaged and new.value > stored.value)
    read_on = new.observed_at.date()
    if new.value < stored.value and read_on <= new.period_end + spec.growing_days * DAY:
        return False
    return not same_statement(stored, new)


def _is_other_package(stored: Observation, new: Observation, spec: SourceSpec) -> bool:
    packages = [parse_package(row.source_ref, spec.services) for row in (stored, new)]
    return len({spec.canonical(package) for package in packages if package is not None}) > 1
