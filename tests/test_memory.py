"""Free memory goes back to the operating system."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import pytest

from cmetrics.memory import release_memory

#: Too large for Python's own pools, too small for a mapping of its own.
SIZE, COUNT = 2_000, 50_000


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have rules of their own")
def test_what_lies_below_the_newest_memory():
    """It is free but not at the end, so glibc alone would keep it."""
    texts = [bytes([n % 256]) * SIZE for n in range(COUNT)]
    newest = [bytes([n % 256]) * SIZE for n in range(100)]
    del texts
    before = resident()
    release_memory()
    assert before - resident() > SIZE * COUNT / 2
    assert len(newest) == 100


def test_an_allocator_without_the_function(monkeypatch: pytest.MonkeyPatch):
    """Nothing is done, for instance with musl."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    release_memory()
