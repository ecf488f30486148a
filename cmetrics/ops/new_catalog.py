"""Write a first catalogue, or add to one, from names that are checked with their services, for `init`.

`prepare_catalog` checks the names and finds packages. After the user has chosen packages, `write_catalog` writes the
file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from cmetrics.catalog import Catalog, load_catalog, parse_catalog
from cmetrics.domain.days import Clock
from cmetrics.domain.errors import ConfigError, NotFound, SiteError, SourceError, UsageError
from cmetrics.domain.plural import plural
from cmetrics.http.service import Sleep
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.subjects import check_subjects
from cmetrics.ops.find_packages import FoundPackage, find_packages
from cmetrics.ops.owner_repositories import list_repositories
from cmetrics.ops.package_repository import find_foreign
from cmetrics.scaffold import Existing, Names, Scaffold, plan_scaffold, render_entries, render_scaffold
from cmetrics.settings import Settings
from cmetrics.sources import SPECS

#: The contact address of requests without a catalogue.
PROJECT = "https://github.com/lancedb/cmetrics"


class WriteMode(Enum):
    """How to treat an existing file."""

    CREATE = "create"
    REPLACE = "replace"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class CatalogRequest:
    """The arguments of `init`."""

    names: Names
    out: Path
    mode: WriteMode
    product: str | None
    title: str | None
    contact: str | None
    #: Whether the names are checked with the services.
    check: bool
    #: Whether packages are searched in the manifests of the repositories.
    find_packages: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A published package of one of the repositories that was not requested by name."""

    package: FoundPackage
    #: The repository that its registry names, if it has another owner.
    foreign: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A catalogue before it is written."""

    request: CatalogRequest
    #: With owners resolved, and with the current names of repositories.
    names: Names
    #: The existing file to extend, with its content.
    existing: tuple[Catalog, bytes] | None
    offers: tuple[Offer, ...]
    #: Notes for the user about automatic decisions.
    notes: tuple[str, ...]
    #: Names that were replaced by the current ones.
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewCatalog:
    """The catalogue file that was written."""

    catalog: Catalog
    #: Ids of the added metrics.
    added: frozenset[str]
    #: Notes on names that the file already contained.
    notes: tuple[str, ...]


def check_target(out: Path, mode: WriteMode) -> None:
    """Raise UsageError if ``out`` exists and may not be replaced, or is to be extended and does not exist."""
    if mode is WriteMode.CREATE and out.exists():
        raise _exists(out)
    if mode is WriteMode.ADD and not out.exists():
        msg = f"--add: there is no file {out}"
        raise UsageError(msg, hint="leave out --add to create it, or name another file with --out")


def prepare_catalog(request: CatalogRequest, settings: Settings, *, now: datetime, clock: Clock, sleep: Sleep) -> Draft:
    """Check the names, and find packages in the repositories. Raises UsageError or SourceError; writes nothing."""
    existing = None
    if request.mode is WriteMode.ADD:
        if request.title is not None or request.contact is not None:
            msg = "--add changes neither --title nor --contact; edit the file"
            raise UsageError(msg)
        existing = _read_existing(request.out)
        request = replace(request, contact=existing[0].contact)
    elif request.contact is None and settings.repository:
        request = replace(request, contact=f"https://github.com/{settings.repository}")
    contact = request.contact or PROJECT
    notes: list[str] = []
    warnings: list[str] = []
    names = request.names
    if names.owners:
        if not request.check:
            msg = "--org needs GitHub and cannot be used with --no-check; list the repositories with --repo"
            raise UsageError(msg)
        names = _add_repositories(names, settings, contact, notes)
    catalog = _added(request, names, existing)
    offers: tuple[Offer, ...] = ()
    if request.check:
        context = RunContext(settings, catalog, now, clock=clock, sleep=sleep)
        present = _check_names(context, warnings) if catalog.metrics else {}
        names = replace(
            names,
            subjects={
                source: tuple(present.get((source, name), name) for name in subjects)
                for source, subjects in names.subjects.items()
            },
        )
        if request.find_packages and names.repositories:
            offers = _find_offers(replace(context, catalog=_added(request, names, existing)), names, existing, notes)
    return Draft(request, names, existing, offers, tuple(notes), tuple(warnings))


def write_catalog(draft: Draft, chosen: Sequence[Offer]) -> NewCatalog:
    """Write the file with the packages that were chosen. Raises UsageError or SiteError if it cannot be written."""
    request = draft.request
    names = _with_packages(draft.names, [offer.package for offer in chosen])
    scaffold = _plan(request, names, draft.existing)
    notes = tuple(
        f"{subject} ({SPECS[source].title}) is already in the file as {metric_id}; skipped"
        for source, subject, metric_id in scaffold.skipped
    )
    if draft.existing is None:
        data = render_scaffold(scaffold, SPECS).encode()
        catalog = parse_catalog(request.out, data, SPECS)
        _write(request.out, data, "wb" if request.mode is WriteMode.REPLACE else "xb")
        return NewCatalog(catalog, frozenset(m.metric_id for m in catalog.metrics), notes)
    before, content = draft.existing
    blocks = _as_in(content, render_entries(scaffold, SPECS)) if scaffold.entries else b""
    try:
        catalog = parse_catalog(request.out, content + blocks, SPECS)
    except ConfigError:
        msg = f"{request.out}: its products or metrics are one inline list, to which --add cannot append"
        raise UsageError(msg, hint="write each in its own [[products]] or [[metrics]] section") from None
    if blocks:
        _write(request.out, blocks, "ab")
    return NewCatalog(catalog, frozenset(m.metric_id for m in catalog.metrics[len(before.metrics) :]), notes)


def _read_existing(out: Path) -> tuple[Catalog, bytes]:
    catalog = load_catalog(out, SPECS)
    try:
        return catalog, out.read_bytes()
    except OSError as error:
        msg = f"cannot read {out}: {error.strerror}"
        raise UsageError(msg) from error


def _as_in(content: bytes, text: str) -> bytes:
    """Return ``text`` with the line endings of ``content``, after a line break if its last line has none."""
    end = "\r\n" if b"\r\n" in content else "\n"
    start = "" if content.endswith(b"\n") else end
    return (start + text.replace("\n", end)).encode()


def _plan(request: CatalogRequest, names: Names, existing: tuple[Catalog, bytes] | None) -> Scaffold:
    there = None
    if existing is not None:
        catalog = existing[0]
        there = Existing(
            catalog.title,
            catalog.contact,
            {product.product: product.title for product in catalog.products},
            {(m.source, SPECS[m.source].canonical(m.subject)): m.metric_id for m in catalog.metrics},
        )
    return plan_scaffold(
        names, SPECS, product=request.product, title=request.title, contact=request.contact, existing=there
    )


def _added(request: CatalogRequest, names: Names, existing: tuple[Catalog, bytes] | None) -> Catalog:
    """Return the resulting catalogue without the metrics of the existing file."""
    scaffold = _plan(request, names, existing)
    if existing is None:
        return parse_catalog(request.out, render_scaffold(scaffold, SPECS).encode(), SPECS)
    before, content = existing
    if not scaffold.entries:
        return replace(before, metrics=())
    try:
        catalog = parse_catalog(request.out, content + _as_in(content, render_entries(scaffold, SPECS)), SPECS)
    except ConfigError:
        msg = f"{request.out}: its products or metrics are one inline list, to which --add cannot append"
        raise UsageError(msg, hint="write each in its own [[products]] or [[metrics]] section") from None
    return replace(catalog, metrics=catalog.metrics[len(before.metrics) :])


def _add_repositories(names: Names, settings: Settings, contact: str, notes: list[str]) -> Names:
    """Return ``names`` with the most starred repositories of its owners."""
    repositories = list(names.repositories)
    for owner in names.owners:
        try:
            owned = list_repositories(owner, token=settings.github_token, contact=contact, network=settings.network)
        except NotFound:
            msg = f"--org {owner}: no such organisation or user on GitHub; nothing was written"
            raise UsageError(msg) from None
        if not owned.names:
            notes.append(f"{owner} has no public repositories that are not forks")
        if owned.has_more:
            notes.append(
                f"{owner} has more repositories; the {len(owned.names)} most starred ones were added; "
                "add others with --repo"
            )
        repositories += owned.names
    return replace(names, subjects={**names.subjects, "github": tuple(repositories)})


def _check_names(context: RunContext, warnings: list[str]) -> Mapping[tuple[str, str], str]:
    """Return the current name of each source and subject.

    Raises UsageError for unknown names, SourceError if a service could not be reached.
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
                warnings.append(f"{metric.subject} was renamed to {answer}; the new name was written")
    if unknown:
        msg = f"not found: {', '.join(unknown)}; nothing was written"
        raise UsageError(msg)
    if failures:
        reasons = "; ".join(dict.fromkeys(map(str, failures)))
        total = plural(len(catalog.metrics), "name")
        msg = f"{len(failures)} of {total} could not be checked: {reasons}; nothing was written"
        raise type(failures[0])(msg, service=failures[0].service, hint="try again, or use --no-check")
    return present


