"""`cmetrics demo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from cmetrics.cli.options import AsJson, Quiet
from cmetrics.cli.runtime import get_runtime


class DemoDocument(TypedDict):
    """The output of `demo --json`."""

    out: str
    #: The folder of the sample store and its catalogue; null if it was a temporary one.
    store: str | None
    #: The last completed UTC day.
    as_of: str
    #: The number of values in the sample store.
    rows: int
    #: Size in bytes of every file, by its path below ``out``.
    files: dict[str, int]


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Output folder; its files are replaced.")] = Path(
        "site-demo"
    ),
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Keep the sample store and its catalogue in this folder; a temporary one if not set.",
            show_default=False,
        ),
    ] = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build a site with sample data.

    Needs no network, and reads neither your store nor your catalogue. Every page and picture says "Sample data".
    """
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.ops.demo import CATALOG, STORE, sample_store
    from cmetrics.ops.sample_data import sample_time
    from cmetrics.site.publish import build_time, publish_site
    from cmetrics.site.write import check_folder
    from cmetrics.sources import SPECS

    now = sample_time(build_time(os.environ, get_runtime(context).clock()))
    check_folder(out)
    with sample_store(store, now) as sample:
        site = publish_site(sample.store, sample.catalog, SPECS, out, now=now)
    if json:
        document: DemoDocument = {
            "out": str(out),
            "store": None if store is None else str(store),
            "as_of": site.as_of.isoformat(),
            "rows": sample.rows,
            "files": dict(site.files),
        }
        print_json(document)
    elif not quiet:
        print_result(f"{out}: sample data as of {site.as_of}; the packages and their numbers are made up")
        if store is not None:
            print_result(f"explore it with --db {store / STORE} --config {store / CATALOG}")
        print_result(f"open {(out / 'index.html').resolve().as_uri()}")
