"""The command line in a process that stays warm: ``python -m tests.world.night_shift SOCKET``.

Thirty nights are 120 commands, and starting Python and LanceDB takes longer than what they do.
Every command is the real one, run by `cmetrics.cli.main`; only `refresh` is put together here, as the
command does it, with the world's time (``NIGHT``) and without the services' pace.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from cmetrics.catalog import load_catalog
from cmetrics.cli import main
from cmetrics.cli.exit_codes import RUN_EXITS
from cmetrics.cli.output import print_warning
from cmetrics.cli.progress import Lines
from cmetrics.cli.summary import print_errors, print_summary
from cmetrics.ingest.run import Selection, refresh
from cmetrics.settings import load_settings
from cmetrics.sources import SPECS
from tests.world.hasty import without_pace

CLIENT = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    line.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
    line.shutdown(socket.SHUT_WR)
    with line.makefile() as answer:
        code, out, err = json.load(answer)
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


def shim(folder: Path, address: Path) -> None:
    """A program `cmetrics` in ``folder`` that has its work done by the process at ``address``."""
    folder.mkdir()
    (folder / "client.py").write_text(CLIENT.format(address=str(address)))
    program = folder / "cmetrics"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {folder / "client.py"} "$@"\n')
    program.chmod(0o755)


def _refresh() -> None:
    settings = load_settings()
    catalog = load_catalog(settings.catalog, SPECS)
    assert sys.argv[1:] == ["refresh", "--lookback-days", "0"]
    summary = refresh(
        settings,
        catalog,
        lookback_days=0,
        selection=Selection(),
        clock=lambda: datetime.fromisoformat(os.environ["NIGHT"]).astimezone(UTC),
        watcher=Lines(),
        sleep=without_pace,
    )
    print_summary(summary)
    print_errors(summary, {metric.metric_id: metric.source for metric in catalog.metrics})
    for text in (*summary.warnings, *summary.doubts):
        print_warning(text)
    sys.exit(RUN_EXITS[summary.status])


def work(args: list[str], folder: str, env: dict[str, str]) -> tuple[int, str, str]:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["cmetrics", *args]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            _refresh() if args[0] == "refresh" else main()
        except SystemExit as end:
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sys.argv[1])
        door.listen()
        while True:
            line, _ = door.accept()
            with line, line.makefile() as asked:
                line.sendall(json.dumps(work(*json.load(asked))).encode())
