"""Messages in terminals of any width: no word, day or id is broken."""

from __future__ import annotations

import re

import pytest
from rich.console import Console
from rich.text import Text

from cmetrics.cli.output import print_line
from cmetrics.sources import SPECS
from tests.conftest import Workspace
from tests.samples import SUBJECTS
from tests.terminal import show

CATALOGUE = 'contact = "https://example.com/contact"\n[[products]]\nid = "p"\ntitle = "P"\n' + "".join(
    f'[[metrics]]\nproduct = "p"\nsource = "{source}"\nsubject = "{SUBJECTS[source]}"\n' for source in SPECS
)
#: A line of a progress display, which is redrawn.
_BAR = re.compile("━{6,}")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def screen(workspace: Workspace, width: int, *args: str) -> tuple[int, list[str]]:
    """Run a command in a terminal. Return its exit code and the lines on the screen."""
    code, written = show(workspace, *args, width=width)
    lines = _CONTROL.sub("", written.decode()).replace("\r\n", "\n").split("\n")
    return code, [line for line in lines if not _BAR.search(line)]


def words(lines: list[str]) -> list[str]:
    """Return the words, without ids of runs, which differ between runs."""
    return [word for line in lines for word in line.split() if not word.startswith("(refresh-")]


def check(workspace: Workspace, width: int, command: str, plain: str) -> None:
    """Fail if a line is too long although it has a space, or if a day or id of ``plain`` is broken."""
    code, lines = screen(workspace, width, command)
    assert code == 1
    assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []
    whole = re.compile(r"[a-z]+:p:\S+|20\d\d-\d\d-\d\d|[a-z]+\.[a-z.]+")
    assert set(whole.findall(plain)) <= set(whole.findall(" ".join(words(lines))))


def test_every_source_without_network(offline: Workspace):
    """Each source has one line with the failure, the reason and the next step. The exit code is 1."""
    (offline.folder / "cmetrics.toml").write_text(CATALOGUE)
    done = offline.run("refresh", code=1)
    for source in SPECS.keys() - {"github-traffic"}:
        assert re.search(rf"error: {source}: \S+: cannot connect to .*?; check the network\n", done.stderr), source
    assert "github-traffic is off: set CMETRICS_TRAFFIC_TOKEN" in done.stdout
    assert offline.rows() == []
    status = offline.run("status", code=1).stdout
    for width in (60, 80, 120):
        check(offline, width, "status", status)
    code, lines = screen(offline, 60, "doctor")
    assert code == 1
    assert [line for line in lines if len(line) > 60 and len(line.split()) > 1] == []
    code, lines = screen(offline, 80, "doctor")
    assert [line for line in lines if len(line) > 80 and len(line.strip()) < 72] == []
    assert "service github-traffic" not in " ".join(words(lines)), "the service was not requested"
    assert "service cran unreachable: cannot connect to cranlogs.r-pkg.org" in " ".join(words(lines))


def test_a_long_line_is_broken_at_spaces_and_keeps_its_style(capsys: pytest.CaptureFixture[str]):
    console = Console(width=30, force_terminal=True, color_system="standard", highlight=False)
    line = Text.assemble(("error: ", "bold red"), "/a/path/that/is-longer-than/thirty/columns failed on 2026-11-23")
    print_line(console, line, 2)
    shown = capsys.readouterr().out
    assert shown.startswith("\x1b[1;31merror:")
    assert _CONTROL.sub("", shown).splitlines() == [
        "error:",
        "  /a/path/that/is-longer-than/thirty/columns",
        "  failed on 2026-11-23",
    ]


def test_a_pipe_gets_one_line(capsys: pytest.CaptureFixture[str]):
    print_line(Console(width=30, highlight=False), Text("word " * 20))
    assert capsys.readouterr().out.count("\n") == 1
