"""Tests of the data branch with real git: merges, rejected pushes and protection against lost rows."""

from __future__ import annotations

import base64
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.errors import ExportError, GitError, UsageError
from cmetrics.domain.metric import definition
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import Counts, MetricStatus
from cmetrics.export.remote import TimeLimits, ssh_environment
from cmetrics.export.sync import TRIES, Pulled, Pushed, pull, push
from cmetrics.export.tables import export_store
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.reconcile import differs
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.samples import a_metric, a_row

DAY_0 = date(2026, 11, 1)
NPM = a_metric("npm")
CRATE = a_metric("cratesio")
ALWAYS = Span(date(2020, 1, 1), date(2030, 1, 1))
LAST = "refs/cmetrics/last/data"


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Runner:
    """A machine with a store and a clone of the data branch."""

    folder: Path
    remote: Path

    def __post_init__(self) -> None:
        (self.folder / "store").mkdir(parents=True)
        self._now = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.store.create_tables()

    @property
    def settings(self) -> Settings:
        return Settings(StoreTarget(StoreKind.EMBEDDED, str(self.folder / "store")), None)

    @property
    def store(self) -> LanceStore:
        return LanceStore.open(self.settings.store)

    @property
    def clone(self) -> Path:
        return self.folder / "ledger"

    def clock(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def store_rows(self, *rows) -> None:
        self.store.save_definitions([definition(metric, self._now) for metric in (NPM, CRATE)])
        self.store.upsert_observations(rows, differs)

    def pull(self, remote: str | None = None, **options) -> Pulled:
        options = {"remote": remote or str(self.remote), "branch": "data"} | options
        return pull(self.settings, self.clone, **options, now=self.clock(), progress=NoProgress())

    def push(self, between=lambda: None, **options) -> Pushed:
        """Push, and call ``between`` in every pause before a retry."""
        return push(
            self.settings,
            self.clone,
            **({"allow_loss": False} | options),
            now=self.clock(),
            progress=NoProgress(),
            sleep=lambda _: between(),
        )

    def rows(self) -> list:
        return self.store.observations(sorted(self.store.metric_ids()), ALWAYS)


@pytest.fixture
def remote(tmp_path, monkeypatch) -> Path:
    # The git configuration of the user must not affect the tests.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
    return folder


@pytest.fixture
def one(tmp_path, remote) -> Runner:
    return Runner(tmp_path / "one", remote)


@pytest.fixture
def other(tmp_path, remote) -> Runner:
    return Runner(tmp_path / "other", remote)


def test_another_machine_gets_the_rows_of_the_first_push(one, other, remote):
    assert one.pull().commit is None
    one.store_rows(a_row(NPM, DAY_0, 5), a_row(CRATE, DAY_0, 6))
    pushed = one.push()
    assert (pushed.exported.new, pushed.merges) == (2, 0)
    assert git(remote, "log", "-1", "--format=%s|%an", "data") == "2026-11-22: 2 new, 0 revised values|cmetrics"
    assert git(remote, "rev-parse", "data") == git(remote, "rev-parse", LAST) == pushed.commit
    assert other.pull().commit == pushed.commit
    assert other.rows() == one.rows()
    assert one.push().commit == pushed.commit, "nothing to commit is fine"


def test_concurrent_pushes_are_merged_and_the_newer_value_is_kept(one, other):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    one.push()
    other.pull()
    later = datetime(2026, 11, 20, tzinfo=UTC)
    other.store_rows(a_row(NPM, DAY_0 + DAY, 50, observed_at=later), a_row(CRATE, DAY_0, 1))
    other.push()
    one.store_rows(a_row(NPM, DAY_0 + DAY, 49), a_row(CRATE, DAY_0, 2, observed_at=later), a_row(CRATE, DAY_0 + DAY, 3))
    pushed = one.push()
    assert pushed.merges == 1
    assert {row.key: row.value for row in one.rows()} == {
        (NPM.metric_id, DAY_0): 5,
        (NPM.metric_id, DAY_0 + DAY): 50,
        (CRATE.metric_id, DAY_0): 2,
        (CRATE.metric_id, DAY_0 + DAY): 3,
    }
    other.pull()
    assert other.rows() == one.rows()


def test_a_rejected_push_is_an_error_with_the_message_of_the_remote(one, other):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    other.pull()
    other.store_rows(a_row(CRATE, DAY_0, 1))
    other.push()
    pauses = []
    hook = one.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="not today"):
        one.push(lambda: pauses.append(1))
    assert len(pauses) == TRIES - 1
    hook.unlink()
    one.push()
    other.pull()
    assert other.rows() == one.rows()


