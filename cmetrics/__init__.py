"""Collect SDK downloads and GitHub stars daily, store them permanently, publish them as a site."""

__version__ = "0.1.0"
