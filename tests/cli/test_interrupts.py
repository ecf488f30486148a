"""A program that is interrupted during start-up ends like one that is interrupted later: without a traceback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.conftest import COMMAND, Workspace

#: Modules in the order in which `cmetrics refresh` imports them.
MOMENTS = ("gc", "typer", "pyarrow.lib", "lancedb._lancedb", "cmetrics.ingest.state")


def interrupt_after(module: str, number: signal.Signals, workspace: Workspace, *args: str) -> tuple[int, str, str]:
    """Send a signal as soon as the program has imported ``module``. Return exit code, stdout and stderr."""
    process = subprocess.Popen(
        # As the installed script; Python reports each import on stderr when it is complete.
        [sys.executable, "-X", "importtime", str(COMMAND), *args],
        cwd=workspace.folder,
        env=workspace.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        for line in process.stderr:
            if line.startswith("import time:") and line.rpartition("|")[2].strip() == module:
                break
        else:
            pytest.fail(f"{args} does not import {module}")
        process.send_signal(number)
        # `communicate` would miss what was buffered already, such as the beginning of a line.
        err, out = process.stderr.read(), process.stdout.read()
    return process.returncode, out, "".join(f"{t}\n" for t in err.splitlines() if not t.startswith("import time:"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", MOMENTS)
def test_interrupted_while_it_imports(module: str, number: signal.Signals, offline: Workspace):
    """There is no traceback, no exit code 0, and no store is created."""
    code, out, err = interrupt_after(module, number, offline, "refresh", "--json")
    assert (code, err.count("\n")) == (130, 1), err
    assert err.startswith("error: interrupted")
    assert json.loads(out)["error"]["exit_code"] == 130
    assert not (offline.folder / "data").exists()


def test_help_can_be_interrupted(offline: Workspace):
    """The entry point handles signals before any command is parsed."""
    code, out, err = interrupt_after("gc", signal.SIGINT, offline, "--help")
    assert (code, out, err) == (130, "", "error: interrupted\n")
