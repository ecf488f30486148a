"""Standard output and standard error that are full, closed, or cannot write every character."""

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

#: What writing to a pipe without a reader, a full disk, a dead device or a closed file answers.
_LOST = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


class _Lossy(io.RawIOBase):
    """Writes to a descriptor, and goes on when that fails."""

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
    """Let no stream's trouble stop a run or become a traceback.

    A night whose log is on a full disk is stored all the same. Results that cannot be written are an
    error of the command, told on stderr; a reader who has gone away (``| head``) needs no telling.
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
            sys.stderr.write(f"error: standard output cannot be written ({error.strerror}); all else is done\n")
        sys.exit(FAILED)


def _forget_stdout() -> None:
    """Discard the buffer, which would fail again when the interpreter exits."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
