"""The data branch with real git: what is merged, what is refused, and that nothing is lost on the way."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.errors import ExportError, GitError, UsageError
from cmetrics.domain.metric import definition
from cmetrics.export.sync import TRIES, Pulled, Pushed, pull, push
from cmetrics.export.tables import export_store
from cmetrics.ingest.progress import NoProgress
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

    def learn(self, *rows) -> None:
        self.store.save_definitions([definition(metric, self._now) for metric in (NPM, CRATE)])
        self.store.upsert_observations(rows, lambda old, new: old != new)

    def pull(self, remote: str | None = None) -> Pulled:
        remote = remote or str(self.remote)
        return pull(self.settings, self.clone, remote=remote, branch="data", now=self.clock(), progress=NoProgress())

    def push(self, between=lambda: None, **options) -> Pushed:
        """``between`` is called in every pause before another try."""
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
    # No name and no settings of the person who runs the tests.
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


def test_the_first_run_begins_empty_and_another_machine_gets_the_same_rows(one, other, remote):
    assert one.pull().commit is None
    one.learn(a_row(NPM, DAY_0, 5), a_row(CRATE, DAY_0, 6))
    pushed = one.push()
    assert (pushed.exported.new, pushed.merges) == (2, 0)
    assert git(remote, "log", "-1", "--format=%s|%an", "data") == "2026-11-22: 2 new, 0 revised values|cmetrics"
    assert git(remote, "rev-parse", "data") == git(remote, "rev-parse", LAST) == pushed.commit
    assert other.pull().commit == pushed.commit
    assert other.rows() == one.rows()
    assert one.push().commit == pushed.commit, "nothing to commit is fine"


def test_what_somebody_else_pushed_meanwhile_is_merged_and_the_newer_value_stays(one, other):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5))
    one.push()
    other.pull()
    later = datetime(2026, 11, 20, tzinfo=UTC)
    other.learn(a_row(NPM, DAY_0 + DAY, 50, observed_at=later), a_row(CRATE, DAY_0, 1))
    other.push()
    one.learn(a_row(NPM, DAY_0 + DAY, 49), a_row(CRATE, DAY_0, 2, observed_at=later), a_row(CRATE, DAY_0 + DAY, 3))
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


def test_a_remote_that_goes_on_refusing_is_an_error_with_its_words_and_nothing_is_lost(one, other):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5))
    other.pull()
    other.learn(a_row(CRATE, DAY_0, 1))
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


def test_a_branch_put_back_or_replaced_or_gone_is_refused_with_the_way_out(one, other, remote, tmp_path):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5))
    first = one.push().commit
    one.learn(a_row(NPM, DAY_0 + DAY, 6))
    second = one.push().commit
    git(remote, "update-ref", "refs/heads/data", first)
    with pytest.raises(GitError, match="replaced by an older") as refused:
        other.pull()
    assert other.rows() == []
    assert second[:12] in str(refused.value)
    git(remote, "update-ref", "-d", "refs/heads/data")
    with pytest.raises(GitError, match="is gone"):
        Runner(tmp_path / "third", remote).pull()
    # The words of the message, in a clone of that repository.
    person = tmp_path / "person"
    subprocess.run(["git", "clone", "--quiet", remote, person], check=True, capture_output=True)
    git(person, "fetch", "origin", LAST)
    git(person, "push", "--force", "origin", "FETCH_HEAD:refs/heads/data")
    other.pull()
    assert other.rows() == one.rows()
    # And that the older one is meant.
    git(remote, "update-ref", "refs/heads/data", first)
    git(person, "push", "origin", f":{LAST}")
    meant = Runner(tmp_path / "meant", remote)
    meant.pull()
    assert meant.rows() == one.rows()[:1]


def test_a_replaced_branch_is_refused_by_a_push_too(one, other, remote):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5))
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
    other.learn(a_row(NPM, DAY_0 + DAY, 6))
    with pytest.raises(GitError, match="replaced"):
        other.push()
    assert git(remote, "rev-parse", "data") == unrelated


def test_a_push_that_would_lose_rows_is_refused_and_says_which(one, other, remote):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5), a_row(CRATE, DAY_0, 6))
    commit = one.push().commit
    other.pull()
    poor = Runner(other.folder / "poor", remote)
    poor.learn(a_row(NPM, DAY_0, 5))
    (other.folder / "store").rename(other.folder / "lost")
    (poor.folder / "store").rename(other.folder / "store")
    with pytest.raises(ExportError, match="downloads:p:rust: 1 day"):
        other.push()
    assert git(remote, "rev-parse", "data") == commit
    other.push(allow_loss=True)
    assert git(remote, "rev-parse", "data~1") == commit


@pytest.mark.parametrize("how", ["export", "commit"])
def test_a_run_that_was_killed_before_its_push_loses_nothing(one, other, how):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5))
    one.push()
    one.learn(a_row(NPM, DAY_0 + DAY, 6))
    # What a killed push leaves behind: files written, or committed, and not pushed.
    export_store(one.store, one.clone)
    (one.clone / "stats" / "x.csv.part").write_text("half")
    (one.clone / ".git" / "index.lock").write_text("")
    if how == "commit":
        (one.clone / ".git" / "index.lock").unlink()
        git(one.clone, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-am", "not pushed")
    rows = one.rows()
    other.pull()
    other.learn(a_row(CRATE, DAY_0, 1))
    other.push()
    one.pull()
    assert {row.key for row in one.rows()} == {row.key for row in rows} | {(CRATE.metric_id, DAY_0)}
    one.push()
    other.pull()
    assert other.rows() == one.rows()
    assert git(one.clone, "status", "--porcelain") == ""


def test_a_damaged_file_on_the_branch_is_refused_with_its_line_and_git_revert_mends_it(one, other, remote, tmp_path):
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5))
    one.push()
    person = tmp_path / "person"
    subprocess.run(["git", "clone", "--quiet", "--branch", "data", remote, person], check=True)
    git(person, "config", "user.email", "x@y")
    git(person, "config", "user.name", "x")
    file = person / "stats" / "downloads-p-nodejs.csv"
    file.write_text(file.read_text().replace(",5,", ",five,"))
    git(person, "commit", "--quiet", "-am", "a slip of the hand")
    git(person, "push", "--quiet", "origin", "data")
    with pytest.raises(ExportError, match=r"downloads-p-nodejs\.csv, line 2: .* `git revert`"):
        other.pull()
    assert other.rows() == []
    git(person, "revert", "--no-edit", "HEAD")
    git(person, "push", "--quiet", "origin", "data")
    other.pull()
    assert other.rows() == one.rows()


def test_a_folder_that_is_somebody_else_s_is_never_written_over(one, tmp_path):
    one.clone.mkdir()
    (one.clone / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="holds files"):
        one.pull()
    (one.clone / "thesis.txt").unlink()
    subprocess.run(["git", "init", "--quiet", one.clone], check=True)
    with pytest.raises(UsageError, match="is no clone"):
        one.pull()
    with pytest.raises(UsageError, match="pull-data"):
        one.push()
    # Nor is a repository around it: data/ledger lies in a checkout.
    subprocess.run(["git", "init", "--quiet", tmp_path / "two"], check=True)
    two = Runner(tmp_path / "two" / "data", one.remote)
    two.pull()
    two.learn(a_row(NPM, DAY_0, 5))
    two.push()
    assert git(tmp_path / "two", "log", "--oneline", "--all") == ""


def test_a_remote_that_is_not_there_is_named_without_its_password(one):
    with pytest.raises(GitError) as refused:
        one.pull("https://somebody:sk-secret@127.0.0.1:9/x.git")
    assert "127.0.0.1" in str(refused.value)
    assert "sk-secret" not in str(refused.value)
