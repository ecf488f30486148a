"""The commands. Each resolves its options, makes one call, and prints what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cmetrics import __version__
from cmetrics.cli import setup
from cmetrics.cli.exit_codes import DONE, FAILED, RUN_EXITS
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.errors import CmetricsError, UsageError

if TYPE_CHECKING:
    from cmetrics.catalog import Catalog
    from cmetrics.cli.run_report import Reports
    from cmetrics.domain.run import RunSummary
    from cmetrics.ingest.progress import NoProgress
    from cmetrics.ingest.run import Selection
    from cmetrics.settings import Settings

app = typer.Typer(
    name="cmetrics",
    help="SDK downloads and GitHub stars: collected every night, kept for ever, shown on a page.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Db = Annotated[
    str | None,
    typer.Option("--db", help="Store: a folder, or a LanceDB URI (s3://, gs://, az://, db://).", show_default=False),
]
Config = Annotated[Path | None, typer.Option("--config", help="Catalogue (cmetrics.toml) to use.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table; errors only.")]
Only = Annotated[str | None, typer.Option("--only", help="Narrow to `downloads` or `stars`.", show_default=False)]
MetricIds = Annotated[
    list[str] | None, typer.Option("--metric", help="Narrow to this metric id; repeatable.", show_default=False)
]


def _version(wanted: bool) -> None:  # noqa: FBT001  # Typer calls it with the option's value
    if wanted:
        typer.echo(f"cmetrics {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def refresh(
    context: typer.Context,
    lookback_days: Annotated[
        int, typer.Option(min=0, max=3650, help="Read at least the last N days again; 0 is incremental.")
    ] = 0,
    only: Only = None,
    metric: MetricIds = None,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """The nightly job: new days, days that still settle, and every gap that can be filled."""
    from cmetrics.cli.run_report import Reports
    from cmetrics.domain.run import Job
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.run import refresh as run

    runtime = get_runtime(context)
    now = runtime.clock()
    settings, catalog = _load(db, config)
    selection = _selection(only, metric)
    _finish(
        catalog,
        lambda progress: run(
            RunContext(settings, catalog, now, progress, runtime.clock, runtime.sleep),
            lookback_days=lookback_days,
            selection=selection,
        ),
        json=json,
        quiet=quiet,
        reports=Reports.prepare(Job.REFRESH, settings, catalog),
    )


@app.command()
def backfill(
    context: typer.Context,
    lookback_days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="The last N days; 90 unless --start is given.", show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="First day, YYYY-MM-DD; older days come from the archives.", show_default=False),
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Last day, YYYY-MM-DD; the last completed day if left out.", show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Every day since each subject was published.")] = False,
    only: Only = None,
    metric: MetricIds = None,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Recompute a whole window; with --start or --full also days that the sources no longer keep.

    May be interrupted and started again: what was read is stored as it comes in.
    """
    from cmetrics.cli.run_report import Reports
    from cmetrics.domain.days import Span, last_completed_day, window
    from cmetrics.domain.run import Job
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.plan import LONG_AGO
    from cmetrics.ingest.run import backfill as run

    runtime = get_runtime(context)
    now = runtime.clock()
    if full and (start is not None or end is not None or lookback_days is not None):
        msg = "--full is the whole history; --start, --end and --lookback-days exclude it"
        raise UsageError(msg)
    last = _day("--end", end) or last_completed_day(now)
    first = _day("--start", start)
    if first is not None and lookback_days is not None:
        msg = "--lookback-days and --start exclude each other"
        raise UsageError(msg)
    if first is None:
        if end is not None:
            msg = "--end needs --start"
            raise UsageError(msg)
        first = LONG_AGO if full else window(last, lookback_days or 90)
    if first > last or first > last_completed_day(now):
        msg = f"the window {first} to {last} holds no completed day"
        raise UsageError(msg)
    span, deep = Span(first, last), full or start is not None
    settings, catalog = _load(db, config)
    selection = _selection(only, metric)
    _finish(
        catalog,
        lambda progress: run(
            RunContext(settings, catalog, now, progress, runtime.clock, runtime.sleep),
            span,
            selection=selection,
            deep=deep,
        ),
        json=json,
        quiet=quiet,
        reports=Reports.prepare(Job.BACKFILL, settings, catalog),
    )


