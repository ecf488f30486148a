"""Run git without a shell and without prompts. The only module that parses git's messages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cmetrics.domain.errors import GitError
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.remote import Remote, TimeLimits, ssh_environment

#: Seconds that git has to stop its child processes before it is killed.
GRACE = 5
#: Variables that a hook or a wrapper script may have set for another repository.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")
#: Options that disable the user's hooks and signatures, which are meant for manual commits.
_PLAIN = ("core.hooksPath=/dev/null", "commit.gpgSign=false", "gc.autoDetach=false", "core.autocrlf=false")
#: The commands that contact the remote.
_NETWORK = frozenset({"ls-remote", "fetch", "push"})

#: Lines of git's output that are left out of messages: advice for interactive use, and redundant lines.
_NOISE = re.compile(
    r"hint:|To \S+$|Please make sure you have the correct access rights|and the repository exists\."
    r"|error: failed to push some refs|remote:\s*$"
)
_SILENT = re.compile(r"Operation too slow|[Tt]imed out|Timeout, server")
_NO_ACCESS = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|Permission denied|Permission to \S+ denied"
    r"|error: 40[13]"
)
_RULE = re.compile(r"GH006|GH013|protected branch hook declined|repository rule violations|not allowed to push code")
_REJECTED = re.compile(r"^ ! \[remote rejected\] \S+ -> (\S+) \((.*)\)$", re.MULTILINE)
_NOT_THE_CAUSE = re.compile(r"atomic (?:push failure|transaction failed)")


@dataclass(frozen=True, slots=True)
class Git:
    """A working tree with its own `.git`; a subfolder of another repository does not count."""

    folder: Path
    remote: Remote | None = None
    limits: TimeLimits = field(default_factory=TimeLimits)

    @property
    def exists(self) -> bool:
        """Return whether the folder is the root of a repository."""
        return (self.folder / ".git").is_dir()

    def run(self, *args: str, options: tuple[str, ...] = ()) -> str:
        """Run git and return its stdout without the final newline. Raises GitError with the reason."""
        done = self._complete(args, options)
        if done.returncode != 0:
            raise self._error(args[0], done)
        return done.stdout.rstrip("\n")

    def ask(self, *args: str) -> str | None:
        """Run a git query. Return its stdout, or None if git reports "no" with its exit code."""
        done = self._complete(args, ())
        return done.stdout.rstrip("\n") if done.returncode == 0 else None

    def _complete(self, args: tuple[str, ...], options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        program = shutil.which("git")
        if program is None:
            msg = "git was not found on this machine"
            raise GitError(msg, hint="install it, or use `cmetrics export` and `cmetrics restore`", is_final=True)
        env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        env |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        limit = self.limits.total
        if args[0] in _NETWORK:
            env |= ssh_environment(self.limits, self.ask("config", "core.sshCommand"))
            options += ("http.lowSpeedLimit=1", f"http.lowSpeedTime={self.limits.silence}")
            if self.remote is not None:
                env |= self.remote.environment
                options += self.remote.options
        if args[0] == "ls-remote":
            # A small request. Transports other than http and ssh have no other time limit.
            limit = min(limit, self.limits.silence + GRACE)
        chosen = [word for option in (*_PLAIN, *options) for word in ("-c", option)]
        # An explicit folder, because git would otherwise search parent folders for a repository.
        where = [f"--git-dir={self.folder.absolute() / '.git'}", f"--work-tree={self.folder.absolute()}"]
        try:
            return _run([program, *where, *chosen, *args], self.folder, env, limit)
        except subprocess.TimeoutExpired as error:
            what = "the remote did not answer" if args[0] in _NETWORK else "no end"
            msg = f"git {args[0]} in {self.folder}: {what} within {limit} s"
            raise GitError(msg, hint="check the address and the network, then try again", is_final=True) from error
        except OSError as error:
            msg = f"git in {self.folder}: {sanitize(str(error), limit=120)}"
            raise GitError(msg) from error

    def _error(self, command: str, done: subprocess.CompletedProcess[str]) -> GitError:
        """Build the error for a failed command, with the next step if the cause is known."""
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = " / ".join([line for line in lines if not _NOISE.match(line)] or lines)
        what = f"git {command} in {self.folder}: {sanitize(reason, limit=600) or f'exit code {done.returncode}'}"
        if command not in _NETWORK:
            return GitError(what)
        if _SILENT.search(done.stderr):
            what = f"git {command} in {self.folder}: the remote did not answer ({sanitize(reason, limit=300)})"
            return GitError(what, hint="check the address and the network, then try again", is_final=True)
        if command == "push" and (hint := _rule_hint(done.stderr)):
            return GitError(what, hint=hint, is_final=_RULE.search(done.stderr) is not None)
        if _NO_ACCESS.search(done.stderr):
            hint = (
                "check that the key or token can read the repository, and for a push, write to it; credentials in "
                "--remote are used for one command only, a git credential helper stores them"
            )
            return GitError(what, hint=hint, is_final=True)
        return GitError(what)


def _run(command: list[str], folder: Path, env: dict[str, str], limit: float) -> subprocess.CompletedProcess[str]:
    """Run git. If it must be terminated, let it stop its child processes first."""
    with subprocess.Popen(  # noqa: S603  # arguments as a list, no shell
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            out, err = process.communicate(timeout=limit)
        except BaseException:
            process.terminate()
            try:
                process.wait(timeout=GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _rule_hint(stderr: str) -> str | None:
    """Return the setting to change if a rule of the remote refused a push; None for other reasons."""
    refused = [ref for ref, why in _REJECTED.findall(stderr) if not _NOT_THE_CAUSE.match(why)]
    is_declined = any(_RULE.search(why) or "hook declined" in why for _, why in _REJECTED.findall(stderr))
    if not is_declined and not _RULE.search(stderr):
        return None
    if refused and all(ref.startswith("refs/cmetrics/") for ref in refused):
        return (
            f"a rule of the repository blocks {refused[0]}, where cmetrics records its last push; "
            "allow refs/cmetrics/*, or exempt the account that pushes"
        )
    branch = next((ref for ref in refused if not ref.startswith("refs/cmetrics/")), "the branch")
    branch = branch.removeprefix("refs/heads/")
    return (
        f"a rule of the repository protects {branch}; on GitHub, exempt it or the account that pushes under "
        "Settings → Rules → Rulesets or Settings → Branches"
    )
