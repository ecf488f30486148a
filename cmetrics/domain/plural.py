"""Format counts with their noun."""

from __future__ import annotations

from cmetrics.domain import formats


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return ``1 metric``, ``2,000 metrics``; ``many`` is the plural of an irregular noun."""
    return f"{formats.number(count)} {noun if count == 1 else many or f'{noun}s'}"
