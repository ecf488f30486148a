"""Tables in terminals of any width: no id, day or word is broken."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from rich.console import Console
from rich.text import Text

from cmetrics.cli.progress import BarProgress
from cmetrics.cli.tables import Column, print_table
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.http.service import ProgressStep
from cmetrics.sources.base import FetchRequest
from tests.samples import a_metric, a_request

COLUMNS = (
    Column("metric"),
    Column("status"),
    Column("newest day"),
    Column("days read", is_number=True),
    Column("revised", is_number=True),
    Column("reason"),
)
ID = "downloads:a-product-with-a-long-name:a-package-with-a-long-name"
REASON = "Not collected: the request failed or was not made (2026-11-24: api.github.com could not be reached)"
ROWS = [
    ("downloads:lance:python", Text("ok", style="green"), "2026-11-23", "14", "", ""),
    ("stars:lance:github", Text("failed", style="red"), "2026-10-20", "0", "", REASON),
]


def printed(rows, width: int, columns=COLUMNS) -> list[str]:
    file = io.StringIO()
    print_table(Console(file=file, width=width, color_system=None), columns, rows)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 160])
@pytest.mark.parametrize("rows", [ROWS, [*ROWS, (ID, "ok", "2026-11-23", "1", "2", "")]], ids=["short", "long id"])
def test_cells_are_complete(width, rows):
    """Every word of every cell is complete, and no line is wider than the terminal."""
    lines = printed(rows, width)
    words = " ".join(lines).split()
    for row in rows:
        for cell in row:
            for word in str(cell).split():
                assert any(word in found for found in words), word
    assert "…" not in "".join(lines)
    longest_word = max(len(word) for word in words)
    assert max(map(len, lines)) <= max(width, longest_word)


def test_empty_columns():
    """A column without values has no heading."""
    assert printed(ROWS[:1], 80) == [
        "metric                  status  newest day  days read",
        "downloads:lance:python  ok      2026-11-23         14",
    ]


def test_last_column_wraps():
    lines = printed(ROWS, 80)
    assert re.match(r"stars:lance:github +failed  2026-10-20 +0  Not collected: ", lines[2])
    assert all(line.startswith(" " * 55) for line in lines[3:])


def test_a_long_word_in_the_last_column():
    """A word that is longer than its column is not shown outside of the table; instead, the rows are stacked."""
    path = f"/api/packages/{'a' * 40}/overall: not found (404)"
    lines = printed([(ID, "failed", "2026-10-20", "0", "", path)], 120)
    assert lines[0] == ID
    assert max(map(len, lines)) <= 120


def test_stacked():
    """If a table does not fit, the other cells of a row are shown below the first one."""
    lines = printed(ROWS, 60)
    assert lines[:2] == ["downloads:lance:python", "  status ok, newest day 2026-11-23, days read 14"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_progress_bar_uncut(monkeypatch, width):
    """A bar is always shown; text that does not fit next to it is omitted, never cut."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    progress = BarProgress()
    progress._progress.live.auto_refresh = False
    file = io.StringIO()
    progress._progress.console.file = file
    progress._progress.console._force_terminal = True
    progress._progress.console.width = width
    metric = a_metric("pypistats")
    requests: list[FetchRequest] = [a_request(metric, date(2026, 11, 1), date(2026, 11, 24))]
    progress.planned(requests)
    outcome = MetricOutcome(metric.metric_id, MetricStatus.OK, 14, date(2026, 11, 24))
    progress.fetched(metric, outcome)
    progress._progress.refresh()
    progress.step("pypistats", ProgressStep("archive files", 120, 800))
    progress.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())
    assert "━" * 16 in shown
    assert "…" not in shown
    assert "120 of 800" in shown
