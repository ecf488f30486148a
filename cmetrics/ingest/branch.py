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
from pathlib import Path

from cmetrics.domain.days import Clock
from cmetrics.domain.run import RunSummary
from cmetrics.errors import GitError, LedgerError, UsageError
from cmetrics.git import Git
from cmetrics.ingest.restore import restore
from cmetrics.ingest.run import Watcher
from cmetrics.ledger import Exported, export_store
from cmetrics.printable import printable
from cmetrics.settings import Settings
from cmetrics.store.lance_store import LanceStore

#: Pushes of others that are given way to.
TRIES = 5
#: Seconds before the second try; doubled for each more. Two runners must not stay in step.
PAUSE = 1.0
#: Names the clones that we made: only their working tree may be written over.
OURS = "cmetrics.ledger"
#: Of commits, where git knows nobody.
AUTHOR = ("user.name=cmetrics", "user.email=cmetrics@localhost")


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
    exported: Exported
    #: How often somebody else was merged.
    merges: int


def pull(
    settings: Settings, folder: Path, *, remote: str | None, branch: str | None, clock: Clock, watcher: Watcher
) -> Pulled:
    """Bring the branch into ``folder`` and its rows into the store; a branch that is not there yet is no error.

    Rows that only the store has stay, and of two values the newer one does. Raises GitError when the
    remote cannot be reached or the branch was replaced, LedgerError for a file that is damaged;
    nothing is written to the store then.
    """
    clone = _Clone.made(Git(folder, settings.secrets), remote, branch)
    tip = clone.fetch()
    if tip is None:
        return Pulled(clone.branch, clone.head, None)
    if clone.head is not None and not clone.contains(tip, clone.head):
        # Commits that never got out: their rows are wanted, too.
        clone.clean()
        restore(settings, folder, clock=clock, watcher=watcher, merge=True)
    clone.take(tip)
    return Pulled(clone.branch, tip, _merge(settings, clone, clock, watcher))


def push(
    settings: Settings,
    folder: Path,
    *,
    allow_loss: bool,
    clock: Clock,
    watcher: Watcher,
    sleep: Callable[[float], None],
) -> Pushed:
    """Export the store into the clone, commit and push; rows that others pushed meanwhile are merged first.

    Raises LedgerError when the commit would lose rows, unless ``allow_loss``; GitError when the branch
    was replaced, or the push is refused to the end.
    """
    clone = _Clone.opened(Git(folder, settings.secrets))
    store = LanceStore.open(settings.store)
    store.check()
    merges = 0
    # What an interrupted run left in the folder is not what was committed; the guard asks for that.
    clone.clean()
    for attempt in range(1, TRIES + 1):
        exported = export_store(store, folder, allow_loss=allow_loss)
        clone.commit(f"{clock():%Y-%m-%d}: {exported.new} new, {exported.revised} revised values")
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
            _merge(settings, clone, clock, watcher)
            merges += 1
    raise AssertionError  # the last attempt has returned or raised


def _merge(settings: Settings, clone: _Clone, clock: Clock, watcher: Watcher) -> RunSummary:
    try:
        return restore(settings, clone.git.folder, clock=clock, watcher=watcher, merge=True)
    except LedgerError as error:
        msg = f"{error}. On the branch {clone.branch}, `git revert` of the commit that did it puts the file back"
        raise LedgerError(msg) from error


