"""The clone of the data branch: a folder that holds that branch and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cmetrics.domain.errors import GitError, UsageError
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.git import Git

#: Names the clones that we made: only their working tree may be written over.
OURS = "cmetrics.export.tables"
#: Of commits, where git knows nobody.
AUTHOR = ("user.name=cmetrics", "user.email=cmetrics@localhost")
#: Seconds that another command on the same clone is waited for.
WAIT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Clone:
    """A folder that holds the branch and nothing else."""

    git: Git
    branch: str

    @classmethod
    def made(cls, git: Git, remote: str | None, branch: str | None) -> Clone:
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
    def opened(cls, git: Git) -> Clone:
        """The clone at ``git.folder``; UsageError where there is none of ours."""
        branch = git.ask("config", "--local", OURS) if git.is_there else None
        if branch is None:
            msg = f"{git.folder} is no clone that `cmetrics pull-data` made; run that first, or name its folder"
            raise UsageError(msg)
        return cls(git, branch)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other commands out of the clone, and take away the lock of a git that was killed."""
        folder = self.git.folder / ".git"
        try:
            with FileLock(folder / "cmetrics.lock", timeout=WAIT_SECONDS):
                with suppress(FileNotFoundError):
                    (folder / "index.lock").unlink()
                yield
        except Timeout:
            msg = (
                f"another command has been using {self.git.folder} for {WAIT_SECONDS / 60:.0f} minutes; try again later"
            )
            raise GitError(msg) from None

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
        msg = f"{sanitize(remote)}, branch {sanitize(branch)}: no names that git takes"
        raise UsageError(msg)
    git.run("init", "--quiet", "--template=")
    git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    git.run("remote", "add", "origin", remote)
    # Last: a clone that was interrupted before is not taken for one.
    git.run("config", "--local", OURS, branch)
