"""Free memory, for commands that handle all rows of a large store."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def release_memory() -> None:
    """Return free memory to the operating system.

    Arrow's allocator keeps what was freed for later tables. That of glibc keeps everything below the newest memory in
    use, which is much after large arrays and many small objects were made in turn: with 1,000 metrics of two years,
    60 MB once they are read and judged, and 100 MB once the reports of months are built.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Other C libraries, such as musl, do not have it.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
