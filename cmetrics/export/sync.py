"""The ledger on a branch of its own: brought before a run, pushed after it.

A runner of GitHub Actions begins with an empty disk; what it collected yesterday is this branch.
Every push moves two refs at once: the branch, and a mark of the last commit that cmetrics pushed.
A branch that does not contain the mark was put back or replaced, and is refused: going on from it
would lose what is newer, and the next push would make that final.
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
from cmetrics.export.restore import restore
from cmetrics.export.tables import ExportSummary, export_store
from cmetrics.ingest.progress import Progress
from cmetrics.settings import Settings
from cmetrics.store.lance_store import LanceStore

#: Pushes of others that are given way to.
TRIES = 5
#: Seconds before the second try; doubled for each more. Two runners must not stay in step.
PAUSE = 1.0


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
    settings: Settings, folder: Path, *, remote: str | None, branch: str | None, now: datetime, progress: Progress
) -> Pulled:
    """Bring the branch into ``folder`` and its rows into the store; a branch that is not there yet is no error.

    Rows that only the store has stay, and of two values the newer one does. Raises GitError when the
    remote cannot be reached or the branch was replaced, LedgerError for a file that is damaged;
    nothing is written to the store then.
    """
    clone = Clone.made(Git(folder), remote, branch)
    with clone.held():
        tip = clone.fetch()
        if tip is None:
            return Pulled(clone.branch, clone.head, None)
        if clone.head is not None and not clone.contains(tip, clone.head):
            # Commits that never got out: their rows are wanted, too.
            clone.clean()
            restore(settings, folder, now=now, progress=progress, merge=True)
        clone.take(tip)
        return Pulled(clone.branch, tip, _merge(settings, clone, now, progress))


def push(
    settings: Settings,
    folder: Path,
    *,
    allow_loss: bool,
    now: datetime,
    progress: Progress,
    sleep: Callable[[float], None],
) -> Pushed:
    """Export the store into the clone, commit and push; rows that others pushed meanwhile are merged first.

    Raises LedgerError when the commit would lose rows, unless ``allow_loss``; GitError when the branch
    was replaced, or the push is refused to the end.
    """
    clone = Clone.opened(Git(folder))
    store = LanceStore.open(settings.store)
    store.check()
    with clone.held():
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
    # What an interrupted run left in the folder is not what was committed; the guard asks for that.
    clone.clean()
    for attempt in range(1, TRIES + 1):
        exported = export_store(store, clone.git.folder, allow_loss=allow_loss)
        clone.commit(f"{now:%Y-%m-%d}: {exported.new} new, {exported.revised} revised values")
        try:
            clone.push()
        except GitError:
            if attempt == TRIES:
                raise
        else:
            return Pushed(clone.branch, clone.head or "", exported, merges)
        sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
        base = clone.known
        theirs = clone.fetch()
        if theirs is not None and theirs != base:
            clone.take(theirs)
            _merge(settings, clone, now, progress)
            merges += 1
    raise AssertionError  # the last attempt has returned or raised


def _merge(settings: Settings, clone: Clone, now: datetime, progress: Progress) -> RunSummary:
    try:
        return restore(settings, clone.git.folder, now=now, progress=progress, merge=True)
    except ExportError as error:
        msg = f"{error}. On the branch {clone.branch}, `git revert` of the commit that did it puts the file back"
        raise ExportError(msg) from error
