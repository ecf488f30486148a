"""Write a first catalogue from names that are checked at their services, for `init`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.domain.days import Clock
from cmetrics.domain.errors import NotFound, SiteError, SourceError, UsageError
from cmetrics.domain.plural import plural
from cmetrics.http.service import Sleep
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.subjects import check_subjects
from cmetrics.ops.owner_repositories import list_repositories
from cmetrics.scaffold import Names, Scaffold, plan_scaffold, render_scaffold
from cmetrics.settings import Settings
from cmetrics.sources import SPECS

#: Contact address of requests while there is no catalogue that has one.
PROJECT = "https://github.com/lancedb/cmetrics"


@dataclass(frozen=True, slots=True)
class NewCatalog:
    """The file that was written."""

    catalog: Catalog
    is_checked: bool
    #: What the user should know about the choices made.
    notes: tuple[str, ...]
    #: Names that were replaced by the present ones.
    warnings: tuple[str, ...]


def check_target(out: Path, *, force: bool) -> None:
    """Raise UsageError if ``out`` exists and may not be replaced."""
    if out.exists() and not force:
        raise _exists(out)


def write_catalog(
    settings: Settings,
    names: Names,
    out: Path,
    *,
    product: str | None,
    title: str | None,
    contact: str | None,
    check: bool,
    force: bool,
    now: datetime,
    clock: Clock,
    sleep: Sleep,
) -> NewCatalog:
    """Check ``names`` and write the file. Raises UsageError or SourceError before anything is written."""
    if contact is None and settings.repository:
        contact = f"https://github.com/{settings.repository}"
    notes: list[str] = []
    warnings: list[str] = []
    if names.owners:
        if not check:
            msg = "--org needs to ask GitHub, which --no-check forbids; name the repositories with --repo"
            raise UsageError(msg)
        names = _add_repositories(names, settings, contact or PROJECT, notes)
    scaffold = plan_scaffold(names, SPECS, product=product, title=title, contact=contact)
    with tempfile.TemporaryDirectory(prefix="cmetrics-init-") as folder:
        draft = Path(folder) / "cmetrics.toml"
        draft.write_text(render_scaffold(scaffold, SPECS), encoding="utf-8")
        catalog = load_catalog(draft, SPECS)
        if check:
            scaffold = _with_present_names(
                scaffold, _check_names(RunContext(settings, catalog, now, clock=clock, sleep=sleep), warnings)
            )
        text = render_scaffold(scaffold, SPECS)
        draft.write_text(text, encoding="utf-8")
        # The present name of a repository may be the name of another entry.
        catalog = load_catalog(draft, SPECS)
    _write(out, text, force=force)
    return NewCatalog(replace(catalog, path=out), check, tuple(notes), tuple(warnings))


def _add_repositories(names: Names, settings: Settings, contact: str, notes: list[str]) -> Names:
    """Return ``names`` with the most starred repositories of its owners."""
    repositories = list(names.repositories)
    for owner in names.owners:
        try:
            owned = list_repositories(owner, token=settings.github_token, contact=contact, network=settings.network)
        except NotFound:
            msg = f"--org {owner}: GitHub has no organisation and no user of this name; nothing was written"
            raise UsageError(msg) from None
        if not owned.names:
            notes.append(f"{owner} has no public repository of its own")
        if owned.has_more:
            notes.append(
                f"{owner} has more repositories; the {len(owned.names)} most starred ones were taken, "
                "add others with --repo"
            )
        repositories += owned.names
    return replace(names, repositories=tuple(repositories))


def _check_names(context: RunContext, warnings: list[str]) -> Mapping[tuple[str, str], str]:
    """Return the present name of each source and subject.

    Raises UsageError for unknown names, SourceError if a service could not be asked.
    """
    catalog = context.catalog
    answers = check_subjects(context)
    unknown: list[str] = []
    failures: list[SourceError] = []
    present: dict[tuple[str, str], str] = {}
    for metric in catalog.metrics:
        answer = answers[metric.metric_id]
        if isinstance(answer, NotFound):
            unknown.append(f"{metric.subject} ({SPECS[metric.source].title})")
        elif isinstance(answer, SourceError):
            failures.append(answer)
        else:
            present[metric.source, metric.subject] = answer
            if answer.lower() != metric.subject.lower():
                warnings.append(f"{metric.subject} is now called {answer}; the new name was written")
    if unknown:
        msg = f"not found: {', '.join(unknown)}; nothing was written"
        raise UsageError(msg)
    if failures:
        reasons = "; ".join(dict.fromkeys(map(str, failures)))
        total = plural(len(catalog.metrics), "name")
        msg = f"{len(failures)} of {total} could not be checked: {reasons}; nothing was written"
        raise type(failures[0])(msg, service=failures[0].service, hint="try again, or use --no-check")
    return present


def _with_present_names(scaffold: Scaffold, present: Mapping[tuple[str, str], str]) -> Scaffold:
    entries = (replace(e, subject=present.get((e.source, e.subject), e.subject)) for e in scaffold.entries)
    return replace(scaffold, entries=tuple(entries))


def _write(out: Path, text: str, *, force: bool) -> None:
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _exists(out) from None
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror}"
        raise SiteError(msg, hint="name another place with --out") from error


def _exists(out: Path) -> UsageError:
    return UsageError(
        f"{out} already exists; nothing was written", hint="name another file with --out, or replace it with --force"
    )
