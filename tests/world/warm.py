"""Commands that begin at once, as processes that can be killed: ``python -m tests.world.warm``.

Importing Python's and LanceDB's parts takes longer than most commands do. This process has imported them
and opened nothing; each command is a child of it, with its own folder, environment and output, and dies
alone. All are the real ones, run by `cmetrics.cli.main`; only `refresh` and `backfill` are put together here,
as in `tests.world.night_shift` and `tests.world.hasty`: at the world's time, without the services' pace.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cmetrics.cli
import cmetrics.cli.app
import cmetrics.export.restore
import cmetrics.ingest.bootstrap
from cmetrics.cli.exit_codes import exit_code
from cmetrics.cli.output import print_error
from cmetrics.domain.errors import CmetricsError
from cmetrics.settings import load_settings
from tests.conftest import Home
from tests.world import hasty, night_shift

ROOT = Path(__file__).parents[2]
#: Seconds; no command of these tests takes a tenth of it.
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How a command ended, after so many seconds."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def never(_: float) -> bool:
    return False


class Warm:
    """The parent of all commands."""

    def __init__(self, folder: Path) -> None:
        """``folder`` takes the output of the commands."""
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.world.warm"],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, home: Home, *args: str, kill: Callable[[float], bool] = never, **env: str) -> Ended:
        """Run a command; it gets SIGKILL when ``kill`` says so, asked every millisecond with the seconds so far."""
        streams = [str(self._folder / name) for name in ("out", "err")]
        self._say([args, str(home.folder), home.environment | env, streams])
        pid, began, over = int(self._hear()), time.monotonic(), False
        while not select.select([self._process.stdout], [], [], 0.001)[0]:
            passed = time.monotonic() - began
            if passed > PATIENCE and not over:
                os.kill(pid, signal.SIGUSR1)  # where it stands
                time.sleep(1)
            if not over and (kill(passed) or passed > PATIENCE):
                over = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        code, seconds = int(self._hear()), time.monotonic() - began
        out, err = (Path(name).read_text(encoding="utf-8") for name in streams)
        assert seconds < PATIENCE, f"{args} hangs\n{err}"
        assert "Traceback" not in err, err
        return Ended(code, out, err, seconds)

    def _say(self, words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")

    def _hear(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the parent of the commands is gone"
        return line


def _work(args: list[str]) -> int:
    sys.argv = ["cmetrics", *args]
    try:
        if args[0] == "refresh":
            night_shift._refresh()
        elif args[0] == "backfill":
            return 0 if hasty.run(load_settings()).status == "success" else 1
        else:
            cmetrics.cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    except CmetricsError as error:
        print_error(str(error))
        return exit_code(error)
    except BaseException:  # noqa: BLE001  # what Python itself would print
        traceback.print_exc()
        return 1
    return 0


def _become(args: list[str], folder: str, env: dict[str, str], streams: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in enumerate(streams, start=1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    faulthandler.register(signal.SIGUSR1)
    code = _work(args)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve() -> None:
    # LanceDB starts its threads anew after a fork and warns that one at work might have held a lock;
    # nothing has been asked of it here.
    warnings.filterwarnings("ignore", message="lancedb fork support")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(*json.loads(line))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