def _find_offers(
    context: RunContext, names: Names, existing: tuple[Catalog, bytes] | None, notes: list[str]
) -> tuple[Offer, ...]:
    """Return the published packages of the repositories that are neither among ``names`` nor in the file."""
    settings, contact = context.settings, context.catalog.contact
    search = find_packages(names.repositories, token=settings.github_token, contact=contact, network=settings.network)
    notes += search.notes
    metrics = (*context.catalog.metrics, *(existing[0].metrics if existing else ()))
    known = {(m.source, SPECS[m.source].canonical(m.subject)) for m in metrics}
    unnamed = [
        package
        for package in search.packages
        if re.fullmatch(SPECS[package.source].subject_pattern, package.name)
        and (package.source, SPECS[package.source].canonical(package.name)) not in known
    ]
    published = _published(context, unnamed, notes) if unnamed else []
    foreign = find_foreign(published, contact=contact, network=settings.network, sleep=context.sleep)
    return tuple(Offer(package, foreign.get(package)) for package in published)


def _published(context: RunContext, packages: Sequence[FoundPackage], notes: list[str]) -> list[FoundPackage]:
    """Return the packages that exist at their registry."""
    names = _with_packages(Names(), packages)
    scaffold = plan_scaffold(names, SPECS, product="all", title=None, contact=PROJECT)
    catalog = parse_catalog(Path("cmetrics.toml"), render_scaffold(scaffold, SPECS).encode(), SPECS)
    answers = check_subjects(replace(context, catalog=replace(catalog, contact=context.catalog.contact)))
    by_subject = {(m.source, SPECS[m.source].canonical(m.subject)): answers[m.metric_id] for m in catalog.metrics}
    published: list[FoundPackage] = []
    unknown: list[str] = []
    failed: list[str] = []
    for package in packages:
        answer = by_subject[package.source, SPECS[package.source].canonical(package.name)]
        label = f"{package.name} ({SPECS[package.source].title})"
        if isinstance(answer, NotFound):
            unknown.append(label)
        elif isinstance(answer, SourceError):
            failed.append(label)
        else:
            published.append(package)
    if unknown:
        notes.append(f"in the repositories, but not published: {', '.join(unknown)}")
    if failed:
        notes.append(f"in the repositories, but could not be checked: {', '.join(failed)}")
    return published


def _with_packages(names: Names, packages: Sequence[FoundPackage]) -> Names:
    for package in packages:
        names = names.plus(package.source, [package.name])
    return names


def _write(out: Path, data: bytes, mode: str) -> None:
    try:
        with out.open(mode) as file:
            file.write(data)
    except FileExistsError:
        raise _exists(out) from None
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror}"
        raise SiteError(msg, hint="choose another file with --out") from error


def _exists(out: Path) -> UsageError:
    return UsageError(
        f"{out} already exists; nothing was written",
        hint="extend it with --add, choose another file with --out, or replace it with --force",
    )
