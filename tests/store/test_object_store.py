"""A store in a bucket: concurrent writers, faults and kills."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from cmetrics.domain.errors import StoreError, StoreUnreachable
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.failures import translated
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS
from tests.conftest import Workspace, catalog_text, daily
from tests.rules import value_differs
from tests.store.test_lance_store import YEAR, row
from tests.world.bucket import KEY, NAME, SECRET, Bucket, StoreRequest
from tests.world.truth import World


@pytest.fixture
def place(request: pytest.FixtureRequest) -> StoreTarget:
    return StoreTarget(StoreKind.OBJECT_STORE, f"s3://{NAME}/{request.node.name}")


@pytest.fixture
def store(place: StoreTarget, bucket: Bucket) -> LanceStore:
    made = LanceStore.open(place)
    made.create_tables()
    made.upsert_observations([row(day=1, value=1)], value_differs)
    yield made
    bucket.gate = None


@pytest.fixture(autouse=True)
def _reset_counts(bucket: Bucket) -> None:
    bucket.answers.clear()


def values(store: LanceStore) -> dict[int, int]:
    return {r.period_end.day - 1: r.value for r in store.observations(["m"], YEAR)}


def is_commit(request: StoreRequest) -> bool:
    return request.method == "PUT" and "/stats.lance/_versions/" in request.key


def is_data(request: StoreRequest) -> bool:
    return request.method != "GET" and "/stats.lance/data/" in request.key


def test_a_conflicting_commit_is_retried(store, place, bucket: Bucket):
    other = LanceStore.open(place)
    commits: list[StoreRequest] = []

    def between(request: StoreRequest):
        if is_commit(request):
            commits.append(request)
            if len(commits) == 1:
                # The commit of this writer waits while another one is made.
                other.upsert_observations([row(day=2, value=22), row(day=3, value=23)], value_differs)

    bucket.gate = between
    store.upsert_observations([row(day=1, value=9), row(day=2, value=12), row(day=4, value=14)], value_differs)
    assert len(commits) > 2, "there was no conflict"
    assert bucket.answers[412], "the bucket has rejected no commit"
    # The later commit decides the value of a key that both wrote; no other row is lost.
    assert values(store) == values(other) == {1: 9, 2: 12, 3: 23, 4: 14}
    assert len(store.observations(["m"], YEAR)) == 4


#: Writes days 2 to 31 of the given metric and of one that both processes write.
WRITER = """\
import sys
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.rules import value_differs
from tests.store.test_lance_store import row

store = LanceStore.open(StoreTarget(StoreKind.OBJECT_STORE, sys.argv[1]))
rows = [row(metric_id, day, value=int(sys.argv[3])) for metric_id in (sys.argv[2], "both") for day in range(2, 32)]
print(store.upsert_observations(rows, value_differs))
"""


def test_two_concurrent_processes_lose_and_duplicate_nothing(store, place, bucket: Bucket):
    together = threading.Barrier(2, timeout=60)
    waited: list[StoreRequest] = []

    def side_by_side(request: StoreRequest):
        # Both have read the table, and neither has committed.
        if is_commit(request) and len(waited) < 2:
            waited.append(request)
            together.wait()

    bucket.gate = side_by_side
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, place.uri, name, value], stdout=subprocess.PIPE, text=True)
        for name, value in (("one", "1"), ("two", "2"))
    ]
    assert [(writer.communicate()[0], writer.returncode)[1] for writer in writers] == [0, 0]
    assert bucket.answers[412], "there was no conflict"
    rows = store.observations(["m", "one", "two", "both"], YEAR)
    assert len(rows) == 1 + 3 * 30
    assert store._open(STATS).count_rows() == len(rows), "a key is stored twice"
    assert {r.value for r in rows if r.metric_id == "one"} == {1}
    assert {r.value for r in rows if r.metric_id == "two"} == {2}
    assert len({r.value for r in rows if r.metric_id == "both"}) == 1, "the values are a mixture of both commits"


def test_a_writer_with_permanent_conflicts_gives_up_and_stores_nothing(store, bucket: Bucket):
    bucket.gate = lambda request: (412, "PreconditionFailed") if is_commit(request) else None
    started = time.monotonic()
    with pytest.raises(StoreError, match="has too many concurrent writers; nothing was stored, run again later"):
        store.upsert_observations([row(day=2, value=2)], value_differs)
    assert time.monotonic() - started < 60, "it should give up within a minute"
    bucket.gate = None
    assert values(store) == {1: 1}


def test_a_slow_writer_with_permanent_conflicts_has_the_same_error(place):
    """Lance gives up after twenty attempts or half a minute, with another message for the latter."""
    reason = (
        "lance error: Too many concurrent writers. Attempted 18 times, but failed on retry_timeout of 30.000 seconds"
    )
    with pytest.raises(StoreError, match="has too many concurrent writers"), translated(place):
        raise OSError(reason)


def test_an_unresponsive_server_is_given_up(place, monkeypatch: pytest.MonkeyPatch):
    """A server that accepts connections and never responds is given up; lancedb alone takes twelve minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(StoreUnreachable, match="cannot be reached; check the endpoint and the network"):
            LanceStore.open(place)
    assert time.monotonic() - started < 40, "it should give up well within a minute"