@dataclass(frozen=True, slots=True)
class _Clone:
    """A folder that holds the branch and nothing else."""

    git: Git
    branch: str

    @classmethod
    def made(cls, git: Git, remote: str | None, branch: str | None) -> _Clone:
        """The clone at ``git.folder``, made if there is none."""
        if remote is not None and Path(remote).is_dir():
            remote = str(Path(remote).absolute())  # git is going to run in the clone
        if not git.is_there:
            if remote is None:
                msg = "pull-data needs --remote, the address of the repository that keeps the data branch"
                raise UsageError(msg)
            _make(git, remote, branch or "data")
        clone = cls.opened(git)
        if branch not in (None, clone.branch):
            msg = f"{git.folder} holds the branch {clone.branch}; use another folder for {branch}"
            raise UsageError(msg)
        if remote is not None:
            git.run("remote", "set-url", "origin", remote)
        return clone

    @classmethod
    def opened(cls, git: Git) -> _Clone:
        """The clone at ``git.folder``; UsageError where there is none of ours."""
        branch = git.ask("config", "--local", OURS) if git.is_there else None
        if branch is None:
            msg = f"{git.folder} is no clone that `cmetrics pull-data` made; run that first, or name its folder"
            raise UsageError(msg)
        return cls(git, branch)

    @property
    def head(self) -> str | None:
        """The newest commit here; None before the first one."""
        return self.git.ask("rev-parse", "--quiet", "--verify", "HEAD^{commit}")

    @property
    def known(self) -> str | None:
        """The remote's branch when it was last seen."""
        return self.git.ask("rev-parse", "--quiet", "--verify", f"{self._tracking}^{{commit}}")

    @property
    def _tracking(self) -> str:
        return f"refs/remotes/origin/{self.branch}"

    @property
    def _mark(self) -> str:
        return f"refs/cmetrics/last/{self.branch}"

    def contains(self, commit: str, older: str) -> bool:
        """Whether ``commit`` descends from ``older``, or is it."""
        return self.git.ask("merge-base", "--is-ancestor", older, commit) is not None

    def fetch(self) -> str | None:
        """The remote's branch now; None if it has never been there. GitError when it was replaced."""
        heads = f"refs/heads/{self.branch}"
        listed = self.git.run("ls-remote", "origin", heads, self._mark)
        there = {name: commit for commit, name in (line.split("\t") for line in listed.splitlines())}
        known, mark = self.known, there.get(self._mark)
        if heads not in there:
            if mark or known:
                raise GitError(self._refusal("is gone", mark or known or ""))
            return None
        wanted = [f"+{heads}:{self._tracking}.new", *([f"+{self._mark}:{self._mark}"] if mark else [])]
        self.git.run("fetch", "--quiet", "--no-tags", "origin", *wanted)
        tip = self.git.run("rev-parse", f"{self._tracking}.new")
        for commit in filter(None, (mark, known)):
            if not self.contains(tip, commit):
                raise GitError(self._refusal("was replaced by an older or another history", commit))
        self.git.run("update-ref", self._tracking, tip)
        return tip

    def _refusal(self, what: str, last: str) -> str:
        mark = self._mark
        return (
            f"the branch {self.branch} {what}: commit {last[:12]}, pushed by cmetrics, is not in it. "
            f"Nothing was changed. To put it back, in a clone of that repository: git fetch origin {mark} && "
            f"git push --force origin FETCH_HEAD:refs/heads/{self.branch}. If it is meant: git push origin :{mark}, "
            f"and remove {self.git.folder} where it is kept"
        )

    def take(self, commit: str) -> None:
        """Make the working tree that commit's."""
        self.git.run("update-ref", f"refs/heads/{self.branch}", commit)
        self.clean()

    def clean(self) -> None:
        """Make the working tree the newest commit's; nothing else may be in it."""
        if self.head is not None:
            self.git.run("reset", "--quiet", "--hard")
        self.git.run("clean", "-ffdxq")

    def commit(self, message: str) -> None:
        """Commit the working tree; nothing if it is the newest commit's."""
        self.git.run("add", "--all", "--force", ".")
        if self.head is not None and self.git.ask("diff", "--cached", "--quiet", "HEAD") is not None:
            return
        known = self.git.ask("config", "user.email")
        self.git.run("commit", "--quiet", "--no-verify", "--message", message, options=() if known else AUTHOR)

    def push(self) -> None:
        """Move branch and mark at the remote, both or neither."""
        self.git.run("push", "--quiet", "--atomic", "origin", f"HEAD:refs/heads/{self.branch}", f"HEAD:{self._mark}")
        self.git.run("update-ref", self._tracking, "HEAD")


def _make(git: Git, remote: str, branch: str) -> None:
    if git.folder.is_dir() and any(git.folder.iterdir()):
        msg = f"{git.folder} holds files and is no clone that `cmetrics pull-data` made; name another folder"
        raise UsageError(msg)
    try:
        git.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{git.folder} cannot be made ({error.strerror})"
        raise UsageError(msg) from error
    if remote.startswith("-") or git.ask("check-ref-format", f"refs/heads/{branch}") is None:
        msg = f"{printable(remote)}, branch {printable(branch)}: no names that git takes"
        raise UsageError(msg)
    git.run("init", "--quiet", "--template=")
    git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    git.run("remote", "add", "origin", remote)
    # Last: a clone that was interrupted before is not taken for one.
    git.run("config", "--local", OURS, branch)
