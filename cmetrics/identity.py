"""Match the metrics of a catalogue with the ids that a store has for them. Pure.

An id belongs to a subject at a source, not to the product that contains it. A default id, which is made of product
and source, is therefore used only for metrics that are new to a store. When a product is renamed, split or merged,
its metrics are found by source and subject and keep their ids: no row moves, and links, file names, data branches and
other machines are not affected. If the catalogue states an id, the rows move to it, as with `cmetrics rename`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cmetrics.catalog import Catalog, extend_id
from cmetrics.domain.metric import Definition, Metric, SourceSpec

#: A source, a subject in the source's canonical form, and what is counted, as its ``value_kind``.
Thing = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Identities:
    """A catalogue with the ids that apply to a store."""

    catalog: Catalog
    #: Ids of metrics that moved to another product, or returned to the catalogue.
    kept: tuple[str, ...] = ()
    #: ``(old id, id stated in the catalogue)`` of metrics whose rows must move.
    moved: tuple[tuple[str, str], ...] = ()
    #: ``(id in the catalogue, another id of the store)`` if both have rows of the same subject.
    doubled: tuple[tuple[str, str], ...] = ()


def match_ids(
    catalog: Catalog,
    definitions: Sequence[Definition],
    specs: Mapping[str, SourceSpec],
    other_subjects: Mapping[str, str] | None = None,
) -> Identities:
    """Return ``catalog`` with the ids of the store, and what follows from the comparison.

    ``definitions`` are the rows of ``metrics``; ``other_subjects`` has further names of subjects by
    metric id, such as the current name of a repository.
    """
    stored = {row.metric_id: row for row in definitions}
    known = _known_ids(definitions, specs, other_subjects or {})

    def former_ids(metric: Metric) -> Sequence[str]:
        canonical = specs[metric.source].canonical
        return known.get((metric.source, canonical(metric.subject), metric.measure.value_kind), ())

    is_default = catalog.default_ids.__contains__
    settled = {m.metric_id for m in catalog.metrics if m.metric_id in former_ids(m)}
    ids = {i: i for i in (m.metric_id for m in catalog.metrics) if i in settled or not is_default(i)}
    taken = set(ids.values())
    moved: list[tuple[str, str]] = []
    for metric in (m for m in catalog.metrics if m.metric_id not in settled):
        # A package that continues another one takes over its series, unless it has its own.
        value_kind = metric.measure.value_kind
        continued = [i for subject in metric.continues for i in known.get((metric.source, subject, value_kind), ())]
        candidates = [i for i in former_ids(metric) or continued if i not in taken]
        former = _choose(metric.metric_id, candidates, stored)
        if former is not None and is_default(metric.metric_id):
            ids[metric.metric_id] = former
            taken.add(former)
        elif former is not None and metric.metric_id not in stored:
            moved.append((former, metric.metric_id))
            taken.add(former)
    for metric in catalog.metrics:
        if metric.metric_id not in ids:
            ids[metric.metric_id] = _free_id(metric, taken)
            taken.add(ids[metric.metric_id])
    matched = _with_ids(catalog, ids)
    return Identities(
        matched,
        kept=tuple(m.metric_id for m in matched.metrics if m.metric_id in stored and _has_moved(m, stored, catalog)),
        moved=tuple(moved),
        doubled=tuple((m.metric_id, other) for m in matched.metrics for other in former_ids(m) if other not in taken),
    )


def _known_ids(
    definitions: Iterable[Definition], specs: Mapping[str, SourceSpec], other_subjects: Mapping[str, str]
) -> dict[Thing, list[str]]:
    """Return the ids in the store of each subject."""
    known: dict[Thing, list[str]] = {}
    for row in (row for row in definitions if row.source in specs):
        canonical = specs[row.source].canonical
        for subject in {canonical(row.subject), canonical(other_subjects.get(row.metric_id, row.subject))}:
            known.setdefault((row.source, subject, row.value_kind), []).append(row.metric_id)
    return known


def _choose(metric_id: str, candidates: Sequence[str], stored: Mapping[str, Definition]) -> str | None:
    """Return the id of a metric in the store: one that differs only in the product, else the oldest."""

    def order(candidate: str) -> tuple[bool, object, str]:
        return _tail(candidate) != _tail(metric_id), stored[candidate].created_at, candidate

    return min(candidates, key=order, default=None)


def _tail(metric_id: str) -> list[str]:
    return [part for place, part in enumerate(metric_id.split(":")) if place != 1]


def _free_id(metric: Metric, taken: Iterable[str]) -> str:
    """Return the default id, extended if the store uses it for another metric of the catalogue."""
    metric_id, number = metric.metric_id, 1
    while metric_id in taken:
        extended = extend_id(metric.metric_id, metric.subject)
        metric_id = extended if number == 1 else f"{extended}-{number}"
        number += 1
    return metric_id


def _with_ids(catalog: Catalog, ids: Mapping[str, str]) -> Catalog:
    aliases = {default: metric_id for default, metric_id in ids.items() if default != metric_id}
    if not aliases:
        return catalog
    return replace(
        catalog,
        metrics=tuple(replace(metric, metric_id=ids[metric.metric_id]) for metric in catalog.metrics),
        seeds={ids[metric_id]: path for metric_id, path in catalog.seeds.items()},
        default_ids=frozenset(ids[metric_id] for metric_id in catalog.default_ids),
        aliases=aliases,
    )


def _has_moved(metric: Metric, stored: Mapping[str, Definition], catalog: Catalog) -> bool:
    """Return whether the store has the metric in another product, or as inactive, and the entry states no id."""
    row = stored[metric.metric_id]
    is_stated = catalog.metric(metric.metric_id) is not None and metric.metric_id not in catalog.default_ids
    return not is_stated and (row.product != metric.product or not row.is_active)