def test_a_rejected_read_is_not_retried(store, bucket: Bucket):
    """Each attempt would list the versions of the table again."""

    def listings() -> int:
        return sum(not request.key for request in bucket.requests)

    # A new store each time, which has cached no files of the table.
    first, second = LanceStore.open(store.target), LanceStore.open(store.target)
    before = listings()
    first.observations(["m"], YEAR)
    usual = listings() - before
    bucket.gate = lambda request: (403, "AccessDenied") if request.method == "GET" and "/data/" in request.key else None
    before = listings()
    with pytest.raises(StoreUnreachable, match="answered 403 AccessDenied; check the key and its permissions"):
        second.observations(["m"], YEAR)
    assert listings() - before == usual


def test_a_commit_with_a_lost_response_is_stored_once(store, bucket: Bucket):
    lost: list[StoreRequest] = []

    def lose(request: StoreRequest) -> bool:
        if is_commit(request) and not lost:
            lost.append(request)
            return True
        return False

    bucket.drops_response = lose
    try:
        store.upsert_observations([row(day=2, value=2)], value_differs)
    finally:
        bucket.drops_response = None
    assert lost
    assert values(store) == {1: 1, 2: 2}
    assert store._open(STATS).count_rows() == 2


def test_files_of_an_uncommitted_upload_are_removed_after_a_week(store, place, bucket: Bucket):
    prefix = place.uri.removeprefix(f"s3://{NAME}/")
    before = bucket.keys(prefix)
    bucket.gate = lambda request: (403, "AccessDenied") if is_commit(request) else None
    with pytest.raises(StoreUnreachable):
        store.upsert_observations([row(day=2, value=2)], value_differs)
    bucket.gate = None
    left = {key for key in bucket.keys(prefix) - before if "/data/" in key}
    assert left, "the upload has left no files"
    store.upsert_observations([row(day=3, value=3)], value_differs)
    store.optimize()
    # They could belong to a write that is still in progress.
    assert left <= bucket.keys(prefix)
    assert values(store) == {1: 1, 3: 3}
    objects = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[NAME].keys
    for key in left:
        objects[key].last_modified = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=8)
    store.optimize()
    assert not left & bucket.keys(prefix)
    assert values(store) == {1: 1, 3: 3}


@pytest.mark.parametrize("what", [is_data, is_commit])
def test_an_interrupted_upload_is_retried(store, bucket: Bucket, what):
    cut: list[StoreRequest] = []

    def break_off(request: StoreRequest):
        if what(request) and not cut:
            cut.append(request)
            return "cut"
        return None

    bucket.gate = break_off
    store.upsert_observations([row(day=2, value=2)], value_differs)
    assert cut
    assert values(store) == {1: 1, 2: 2}


@pytest.mark.parametrize("fault", ["cut", (503, "SlowDown")], ids=["broken-off", "slow-down"])
def test_a_failing_upload_leaves_the_table_unchanged(store, place, bucket: Bucket, fault):
    prefix = place.uri.removeprefix(f"s3://{NAME}/")
    before = bucket.keys(prefix)
    bucket.gate = lambda request: fault if is_data(request) else None
    started = time.monotonic()
    with pytest.raises(StoreError, match="object store"):
        store.upsert_observations([row(day=2, value=2)], value_differs)
    assert time.monotonic() - started < 60, "it should give up within a minute"
    bucket.gate = None
    assert values(store) == {1: 1}
    assert not {key for key in bucket.keys(prefix) - before if "_versions" in key}
    store.upsert_observations([row(day=2, value=2)], value_differs)
    assert values(LanceStore.open(place)) == {1: 1, 2: 2}


