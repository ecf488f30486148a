"""Is something wrong that a person should see to? Pure: from the state of the store to the text of an issue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date

from cmetrics.domain.run import Job, Run, RunStatus
from cmetrics.domain.sanitize import code_span
from cmetrics.queries import MetricFreshness

#: Finds the issue again, whatever its title has become.
MARKER = "<!-- cmetrics-alert -->"
NIGHTS = 3
#: More are counted, not named: an issue is to be read.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Alert:
    """What the issue says. Without dates that change by themselves: equal trouble gives an equal text."""

    title: str
    body: str


def build_alert(
    metrics: Iterable[MetricFreshness], runs: Iterable[Run], *, max_age_days: int, as_of: date, site: str | None = None
) -> Alert | None:
    """The alert for that state of the store; None when all is well. Runs come newest first."""
    stale = [entry for entry in metrics if _is_stale(entry, max_age_days)]
    nights = failed_nights(runs, as_of)
    titles: list[str] = []
    parts: list[str] = [MARKER]
    if nights:
        titles.append(f"no successful run for {NIGHTS} nights")
        newest = nights[0]
        parts.append(
            f"The last {NIGHTS} nightly runs failed and stored nothing. The newest one says:\n\n"
            f"{code_span(newest.error_summary or 'nothing', limit=1000)}"
        )
    if stale:
        titles.append("1 metric is stale" if len(stale) == 1 else f"{len(stale)} metrics are stale")
        lines = [_line(entry) for entry in stale[:MOST_NAMED]]
        if len(stale) > MOST_NAMED:
            lines.append(f"- and {len(stale) - MOST_NAMED} more")
        parts.append(f"Older than {max_age_days} days:\n\n" + "\n".join(lines))
    if not titles:
        return None
    parts.append(
        "`cmetrics status` tells the reason of every missing day, `cmetrics doctor` what to do about the rest."
        + (f" The page is at <{site}>." if site else "")
        + " This issue is kept up to date by `cmetrics alert` and closed when all is well again;"
        " `CMETRICS_ALERTS=off` switches it off."
    )
    return Alert(f"cmetrics: {' and '.join(titles)}", "\n\n".join(parts) + "\n")


def failed_nights(runs: Iterable[Run], as_of: date) -> tuple[Run, ...]:
    """The last run of each of the last three nights when all of them failed, newest first; else nothing.

    A night is a UTC day on which a refresh was started. Nights without any run say nothing of the
    runs; that the last of them is long ago shows in the age of the metrics.
    """
    last: dict[date, Run] = {}
    for run in runs:
        if run.job_name == Job.REFRESH and run.status != RunStatus.RUNNING:
            last.setdefault(run.started_at.astimezone(UTC).date(), run)
    nights = sorted(last, reverse=True)[:NIGHTS]
    found = tuple(last[night] for night in nights)
    is_recent = bool(nights) and (as_of - nights[0]).days <= NIGHTS
    return found if len(found) == NIGHTS and is_recent and all(r.status == RunStatus.FAILED for r in found) else ()


def _is_stale(entry: MetricFreshness, max_age_days: int) -> bool:
    return entry.freshness.age_days is None or entry.freshness.age_days > max_age_days


def _line(entry: MetricFreshness) -> str:
    fresh = entry.freshness
    newest = f"newest day {fresh.latest_day}" if fresh.latest_day else "no day yet"
    said = f": {code_span(fresh.last_error)}" if fresh.last_error else ""
    return f"- {code_span(entry.metric.metric_id)}, {newest}{said}"
