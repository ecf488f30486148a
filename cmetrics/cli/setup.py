"""The commands around the nightly job: `init`, `doctor`, `alert`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cmetrics.cli.exit_codes import DONE, FAILED
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.errors import UsageError

Names = list[str] | None
Db = Annotated[
    str | None,
    typer.Option("--db", help="Store: a folder, or a LanceDB URI (s3://, gs://, az://, db://).", show_default=False),
]
Config = Annotated[Path | None, typer.Option("--config", help="Catalogue (cmetrics.toml) to use.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
MaxAge = Annotated[int, typer.Option("--max-age-days", min=0, help="Older than that is stale.")]


def init(
    context: typer.Context,
    org: Annotated[
        Names, typer.Option("--org", help="GitHub organisation or user; its most starred repositories.")
    ] = None,
    pypi: Annotated[Names, typer.Option("--pypi", help="Package on PyPI; repeatable.")] = None,
    npm: Annotated[Names, typer.Option("--npm", help="Package on npm; repeatable.")] = None,
    crate: Annotated[Names, typer.Option("--crate", help="Crate on crates.io; repeatable.")] = None,
    repo: Annotated[Names, typer.Option("--repo", help="GitHub repository, owner/name; repeatable.")] = None,
    product: Annotated[
        str | None, typer.Option("--product", help="Put everything into one product of this name.", show_default=False)
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.", show_default=False)] = None,
    contact: Annotated[
        str | None,
        typer.Option("--contact", help="Address that the services can reach you at.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("cmetrics.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not ask the services whether the names exist.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Write a cmetrics.toml for your packages and repositories, each name checked against its service."""
    from cmetrics.cli.init import ask_names, print_init, write_catalogue
    from cmetrics.scaffold import Names as Wanted

    if out.exists() and not force:
        msg = f"{out} is there already; nothing was written. Name another with --out, or replace it with --force"
        raise UsageError(msg)
    wanted = Wanted(_all(org), _all(pypi), _all(npm), _all(crate), _all(repo))
    if wanted.is_empty:
        if not sys.stdin.isatty():
            msg = "no name was given and there is no terminal to ask on; use --org, --pypi, --npm, --crate or --repo"
            raise UsageError(msg)
        wanted = ask_names()
    written = write_catalogue(
        wanted,
        out,
        product=product,
        title=title,
        contact=contact,
        check=not no_check,
        force=force,
        runtime=get_runtime(context),
    )
    print_init(written, json=json)


def _all(names: Sequence[str] | None) -> tuple[str, ...]:
    """The names given, one option each or several in one separated by commas or spaces."""
    return tuple(part for name in names or () for part in name.replace(",", " ").split())


def doctor(
    max_age_days: MaxAge = 3,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is not in order.")] = False,
) -> None:
    """Look at store, services, token, clock and schedule; exits 1 when something does not work."""
    from cmetrics.cli.doctor import clean, doctor_json, print_doctor, worst
    from cmetrics.cli.output import print_json
    from cmetrics.domain.days import utc_now
    from cmetrics.ops.check import Level
    from cmetrics.ops.doctor import examine
    from cmetrics.settings import load_settings

    checks = clean(examine(lambda: load_settings(db=db, config=config), max_age_days=max_age_days, clock=utc_now))
    if json:
        print_json(doctor_json(checks))
    else:
        print_doctor(checks, quiet=quiet)
    raise typer.Exit(FAILED if worst(checks) is Level.PROBLEM else DONE)


def alert(
    max_age_days: MaxAge = 3,
    off: Annotated[bool, typer.Option("--off", help="Do nothing, as with CMETRICS_ALERTS=off.")] = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors only.")] = False,
) -> None:
    """Keep one issue in the repository that runs this: open while a metric is stale or nights fail."""
    from cmetrics.catalog import load_catalog
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_result, print_warning
    from cmetrics.cli.run_report import site_address
    from cmetrics.domain.days import utc_now
    from cmetrics.sources import SPECS

    settings = read_settings(db=db, config=config)
    catalog = load_catalog(settings.catalog, SPECS)

    def end(action: str, text: str, **more: Any) -> None:
        if json:
            print_json({"deed": action, "issue": None, "title": None, **more, "text": text})
        elif not quiet:
            print_result(text)

    if off or not settings.alerts:
        end("off", "alerts are switched off")
        return
    if not settings.repository or not settings.github_token:
        absent = "GITHUB_REPOSITORY" if not settings.repository else "GITHUB_TOKEN"
        end("off", f"{absent} is not set: there is no repository to open an issue in")
        return
    from cmetrics.ops.alert import build_alert
    from cmetrics.ops.sync_issue import IssueAction, sync_issue
    from cmetrics.queries import Queries
    from cmetrics.store.lance_store import LanceStore

    report = Queries(LanceStore.open(settings.store), catalog, SPECS, clock=utc_now)
    state = report.state()
    found = build_alert(
        state.metrics,
        report.runs(),
        max_age_days=max_age_days,
        as_of=state.as_of,
        site=site_address(settings, catalog),
    )
    done = sync_issue(settings.repository, settings.github_token, catalog.contact, settings.network, found)
    if done.action is IssueAction.IMPOSSIBLE:
        print_warning(
            f"{settings.repository} has no issues to alert with; switch them on at "
            f"https://github.com/{settings.repository}/settings, or set CMETRICS_ALERTS=off"
        )
    words = (
        f"issue #{done.number} {done.action.value}"
        if done.number
        else f"no issue: {found.title if found else 'all is well'}"
    )
    end(
        done.action.value,
        f"{words}{f': {found.title}' if found and done.number else ''}",
        issue=done.number,
        title=found.title if found else None,
    )


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (init, doctor, alert):
        app.command()(command)
