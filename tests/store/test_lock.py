"""The lock of a store, and its folder."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from cmetrics.domain.errors import StoreError
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lock import lock_path, writing
from cmetrics.store.temporary import inspect_temporary_folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "cmetrics"


@pytest.fixture
def bucket(cache: Path) -> StoreTarget:
    return StoreTarget(StoreKind.OBJECT_STORE, "s3://metrics/store", locks=cache / "locks")


def hold(target: StoreTarget) -> str | None:
    with writing(target, "run-1", lambda: None) as died:
        return died


def test_a_remote_store_locks_in_the_user_s_own_folder(bucket: StoreTarget):
    """Only the user may enter the folder of the lock."""
    with writing(bucket, "run-1", lambda: None):
        folder = lock_path(bucket).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (folder / lock_path(bucket).with_suffix(".run").name).read_text() == "run-1"
    assert not lock_path(bucket).is_relative_to(Path(tempfile.gettempdir()) / f"cmetrics-{os.getuid()}")


def test_stores_do_not_share_a_lock(bucket: StoreTarget, cache: Path):
    """Runs on different stores do not wait for each other."""
    other = StoreTarget(StoreKind.OBJECT_STORE, "s3://metrics/other", locks=cache / "locks")
    assert lock_path(bucket) != lock_path(other)


def test_a_planted_folder_is_refused(bucket: StoreTarget, tmp_path: Path):
    """A link in place of the folder is rejected, and nothing is written to its target."""
    victim = tmp_path / "victim"
    victim.mkdir()
    assert bucket.locks
    bucket.locks.parent.mkdir(parents=True)
    bucket.locks.symlink_to(victim)
    with pytest.raises(StoreError, match=r"locks is a link or a file.* set CMETRICS_CACHE"):
        hold(bucket)
    assert not list(victim.iterdir())


@pytest.mark.parametrize("suffix", [".lock", ".run"])
def test_a_planted_file_is_refused(bucket: StoreTarget, tmp_path: Path, suffix: str):
    """A link in place of the lock or the journal is rejected, and its target is not written."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = lock_path(bucket).with_suffix(suffix)
    path.parent.mkdir(parents=True, mode=0o700)
    path.symlink_to(victim)
    with pytest.raises(StoreError, match="is a symbolic link"):
        hold(bucket)
    assert victim.read_text() == "precious"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(bucket: StoreTarget):
    """The owner of the folder could redirect the write later."""
    assert bucket.locks
    bucket.locks.mkdir(parents=True)
    os.chown(bucket.locks, 12345, -1)
    with pytest.raises(StoreError, match="belongs to another user"):
        hold(bucket)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_inside_of_another_user_s_is_refused(bucket: StoreTarget):
    """The owner of the parent folder could replace the folder."""
    assert bucket.locks
    bucket.locks.parent.mkdir(parents=True)
    os.chown(bucket.locks.parent, 12345, -1)
    with pytest.raises(StoreError, match="can be changed by another user"):
        hold(bucket)


def test_a_folder_that_others_may_enter_is_closed(bucket: StoreTarget):
    """An earlier version or a user may have created it with other permissions."""
    assert bucket.locks
    bucket.locks.mkdir(parents=True)
    bucket.locks.chmod(0o777)
    hold(bucket)
    assert stat.S_IMODE(bucket.locks.stat().st_mode) == 0o700


def test_without_a_home_folder(tmp_path: Path):
    """A remote store without a folder for its lock is an error with the next step."""
    with pytest.raises(StoreError, match="no home folder; set CMETRICS_CACHE"):
        hold(StoreTarget(StoreKind.OBJECT_STORE, "s3://metrics/store"))
    hold(StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "db")))


def test_without_user_numbers(bucket: StoreTarget, monkeypatch: pytest.MonkeyPatch):
    """The lock works without `os.getuid`, as on Windows."""
    monkeypatch.delattr(os, "getuid")
    assert hold(bucket) is None


def test_the_killed_run_is_named(bucket: StoreTarget):
    """The journal of a killed run contains its id."""
    with pytest.raises(StoreError, match="gone"), writing(bucket, "run-1", lambda: None):
        lock_path(bucket).with_suffix(".run").rename(lock_path(bucket).with_suffix(".kept"))
        msg = "gone"
        raise StoreError(msg)
    lock_path(bucket).with_suffix(".kept").rename(lock_path(bucket).with_suffix(".run"))
    assert hold(bucket) == "run-1"


def test_a_missing_temporary_folder_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """If the folder in TMPDIR does not exist, Lance gets another one for its temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert inspect_temporary_folder().refusal == "No such file or directory"
    hold(StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "db")))
    assert inspect_temporary_folder().refusal is None
