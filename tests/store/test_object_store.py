"""A store in a bucket: what writers, faults and kills on the way there cost."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from cmetrics.errors import StoreError
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.conftest import Home, catalog_text, daily
from tests.store.test_lance_store import YEAR, newer, row
from tests.world.bucket import KEY, NAME, SECRET, Asked, Bucket
from tests.world.truth import World


@pytest.fixture
def place(request: pytest.FixtureRequest) -> StoreTarget:
    return StoreTarget(StoreKind.OBJECT_STORE, f"s3://{NAME}/{request.node.name}")


@pytest.fixture
def store(place: StoreTarget, bucket: Bucket) -> LanceStore:
    made = LanceStore.open(place)
    made.create_tables()
    made.upsert_observations([row(day=1, value=1)], newer)
    yield made
    bucket.gate = None


def values(store: LanceStore) -> dict[int, int]:
    return {r.period_end.day - 1: r.value for r in store.observations(["m"], YEAR)}


def is_commit(asked: Asked) -> bool:
    return asked.method == "PUT" and "/stats.lance/_versions/" in asked.key


def is_data(asked: Asked) -> bool:
    return asked.method != "GET" and "/stats.lance/data/" in asked.key


def test_a_commit_that_another_writer_was_before_is_made_anew_on_top_of_it(store, place, bucket: Bucket):
    other = LanceStore.open(place)
    commits: list[Asked] = []

    def between(asked: Asked):
        if is_commit(asked):
            commits.append(asked)
            if len(commits) == 1:
                # Our commit waits at the door while another one passes by.
                other.upsert_observations([row(day=2, value=22), row(day=3, value=23)], newer)

    bucket.gate = between
    store.upsert_observations([row(day=1, value=9), row(day=2, value=12), row(day=4, value=14)], newer)
    assert len(commits) > 2, "nothing was in the way"
    assert bucket.answers[412], "the bucket has refused no commit"
    # Of a key that both wrote the later commit has the last word; nothing of either is lost.
    assert values(store) == values(other) == {1: 9, 2: 12, 3: 23, 4: 14}
    assert len(store.observations(["m"], YEAR)) == 4


@pytest.mark.parametrize("what", [is_data, is_commit])
def test_an_upload_that_breaks_off_once_is_sent_again(store, bucket: Bucket, what):
    cut: list[Asked] = []

    def break_off(asked: Asked):
        if what(asked) and not cut:
            cut.append(asked)
            return "cut"
        return None

    bucket.gate = break_off
    store.upsert_observations([row(day=2, value=2)], newer)
    assert cut
    assert values(store) == {1: 1, 2: 2}


@pytest.mark.parametrize("said", ["cut", (503, "SlowDown")], ids=["broken-off", "slow-down"])
def test_an_upload_that_never_ends_leaves_the_table_as_it_was(store, place, bucket: Bucket, said):
    prefix = place.uri.removeprefix(f"s3://{NAME}/")
    before = bucket.keys(prefix)
    bucket.gate = lambda asked: said if is_data(asked) else None
    started = time.monotonic()
    with pytest.raises(StoreError, match="object store"):
        store.upsert_observations([row(day=2, value=2)], newer)
    assert time.monotonic() - started < 60, "it should give up within a minute"
    bucket.gate = None
    assert values(store) == {1: 1}
    assert not {key for key in bucket.keys(prefix) - before if "_versions" in key}
    store.upsert_observations([row(day=2, value=2)], newer)
    assert values(LanceStore.open(place)) == {1: 1, 2: 2}


def test_readers_see_whole_versions_while_nights_go_by(store, place, bucket: Bucket):
    """Each night rewrites every value and is tidied up."""
    reader, done, seen = LanceStore.open(place), threading.Event(), []

    def read() -> None:
        while not done.is_set():
            seen.append(set(values(reader).values()))

    thread = threading.Thread(target=read)
    thread.start()
    for night in range(6):
        store.upsert_observations([row(day=day, value=night) for day in range(1, 20)], newer)
        store.tidy()
    done.set()
    thread.join()
    assert len(seen) > 5
    assert all(len(night) == 1 for night in seen), "half a night was read"


def in_bucket(home: Home, bucket: Bucket, name: str) -> StoreTarget:
    """A folder whose commands keep their rows in the bucket."""
    (home.folder / "cmetrics.toml").write_text(catalog_text(("npm", "@lancedb/lancedb")))
    home.env |= {**bucket.env(), "CMETRICS_DB": f"s3://{NAME}/{name}"}
    return StoreTarget(StoreKind.OBJECT_STORE, f"s3://{NAME}/{name}")


def stored(place: StoreTarget) -> dict:
    store = LanceStore.open(place)
    return daily(store.observations(sorted(store.metric_ids()), YEAR._replace(first=YEAR.first.replace(year=2000))))


def test_the_commands_work_there_and_a_run_killed_in_its_upload_is_healed(home: Home, world: World, bucket: Bucket):
    place = in_bucket(home, bucket, "nightly")
    told = home.run("refresh", code=1).stderr
    assert "`cmetrics bootstrap` creates them" in told
    home.run("bootstrap", "--yes")

    uploading, killed = threading.Event(), threading.Event()

    def hold(asked: Asked):
        if asked.method == "PUT" and "/stats.lance/data/" in asked.key:
            uploading.set()
            killed.wait(60)
            return "cut"
        return None

    bucket.gate = hold
    process = home.start("refresh")
    assert uploading.wait(120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed.set()
    bucket.gate = None
    assert stored(place) == {}

    home.run("refresh")
    truth = {"downloads:p:nodejs": world.expected()["downloads:lancedb:nodejs"]}
    assert stored(place) == truth
    runs = LanceStore.open(place).runs()
    assert [run.status for run in runs if run.job_name == "refresh"] == ["success", "failed"]
    home.run("build-site")
    assert (home.folder / "site" / "index.html").is_file()


def test_a_bucket_that_is_not_there_refuses_or_is_away_is_one_line_without_its_keys(home: Home, bucket: Bucket):
    in_bucket(home, bucket, "away")
    home.env["CMETRICS_DB"] = "s3://no-such-bucket/metrics"
    says = {"no bucket": home.run("status", code=1).stderr}
    home.env["CMETRICS_DB"] = f"s3://{NAME}/away"
    bucket.gate = lambda _: (403, "SignatureDoesNotMatch")
    says["refused"] = home.run("status", code=1).stderr
    bucket.gate = None
    home.env["AWS_ENDPOINT"] = "http://127.0.0.1:9"
    started = time.monotonic()
    says["away"] = home.run("refresh", code=1).stderr
    assert time.monotonic() - started < 60, "it should give up within a minute"
    tells = {
        "no bucket": "answered 404 NoSuchBucket; make the bucket, or name another with --db",
        "refused": "answered 403 SignatureDoesNotMatch; check the key and its rights",
        "away": "cannot be reached; check the endpoint and the network",
    }
    for name, text in says.items():
        (line,) = (line for line in text.splitlines() if line.startswith("error:"))
        assert line.endswith(f"(object store) {tells[name]}")
        assert SECRET not in text
        assert KEY not in text
