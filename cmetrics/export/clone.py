"""The clone of the data branch: a folder that holds that branch and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from cmetrics.domain.errors import GitError, UsageError
from cmetrics.domain.redaction import register_url_credentials
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.git import Git
from cmetrics.export.remote import Remote
from cmetrics.export.tables import is_export

#: The data branch, unless another one is named.
DEFAULT_BRANCH = "data"
#: The setting that marks a clone as made by cmetrics: only such a working tree may be overwritten.
OURS = "cmetrics.export.tables"
#: The author of commits where git knows none. The domain is reserved (RFC 2606): nobody gets the mail.
AUTHOR = ("user.name=cmetrics", "user.email=noreply@cmetrics.invalid")
#: Seconds to wait for another command on the same clone.
WAIT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Clone:
    """A folder that holds the branch and nothing else."""

    git: Git
    branch: str

    @classmethod
    def prepare(cls, git: Git, remote: str | None, branch: str | None) -> Clone:
        """Return the clone at ``git.folder``, made if there is none. Raises UsageError."""
        if not git.exists:
            if remote is None:
                msg = "pull-data needs --remote, the address of the repository that holds the data branch"
                raise UsageError(msg)
            _make(git, Remote.parse(remote), branch or DEFAULT_BRANCH)
        clone = cls.open(git, remote)
        if branch is None or branch == clone.branch:
            return clone
        if clone.tracked is not None:
            msg = f"{git.folder} holds the branch {clone.branch}; use another folder for {branch}"
            raise UsageError(msg)
        # Nothing was ever taken from the other branch or pushed to it: it was refused, or did not exist.
        _check_names(git, "", branch)
        _set_branch(git, branch)
        return cls(clone.git, branch)

    @classmethod
    def open(cls, git: Git, remote: str | None = None) -> Clone:
        """Return the clone at ``git.folder``; UsageError where there is none of ours.

        ``remote`` replaces its address; credentials in it are used by this clone only.
        """
        branch = git.ask("config", "--local", OURS) if git.exists else None
        if branch is None:
            msg = f"{git.folder} is not a clone made by `cmetrics pull-data`"
            raise UsageError(msg, hint="run that first, or name its folder")
        if remote is not None:
            git = replace(git, remote=Remote.parse(remote))
            _check_names(git, git.remote.address if git.remote else "", branch)
            git.run("remote", "set-url", "origin", git.remote.address if git.remote else "")
        else:
            # Clones of earlier versions have credentials in their settings.
            register_url_credentials(git.ask("config", "--local", "remote.origin.url") or "")
        return cls(git, branch)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands out of the clone, and remove the lock of a git that was killed."""
        folder = self.git.folder / ".git"
        try:
            with FileLock(folder / "cmetrics.lock", timeout=WAIT_SECONDS):
                with suppress(FileNotFoundError):
                    (folder / "index.lock").unlink()
                yield
        except Timeout:
            minutes = f"{WAIT_SECONDS / 60:.0f} minutes"
            msg = f"another command has been using {self.git.folder} for {minutes}"
            raise GitError(msg, hint="try again later", is_final=True) from None

    @property
    def head(self) -> str | None:
        """The newest commit here; None before the first one."""
        return self.git.ask("rev-parse", "--quiet", "--verify", "HEAD^{commit}")

    @property
    def tracked(self) -> str | None:
        """The remote's branch when it was last fetched or pushed."""
        return self.git.ask("rev-parse", "--quiet", "--verify", f"{self._tracking}^{{commit}}")

    @property
    def _tracking(self) -> str:
        return f"refs/remotes/origin/{self.branch}"

    @property
    def _mark(self) -> str:
        return f"refs/cmetrics/last/{self.branch}"

    def contains(self, commit: str, older: str) -> bool:
        """Return whether ``commit`` is ``older`` or descends from it."""
        return self.git.ask("merge-base", "--is-ancestor", older, commit) is not None

    def fetch(self) -> str | None:
        """Return the remote's branch now; None if it has never existed.

        Raises GitError when it was removed or replaced, or belongs to something else.
        """
        heads = f"refs/heads/{self.branch}"
        listed = self.git.run("ls-remote", "origin", heads, self._mark)
        refs = {name: commit for commit, name in (line.split("\t") for line in listed.splitlines())}
        tracked, mark = self.tracked, refs.get(self._mark)
        if heads not in refs:
            if mark or tracked:
                what = "is gone"
                raise self._replacement_error(what, mark or tracked or "")
            return None
        wanted = [f"+{heads}:{self._tracking}.new", *([f"+{self._mark}:{self._mark}"] if mark else [])]
        # Without a map git would move the tracking branch, too, before the new tip has been checked.
        self.git.run("fetch", "--quiet", "--no-tags", "--refmap=", "origin", *wanted)
        tip = self.git.run("rev-parse", f"{self._tracking}.new")
        for commit in filter(None, (mark, tracked)):
            if not self.contains(tip, commit):
                what = "was replaced by an older or another history"
                raise self._replacement_error(what, commit)
        if mark is None:
            self._check_export(tip)
        self.git.run("update-ref", self._tracking, tip)
        return tip

    def check_export(self) -> None:
        """Raise GitError when the working tree is a branch of something else."""
        if self.head is not None and self.git.ask("rev-parse", "--quiet", "--verify", self._mark) is None:
            self._check_export(self.head)

    def _check_export(self, commit: str) -> None:
        names = self.git.run("ls-tree", "--name-only", commit).splitlines()
        if not names or is_export(names):
            return
        shown = sanitize(", ".join(names[:3]) + (", …" if len(names) > 3 else ""), limit=120)  # noqa: PLR2004
        msg = f"the branch {self.branch} is not a data branch: it has files ({shown}) and none of an export"
        hint = "nothing was changed; choose another name with --branch (of the action: data-branch)"
        raise GitError(msg, hint=hint, is_final=True)

    def _replacement_error(self, what: str, last: str) -> GitError:
        mark = self._mark
        msg = f"the branch {self.branch} {what}: commit {last[:12]}, pushed by cmetrics, is not in it"
        hint = (
            f"nothing was changed. To put it back, in a clone of that repository: git fetch origin {mark} && "
            f"git push --force origin FETCH_HEAD:refs/heads/{self.branch}. If the change is intended: "
            f"git push origin :{mark}, and remove {self.git.folder} where it is stored"
        )
        return GitError(msg, hint=hint, is_final=True)

    def culprit(self, path: Path) -> str | None:
        """Return the commit whose revert puts ``path`` back; None when no earlier commit has the file."""
        name = path.relative_to(self.git.folder).as_posix()
        commit = self.git.ask("log", "-1", "--format=%h", "HEAD", "--", name)
        if not commit or self.git.ask("rev-parse", "--quiet", "--verify", f"{commit}^:{name}") is None:
            return None
        return commit

    def check_out(self, commit: str) -> None:
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
        author = self.git.ask("config", "user.email")
        self.git.run("commit", "--quiet", "--no-verify", "--message", message, options=() if author else AUTHOR)

    def push(self) -> None:
        """Move branch and mark at the remote, both or neither."""
        self.git.run("push", "--quiet", "--atomic", "origin", f"HEAD:refs/heads/{self.branch}", f"HEAD:{self._mark}")
        self.git.run("update-ref", self._tracking, "HEAD")


def _make(git: Git, remote: Remote, branch: str) -> None:
    if git.folder.is_dir() and any(git.folder.iterdir()):
        msg = f"{git.folder} holds files and is not a clone made by `cmetrics pull-data`"
        raise UsageError(msg, hint="name another folder")
    try:
        git.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot create {git.folder}: {error.strerror}"
        raise UsageError(msg) from error
    _check_names(git, remote.address, branch)
    git.run("init", "--quiet", "--template=")
    git.run("remote", "add", "origin", remote.address)
    # Last: a clone that was interrupted before is not taken for one.
    _set_branch(git, branch)


def _check_names(git: Git, address: str, branch: str) -> None:
    if address.startswith("-") or git.ask("check-ref-format", f"refs/heads/{branch}") is None:
        msg = f"git does not take the address {sanitize(address)} with the branch {sanitize(branch)}"
        raise UsageError(msg)


def _set_branch(git: Git, branch: str) -> None:
    git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    git.run("config", "--local", OURS, branch)
