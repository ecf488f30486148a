"""The settings of a command, with warnings about variables that have no effect."""

from __future__ import annotations

from pathlib import Path

from cmetrics.cli.output import print_warning
from cmetrics.settings import Settings, load_settings


def read_settings(*, db: str | None = None, config: Path | None = None) -> Settings:
    """Return the settings and print their warnings on stderr. Raises UsageError, naming the variable."""
    settings = load_settings(db=db, config=config)
    for text in settings.warnings:
        print_warning(text)
    return settings
