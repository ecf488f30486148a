"""Handle standard streams that are full, closed, or cannot encode every character."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cmetrics.cli.exit_codes import FAILED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Error codes of writes to a closed pipe, a full disk, a failed device or a closed file.
_LOST = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


class _Lossy(io.RawIOBase):
    """Writes to a file descriptor and ignores errors."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer) -> int:
        size = memoryview(data).nbytes
        try:
            return os.write(self._descriptor, data)
        except OSError:
            return size


@contextmanager
def forgiving_streams() -> Iterator[None]:
    """Prevent errors of the standard streams from stopping a run or printing a traceback.

    A run whose log is on a full disk is stored anyway. If results cannot be written to stdout, the command
    fails with an error on stderr, except for a closed pipe (``| head``), which fails silently.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        lossy = io.BufferedWriter(_Lossy(sys.stderr.fileno()))
        sys.stderr = io.TextIOWrapper(
            lossy, encoding=sys.stderr.encoding, errors="replace", line_buffering=True, write_through=True
        )
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in _LOST or error.filename is not None:
            raise
        _forget_stdout()
        if error.errno != errno.EPIPE:
            sys.stderr.write(
                f"error: cannot write to standard output: {error.strerror}. The command itself has finished\n"
            )
        sys.exit(FAILED)


def _forget_stdout() -> None:
    """Discard the buffer of stdout, whose flush would fail again at interpreter exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
