"""Format counts with their noun."""

from __future__ import annotations


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return ``1 metric``, ``2,000 metrics``; ``many`` is the plural of an irregular noun."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"
