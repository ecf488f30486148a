"""Load settings and catalogue for a command, and print warnings about ignored variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.cli.output import print_progress, print_warning
from cmetrics.domain.errors import CmetricsError
from cmetrics.domain.run import Job
from cmetrics.ops.run_report import RunReport, report_failed_start
from cmetrics.settings import Settings, StoreKind, is_folder, load_settings
from cmetrics.sources import SPECS


def read_settings(*, db: str | None = None, config: Path | None = None) -> Settings:
    """Return the settings and print their warnings on stderr. Raises UsageError, naming the variable."""
    settings = load_settings(db=db, config=config)
    for text in settings.warnings:
        print_warning(text)
    return settings


def load_configuration(db: str | None, config: Path | None) -> tuple[Settings, Catalog]:
    """Return the settings of this process and their catalogue. Raises UsageError."""
    settings = read_settings(db=db, config=config)
    return settings, load_catalog(settings.catalog, SPECS)


def load_job(job: Job, db: str | None, config: Path | None, now: datetime) -> tuple[Settings, Catalog, RunReport]:
    """Return settings, catalogue and the report for ``job``. A failure to load them is reported at once."""
    with reported(job.value, now):
        settings, catalog = load_configuration(db, config)
        report = RunReport.prepare(job, settings, catalog, now)
    return settings, catalog, report


@contextmanager
def reported(job: str, now: datetime) -> Iterator[None]:
    """Report a CmetricsError of the block to the job summary and the webhook, and re-raise it."""
    try:
        yield
    except CmetricsError as error:
        for text in report_failed_start(job, error, now):
            print_warning(text)
        raise


def announce_default_catalog(settings: Settings, catalog: Catalog, *, quiet: bool) -> Callable[[], None]:
    """Return a function that prints a line on stderr if the metrics come from the built-in catalogue.

    With ``quiet``, it prints only if there is no store yet: a run in the wrong folder would create one.
    """
    text = f"using the default catalogue ({catalog.title}); create your own with `cmetrics init`"
    is_new = settings.store.kind is StoreKind.EMBEDDED and not is_folder(Path(settings.store.uri))
    if settings.catalog is not None or (quiet and not is_new):
        return lambda: None
    return partial(print_warning if is_new else print_progress, text)
