"""The export on a data branch of its own: pulled before a run, pushed after it.

A runner of GitHub Actions begins with an empty disk; what it collected yesterday is on this branch.
Every push moves two refs at once: the branch, and a mark of the last commit that cmetrics pushed.
A branch that does not contain the mark was put back or replaced, and is refused: going on from it
would lose what is newer, and the next push would make that permanent.
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

#: Pushes in all; before another one, what somebody else has pushed is merged.
TRIES = 5
#: Seconds before the second push, doubled for each more. Two runners must not stay in step.
PAUSE = 1.0
TIME_LIMITS = TimeLimits()


@dataclass(frozen=True, slots=True)
class Pulled:
    """What `pull` found."""

    branch: str
    #: None when the branch does not exist yet.
    commit: str | None
    restored: RunSummary | None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What `push` did."""

    branch: str
    commit: str
    #: Of the last export: new and revised values.
    exported: ExportSummary
    #: How often somebody else was merged.
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
    """Fetch the branch into ``folder`` and merge its rows into the store; a missing branch is no error.

    Rows that only the store has stay, and of two values the newer one does. Raises GitError when the
    remote cannot be reached, when the branch was replaced and when it is not a data branch, ExportError
    for a file that is damaged; nothing is written to the store then.
    """
    clone = Clone.prepare(Git(folder, limits=limits), remote, branch)
    with clone.locked():
        tip = clone.fetch()
        if tip is None:
            return Pulled(clone.branch, clone.head, None)
        if clone.head is not None and not clone.contains(tip, clone.head):
            # Commits that were never pushed: their rows are wanted, too.
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
    """Export the store into the clone, commit and push; rows that others pushed meanwhile are merged first.

    ``remote`` is needed only for credentials, which the clone does not store. Raises ExportError when
    the commit would lose rows, unless ``allow_loss``; GitError when the branch was replaced, when it is
    not a data branch, and when the push is refused to the end.
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
    # What an interrupted run left in the folder is not what was committed, which the export compares with.
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
    raise AssertionError  # the last attempt has returned or raised


def _merge(settings: Settings, clone: Clone, now: datetime, progress: Progress) -> RunSummary:
    try:
        return merge_export(settings, clone.git.folder, now=now, progress=progress)
    except ExportError as error:
        commit = clone.culprit(error.damaged) if error.damaged is not None else None
        if commit is None:
            raise
        msg = f"{error}. On the branch {clone.branch}, `git revert {commit}` puts the file back"
        raise ExportError(msg, damaged=error.damaged) from error


def _write_readme(clone: Clone) -> None:
    """Write the page of the branch where it is missing; one that somebody has changed stays."""
    path = clone.git.folder / README
    if path.exists() or path.is_symlink():
        return
    try:
        path.write_text(readme(clone.branch), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise ExportError(msg) from error
