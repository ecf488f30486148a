"""Synchronize the export with the data branch: pull before a run, push after it.

A GitHub Actions runner starts with an empty disk, so the data is stored on a branch. Every push updates
two refs atomically: the branch, and a mark for the last commit that cmetrics pushed. A branch that does
not contain the mark was reset or replaced, and is refused, because the next push would make the loss of
the newer commits permanent.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cmetrics.domain.errors import ExportError, GitError
from cmetrics.domain.run import RunSummary
from cmetrics.export.clone import Clone
from cmetrics.export.git import Git
from cmetrics.export.readme import README, readme
from cmetrics.export.remote import TimeLimits
from cmetrics.export.restore import merge_export
from cmetrics.export.tables import ExportSummary, export_store
from cmetrics.ingest.progress import Progress
from cmetrics.settings import Settings
from cmetrics.store.lance_store import LanceStore

#: The maximum number of push attempts. Before each retry, commits of others are merged.
TRIES = 5
#: Seconds before the second attempt, doubled for each further one, so that two runners do not collide again.
PAUSE = 1.0
TIME_LIMITS = TimeLimits()


@dataclass(frozen=True, slots=True)
class Pulled:
    """The result of `pull`."""

    branch: str
    #: None if the branch does not exist yet.
    commit: str | None
    restored: RunSummary | None


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of `push`."""

    branch: str
    commit: str
    #: The new and revised values of the last export.
    exported: ExportSummary
    #: The number of merges with commits of others.
    merges: int


def pull(
    settings: Settings,
    folder: Path,
    *,
    remote: str | None,
    branch: str | None,
    now: datetime,
    progress: Progress,
    limits: TimeLimits = TIME_LIMITS,
) -> Pulled:
    """Fetch the branch into ``folder`` and merge its rows into the store. A missing branch is not an error.

    Rows that only the store has are not changed; of two values, the newer one is stored. Raises GitError if
    the remote cannot be reached, or if the branch was replaced or is not a data branch; ExportError for a
    damaged file. In these cases, nothing is written to the store.
    """
    clone = Clone.prepare(Git(folder, limits=limits), remote, branch)
    with clone.locked():
        tip = clone.fetch()
        if tip is None:
            return Pulled(clone.branch, clone.head, None)
        if clone.head is not None and not clone.contains(tip, clone.head):
            # The clone has commits that were never pushed. Merge their rows too.
            clone.clean()
            merge_export(settings, folder, now=now, progress=progress)
        clone.check_out(tip)
        return Pulled(clone.branch, tip, _merge(settings, clone, now, progress))


def push(
    settings: Settings,
    folder: Path,
    *,
    allow_loss: bool,
    now: datetime,
    progress: Progress,
    sleep: Callable[[float], None],
    remote: str | None = None,
    limits: TimeLimits = TIME_LIMITS,
) -> Pushed:
    """Export the store into the clone, commit and push. Rows that others pushed are merged first.

    ``remote`` is needed only for credentials, which the clone does not store. Raises ExportError if the
    commit would lose rows, unless ``allow_loss``; GitError if the branch was replaced or is not a data
    branch, or if all push attempts are refused.
    """
    clone = Clone.open(Git(folder, limits=limits), remote)
    store = LanceStore.open(settings.store)
    store.check()
    with clone.locked():
        return _push(settings, clone, store, allow_loss, now, progress, sleep)


def _push(
    settings: Settings,
    clone: Clone,
    store: LanceStore,
    allow_loss: bool,  # noqa: FBT001  # an option passed on
    now: datetime,
    progress: Progress,
    sleep: Callable[[float], None],
) -> Pushed:
    merges = 0
    clone.check_export()
    # The export is compared with the last commit, so remove files left by an interrupted run.
    clone.clean()
    for attempt in range(1, TRIES + 1):
        exported = export_store(store, clone.git.folder, allow_loss=allow_loss)
        _write_readme(clone)
        clone.commit(f"{now:%Y-%m-%d}: {exported.new} new, {exported.revised} revised values")
        try:
            clone.push()
        except GitError as error:
            if error.is_final or attempt == TRIES:
                raise
        else:
            return Pushed(clone.branch, clone.head or "", exported, merges)
        sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
        base = clone.tracked
        theirs = clone.fetch()
        if theirs is not None and theirs != base:
            clone.check_out(theirs)
            _merge(settings, clone, now, progress)
            merges += 1
    raise AssertionError  # The last attempt has returned or raised.


def _merge(settings: Settings, clone: Clone, now: datetime, progress: Progress) -> RunSummary:
    try:
        return merge_export(settings, clone.git.folder, now=now, progress=progress)
    except ExportError as error:
        commit = clone.culprit(error.damaged) if error.damaged is not None else None
        if commit is None:
            raise
        msg = f"{error}. On the branch {clone.branch}, `git revert {commit}` restores the file"
        raise ExportError(msg, damaged=error.damaged) from error


def _write_readme(clone: Clone) -> None:
    """Write the README of the branch if it is missing. An existing one is not changed."""
    path = clone.git.folder / README
    if path.exists() or path.is_symlink():
        return
    try:
        path.write_text(readme(clone.branch), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise ExportError(msg) from error
