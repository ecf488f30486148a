"""A second process that renders pages, so that a build uses two processors.

It is started before LanceDB is imported: it imports Jinja and compiles the templates meanwhile, and a process
must not be forked once its libraries run threads.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cmetrics.domain.errors import SiteError
from cmetrics.domain.interrupts import hold_interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cmetrics.site.page import Site


class SecondProcess:
    """Renders parts of one site, see `cmetrics.site.pages.count_parts`."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        # Both processes take the number of the next part from here, so that neither waits for the other.
        self._next_part = context.Value("i", 0)
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._line, self._next_part), daemon=True)
        # The new process must not raise an interrupt: the first one decides.
        with hold_interrupts():
            self._process.start()
        theirs.close()

    def share(self, site: Site, count: int, folder: Path) -> Iterator[int]:
        """Start to write parts of ``site`` to ``folder``; return the numbers of those that the caller renders."""
        with _lost():
            self._line.send((site, count, folder))
        return _take(self._next_part, count)

    def result(self) -> dict[str, int]:
        """Wait for the other parts. Return the sizes of their files by path.

        Raises what rendering them raised, or SiteError.
        """
        with _lost():
            result: dict[str, int] | Exception = self._line.recv()
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """End the process."""
        self._line.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _lost() -> Iterator[None]:
    """Raise SiteError if the other end of the line is closed."""
    try:
        yield
    except (EOFError, OSError):
        msg = "the site cannot be rendered: the second process was killed, probably because it ran out of memory"
        raise SiteError(msg) from None


@contextmanager
def second_process() -> Iterator[SecondProcess | None]:
    """Provide a second process, or None where it would be of no use or unsafe."""
    process = SecondProcess() if _is_useful() else None
    try:
        yield process
    finally:
        if process is not None:
            process.close()


def _is_useful() -> bool:
    # On macOS, system libraries are not prepared for a fork.
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) == 1:
        return False
    return threading.active_count() == 1 and "lancedb" not in sys.modules


def _take(next_part: Any, count: int) -> Iterator[int]:
    while True:
        with next_part.get_lock():
            part = next_part.value
            next_part.value += 1
        if part >= count:
            return
        yield part


def _serve(line: Connection, theirs: Connection, next_part: Any) -> None:
    """Run the second process: until the work is done, or the first process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    theirs.close()
    from cmetrics.domain import formats
    from cmetrics.locales import load_formats
    from cmetrics.site.templates import compile_templates, render_part
    from cmetrics.site.write import write_file

    compile_templates()
    try:
        site, count, folder = line.recv()
    except EOFError:
        return
    result: dict[str, int] | Exception = {}
    try:
        with formats.use(load_formats(site.board.lang)):
            result = {
                name: write_file(folder / name, content)
                for part in _take(next_part, count)
                for name, content in render_part(site, part)
            }
    except Exception as error:  # noqa: BLE001  # raised again by the first process
        result = error
    line.send(result)
