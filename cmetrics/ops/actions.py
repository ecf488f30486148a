"""Write annotations and the job summary of GitHub Actions, without commands from untrusted text.

The runner parses commands from every line of both streams (actions/runner, ``ActionCommand.cs``): a
line that begins with ``::`` after white space, and a line with ``##[`` anywhere. Errors from services
and package names must never form such a line.

``::stop-commands::`` cannot replace `Guarded`. The runner has one switch for both streams, but reads
them in two threads and processes their lines in batches (``ProcessInvoker.cs``, as of 2026-11): while
commands are enabled for an annotation on stderr, earlier lines of stdout may still be unprocessed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from cmetrics.domain.plural import plural
from cmetrics.domain.run import MetricOutcome, MetricStatus, RunSummary
from cmetrics.domain.sanitize import code_span

#: GitHub rejects a job summary of more than 1 MiB as a whole (docs.github.com, workflow commands).
LONGEST_SUMMARY = 900_000
MOST_ROWS = 500
MOST_LINES = 100

# The runner's culture-sensitive comparison (.NET) ignores zero-width characters. Therefore everything
# except letters and digits is ignored before and between two colons at the beginning of a line.
_COMMAND = re.compile(r"^(?=[^0-9A-Za-z:\n]*:[^0-9A-Za-z:\n]*:)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"#[^\x20-\x7e\n]*#[^\x20-\x7e\n]*\[")
_MARKS = {MetricStatus.OK: "✅", MetricStatus.PENDING: "🕗", MetricStatus.FAILED: "❌", MetricStatus.SKIPPED: "–"}


def is_running() -> bool:
    """Return whether this process runs in a workflow step."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def summary_file() -> Path | None:
    """Return the file for the job summary of this step; None outside of a workflow."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "")
    return Path(name) if is_running() and name else None


def output_file() -> Path | None:
    """Return the file for the outputs of this step; None outside of a workflow."""
    name = os.environ.get("GITHUB_OUTPUT", "")
    return Path(name) if is_running() and name else None


def run_outputs(document: Mapping[str, Any]) -> str:
    """Return the outputs of a refresh as lines for `output_file`. Unknown numbers are empty.

    JSON has no line break, and no other value is a text of a service.
    """
    if document["signals"] is None:
        return ""
    values = {
        "signals": document["signals"],
        "new-signals": json.dumps(document["new_signals"]),
        "downloads-30d": document["downloads_30d"],
        "stars": document["stars"],
        "new-stars": document["new_stars"],
        "lost-stars": document["lost_stars"],
    }
    return "".join(f"{name}={'' if value is None else value}\n" for name, value in values.items())


def harmless(text: str) -> str:
    """Return ``text`` without lines that the runner would parse as a command."""
    return _OLD_COMMAND.sub("## [", _COMMAND.sub("| ", text))


def annotation(kind: str, text: str, *, title: str = "cmetrics") -> str:
    """Return the command that displays ``text`` as an error or a warning of the workflow run."""
    return f"::{kind} title={_property(title)}::{_data(_OLD_COMMAND.sub('## [', text))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class Guarded:
    """A text file wrapper that never writes a command."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._in_line = False

    def write(self, text: str) -> int:
        """Write ``text`` without commands. Return its length."""
        # The rest of a partly written line cannot begin with a command.
        head, found, rest = text.partition("\n") if self._in_line else ("", "", text)
        self._file.write(_OLD_COMMAND.sub("## [", head) + found + harmless(rest))
        self._in_line = not text.endswith("\n") if text else self._in_line
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def summary_markdown(summary: RunSummary, site: str | None, hints: Iterable[str] = ()) -> str:
    """Return the summary of a run as Markdown: failures, filled gaps, and the address of the site.

    ``hints`` are trusted Markdown. All other text is formatted as code.
    """
    counts = summary.counts
    failed = [f"- {code_span(o.metric_id)}: {code_span(o.error)}" for o in summary.metrics if o.error]
    healed = [f"- {code_span(o.metric_id)}: {plural(o.healed_days, 'day')}" for o in summary.metrics if o.healed_days]
    parts = [
        f"## cmetrics {summary.job.value}: {summary.status.value}",
        f"{counts.inserted:,} rows inserted, {counts.updated:,} updated, {counts.unchanged:,} unchanged"
        + (f" · <{site}>" if site else ""),
        _table(summary.metrics),
        _section("Failed", failed),
        _section("Filled gaps", healed),
        _section("Warnings", [f"- {code_span(text)}" for text in (*summary.warnings, *summary.anomalies)]),
        _section("New signals", [f"- {code_span(text, limit=1000)}" for text in _announced(summary)]),
        _section("Repository settings", [f"- {text}" for text in hints]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _announced(summary: RunSummary) -> list[str]:
    return [row.label for row in summary.highlights.announced] if summary.highlights else []


def failure_markdown(job: str, error: str) -> str:
    """Return the summary of a run that ended before its first metric, as Markdown."""
    return f"## cmetrics {job}: failed\n\n{code_span(error, limit=2000)}\n"


def append(path: Path, markdown: str) -> None:
    """Append to the job summary. Text that is too long is truncated at a line. Raises OSError."""
    if len(markdown.encode()) > LONGEST_SUMMARY:
        cut = markdown.encode()[:LONGEST_SUMMARY].decode(errors="ignore")
        markdown = cut[: cut.rfind("\n") + 1] + "\n…\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(markdown)


def _table(outcomes: tuple[MetricOutcome, ...]) -> str:
    # Failed metrics come first, because the table may be truncated.
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
