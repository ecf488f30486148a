"""`cmetrics build-site`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from cmetrics.cli.interruptible import interruptible
from cmetrics.cli.options import AsJson, Config, Db, Quiet
from cmetrics.cli.runtime import Runtime, get_runtime
from cmetrics.domain.plural import plural

if TYPE_CHECKING:
    from cmetrics.site.second_process import SecondProcess


class SiteDocument(TypedDict):
    """The output of `build-site --json`."""

    out: str
    #: The last completed UTC day at the time of the build.
    as_of: str
    #: Size in bytes of every file, by its path below ``out``.
    files: dict[str, int]


def build_site(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Output folder; its files are replaced.")] = Path(
        "site"
    ),
    site_url: Annotated[
        str | None,
        typer.Option(
            "--site-url",
            metavar="URL",
            help="Published address; overrides `url` in the catalogue.",
            show_default=False,
        ),
    ] = None,
    plotly_js: Annotated[
        Path | None,
        typer.Option(
            "--plotly-js",
            metavar="FILE",
            help="plotly-basic.min.js to use instead of the full plotly.js.",
            show_default=False,
        ),
    ] = None,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build the static site from the store.

    The folder is replaced only after all files are rendered. A folder with other contents is not changed.
    """
    from cmetrics.site.second_process import second_process

    with second_process() as second:
        _build_site(get_runtime(context), out, site_url, plotly_js, db, config, second, json=json, quiet=quiet)


@interruptible
def _build_site(
    runtime: Runtime,
    out: Path,
    site_url: str | None,
    plotly_js: Path | None,
    db: str | None,
    config: Path | None,
    second: SecondProcess | None,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from cmetrics.catalog import parse_address
    from cmetrics.cli.configuration import announce_default_catalog, load_configuration
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.ops.run_report import site_address
    from cmetrics.site.publish import build_time, publish_site
    from cmetrics.sources import SPECS

    settings, catalog = load_configuration(db, config)
    url = parse_address("--site-url", site_url) if site_url else site_address(settings, catalog)
    now = build_time(os.environ, runtime.clock())
    site = publish_site(settings.store, catalog, SPECS, out, now=now, url=url, plotly_js=plotly_js, second=second)
    announce_default_catalog(settings, catalog, quiet=quiet)()
    if json:
        document: SiteDocument = {"out": str(out), "as_of": site.as_of.isoformat(), "files": dict(site.files)}
        print_json(document)
    elif not quiet:
        print_result(f"{out}: {plural(len(catalog.metrics), 'metric')} as of {site.as_of}")
        print_result(f"open {(out / 'index.html').resolve().as_uri()}")
