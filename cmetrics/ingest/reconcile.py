"""Decide which of two values with the same key is stored. Pure; all rules are in this module.

A rule takes two tables, stored rows and new rows of the same keys, and returns one decision per row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import parse_package
from cmetrics.store.columns import (
    Ints,
    Mask,
    Overwrite,
    any_of,
    days,
    differ,
    is_reconstructed,
    is_seed,
    is_stand_in,
    values,
)

_MICROSECONDS_A_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()


def overwrite_rule(metrics: Mapping[str, Metric], specs: Mapping[str, SourceSpec]) -> Overwrite:
    """Return the rule for rows of ``metrics``."""
    return _Rule.of(metrics, specs).overwrites


def newer_wins(stored: pa.Table, new: pa.Table) -> Mask:
    """Return whether each row of ``new``, from another store, replaces that of ``stored``.

    The later observation wins, with two exceptions as in `refresh`: a reconstructed count never replaces an observed
    one, and the count of another service never replaces that of the metric's source. Two stores that merge each other
    have the same rows in the end.
    """
    wins, ties = np.zeros(new.num_rows, np.bool_), np.ones(new.num_rows, np.bool_)
    for is_derived in (is_reconstructed, is_stand_in):
        old_is, new_is = is_derived(stored), is_derived(new)
        wins |= ties & old_is & ~new_is
        ties &= old_is == new_is
    for column in ("observed_at", "ingestion_run_id", "value"):
        wins |= ties & pc.greater(new[column], stored[column]).to_numpy()
        ties &= ~differ(stored, new, column)
    return wins


def differs(stored: pa.Table, new: pa.Table) -> Mask:
    """Return whether the rows differ in any column."""
    return any_of([differ(stored, new, column) for column in stored.column_names])


def same_statement(stored: pa.Table, new: pa.Table) -> Mask:
    """Return whether two rows differ at most in run, time and provenance.

    A backfill does not rewrite a row whose value is unchanged.
    """
    changes = [differ(stored, new, column) for column in ("value", "period_start", "source_window")]
    changes += [flag(stored) != flag(new) for flag in (is_seed, is_reconstructed, is_stand_in)]
    return ~any_of(changes)


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """The properties of each metric that the rule needs, as columns. Days are ordinals."""

    metric_ids: pa.Array[pa.StringScalar]
    is_count: Mask
    #: 0 if the metric has none.
    daily_from: Ints
    growing_days: Ints
    #: Index in ``specs`` of the source of each metric.
    sources: Ints
    specs: tuple[SourceSpec, ...]

    @classmethod
    def of(cls, metrics: Mapping[str, Metric], specs: Mapping[str, SourceSpec]) -> _Rule:
        names = sorted({metric.source for metric in metrics.values()})
        return cls(
            pa.array(list(metrics), pa.string()),
            np.array([not metric.measure.is_flow for metric in metrics.values()], np.bool_),
            np.array([m.daily_from.toordinal() if m.daily_from else 0 for m in metrics.values()], np.int64),
            np.array([specs[metric.source].growing_days for metric in metrics.values()], np.int64),
            np.array([names.index(metric.source) for metric in metrics.values()], np.int64),
            tuple(specs[name] for name in names),
        )

    def overwrites(self, stored: pa.Table, new: pa.Table) -> Mask:
        """Return whether each new row replaces the stored one."""
        owners = pc.index_in(new["metric_id"], self.metric_ids).to_numpy().astype(np.int64)
        stars = _newer_counts_win(stored, new)
        wins: Mask = np.where(self.is_count[owners], stars, self._newer_downloads_win(stored, new, owners))
        return wins

    def _newer_downloads_win(self, stored: pa.Table, new: pa.Table, owners: Ints) -> Mask:
        old_value, new_value, day = values(stored), values(new), days(new["period_end"])
        stood_in, stands_in = is_stand_in(stored), is_stand_in(new)
        read_on = new["observed_at"].cast(pa.int64()).to_numpy() // _MICROSECONDS_A_DAY + _EPOCH
        is_damaged = self._is_damaged(self.sources[owners], day)
        cases: list[tuple[Mask, Mask | bool]] = [
            (is_seed(new) | self._is_other_package(stored, new, owners), False),
            # A daily value replaces a snapshot from `daily_from` on, or always if it is not set.
            (is_seed(stored), day >= self.daily_from[owners]),
            ((new_value == 0) & (old_value > 0), False),
            # The metric is defined by its source. The count of another service replaces it only for days
            # that the source is known to report far too low.
            (stood_in != stands_in, stood_in | (is_damaged & (new_value > old_value))),
            # While the counts of a day may still grow, the larger one is correct.
            ((new_value < old_value) & (read_on <= day + self.growing_days[owners]), False),
        ]
        wins: Mask = np.select([case for case, _ in cases], [wins for _, wins in cases], ~same_statement(stored, new))
        return wins

    def _is_other_package(self, stored: pa.Table, new: pa.Table, owners: Ints) -> Mask:
        """Return whether the rows name two packages. Values of one never replace those of the other."""
        rows = np.flatnonzero(differ(stored, new, "source_ref") & ~self.is_count[owners])
        numbers: dict[str, int] = {}
        old, now = (
            self._packages(data["source_ref"].take(rows).cast(pa.string()), self.sources[owners[rows]], numbers)
            for data in (stored, new)
        )
        is_other = np.zeros(new.num_rows, np.bool_)
        is_other[rows] = (old >= 0) & (now >= 0) & (old != now)
        return is_other

    def _packages(self, refs: pa.ChunkedArray[Any], sources: Ints, numbers: dict[str, int]) -> Ints:
        """Return the number in ``numbers`` of the package that each row names, -1 for none."""
        encoded: pa.DictionaryArray[Any, Any] = refs.combine_chunks().dictionary_encode()
        names = [name or "" for name in encoded.dictionary.to_pylist()]
        found = np.full((len(self.specs), len(names)), -1, np.int64)
        for place, spec in enumerate(self.specs):
            for column, name in enumerate(names):
                if (package := parse_package(name, spec.services)) is not None:
                    found[place, column] = numbers.setdefault(spec.canonical(package), len(numbers))
        packages: Ints = found[sources, encoded.indices.to_numpy()]
        return packages

    def _is_damaged(self, sources: Ints, day: Ints) -> Mask:
        """Return whether the source is known to report each day far too low."""
        is_damaged = np.zeros(len(day), np.bool_)
        for number, spec in enumerate(self.specs):
            # If several losses cover a day, the first one applies.
            for loss in reversed(spec.known_losses):
                covered = (sources == number) & (loss.first.toordinal() <= day) & (day <= loss.last.toordinal())
                is_damaged[covered] = loss.is_damaged
        return is_damaged


def _newer_counts_win(stored: pa.Table, new: pa.Table) -> Mask:
    """Return whether each star count of ``new`` replaces that of ``stored``.

    A reconstructed count never replaces an observed one. A reconstructed 0 never replaces a positive count, because
    the history does not include removed stars.
    """
    is_later = is_reconstructed(new)
    proves_nothing = is_later & (values(new) == 0) & (values(stored) > 0)
    wins: Mask = ~proves_nothing & ~(is_later & ~is_reconstructed(stored)) & ~same_statement(stored, new)
    return wins
