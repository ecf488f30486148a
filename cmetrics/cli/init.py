"""`cmetrics init`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from cmetrics.cli.options import AsJson, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.errors import UsageError
from cmetrics.domain.plural import plural

if TYPE_CHECKING:
    from cmetrics.ops.new_catalog import NewCatalog
    from cmetrics.scaffold import Names

Repeatable = list[str] | None


class InitMetricDocument(TypedDict):
    """One metric of the file."""

    metric_id: str
    product: str
    source: str
    subject: str


class InitDocument(TypedDict):
    """What `init --json` prints."""

    file: str
    #: Whether the services were asked for the names.
    checked: bool
    metrics: list[InitMetricDocument]


def init(
    context: typer.Context,
    org: Annotated[
        Repeatable,
        typer.Option("--org", metavar="NAME", help="GitHub organisation or user: its most starred repositories."),
    ] = None,
    pypi: Annotated[Repeatable, typer.Option("--pypi", metavar="NAME", help="Package on PyPI; repeatable.")] = None,
    npm: Annotated[Repeatable, typer.Option("--npm", metavar="NAME", help="Package on npm; repeatable.")] = None,
    crate: Annotated[
        Repeatable, typer.Option("--crate", metavar="NAME", help="Crate on crates.io; repeatable.")
    ] = None,
    repo: Annotated[
        Repeatable, typer.Option("--repo", metavar="OWNER/NAME", help="Repository on GitHub; repeatable.")
    ] = None,
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="NAME", help="Put all metrics into one product.", show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Heading of the page.", show_default=False)
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact",
            metavar="URL",
            help="Address at which the services can reach you.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.")] = Path("cmetrics.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not check the names at the services.")] = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Create a catalogue (cmetrics.toml).

    Checks each name at its service. Without names it asks for them on the terminal.
    """
    from cmetrics.catalog import DEFAULT_PATH
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_progress, print_warning
    from cmetrics.ops.new_catalog import check_target, write_catalog
    from cmetrics.scaffold import Names
    from cmetrics.settings import EMBEDDED_DEFAULT

    runtime = get_runtime(context)
    check_target(out, force=force)
    names = Names(_split(org), _split(pypi), _split(npm), _split(crate), _split(repo))
    if names.is_empty:
        names = _ask_names()
    if not no_check and not quiet:
        print_progress("checking the names at the services")
    # Store and catalogue do not matter yet; CMETRICS_CONFIG may name the very file that is to be written.
    settings = read_settings(db=EMBEDDED_DEFAULT, config=DEFAULT_PATH)
    new = write_catalog(
        settings,
        names,
        out,
        product=product,
        title=title,
        contact=contact,
        check=not no_check,
        force=force,
        now=runtime.clock(),
        clock=runtime.clock,
        sleep=runtime.sleep,
    )
    for text in new.warnings:
        print_warning(text)
    if not quiet:
        for text in new.notes:
            print_progress(text)
    if json:
        print_json(_document(new))
    elif not quiet:
        _print(new)


def _split(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of a repeatable option; one value may hold several, separated by commas or spaces."""
    return tuple(part for name in names or () for part in name.replace(",", " ").split())


def _ask_names() -> Names:
    """Ask for the names on the terminal. Raises UsageError if there is no terminal, or no name was given."""
    from cmetrics.cli.output import print_progress
    from cmetrics.scaffold import Names

    if not sys.stdin.isatty():
        msg = "no names given, and no terminal to ask on"
        raise UsageError(msg, hint="use --org, --pypi, --npm, --crate or --repo")

    def ask(question: str) -> tuple[str, ...]:
        return _split([typer.prompt(question, default="", show_default=False, err=True)])

    print_progress("Separate several names by spaces; press Enter to skip a question.")
    try:
        names = Names(
            owners=ask("GitHub organisation or user, for its most starred repositories"),
            repositories=ask("GitHub repositories (owner/name)"),
            pypi=ask("Packages on PyPI"),
            npm=ask("Packages on npm"),
            crates=ask("Crates on crates.io"),
        )
    except typer.Abort:
        names = Names()
    if names.is_empty:
        msg = "no names given; nothing was written"
        raise UsageError(msg)
    return names


def _document(new: NewCatalog) -> InitDocument:
    return {
        "file": str(new.catalog.path),
        "checked": new.is_checked,
        "metrics": [
            {"metric_id": m.metric_id, "product": m.product, "source": m.source, "subject": m.subject}
            for m in new.catalog.metrics
        ],
    }


def _print(new: NewCatalog) -> None:
    from cmetrics.cli.output import print_result

    catalog = new.catalog
    for metric in catalog.metrics:
        print_result(f"{metric.metric_id}  {metric.subject}")
    print_result(
        f"{catalog.path}: {plural(len(catalog.metrics), 'metric')} of {plural(len(catalog.products), 'product')}"
    )
    print_result("next: cmetrics refresh, then cmetrics build-site")
