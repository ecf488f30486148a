"""A store that is refreshed in this process."""

from __future__ import annotations

from tests.system.conftest import nights

__all__ = ["nights"]
