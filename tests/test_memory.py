"""Return of free memory to the operating system."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import pytest

from cmetrics.memory import release_memory

#: Too large for Python's own pools, and too small for a separate mapping.
SIZE, COUNT = 2_000, 50_000


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators behave differently")
def test_memory_below_a_used_block():
    """Free memory below a used block is released, which glibc alone would not do."""
    texts = [bytes([n % 256]) * SIZE for n in range(COUNT)]
    newest = [bytes([n % 256]) * SIZE for n in range(100)]
    del texts
    before = resident()
    release_memory()
    assert before - resident() > SIZE * COUNT / 2
    assert len(newest) == 100


def test_an_allocator_without_the_function(monkeypatch: pytest.MonkeyPatch):
    """Nothing happens without `malloc_trim`, for instance with musl."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    release_memory()
