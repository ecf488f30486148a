"""The local clone of the data branch: a folder with that branch and nothing else."""

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

#: The default name of the data branch.
DEFAULT_BRANCH = "data"
#: The git setting that marks a clone as created by cmetrics. Only such a working tree may be overwritten.
OURS = "cmetrics.export.tables"
#: The author of commits if none is configured in git. The domain is reserved (RFC 2606) and receives no mail.
AUTHOR = ("user.name=cmetrics", "user.email=noreply@cmetrics.invalid")
#: Seconds to wait for another command on the same clone.
WAIT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone with the data branch and nothing else."""

    git: Git
    branch: str

    @classmethod
    def prepare(cls, git: Git, remote: str | None, branch: str | None) -> Clone:
        """Return the clone at ``git.folder``; create it if it does not exist. Raises UsageError."""
        if not git.exists:
            if remote is None:
                msg = "pull-data needs --remote, the address of the repository that holds the data branch"
                raise UsageError(msg)
            _make(git, Remote.parse(remote), branch or DEFAULT_BRANCH)
        clone = cls.open(git, remote)
        if branch is None or branch == clone.branch:
            return clone
        if clone.tracked is not None:
            msg = f"{git.folder} contains the branch {clone.branch}; use another folder for {branch}"
            raise UsageError(msg)
        # The other branch was never pulled or pushed: it was refused, or did not exist.
        _check_names(git, "", branch)
        _set_branch(git, branch)
        return cls(clone.git, branch)

    @classmethod
    def open(cls, git: Git, remote: str | None = None) -> Clone:
        """Return the clone at ``git.folder``. Raises UsageError if it was not created by cmetrics.

        ``remote`` replaces its address. Its credentials are used, but not stored.
        """
        branch = git.ask("config", "--local", OURS) if git.exists else None
        if branch is None:
            msg = f"{git.folder} is not a clone made by `cmetrics pull-data`"
            raise UsageError(msg, hint="run `cmetrics pull-data` first, or give the folder that it used")
        if remote is not None:
            git = replace(git, remote=Remote.parse(remote))
            _check_names(git, git.remote.address if git.remote else "", branch)
            git.run("remote", "set-url", "origin", git.remote.address if git.remote else "")
        else:
            # Earlier versions stored credentials in the settings of the clone.
            register_url_credentials(git.ask("config", "--local", "remote.origin.url") or "")
        return cls(git, branch)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the clone against other commands, and remove the lock file of a killed git process."""
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
        """The newest local commit; None before the first one."""
        return self.git.ask("rev-parse", "--quiet", "--verify", "HEAD^{commit}")

    @property
    def tracked(self) -> str | None:
        """The remote branch as of the last fetch or push."""
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
        """Fetch the remote branch and return its commit; None if it has never existed.

        Raises GitError if it was removed or replaced, or is not a data branch.
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
        # An explicit refspec, because git would otherwise update the tracking branch before the new tip is checked.
        self.git.run("fetch", "--quiet", "--no-tags", "--refmap=", "origin", *wanted)
        tip = self.git.run("rev-parse", f"{self._tracking}.new")
        for commit in filter(None, (mark, tracked)):
            if not self.contains(tip, commit):
                what = "was replaced by an older or unrelated history"
                raise self._replacement_error(what, commit)
        if mark is None:
            self._check_export(tip)
        self.git.run("update-ref", self._tracking, tip)
        return tip

    def check_export(self) -> None:
        """Raise GitError if the working tree is not that of a data branch."""
        if self.head is not None and self.git.ask("rev-parse", "--quiet", "--verify", self._mark) is None:
            self._check_export(self.head)

    def _check_export(self, commit: str) -> None:
        names = self.git.run("ls-tree", "--name-only", commit).splitlines()
        if not names or is_export(names):
            return
        shown = sanitize(", ".join(names[:3]) + (", …" if len(names) > 3 else ""), limit=120)  # noqa: PLR2004
        msg = f"the branch {self.branch} is not a data branch: it has files ({shown}) but no export"
        hint = "nothing was changed; choose another name with --branch (of the action: data-branch)"
        raise GitError(msg, hint=hint, is_final=True)

    def _replacement_error(self, what: str, last: str) -> GitError:
        mark = self._mark
        msg = f"the branch {self.branch} {what}: commit {last[:12]}, pushed by cmetrics, is not in it"
        hint = (
            f"nothing was changed. To restore it, run in a clone of that repository: git fetch origin {mark} && "
            f"git push --force origin FETCH_HEAD:refs/heads/{self.branch}. If the change is intended, run: "
            f"git push origin :{mark}, and delete {self.git.folder} on every machine"
        )
        return GitError(msg, hint=hint, is_final=True)

    def culprit(self, path: Path) -> str | None:
        """Return the commit whose revert restores ``path``; None if no earlier commit has the file."""
        name = path.relative_to(self.git.folder).as_posix()
        commit = self.git.ask("log", "-1", "--format=%h", "HEAD", "--", name)
        if not commit or self.git.ask("rev-parse", "--quiet", "--verify", f"{commit}^:{name}") is None:
            return None
        return commit

    def check_out(self, commit: str) -> None:
        """Check out a commit."""
        self.git.run("update-ref", f"refs/heads/{self.branch}", commit)
        self.clean()

    def clean(self) -> None:
        """Reset the working tree to the newest commit, and remove all other files."""
        if self.head is not None:
            self.git.run("reset", "--quiet", "--hard")
        self.git.run("clean", "-ffdxq")

    def commit(self, message: str) -> None:
        """Commit the working tree, unless nothing changed."""
        self.git.run("add", "--all", "--force", ".")
        if self.head is not None and self.git.ask("diff", "--cached", "--quiet", "HEAD") is not None:
            return
        author = self.git.ask("config", "user.email")
        self.git.run("commit", "--quiet", "--no-verify", "--message", message, options=() if author else AUTHOR)

    def push(self) -> None:
        """Push branch and mark atomically."""
        self.git.run("push", "--quiet", "--atomic", "origin", f"HEAD:refs/heads/{self.branch}", f"HEAD:{self._mark}")
        self.git.run("update-ref", self._tracking, "HEAD")


def _make(git: Git, remote: Remote, branch: str) -> None:
    if git.folder.is_dir() and any(git.folder.iterdir()):
        msg = f"{git.folder} contains files and is not a clone created by `cmetrics pull-data`"
        raise UsageError(msg, hint="name another folder")
    try:
        git.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot create {git.folder}: {error.strerror}"
        raise UsageError(msg) from error
    _check_names(git, remote.address, branch)
    git.run("init", "--quiet", "--template=")
    git.run("remote", "add", "origin", remote.address)
    # Written last, so that an interrupted clone does not count as one.
    _set_branch(git, branch)


def _check_names(git: Git, address: str, branch: str) -> None:
    if address.startswith("-") or git.ask("check-ref-format", f"refs/heads/{branch}") is None:
        msg = f"git does not accept the address {sanitize(address)} with the branch {sanitize(branch)}"
        raise UsageError(msg)


def _set_branch(git: Git, branch: str) -> None:
    git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    git.run("config", "--local", OURS, branch)
