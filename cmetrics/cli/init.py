"""`cmetrics init`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from cmetrics.cli.options import AsJson, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.errors import UsageError
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import sanitize

if TYPE_CHECKING:
    from cmetrics.ops.new_catalog import Draft, NewCatalog, Offer
    from cmetrics.scaffold import Names

Repeatable = list[str] | None
#: The heading of the options for sources that few catalogues have.
FURTHER = "Further sources (repeatable)"


class InitMetricDocument(TypedDict):
    """One metric that was written."""

    metric_id: str
    product: str
    source: str
    subject: str


class PackageDocument(TypedDict):
    """One published package found in a repository."""

    source: str
    subject: str
    repository: str
    #: Path of the manifest that names it.
    path: str
    #: The repository that the registry names, if it has another owner.
    other_repository: str | None
    added: bool


class InitDocument(TypedDict):
    """The output of `init --json`."""

    file: str
    #: Whether the names were checked with the services.
    checked: bool
    metrics: list[InitMetricDocument]
    packages: list[PackageDocument]


def init(
    context: typer.Context,
    addresses: Annotated[
        Repeatable,
        typer.Argument(metavar="ADDRESS", hidden=True),
    ] = None,
    org: Annotated[
        Repeatable,
        typer.Option("--org", metavar="NAME", help="Most starred repositories of a GitHub user or organisation."),
    ] = None,
    pypi: Annotated[Repeatable, typer.Option("--pypi", metavar="NAME", help="Package on PyPI; repeatable.")] = None,
    npm: Annotated[Repeatable, typer.Option("--npm", metavar="NAME", help="Package on npm; repeatable.")] = None,
    crate: Annotated[
        Repeatable, typer.Option("--crate", metavar="NAME", help="Crate on crates.io; repeatable.")
    ] = None,
    repo: Annotated[
        Repeatable, typer.Option("--repo", metavar="OWNER/NAME", help="Repository on GitHub; repeatable.")
    ] = None,
    gem: Annotated[
        Repeatable, typer.Option("--gem", metavar="NAME", help="Gem on RubyGems.", rich_help_panel=FURTHER)
    ] = None,
    packagist: Annotated[
        Repeatable,
        typer.Option("--packagist", metavar="VENDOR/NAME", help="PHP package on Packagist.", rich_help_panel=FURTHER),
    ] = None,
    cran: Annotated[
        Repeatable, typer.Option("--cran", metavar="NAME", help="R package on CRAN.", rich_help_panel=FURTHER)
    ] = None,
    nuget: Annotated[
        Repeatable, typer.Option("--nuget", metavar="NAME", help="Package on NuGet.", rich_help_panel=FURTHER)
    ] = None,
    brew: Annotated[
        Repeatable,
        typer.Option("--brew", metavar="NAME", help="Homebrew formula, or cask/NAME.", rich_help_panel=FURTHER),
    ] = None,
    docker: Annotated[
        Repeatable,
        typer.Option("--docker", metavar="NAMESPACE/NAME", help="Image on Docker Hub.", rich_help_panel=FURTHER),
    ] = None,
    hf: Annotated[
        Repeatable,
        typer.Option(
            "--hf",
            metavar="KIND/OWNER/NAME",
            help="models/, datasets/ or spaces/ on Hugging Face.",
            rich_help_panel=FURTHER,
        ),
    ] = None,
    duckdb: Annotated[
        Repeatable, typer.Option("--duckdb", metavar="NAME", help="DuckDB extension.", rich_help_panel=FURTHER)
    ] = None,
    openvsx: Annotated[
        Repeatable,
        typer.Option("--openvsx", metavar="PUBLISHER.NAME", help="Extension on Open VSX.", rich_help_panel=FURTHER),
    ] = None,
    vscode: Annotated[
        Repeatable,
        typer.Option(
            "--vscode", metavar="PUBLISHER.NAME", help="Extension on the VS Code Marketplace.", rich_help_panel=FURTHER
        ),
    ] = None,
    releases: Annotated[
        Repeatable,
        typer.Option(
            "--releases", metavar="OWNER/NAME", help="Downloads of release assets on GitHub.", rich_help_panel=FURTHER
        ),
    ] = None,
    traffic: Annotated[
        Repeatable,
        typer.Option(
            "--traffic",
            metavar="OWNER/NAME",
            help="GitHub traffic; needs CMETRICS_TRAFFIC_TOKEN.",
            rich_help_panel=FURTHER,
        ),
    ] = None,
    packages: Annotated[
        bool | None,
        typer.Option(
            "--packages/--no-packages",
            help="Add the packages of the repositories without asking, or do not look for them.",
            show_default=False,
        ),
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
            help="URL or email address at which the services can reach you.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.")] = Path("cmetrics.toml"),
    add: Annotated[bool, typer.Option("--add", help="Append to an existing file.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not check the names with the services.")] = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Create or extend a catalogue.

    Accepts names, or addresses copied from a browser, and checks each with its service. Finds the packages of a
    repository in its pyproject.toml, package.json and Cargo.toml. Without names, asks for them on the terminal.
    """
    from cmetrics.catalog import DEFAULT_PATH
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_progress, print_warning
    from cmetrics.ops.new_catalog import CatalogRequest, WriteMode, check_target, prepare_catalog, write_catalog
    from cmetrics.settings import EMBEDDED_DEFAULT

    runtime = get_runtime(context)
    if add and force:
        msg = "--add and --force cannot be combined; use one of them"
        raise UsageError(msg)
    mode = WriteMode.ADD if add else WriteMode.REPLACE if force else WriteMode.CREATE
    check_target(out, mode)
    names = _names(
        addresses,
        {
            "--org": org,
            "--pypi": pypi,
            "--npm": npm,
            "--crate": crate,
            "--repo": repo,
            "--gem": gem,
            "--packagist": packagist,
            "--cran": cran,
            "--nuget": nuget,
            "--brew": brew,
            "--docker": docker,
            "--hf": hf,
            "--duckdb": duckdb,
            "--openvsx": openvsx,
            "--vscode": vscode,
            "--releases": releases,
            "--traffic": traffic,
        },
    )
    if names.is_empty:
        names = _ask_names()
    if not no_check and not quiet:
        print_progress("checking the names with the services")
    # Store and catalogue are not used here. CMETRICS_CONFIG may be the file that is about to be written.
    settings = read_settings(db=EMBEDDED_DEFAULT, config=DEFAULT_PATH)
    draft = prepare_catalog(
        CatalogRequest(
            names, out, mode, product, title, contact, check=not no_check, find_packages=packages is not False
        ),
        settings,
        now=runtime.clock(),
        clock=runtime.clock,
        sleep=runtime.sleep,
    )
    chosen = _choose(draft.offers, take=packages is True, ask=not json and not quiet and sys.stdin.isatty())
    new = write_catalog(draft, chosen)
    for text in draft.warnings:
        print_warning(text)
    if not quiet:
        for text in (*draft.notes, *new.notes, *_offers_left(draft, chosen)):
            print_progress(text)
    if json:
        print_json(_document(draft, new, chosen))
    elif not quiet:
        _print(new, is_addition=add)