def test_a_reset_replaced_or_deleted_branch_is_rejected_with_the_solution(one, other, remote, tmp_path):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    first = one.push().commit
    one.store_rows(a_row(NPM, DAY_0 + DAY, 6))
    second = one.push().commit
    git(remote, "update-ref", "refs/heads/data", first)
    with pytest.raises(GitError, match="replaced by an older") as refused:
        other.pull()
    assert other.rows() == []
    assert second[:12] in str(refused.value)
    git(remote, "update-ref", "-d", "refs/heads/data")
    with pytest.raises(GitError, match="is gone"):
        Runner(tmp_path / "third", remote).pull()
    # Run the command from the message in a clone of the repository.
    person = tmp_path / "person"
    subprocess.run(["git", "clone", "--quiet", remote, person], check=True, capture_output=True)
    git(person, "fetch", "origin", LAST)
    git(person, "push", "--force", "origin", "FETCH_HEAD:refs/heads/data")
    other.pull()
    assert other.rows() == one.rows()
    # Accept the older commit.
    git(remote, "update-ref", "refs/heads/data", first)
    git(person, "push", "origin", f":{LAST}")
    meant = Runner(tmp_path / "meant", remote)
    meant.pull()
    assert meant.rows() == one.rows()[:1]


def test_a_push_to_a_replaced_branch_is_rejected(one, other, remote):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    one.push()
    other.pull()
    unrelated = subprocess.run(
        ["git", "-C", remote, "-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", "-m", "x", "data^{tree}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    git(remote, "update-ref", "refs/heads/data", unrelated)
    git(remote, "update-ref", LAST, unrelated)
    other.store_rows(a_row(NPM, DAY_0 + DAY, 6))
    with pytest.raises(GitError, match="replaced"):
        other.push()
    assert git(remote, "rev-parse", "data") == unrelated
    # The rejection does not record the new history, so it is repeated without the reference.
    git(remote, "update-ref", "-d", LAST)
    with pytest.raises(GitError, match="replaced"):
        other.pull()


def test_a_push_that_would_lose_rows_is_rejected_and_names_them(one, other, remote):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5), a_row(CRATE, DAY_0, 6))
    commit = one.push().commit
    other.pull()
    poor = Runner(other.folder / "poor", remote)
    poor.store_rows(a_row(NPM, DAY_0, 5))
    (other.folder / "store").rename(other.folder / "lost")
    (poor.folder / "store").rename(other.folder / "store")
    with pytest.raises(ExportError, match="downloads:p:rust: 1 day"):
        other.push()
    assert git(remote, "rev-parse", "data") == commit
    other.push(allow_loss=True)
    assert git(remote, "rev-parse", "data~1") == commit