@app.command()
def bootstrap(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Clean slate: drop and recreate the tables, load definitions and seeded snapshots.

    Rows that are there are exported first.
    """
    from cmetrics.cli.output import print_progress
    from cmetrics.domain.days import utc_now
    from cmetrics.export.backup import back_up
    from cmetrics.ingest.bootstrap import bootstrap as run
    from cmetrics.ingest.context import RunContext

    now = utc_now()
    settings, catalog = _load(db, config)
    folder = Path("data") / "backups" / f"{now:%Y%m%dT%H%M%SZ}"
    backup = back_up(settings, folder)
    if backup.folder is not None:
        print_progress(f"{settings.store.label} holds rows; they are exported to {backup.folder}")
        if not yes:
            if not sys.stdin.isatty():
                msg = "bootstrap drops these rows and there is no terminal to ask on; nothing was dropped. Use --yes"
                raise UsageError(msg)
            if not _confirmed("Drop all rows?"):
                msg = "nothing was dropped"
                raise UsageError(msg)
    _finish(
        catalog,
        lambda progress: run(RunContext(settings, catalog, now, progress), backup),
        json=json,
        quiet=quiet,
    )


@app.command("build-site")
def build_site(
    out: Annotated[Path, typer.Option("--out", help="Folder to replace by the new site.")] = Path("site"),
    site_url: Annotated[
        str | None,
        typer.Option(
            "--site-url", help="Address it is published at; overrides `url` in the catalogue.", show_default=False
        ),
    ] = None,
    plotly_js: Annotated[
        Path | None,
        typer.Option(
            "--plotly-js", help="plotly-basic.min.js to use instead of the whole plotly.js.", show_default=False
        ),
    ] = None,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Render the static site from the store."""
    from cmetrics.catalog import parse_address
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.cli.run_report import site_address
    from cmetrics.domain.days import utc_now
    from cmetrics.site.publish import build_time, publish_site
    from cmetrics.sources import SPECS

    settings, catalog = _load(db, config)
    url = parse_address("--site-url", site_url) if site_url else site_address(settings, catalog)
    now = build_time(os.environ, utc_now())
    site = publish_site(settings.store, catalog, SPECS, out, now=now, url=url, plotly_js=plotly_js)
    if json:
        print_json({"out": str(out), "as_of": site.as_of.isoformat(), "files": dict(site.files)})
    elif not quiet:
        print_result(f"{out / 'index.html'}: {len(catalog.metrics)} metrics as of {site.as_of}")


@app.command("serve-api")
def serve_api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    db: Db = None,
    config: Config = None,
) -> None:
    """Answer the debug API from the store, read-only. Needs the extra `api`."""
    try:
        from cmetrics.api.app import create_app
        from cmetrics.api.serve import serve
    except ImportError as error:
        msg = f"serve-api needs the extra `api` ({error.name} is missing): pip install 'cmetrics[api]'"
        raise UsageError(msg) from None
    from cmetrics.domain.days import utc_now
    from cmetrics.queries import Queries
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    settings, catalog = _load(db, config)
    report = Queries(LanceStore.open(settings.store), catalog, SPECS, clock=utc_now)
    serve(create_app(report), host, port)


@app.command()
def status(
    max_age_days: Annotated[int, typer.Option(min=0, help="Older than that is stale.")] = 3,
    revisions: Annotated[
        bool, typer.Option("--revisions", help="List the values that changed in the last 90 days.")
    ] = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """How fresh every metric is, and why days are missing; exits 1 when one is stale."""
    from cmetrics.cli.output import print_json
    from cmetrics.cli.status import Told, print_status, status_json
    from cmetrics.domain.days import utc_now
    from cmetrics.queries import Queries
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    settings, catalog = _load(db, config)
    report = Queries(LanceStore.open(settings.store), catalog, SPECS, clock=utc_now)
    told = Told(report.state(), settings.store.label, max_age_days, report.revisions() if revisions else None)
    if json:
        print_json(status_json(told))
    elif not quiet:
        print_status(told)
    raise typer.Exit(FAILED if told.any_stale else DONE)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write.", show_default=True)] = Path(
        "data/export"
    ),
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Drop rows of the export in DIR that the store does not have.")
    ] = False,
    db: Db = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the whole store as CSV files, one per metric, in a stable order."""
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.export.tables import export_store
    from cmetrics.store.lance_store import LanceStore

    settings = read_settings(db=db)
    store = LanceStore.open(settings.store)
    store.check()
    files = export_store(store, folder, allow_loss=allow_loss).files
    if json:
        print_json({"folder": str(folder), "files": [path.relative_to(folder).as_posix() for path in files]})
    elif not quiet:
        print_result(f"{folder}: {len(files)} files written")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="An export.", show_default=True)] = Path(
        "data/export"
    ),
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read an export back: rows are added and updated, none is removed."""
    from cmetrics.domain.days import utc_now
    from cmetrics.export.restore import restore as run

    now = utc_now()
    settings, catalog = _load(db, config)
    _finish(
        catalog,
        lambda progress: run(settings, folder, now=now, progress=progress),
        json=json,
        quiet=quiet,
    )


setup.register(app)


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        # The end of input is no yes.
        return False


def _load(db: str | None, config: Path | None) -> tuple[Settings, Catalog]:
    from cmetrics.catalog import load_catalog
    from cmetrics.cli.configuration import read_settings
    from cmetrics.sources import SPECS

    settings = read_settings(db=db, config=config)
    return settings, load_catalog(settings.catalog, SPECS)


def _selection(only: str | None, metric: list[str] | None) -> Selection:
    from cmetrics.domain.metric import Family
    from cmetrics.ingest.run import Selection

    if only is not None and only not in set(Family):
        msg = f"--only takes {' or '.join(Family)}"
        raise UsageError(msg)
    return Selection(Family(only) if only else None, tuple(metric or ()))


def _day(option: str, text: str | None) -> date | None:
    from cmetrics.domain.days import parse_day

    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError:
        msg = f"{option}: {text!r} is no day; write it like 2026-01-31"
        raise UsageError(msg) from None


def _finish(
    catalog: Catalog,
    run: Callable[[NoProgress], RunSummary],
    *,
    json: bool,
    quiet: bool,
    reports: Reports | None = None,
) -> NoReturn:
    """Run, print, tell others, exit."""
    from cmetrics.cli.output import print_error, print_json, print_warning
    from cmetrics.cli.progress import make_progress
    from cmetrics.cli.summary import print_errors, print_summary, summary_json

    progress = make_progress(quiet=quiet)
    try:
        summary = run(progress)
    except KeyboardInterrupt:
        progress.close()
        print_error("interrupted; nothing half-written is left behind, run it again to go on")
        raise
    except CmetricsError as error:
        if reports is not None:
            reports.failed(error)
        raise
    finally:
        progress.close()
    if json:
        print_json(summary_json(summary))
    elif not quiet:
        print_summary(summary)
    print_errors(summary, {metric.metric_id: metric.source for metric in catalog.metrics})
    for text in (*summary.warnings, *summary.anomalies):
        print_warning(text)
    if reports is not None:
        reports.ended(summary)
    raise typer.Exit(RUN_EXITS[summary.status])
