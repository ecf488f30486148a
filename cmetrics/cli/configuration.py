"""Load settings and catalogue for a command, with warnings about variables that have no effect."""

from __future__ import annotations

from pathlib import Path

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.cli.output import print_warning
from cmetrics.settings import Settings, load_settings
from cmetrics.sources import SPECS


def read_settings(*, db: str | None = None, config: Path | None = None) -> Settings:
    """Return the settings and print their warnings on stderr. Raises UsageError, naming the variable."""
    settings = load_settings(db=db, config=config)
    for text in settings.warnings:
        print_warning(text)
    return settings


def load_configuration(db: str | None, config: Path | None) -> tuple[Settings, Catalog]:
    """Return the settings of this process and the catalogue they name. Raises UsageError."""
    settings = read_settings(db=db, config=config)
    return settings, load_catalog(settings.catalog, SPECS)
