"""Collect SDK downloads and GitHub stars daily, store them permanently, publish them as a site.

From Python, `open` opens a store, whose tables are read as Arrow.
"""

from __future__ import annotations

from cmetrics.reader import Reader, open  # noqa: A004  # Called as `cmetrics.open`, like `tarfile.open`.
from cmetrics.version import __version__

__all__ = ["Reader", "__version__", "open"]
