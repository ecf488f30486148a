"""Measurement of time and of the memory of separate processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import COMMAND, INHERITED_VARIABLES

#: Runs a program and prints its seconds and kilobytes. On Linux, the peak of a process includes that of the process
#: that starts it, so it is started by a small one.
STOPWATCH = """\
import os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
took = time.perf_counter() - start
print(f"\\n{took} {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """The result and resource usage of one process."""

    seconds: float
    #: The peak of resident memory in bytes.
    memory: int
    out: str


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Return the median seconds of ``times`` calls."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def alternate(*works: Callable[[], object], times: int) -> list[float]:
    """Return the median seconds of each function. They are called in turn, so that changes of speed affect all."""
    turns = [[timed(work) for work in works] for _ in range(times)]
    return [statistics.median(turn[n] for turn in turns) for n in range(len(works))]


def run(
    args: Sequence[str | Path], folder: Path | None = None, env: dict[str, str] | None = None, *, code: int = 0
) -> ProcessUsage:
    """Run a program without the environment of this process. Return its resource usage."""
    inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", STOPWATCH, *map(str, args)],
        check=False, cwd=folder, env=inherited | (env or {}), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr[-2000:]}"
    out, _, last = done.stdout.rstrip("\n").rpartition("\n")
    seconds, peak = last.split()
    return ProcessUsage(float(seconds), int(peak) * _UNIT, out)


def command(*args: str | Path, folder: Path, env: dict[str, str] | None = None, code: int = 0) -> ProcessUsage:
    """Run `cmetrics` in a folder."""
    return run([COMMAND, *args], folder, {"CMETRICS_CACHE": str(folder / "cache")} | (env or {}), code=code)


def python(text: str) -> ProcessUsage:
    """Run a line of Python in a new interpreter."""
    return run([sys.executable, "-c", text])


def run_in_process(work: Callable[..., Any], *args: Any) -> Any:
    """Return the result of ``work``, called in a separate process."""
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(sender, work, args))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _work(line: Any, work: Callable[..., Any], args: Sequence[Any]) -> None:
    gc.set_threshold(100_000)  # as the command does
    line.send(work(*args))


def peak() -> int:
    """Return the peak of this process's memory in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


#: Bytes per unit of the operating system's peak memory.
_UNIT = 1 if sys.platform == "darwin" else 1024


def size_of(folder: Path) -> int:
    """Return the total size of all files below ``folder`` in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