@pytest.mark.parametrize("how", ["export", "commit"])
def test_a_run_killed_before_its_push_loses_nothing(one, other, how):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    one.push()
    one.store_rows(a_row(NPM, DAY_0 + DAY, 6))
    # The state after a killed push: files written or committed but not pushed.
    export_store(one.store, one.clone)
    (one.clone / "stats" / "x.csv.part").write_text("half")
    (one.clone / ".git" / "index.lock").write_text("")
    if how == "commit":
        (one.clone / ".git" / "index.lock").unlink()
        git(one.clone, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-am", "not pushed")
    rows = one.rows()
    other.pull()
    other.store_rows(a_row(CRATE, DAY_0, 1))
    other.push()
    one.pull()
    assert {row.key for row in one.rows()} == {row.key for row in rows} | {(CRATE.metric_id, DAY_0)}
    one.push()
    other.pull()
    assert other.rows() == one.rows()
    assert git(one.clone, "status", "--porcelain") == ""


def test_a_damaged_file_on_the_branch_is_rejected_and_git_revert_repairs_it(one, other, remote, tmp_path):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    one.push()
    person = tmp_path / "person"
    subprocess.run(["git", "clone", "--quiet", "--branch", "data", remote, person], check=True)
    git(person, "config", "user.email", "x@y")
    git(person, "config", "user.name", "x")
    file = person / "stats" / "downloads-p-nodejs.csv"
    file.write_text(file.read_text().replace(",5,", ",five,"))
    git(person, "commit", "--quiet", "-am", "a slip of the hand")
    git(person, "push", "--quiet", "origin", "data")
    with pytest.raises(ExportError, match=r"downloads-p-nodejs\.csv, line 2: .* `git revert [0-9a-f]+`"):
        other.pull()
    assert other.rows() == []
    git(person, "revert", "--no-edit", "HEAD")
    git(person, "push", "--quiet", "origin", "data")
    other.pull()
    assert other.rows() == one.rows()


def test_a_foreign_folder_is_never_overwritten(one, tmp_path):
    one.clone.mkdir()
    (one.clone / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="contains files"):
        one.pull()
    (one.clone / "thesis.txt").unlink()
    subprocess.run(["git", "init", "--quiet", one.clone], check=True)
    with pytest.raises(UsageError, match="is not a clone"):
        one.pull()
    with pytest.raises(UsageError, match="pull-data"):
        one.push()
    # A repository that contains the folder is not changed either.
    subprocess.run(["git", "init", "--quiet", tmp_path / "two"], check=True)
    two = Runner(tmp_path / "two" / "data", one.remote)
    two.pull()
    two.store_rows(a_row(NPM, DAY_0, 5))
    two.push()
    assert git(tmp_path / "two", "log", "--oneline", "--all") == ""


def test_a_missing_remote_is_named_without_its_password(one):
    with pytest.raises(GitError) as refused:
        one.pull("https://somebody:sk-secret@127.0.0.1:9/x.git")
    assert "127.0.0.1" in str(refused.value)
    assert "sk-secret" not in str(refused.value)


def test_an_unresponsive_remote_times_out(one):
    """An unresponsive remote is an error after a timeout, which git itself does not have."""
    for scheme in ("http", "git"):
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/x.git"
            with pytest.raises(GitError, match="the remote did not answer") as refused:
                one.pull(address, limits=TimeLimits(silence=1))
            assert refused.value.is_final


def test_a_push_to_an_unresponsive_remote_is_not_retried(one):
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    pauses = []
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x.git"
        with pytest.raises(GitError, match="the remote did not answer"):
            one.push(lambda: pauses.append(1), remote=address, limits=TimeLimits(silence=1))
    assert pauses == []


def test_the_message_of_ssh_is_complete(one, tmp_path, monkeypatch):
    """The error has the message of ssh and not only the last line of git."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\necho "git@example.com: Permission denied (publickey)." >&2\nexit 255\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    with pytest.raises(GitError) as refused:
        one.pull("git@example.com:owner/name.git")
    message = str(refused.value)
    assert "Permission denied (publickey). / fatal: Could not read from remote repository." in message
    assert "can read the repository, and for a push, write to it" in message


def test_ssh_has_a_timeout_unless_its_command_is_configured(monkeypatch):
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.delenv("GIT_SSH", raising=False)
    assert ssh_environment(TimeLimits(), None) == {
        "GIT_SSH_COMMAND": "ssh -o ConnectTimeout=60 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
    }
    assert ssh_environment(TimeLimits(), "ssh -i key") == {}
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -v")
    assert ssh_environment(TimeLimits(), None) == {}


def create_foreign_branch(remote: Path, tmp_path: Path, name: str) -> str:
    person = tmp_path / "person"
    subprocess.run(["git", "init", "--quiet", "--initial-branch", name, person], check=True)
    (person / "raw").mkdir()
    (person / "raw" / "old.csv").write_text("a,b\n1,2\n")
    git(person, "add", ".")
    git(person, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-m", "mine")
    git(person, "push", "--quiet", str(remote), name)
    return git(person, "rev-parse", "HEAD")


def test_a_foreign_branch_is_neither_read_nor_written(one, remote, tmp_path):
    """The error for a foreign branch named `data` suggests another name and no revert."""
    commit = create_foreign_branch(remote, tmp_path, "data")
    one.store_rows(a_row(NPM, DAY_0, 5))
    with pytest.raises(
        GitError, match=r"the branch data is not a data branch: it has files \(raw\).*--branch"
    ) as refused:
        one.pull()
    assert "git revert" not in str(refused.value)
    with pytest.raises(GitError, match="is not a data branch"):
        one.push()
    assert git(remote, "rev-parse", "data") == commit
    # Follow the suggestion of the message in the same folder.
    one.pull(branch="metrics-data")
    one.push()
    assert git(remote, "rev-parse", "data") == commit
    assert "metrics.csv" in git(remote, "ls-tree", "--name-only", "metrics-data").splitlines()


def test_a_clone_of_a_foreign_branch_is_not_pushed(one, remote, tmp_path):
    """A clone of a foreign branch, as left by an earlier version, is not pushed."""
    one.pull()
    commit = create_foreign_branch(remote, tmp_path, "data")
    git(one.clone, "fetch", "--quiet", "origin", "+refs/heads/data:refs/remotes/origin/data")
    git(one.clone, "update-ref", "refs/heads/data", commit)
    one.store_rows(a_row(NPM, DAY_0, 5))
    with pytest.raises(GitError, match="is not a data branch"):
        one.push()
    assert git(remote, "rev-parse", "data") == commit


def test_the_branch_has_a_readme(one, other, remote):
    """The branch has a README, which is not overwritten when it was changed."""
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    one.push()
    page = git(remote, "show", "data:README.md")
    assert "written by [cmetrics]" in page
    assert "git clone --branch data " in page
    assert "cmetrics restore " in page
    assert git(remote, "log", "-1", "--format=%an <%ae>", "data") == "cmetrics <noreply@cmetrics.invalid>"
    other.pull()
    (one.clone / "README.md").write_text("ours\n")
    git(one.clone, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-am", "our words")
    one.store_rows(a_row(NPM, DAY_0 + DAY, 6))
    one.push()
    assert git(remote, "show", "data:README.md") == "ours"


def test_a_pull_is_recorded_only_when_rows_change(one, other):
    """A pull into an empty store, or without changed rows, is not recorded in the history."""
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    one.store.save_outcomes([Outcome("r", NPM.metric_id, MetricStatus.OK, DAY_0, DAY_0, 1, 0, None, one.clock())])
    one.push()
    first = other.pull()
    assert first.restored.counts == Counts(inserted=1)
    assert other.store.outcomes() == one.store.outcomes()
    again = other.pull()
    assert again.restored.counts == Counts(unchanged=1)
    assert one.pull().restored.counts == Counts(unchanged=1)
    assert one.store.runs() == other.store.runs() == []
    one.store_rows(a_row(NPM, DAY_0 + DAY, 6))
    one.push()
    other.pull()
    assert [run.job_name for run in other.store.runs()] == ["restore"]


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_repository_rule_is_recognized(one, remote, hook):
    """The error for a push rejected by a repository rule states what to allow."""
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    script = {
        "pre-receive": "echo 'error: GH006: Protected branch update failed for refs/heads/data.' >&2; exit 1",
        "update": "case $1 in refs/cmetrics/*) exit 1;; esac",
    }[hook]
    (remote / "hooks" / hook).write_text(f"#!/bin/sh\n{script}\n")
    (remote / "hooks" / hook).chmod(0o755)
    pauses = []
    with pytest.raises(GitError) as refused:
        one.push(lambda: pauses.append(1))
    expected = {
        "pre-receive": "protects data; on GitHub, exempt it or the account that pushes under Settings → Rules",
        "update": "blocks refs/cmetrics/last/data, where cmetrics records its last push; allow refs/cmetrics/*",
    }[hook]
    assert expected in str(refused.value)
    assert len(pauses) == {"pre-receive": 0, "update": TRIES - 1}[hook]


def test_only_the_commit_that_damaged_the_file_is_named(one, remote):
    """No revert is suggested for a file that was damaged in its first commit."""
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5))
    export_store(one.store, one.clone)
    (one.clone / "metrics.csv").write_text("not an export\n")
    git(one.clone, "add", ".")
    git(one.clone, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-m", "first")
    git(one.clone, "push", "--quiet", "origin", "data")
    with pytest.raises(ExportError, match=r"metrics\.csv, line 1: the header") as refused:
        one.pull()
    assert "git revert" not in str(refused.value)


class _PrivateRepository(BaseHTTPRequestHandler):
    """A repository over HTTP that requires credentials and records them."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        header = self.headers.get("Authorization")
        if header is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        else:
            self.seen.append(base64.b64decode(header.removeprefix("Basic ")).decode())
            self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Suppress the log."""


@pytest.fixture
def private(monkeypatch) -> Iterator[str]:
    monkeypatch.setattr(_PrivateRepository, "seen", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), _PrivateRepository) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}/x.git"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("userinfo", "sent"), [("me:pw%40%23word", "me:pw@#word"), ("ghp_token", "ghp_token:")])
def test_credentials_in_an_address_are_used_and_never_stored(one, private, userinfo, sent):
    """Credentials in the address are sent and not stored, also if the remote fails."""
    with pytest.raises(GitError):
        one.pull(f"http://{userinfo}@{private}")
    assert _PrivateRepository.seen == [sent]
    secret = userinfo.partition(":")[2] or userinfo
    stored = [path for path in one.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert stored == []
    assert git(one.clone, "config", "remote.origin.url") == f"http://{private}"
    one.store_rows(a_row(NPM, DAY_0, 5))
    with pytest.raises(GitError, match="credentials in --remote are used for one command only"):
        one.push()
    with pytest.raises(GitError):
        one.push(remote=f"http://{userinfo}@{private}")
    assert set(_PrivateRepository.seen) == {sent}
    assert not [path for path in one.folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