def test_readers_see_complete_versions(store, place, bucket: Bucket):
    """Readers never see a part of a night, although each night rewrites every value and is followed by maintenance."""
    reader, done, seen = LanceStore.open(place), threading.Event(), []

    def read() -> None:
        while not done.is_set():
            seen.append(set(values(reader).values()))

    thread = threading.Thread(target=read)
    thread.start()
    for night in range(6):
        store.upsert_observations([row(day=day, value=night) for day in range(1, 20)], value_differs)
        store.optimize()
    done.set()
    thread.join()
    assert len(seen) > 5
    assert all(len(night) == 1 for night in seen), "a part of a night was read"


def in_bucket(workspace: Workspace, bucket: Bucket, name: str) -> StoreTarget:
    """Configure the workspace to store rows in the bucket."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("npm", "@lancedb/lancedb")))
    workspace.env |= {**bucket.env(), "CMETRICS_DB": f"s3://{NAME}/{name}"}
    return StoreTarget(StoreKind.OBJECT_STORE, f"s3://{NAME}/{name}")


def stored(place: StoreTarget) -> dict:
    store = LanceStore.open(place)
    return daily(store.observations(sorted(store.metric_ids()), YEAR._replace(first=YEAR.first.replace(year=2000))))


def test_commands_work_and_recover_from_a_kill_during_an_upload(workspace: Workspace, world: World, bucket: Bucket):
    place = in_bucket(workspace, bucket, "nightly")
    message = workspace.run("refresh", code=1).stderr
    assert "`cmetrics create-tables` creates them" in message
    workspace.run("bootstrap", "--yes")

    uploading, killed = threading.Event(), threading.Event()

    def hold(request: StoreRequest):
        if request.method == "PUT" and "/stats.lance/data/" in request.key:
            uploading.set()
            killed.wait(60)
            return "cut"
        return None

    bucket.gate = hold
    process = workspace.start("refresh")
    assert uploading.wait(120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed.set()
    bucket.gate = None
    assert stored(place) == {}

    workspace.run("refresh")
    truth = {"downloads:p:nodejs": world.expected()["downloads:lancedb:nodejs"]}
    assert stored(place) == truth
    runs = LanceStore.open(place).runs()
    assert [run.status for run in runs if run.job_name == "refresh"] == ["success", "failed"]
    workspace.run("build-site")
    assert (workspace.folder / "site" / "index.html").is_file()


def test_an_unavailable_bucket_is_one_line_without_its_keys(workspace: Workspace, bucket: Bucket):
    in_bucket(workspace, bucket, "away")
    workspace.env["CMETRICS_DB"] = "s3://no-such-bucket/metrics"
    says = {"no bucket": workspace.run("status", code=1).stderr}
    workspace.env["CMETRICS_DB"] = f"s3://{NAME}/away"
    bucket.gate = lambda _: (403, "SignatureDoesNotMatch")
    says["refused"] = workspace.run("status", code=1).stderr
    bucket.gate = None
    del workspace.env["AWS_SECRET_ACCESS_KEY"], workspace.env["AWS_ACCESS_KEY_ID"]
    # Without these, the library would ask the metadata server of a cloud for a key.
    workspace.env["AWS_EC2_METADATA_DISABLED"] = "true"
    says["no key"] = workspace.run("status", code=1).stderr
    workspace.env |= bucket.env()
    workspace.env["AWS_ENDPOINT"] = "http://127.0.0.1:9"
    started = time.monotonic()
    says["away"] = workspace.run("refresh", code=1).stderr
    assert time.monotonic() - started < 60, "it should give up within a minute"
    tells = {
        "no bucket": "answered 404 NoSuchBucket; create the bucket, or choose another with --db",
        "refused": "answered 403 SignatureDoesNotMatch; check the key and its permissions",
        "no key": "needs a key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "away": "cannot be reached; check the endpoint and the network",
    }
    for name, text in says.items():
        (line,) = (line for line in text.splitlines() if line.startswith("error:"))
        assert line.endswith(f"(object store) {tells[name]}")
        assert SECRET not in text
        assert KEY not in text
