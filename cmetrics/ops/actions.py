"""What GitHub Actions reads of a run: annotations, the job summary, and nothing that others wrote for it.

The runner takes commands from every line of both outputs (actions/runner, ``ActionCommand.cs``): from
one that begins with ``::`` behind white space, and from one that holds ``##[`` anywhere. Errors of
services and names of packages must not become such a line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from cmetrics.domain.run import MetricOutcome, MetricStatus, RunSummary
from cmetrics.domain.sanitize import code_span

#: A step's summary may be 1 MiB long (docs.github.com, workflow commands); more is refused as a whole.
LONGEST_SUMMARY = 900_000
MOST_ROWS = 500
MOST_LINES = 100

# .NET compares by culture there, which passes over marks that take no room: whatever stands before
# and between two colons at the beginning of a line, unless it is a letter or a digit, counts as nothing.
_COMMAND = re.compile(r"^(?=[^0-9A-Za-z:\n]*:[^0-9A-Za-z:\n]*:)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"#[^\x20-\x7e\n]*#[^\x20-\x7e\n]*\[")
_MARKS = {MetricStatus.OK: "✅", MetricStatus.PENDING: "🕗", MetricStatus.FAILED: "❌", MetricStatus.SKIPPED: "–"}


def is_running() -> bool:
    """Whether this process is a step of a workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def summary_file() -> Path | None:
    """Where the Markdown of this step goes; None elsewhere."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "")
    return Path(name) if is_running() and name else None


def harmless(text: str) -> str:
    """``text`` without a line that the runner would obey."""
    return _OLD_COMMAND.sub("## [", _COMMAND.sub("| ", text))


def annotation(kind: str, text: str, *, title: str = "cmetrics") -> str:
    """The command that shows ``text`` as an error or a warning of the workflow's run."""
    return f"::{kind} title={_property(title)}::{_data(_OLD_COMMAND.sub('## [', text))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class Guarded:
    """A text file that lets no command through."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._in_line = False

    def write(self, text: str) -> int:
        """Write it, made harmless; how much came in."""
        # What goes on with a line is not its beginning.
        head, found, rest = text.partition("\n") if self._in_line else ("", "", text)
        self._file.write(_OLD_COMMAND.sub("## [", head) + found + harmless(rest))
        self._in_line = not text.endswith("\n") if text else self._in_line
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def summary_markdown(summary: RunSummary, site: str | None, hints: Iterable[str] = ()) -> str:
    """A run for people who open the workflow's page: what failed, what healed, where the site is.

    ``hints`` are sentences of ours in Markdown; everything else is shown as code.
    """
    counts = summary.counts
    failed = [f"- {code_span(o.metric_id)}: {code_span(o.error)}" for o in summary.metrics if o.error]
    healed = [f"- {code_span(o.metric_id)}: {_days(o.healed_days)}" for o in summary.metrics if o.healed_days]
    parts = [
        f"## cmetrics {summary.job.value}: {summary.status.value}",
        f"{counts.inserted:,} rows inserted, {counts.updated:,} updated, {counts.unchanged:,} unchanged"
        + (f" · <{site}>" if site else ""),
        _table(summary.metrics),
        _section("Failed", failed),
        _section("Healed: days that were missing", healed),
        _section("To look at", [f"- {code_span(text)}" for text in (*summary.warnings, *summary.anomalies)]),
        _section("Still switched off", [f"- {text}" for text in hints]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def failure_markdown(job: str, error: str) -> str:
    """A run that never got to its metrics."""
    return f"## cmetrics {job}: failed\n\n{code_span(error, limit=2000)}\n"


def append(path: Path, markdown: str) -> None:
    """Add to the summary of the step; what is too long is cut at a line. Raises OSError."""
    if len(markdown.encode()) > LONGEST_SUMMARY:
        cut = markdown.encode()[:LONGEST_SUMMARY].decode(errors="ignore")
        markdown = cut[: cut.rfind("\n") + 1] + "\n…\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(markdown)


def _table(outcomes: tuple[MetricOutcome, ...]) -> str:
    # Those that need somebody first, should there be more than are shown.
    order = (
        sorted(outcomes, key=lambda o: o.status is not MetricStatus.FAILED) if len(outcomes) > MOST_ROWS else outcomes
    )
    rows = [
        f"| {code_span(o.metric_id)} | {_MARKS[o.status]} {o.status.value} | {o.latest_day or '–'} | {o.days_stored} | "
        f"{o.pending_days or ''} | {o.healed_days or ''} | {o.revised_days or ''} |"
        for o in order[:MOST_ROWS]
    ]
    more = f"\n\nand {len(outcomes) - MOST_ROWS} more" if len(outcomes) > MOST_ROWS else ""
    head = (
        "| metric | status | newest day | days read | pending | healed | revised |\n"
        "| --- | --- | --- | --: | --: | --: | --: |"
    )
    return "\n".join([head, *rows]) + more


def _section(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    more = [f"- and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return "\n".join([f"### {title}", "", *lines[:MOST_LINES], *more])


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
