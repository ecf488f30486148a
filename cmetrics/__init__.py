"""cmetrics: SDK downloads and GitHub stars, collected every night, kept for ever, shown on a page."""

__version__ = "0.1.0"
