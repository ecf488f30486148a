"""Run `cmetrics` in real processes that need not import anything first.

Importing LanceDB and its dependencies takes longer than most commands run. A server process per test process has
imported them, but opened nothing. Every command is a fork of it with its own folder, environment, standard streams,
signals and exit code, and calls `cmetrics.cli.main`, as the installed program does.

Only start-up differs from the installed command, so tests of start-up use that one.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import functools
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, Self

from coverage import Coverage

ROOT = Path(__file__).parents[2]
#: Modules that commands or libraries import only while they run.
LATE = ("anyio._backends._asyncio", "httpcore._async.http_proxy", "plotly.graph_objects", "PIL.PngImagePlugin")
MESSAGE_BYTES = 1 << 20
#: The variable with the path to which commands write their coverage, if it is measured.
DATA_FILE = "CMETRICS_COVERAGE_FILE"


class Process:
    """A running command with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, connection: socket.socket, stdout: IO[str], stderr: IO[str]) -> None:
        self.pid = pid
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the command runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self._receive_exit_code()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raise `subprocess.TimeoutExpired` after ``timeout`` seconds."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(["cmetrics"], timeout or 0.0)
            self._receive_exit_code()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their end and wait for the exit code."""
        texts = ["", ""]

        def read(index: int, stream: IO[str]) -> None:
            texts[index] = stream.read()

        readers = [
            threading.Thread(target=read, args=(index, stream), daemon=True)
            for index, stream in enumerate((self.stdout, self.stderr))
            if not stream.closed
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        self.stdout.close()
        self.stderr.close()
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        """Send a signal unless the command has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _receive_exit_code(self) -> None:
        with self._connection:
            self.returncode = int(self._connection.recv(64))


def start(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str], runtime: Mapping[str, Any] | None = None
) -> Process:
    """Start ``cmetrics *args``; ``runtime`` contains the options of `tests.world.runtime.build`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(_server())
    out, err = os.pipe(), os.pipe()
    null = os.open(os.devnull, os.O_RDONLY)
    message = json.dumps([list(args), str(cwd), dict(env), dict(runtime or {})]).encode()
    try:
        socket.send_fds(connection, [len(message).to_bytes(4)], [null, out[1], err[1]])
        connection.sendall(message)
    finally:
        for descriptor in (null, out[1], err[1]):
            os.close(descriptor)
    pid = int.from_bytes(connection.recv(4))
    assert pid, "the fork server is gone"
    return Process(pid, connection, os.fdopen(out[0], encoding="utf-8"), os.fdopen(err[0], encoding="utf-8"))


CLIENT = """\
import json, os, socket, sys
runtime = {{"now": os.environ["NIGHT"]}} if "NIGHT" in os.environ else {{}}
message = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), runtime]).encode()
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [len(message).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(message)
    connection.recv(4)
    code = int(connection.recv(64))
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def install(folder: Path) -> None:
    """Write a program `cmetrics` into ``folder`` for shell scripts; ``NIGHT`` is the current time of its runs."""
    folder.mkdir()
    (folder / "client.py").write_text(CLIENT.format(address=_server()))
    program = folder / "cmetrics"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {folder / "client.py"} "$@"\n')
    program.chmod(0o755)


@functools.cache
def _server() -> str:
    """Start a server once per process. Return its address. It ends with this process."""
    address = str(Path(tempfile.mkdtemp(prefix="cmetrics-")) / "server")
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    if coverage := Coverage.current():
        # Next to the file of this process, because pytest-cov combines both.
        env[DATA_FILE] = str(Path(coverage.config.data_file).absolute())
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.world.fork_server", address],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    atexit.register(server.stdin.close)
    assert server.stdout.readline() == b"ready\n", "the fork server does not start"
    return address


# -- the server ------------------------------------------------------------------------------------


def _import_everything() -> None:
    for module in pkgutil.walk_packages(importlib.import_module("cmetrics").__path__, "cmetrics."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in (*LATE, "tests.world.unpaced", "tests.world.runtime"):
        importlib.import_module(name)


@contextlib.contextmanager
def _measured(measure: Callable[[], Coverage] | None) -> Iterator[None]:
    """Measure coverage within the context, unless ``measure`` is None."""
    if measure is None:
        yield
        return
    coverage = measure()
    coverage.start()
    try:
        yield
    finally:
        coverage.stop()
        coverage.save()


def _serve(address: str) -> None:
    measure = (
        functools.partial(Coverage, os.environ[DATA_FILE], data_suffix=True, config_file=str(ROOT / "pyproject.toml"))
        if DATA_FILE in os.environ
        else None
    )
    with _measured(measure):
        _import_everything()
    # LanceDB restarts its threads after a fork and warns that one might have held a lock; here, none was in use.
    warnings.filterwarnings("ignore", message="lancedb fork support")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            ready = select.select([listener, 0], [], [])[0]
            if 0 in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _supervise(connection, measure)
            connection.close()


def _supervise(connection: socket.socket, measure: Callable[[], Coverage] | None) -> NoReturn:
    """Fork the command, wait for it and send its exit code."""
    code = 1
    try:
        # The kernel must not reap the command, whose exit code is needed.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
        message = b""
        while len(message) < int.from_bytes(size):
            message += connection.recv(MESSAGE_BYTES)
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(descriptors, measure, *json.loads(message))
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(pid.to_bytes(4))
        status = os.waitpid(pid, 0)[1]
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        code = 0
    except BrokenPipeError:
        code = 0  # the test does not wait for the command
    finally:
        os._exit(code)


def _become(
    descriptors: Sequence[int],
    measure: Callable[[], Coverage] | None,
    args: list[str],
    folder: str,
    env: dict[str, str],
    runtime: dict[str, Any],
) -> NoReturn:
    """Turn this process into the command."""
    code = 1
    try:
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
        faulthandler.register(signal.SIGUSR1)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["cmetrics", *args]
        with _measured(measure):
            code = _run(runtime)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  # as Python would print it
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run(options: dict[str, Any]) -> int:
    from cmetrics.cli import main
    from tests.world import runtime, unpaced

    if options.get("unpaced"):
        return unpaced.main()
    try:
        main(runtime.build(options))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    _serve(sys.argv[1])
