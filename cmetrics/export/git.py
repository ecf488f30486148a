"""The git program, asked without a shell and never asking back. Owner of the words of its failures."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cmetrics.domain.errors import GitError
from cmetrics.domain.sanitize import sanitize

#: Seconds; for the clone of a branch of ten years over a slow line.
TIMEOUT = 600
#: What a hook or a script around us may have set to mean another repository.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")
#: The user's hooks and signatures are for commits that a person makes.
_PLAIN = ("core.hooksPath=/dev/null", "commit.gpgSign=false", "gc.autoDetach=false", "core.autocrlf=false")


@dataclass(frozen=True, slots=True)
class Git:
    """A working tree with its own `.git`, never a repository that merely contains the folder."""

    folder: Path

    @property
    def is_there(self) -> bool:
        """Whether the folder is the top of a repository."""
        return (self.folder / ".git").is_dir()

    def run(self, *args: str, options: tuple[str, ...] = ()) -> str:
        """What git prints on stdout, without the last line end. Raises GitError with its reason."""
        done = self._done(args, options)
        if done.returncode != 0:
            reason = sanitize(_reason(done.stderr), limit=600)
            msg = f"git {args[0]} in {self.folder}: {reason or f'exit code {done.returncode}'}"
            raise GitError(msg)
        return done.stdout.rstrip("\n")

    def ask(self, *args: str) -> str | None:
        """The same for a question that git answers by its exit code: None for no."""
        done = self._done(args, ())
        return done.stdout.rstrip("\n") if done.returncode == 0 else None

    def _done(self, args: tuple[str, ...], options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        program = shutil.which("git")
        if program is None:
            msg = "there is no git on this machine; install it, or use `export` and `restore`"
            raise GitError(msg)
        chosen = [word for option in (*_PLAIN, *options) for word in ("-c", option)]
        # An explicit folder: git would otherwise look for a repository above this one.
        where = [f"--git-dir={self.folder.absolute() / '.git'}", f"--work-tree={self.folder.absolute()}"]
        env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        try:
            return subprocess.run(  # noqa: S603  # arguments as a list, no shell
                [program, *where, *chosen, *args],
                check=False,
                cwd=self.folder,
                env=env | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired as error:
            msg = f"git {args[0]} in {self.folder}: no end after {TIMEOUT} s"
            raise GitError(msg) from error
        except OSError as error:
            msg = f"git in {self.folder}: {sanitize(str(error), limit=120)}"
            raise GitError(msg) from error


def _reason(stderr: str) -> str:
    """The lines that say why; hints are for a person at that repository."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("hint:")]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", " !"))]
    return " / ".join(line.strip() for line in (told or lines))
