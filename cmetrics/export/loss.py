"""The rows of a ledger, and which of one another lacks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run, RunStatus

#: Of the missing days of a metric, and of the metrics, so many are named.
NAMED = 3


@dataclass(frozen=True, slots=True)
class ExportedTables:
    """Everything that an export holds."""

    definitions: Sequence[Definition]
    runs: Sequence[Run]
    observations: Sequence[Observation]
    revisions: Sequence[Revision]
    #: Metrics that get a file of values, also one without rows.
    metric_ids: tuple[str, ...] = ()


def describe_loss(before: ExportedTables, after: ExportedTables) -> str:
    """What ``before`` has and ``after`` does not, in words; empty when nothing is lost.

    Keys are compared, not values: a value that was revised is no loss.
    """
    lost: dict[str, list[str]] = {}
    kept = {row.key for row in after.observations}
    for row in before.observations:
        if row.key not in kept:
            lost.setdefault(row.metric_id, []).append(row.period_end.isoformat())
    told = [_counted(metric_id, "day", days) for metric_id, days in sorted(lost.items())]
    more = [
        _counted(
            "metrics", "definition", _gone(map(_metric_id, before.definitions), map(_metric_id, after.definitions))
        ),
        _counted("history", "run", _gone(map(_run_id, _ended(before.runs)), map(_run_id, after.runs))),
        _counted("revisions", "row", _gone(map(_revision_key, before.revisions), map(_revision_key, after.revisions))),
    ]
    if len(told) > NAMED:
        told[NAMED:] = [f"and days of {len(told) - NAMED} more metrics"]
    return "; ".join(filter(None, [*told, *more]))


def _counted(what: str, unit: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return f"{what}: {len(names)} {unit}{'s' if len(names) > 1 else ''} ({shown})"


def _gone(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return sorted(set(before) - set(after))


def _ended(runs: Iterable[Run]) -> Iterable[Run]:
    """A run that was under way is not restored: it has ended since, or its store is gone."""
    return (run for run in runs if run.status != RunStatus.RUNNING)


def _run_id(run: Run) -> str:
    return run.ingestion_run_id


def _metric_id(row: Definition) -> str:
    return row.metric_id


def _revision_key(row: Revision) -> str:
    return f"{row.metric_id} {row.last_day} {row.ingestion_run_id}"
