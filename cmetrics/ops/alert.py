"""Build the text of the alert issue from the state of the store. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from enum import StrEnum

from cmetrics.analytics.model import MetricFreshness
from cmetrics.domain.plural import plural
from cmetrics.domain.run import Job, Run, RunStatus
from cmetrics.domain.sanitize import code_span

#: Identifies the issue independently of its title.
MARKER = "<!-- cmetrics-alert -->"
NIGHTS = 3
#: The maximum number of metrics that are listed; the others are only counted.
MOST_NAMED = 50


class FailureKind(StrEnum):
    """The kind of failure that stopped a nightly run, as a phrase for the title."""

    CONFIGURATION = "the configuration is wrong"
    PULL = "the store could not be pulled from the data branch"
    PUSH = "the store could not be pushed to the data branch"
    STORE = "the store cannot be read"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a nightly run, with its reason."""

    kind: FailureKind
    reason: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Alert:
    """Title and body of the issue. The same state gives the same text, so there are no relative dates."""

    title: str
    body: str


def build_alert(
    metrics: Iterable[MetricFreshness],
    runs: Iterable[Run],
    *,
    max_age_days: int,
    as_of: date,
    site: str | None = None,
    failures: Iterable[Failure] = (),
) -> Alert | None:
    """Return the alert for this state of the store; None if there is no problem.

    ``runs`` are newest first. ``failures`` are reported at once, because a later run cannot repair them.
    """
    stale = [entry for entry in metrics if _is_stale(entry, max_age_days)]
    nights = failed_nights(runs, as_of)
    titles: list[str] = []
    parts: list[str] = [MARKER]
    for failure in failures:
        title = failure.kind.value
        titles.append(title)
        parts.append(f"{title[:1].upper()}{title[1:]}:\n\n{code_span(failure.reason, limit=2000)}")
    if nights:
        titles.append(f"no successful run for {NIGHTS} nights")
        newest = nights[0]
        parts.append(
            f"The last {NIGHTS} nightly runs failed and stored nothing. Error of the newest one:\n\n"
            f"{code_span(_without_days(newest.error_summary or 'none recorded'), limit=1000)}"
        )
    if stale:
        titles.append(f"{plural(len(stale), 'metric')} {'is' if len(stale) == 1 else 'are'} stale")
        lines = [_line(entry) for entry in stale[:MOST_NAMED]]
        if len(stale) > MOST_NAMED:
            lines.append(f"- and {len(stale) - MOST_NAMED} more")
        parts.append(f"Older than {plural(max_age_days, 'day')}:\n\n" + "\n".join(lines))
    if not titles:
        return None
    parts.append(
        "`cmetrics status` shows the reason for every missing day, `cmetrics doctor` checks the installation."
        + (f" The site is at <{site}>." if site else "")
        + " `cmetrics alert` updates this issue, and closes it once all metrics are up to date;"
        " `CMETRICS_ALERTS=off` disables it."
    )
    return Alert(f"cmetrics: {' and '.join(titles)}", "\n\n".join(parts) + "\n")


def failed_nights(runs: Iterable[Run], as_of: date) -> tuple[Run, ...]:
    """Return the last run of each of the last three nights, newest first, if all failed; else an empty list.

    A night is a UTC day on which a refresh started. Nights without a run are ignored; they affect the age
    of the metrics.
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
    return entry.overdue_days is None or entry.overdue_days > max_age_days


def _line(entry: MetricFreshness) -> str:
    newest = f"newest day {entry.latest_day}" if entry.latest_day else "no data yet"
    error = f": {code_span(_without_days(entry.last_error))}" if entry.last_error else ""
    return f"- {code_span(entry.metric.metric_id)}, {newest}{error}"


def _without_days(error: str) -> str:
    """Return the error without the requested days, which differ every night although the problem is the same."""
    return re.sub(r"\d{4}-\d\d-\d\d", "DATE", error)