def _names(addresses: Repeatable, options: Mapping[str, Repeatable]) -> Names:
    """Return the names of all options and addresses. Raises UsageError for an address of another kind."""
    from cmetrics.addresses import NameKind, parse_name, recognize
    from cmetrics.scaffold import Names

    found: dict[NameKind, list[str]] = {kind: [] for kind in NameKind}
    for text in _split(addresses):
        address = recognize(text)
        if address is None:
            msg = f"{sanitize(text, limit=80)!r} is not an address of a repository or package"
            raise UsageError(msg, hint="use --org, --pypi, --npm, --crate or --repo for names")
        found[address.kind].append(address.name)
    for option, values in options.items():
        kind = NameKind(option)
        found[kind] += [parse_name(kind, text) for text in _split(values)]
    owners = tuple(found.pop(NameKind.OWNER))
    return Names(owners, {kind.source: tuple(names) for kind, names in found.items() if names})


def _split(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of a repeatable option. A value may have several, separated by commas or spaces."""
    return tuple(part for name in names or () for part in name.replace(",", " ").split())


def _ask_names() -> Names:
    """Ask for the names on the terminal. Raises UsageError without a terminal or without any name."""
    from cmetrics.cli.output import print_progress

    if not sys.stdin.isatty():
        msg = "no names given, and no terminal to ask for them"
        raise UsageError(msg, hint="use --org, --pypi, --npm, --crate or --repo")

    def ask(question: str) -> list[str]:
        return [typer.prompt(question, default="", show_default=False, err=True)]

    print_progress("Separate several names by spaces; press Enter to skip a question.")
    org: list[str] = []
    repo: list[str] = []
    pypi: list[str] = []
    npm: list[str] = []
    crate: list[str] = []
    # Ctrl-C or the end of the input discards the answers so far.
    with suppress(typer.Abort):
        org = ask("GitHub organisation or user, for its most starred repositories")
        repo = ask("GitHub repositories (owner/name)")
        pypi = ask("Packages on PyPI")
        npm = ask("Packages on npm")
        crate = ask("Crates on crates.io")
        names = _names(None, {"--org": org, "--repo": repo, "--pypi": pypi, "--npm": npm, "--crate": crate})
        if not names.is_empty:
            return names
    msg = "no names given; nothing was written"
    raise UsageError(msg)


def _choose(offers: Sequence[Offer], *, take: bool, ask: bool) -> list[Offer]:
    """Return the packages to add. Those of other owners are added only if they are named."""
    from cmetrics.cli.output import print_progress

    own = [offer for offer in offers if offer.foreign is None]
    if take:
        return own
    if not ask or not offers:
        return []
    print_progress("Packages of these repositories:")
    for number, offer in enumerate(offers, 1):
        print_progress(f"  {number}  {_label(offer)}")
    try:
        answer = typer.prompt(
            "Packages to add: numbers, none, or Enter for all except those of other owners", default="", err=True
        )
    except typer.Abort:
        return []
    numbers = {int(text) for text in _split([answer]) if text.isdecimal()}
    return own if not answer.strip() else [offer for number, offer in enumerate(offers, 1) if number in numbers]


def _label(offer: Offer) -> str:
    from cmetrics.sources import SPECS

    package = offer.package
    text = f"{package.name} ({SPECS[package.source].title}), from {package.path} of {package.repository}"
    return f"{text}; may belong to someone else: its registry entry names {offer.foreign}" if offer.foreign else text


def _offers_left(draft: Draft, chosen: Sequence[Offer]) -> list[str]:
    """Return the packages that were found and not added, and the command that adds them."""
    from cmetrics.addresses import NameKind

    left = [offer for offer in draft.offers if offer not in chosen]
    if not left:
        return []
    options = {kind.source: kind for kind in NameKind}
    own = [offer.package for offer in left if offer.foreign is None] or [offer.package for offer in left]
    out = draft.request.out
    file = "" if out == Path("cmetrics.toml") else f" --out {shlex.quote(str(out))}"
    command = " ".join(f"{options[package.source]} {shlex.quote(package.name)}" for package in own)
    return [*(f"found: {_label(offer)}" for offer in left), f"add with: cmetrics init --add{file} {command}"]


def _document(draft: Draft, new: NewCatalog, chosen: Sequence[Offer]) -> InitDocument:
    return {
        "file": str(new.catalog.path),
        "checked": draft.request.check,
        "metrics": [
            {"metric_id": m.metric_id, "product": m.product, "source": m.source, "subject": m.subject}
            for m in new.catalog.metrics
            if m.metric_id in new.added
        ],
        "packages": [
            {
                "source": offer.package.source,
                "subject": offer.package.name,
                "repository": offer.package.repository,
                "path": offer.package.path,
                "other_repository": offer.foreign,
                "added": offer in chosen,
            }
            for offer in draft.offers
        ],
    }


def _print(new: NewCatalog, *, is_addition: bool) -> None:
    from cmetrics.cli.output import print_result

    catalog = new.catalog
    added = [metric for metric in catalog.metrics if metric.metric_id in new.added]
    width = max((len(metric.metric_id) for metric in added), default=0)
    for metric in added:
        print_result(f"{metric.metric_id:<{width}}  {metric.subject}")
    total = f"{plural(len(catalog.metrics), 'metric')} of {plural(len(catalog.products), 'product')}"
    if is_addition:
        print_result(f"{catalog.path}: {plural(len(new.added), 'metric')} added; {total}")
    else:
        print_result(f"{catalog.path}: {total}")
    if new.added:
        print_result("next: cmetrics refresh, then cmetrics build-site")
