"""Load seeded snapshots: older published totals, from a CSV file (``metric_id,date,value``)."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cmetrics.domain.days import parse_day
from cmetrics.domain.errors import ConfigError
from cmetrics.domain.observation import Observation, Provenance, SourceWindow, parse_count
from cmetrics.domain.sanitize import sanitize

if TYPE_CHECKING:
    from cmetrics.catalog import Catalog

COLUMNS = ["metric_id", "date", "value"]


def load_seed(catalog: Catalog, run_id: str) -> list[Observation]:
    """Return the snapshots of all metrics with a seed file, in the order of the files.

    Rows of other metrics are ignored. Raises ConfigError, naming file and line, for an invalid row.
    """
    rows: list[Observation] = []
    for path in sorted(set(catalog.seeds.values())):
        wanted = {metric_id for metric_id, file in catalog.seeds.items() if file == path}
        for named, day, value in _read(path):
            metric_id = named if named in wanted else catalog.aliases.get(named, named)
            if metric_id in wanted:
                rows.append(_snapshot(path, metric_id, day, value, run_id))
    return rows


def _snapshot(path: Path, metric_id: str, day: date, value: int, run_id: str) -> Observation:
    return Observation(
        metric_id=metric_id,
        period_start=day,
        period_end=day,
        observed_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        value=value,
        provenance=Provenance.CSV_SEED,
        source_window=SourceWindow.DISCRETE_SNAPSHOT,
        ingestion_run_id=run_id,
        source_ref=f"seed:{path.name}",
    )


def _read(path: Path) -> list[tuple[str, date, int]]:
    rows: list[tuple[str, date, int]] = []
    seen: set[tuple[str, date]] = set()
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            if next(lines, None) != COLUMNS:
                msg = f"{path}, line 1: the heading must be {','.join(COLUMNS)}"
                raise ConfigError(msg)
            for line in lines:
                row = _row(path, lines.line_num, line)
                if row[:2] in seen:
                    msg = f"{path}, line {lines.line_num}: {row[0]} has a second value for {row[1]}"
                    raise ConfigError(msg)
                seen.add(row[:2])
                rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: the seed file cannot be read ({sanitize(str(error))})"
        raise ConfigError(msg) from error
    return rows


def _row(path: Path, number: int, line: list[str]) -> tuple[str, date, int]:
    try:
        metric_id, day, value = line
        return metric_id, parse_day(day), parse_count(value)
    except ValueError:
        shown = sanitize(",".join(line), limit=80)
        msg = f"{path}, line {number}: {shown!r} is not a metric id, a day (YYYY-MM-DD) and a count"
        raise ConfigError(msg) from None
