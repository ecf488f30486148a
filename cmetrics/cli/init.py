"""`init`: names from options or a terminal, checked at their services, into a file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from cmetrics.catalog import DEFAULT_PATH, Catalog, load_catalog
from cmetrics.cli.configuration import read_settings
from cmetrics.cli.output import print_json, print_progress, print_result, print_warning
from cmetrics.cli.runtime import Runtime
from cmetrics.domain.errors import NotFound, SiteError, SourceError, UsageError
from cmetrics.ingest.context import RunContext
from cmetrics.scaffold import Names, Scaffold, plan_scaffold, render_scaffold
from cmetrics.settings import EMBEDDED_DEFAULT, Settings
from cmetrics.sources import SPECS

#: Who asks before there is a catalogue that says.
PROJECT = "https://github.com/lancedb/cmetrics"


@dataclass(frozen=True, slots=True)
class Written:
    """The file as it was written."""

    catalog: Catalog
    is_checked: bool


def ask_names() -> Names:
    """The names, asked for on the terminal; raises UsageError when none was given."""

    def ask(question: str) -> tuple[str, ...]:
        return tuple(typer.prompt(question, default="", show_default=False, err=True).replace(",", " ").split())

    print_progress("Several names are separated by spaces; Enter leaves a question out.")
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
        msg = "no name was given; nothing was written"
        raise UsageError(msg)
    return names


def write_catalogue(
    names: Names,
    out: Path,
    *,
    product: str | None,
    title: str | None,
    contact: str | None,
    check: bool,
    force: bool,
    runtime: Runtime,
) -> Written:
    """Check ``names`` and write the file; raises UsageError or SourceError before anything is written."""
    # Store and catalogue do not matter yet; CMETRICS_CONFIG may name the very file that is to be written.
    settings = read_settings(db=EMBEDDED_DEFAULT, config=DEFAULT_PATH)
    if contact is None and settings.repository:
        contact = f"https://github.com/{settings.repository}"
    if names.owners:
        if not check:
            msg = "--org asks GitHub for the repositories; with --no-check name them with --repo"
            raise UsageError(msg)
        names = _resolved(names, settings, contact or PROJECT)
    scaffold = plan_scaffold(names, SPECS, product=product, title=title, contact=contact)
    with tempfile.TemporaryDirectory(prefix="cmetrics-init-") as folder:
        draft = Path(folder) / "cmetrics.toml"
        draft.write_text(render_scaffold(scaffold, SPECS), encoding="utf-8")
        catalog = load_catalog(draft, SPECS)
        if check:
            present = _checked(RunContext(settings, catalog, runtime.clock(), clock=runtime.clock, sleep=runtime.sleep))
            scaffold = _with_present_names(scaffold, present)
        text = render_scaffold(scaffold, SPECS)
        draft.write_text(text, encoding="utf-8")
        # What a repository is called now may be the name of another entry.
        catalog = load_catalog(draft, SPECS)
    _write(out, text, force=force)
    return Written(replace(catalog, path=out), check)


def _resolved(names: Names, settings: Settings, contact: str) -> Names:
    from cmetrics.ops.owner_repositories import list_repositories

    found = list(names.repositories)
    for owner in names.owners:
        try:
            owned = list_repositories(owner, token=settings.github_token, contact=contact, network=settings.network)
        except NotFound:
            msg = f"--org {owner}: GitHub knows no organisation and no user of that name; nothing was written"
            raise UsageError(msg) from None
        if not owned.names and len(names.owners) == 1 and not found:
            print_progress(f"{owner} has no public repository of its own")
        if owned.has_more:
            print_progress(
                f"{owner} has more repositories; the {len(owned.names)} most starred are taken, add others with --repo"
            )
        found += owned.names
    return replace(names, repositories=tuple(found))


def _checked(context: RunContext) -> Mapping[tuple[str, str], str]:
    """The present name of each subject; raises UsageError for unknown ones, SourceError for silent services."""
    from cmetrics.ingest.subjects import check_subjects

    catalog = context.catalog
    count = len(catalog.metrics)
    print_progress(f"asking the services for {count} name{'s' if count != 1 else ''}")
    answers = check_subjects(context)
    unknown: list[str] = []
    silent: list[SourceError] = []
    present: dict[tuple[str, str], str] = {}
    for metric in catalog.metrics:
        answer = answers[metric.metric_id]
        if isinstance(answer, NotFound):
            unknown.append(f"{metric.subject} at {SPECS[metric.source].title}")
        elif isinstance(answer, SourceError):
            silent.append(answer)
        else:
            present[metric.source, metric.subject] = answer
            if answer.lower() != metric.subject.lower():
                print_warning(f"{metric.subject} is called {answer} now, and is written so")
    if unknown:
        msg = f"there is no {', no '.join(unknown)}; nothing was written"
        raise UsageError(msg)
    if silent:
        reasons = "; ".join(dict.fromkeys(map(str, silent)))
        msg = (
            f"{len(silent)} of {count} names could not be checked ({reasons}); nothing was written. "
            "Try again, or use --no-check"
        )
        raise type(silent[0])(msg)
    return present


def _with_present_names(scaffold: Scaffold, present: Mapping[tuple[str, str], str]) -> Scaffold:
    entries = (replace(e, subject=present.get((e.source, e.subject), e.subject)) for e in scaffold.entries)
    return replace(scaffold, entries=tuple(entries))


def _write(out: Path, text: str, *, force: bool) -> None:
    """Write the file; without ``force`` never over another one."""
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        msg = f"{out} is there already; nothing was written. Name another with --out, or replace it with --force"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{out} cannot be written ({error.strerror}); name another place with --out"
        raise SiteError(msg) from error


def print_init(written: Written, *, json: bool) -> None:
    """What was written, and what to do next."""
    catalog = written.catalog
    if json:
        metrics = [
            {"metric_id": m.metric_id, "product": m.product, "source": m.source, "subject": m.subject}
            for m in catalog.metrics
        ]
        print_json({"file": str(catalog.path), "checked": written.is_checked, "metrics": metrics})
        return
    for metric in catalog.metrics:
        print_result(f"{metric.metric_id}  {metric.subject}")
    print_result(f"{catalog.path}: {len(catalog.metrics)} metrics of {len(catalog.products)} products")
    print_result("next: cmetrics refresh, then cmetrics build-site")
