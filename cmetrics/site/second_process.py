"""A second process that builds reports and renders pages, so that a build uses two processors.

It is started before LanceDB is imported, because a process must not be forked once its libraries run threads. In the
meantime, it imports Jinja and Pillow and compiles the templates.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

from cmetrics.domain.errors import SiteError
from cmetrics.domain.interrupts import hold_interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cmetrics.analytics.report import MonthReport
    from cmetrics.analytics.report_inputs import ReportInputs
    from cmetrics.site.page import Site

#: Bytes of the number of a part.
_NUMBER_BYTES = 4


class SecondProcess:
    """Builds the reports of one site, and renders them and some of its parts, see `cmetrics.site.pages.count_parts`.

    Use its methods in their order.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        # Both processes take the numbers of parts from this pipe, so that neither waits for the other. Unlike the lock
        # of a counter, a killed process cannot hold it.
        parts, numbers = os.pipe()
        self._parts, self._numbers = FileIO(parts), FileIO(numbers, "w")
        self._line, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._parts, self._line, self._numbers), daemon=True
        )
        # The new process must not handle interrupts; the first one decides.
        with hold_interrupts():
            self._process.start()
        theirs.close()

    def build_reports(self, inputs: ReportInputs | None) -> None:
        """Start to build the reports, if there are any."""
        with _lost():
            self._compiled: dict[str, bytes] = self._line.recv()
            self._line.send(inputs)

    def share(self, site: Site, count: int, folder: Path) -> tuple[Iterator[int], dict[str, bytes]]:
        """Start to write the reports and parts of ``site`` to ``folder``.

        Return the numbers of the parts that the caller renders, of ``count``, and the templates compiled there. Waits
        until the reports are built.
        """
        with _lost():
            self._line.send((site, folder))
            with self._numbers:
                self._numbers.write(b"".join(part.to_bytes(_NUMBER_BYTES) for part in range(count)))
        return _take(self._parts), self._compiled

    def result(self) -> dict[str, int]:
        """Wait for the other files. Return their sizes by path.

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
        self._numbers.close()
        self._parts.close()
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
    """Provide a second process, or None if it would be useless or unsafe."""
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


def _take(parts: FileIO) -> Iterator[int]:
    while number := parts.read(_NUMBER_BYTES):
        yield int.from_bytes(number)


def _serve(line: Connection, parts: FileIO, theirs: Connection, numbers: FileIO) -> None:
    """Run the second process: until the work is done, or the first process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    theirs.close()
    numbers.close()
    from cmetrics.domain import formats
    from cmetrics.locales import load_formats
    from cmetrics.site.report_files import render_reports
    from cmetrics.site.templates import compile_templates, render_part
    from cmetrics.site.write import write_file

    result: dict[str, int] | Exception = {}
    site: Site | None = None
    with suppress(EOFError, OSError):  # the first process has ended
        line.send(compile_templates())
        try:
            reports = _build_reports(line.recv())
            site, folder = line.recv()
            with formats.use(load_formats(site.board.lang)):
                pages = (file for part in _take(parts) for file in render_part(site, part))
                files = chain(render_reports(site, reports) if reports is not None else (), pages)
                result = {name: write_file(folder / name, content) for name, content in files}
        except Exception as error:  # noqa: BLE001  # raised again by the first process
            result = error
            if site is None:
                # The first process sends the site before it waits for the result.
                line.recv()
        line.send(result)


def _build_reports(inputs: ReportInputs | None) -> list[MonthReport] | None:
    """Return the reports, in the language of their catalogue."""
    from cmetrics.analytics.report import build_reports
    from cmetrics.domain import formats
    from cmetrics.locales import load_formats

    if inputs is None:
        return None
    with formats.use(load_formats(inputs.catalog.lang)):
        return list(build_reports(inputs))
