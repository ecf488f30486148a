"""The version of this package: that of the tag it was built from."""

from __future__ import annotations

try:
    from cmetrics._version import __version__
except ImportError:
    # A source tree that was never built or installed.
    __version__ = "0.1.0.dev0"

__all__ = ["__version__"]
