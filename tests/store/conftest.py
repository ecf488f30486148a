"""Places for stores: a folder, a bucket of an object store, and a cluster. Every test runs on each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest
from pydantic import SecretStr

from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import TABLES
from tests.world.bucket import NAME, Bucket, running
from tests.world.cluster import Cluster


class Place:
    """The location of a store, with access that bypasses our code."""

    def __init__(
        self, target: StoreTarget, root: Path | str, cluster: Cluster | None = None, bucket: Bucket | None = None
    ) -> None:
        self.target = target
        self.root = root
        self.cluster = cluster
        self.bucket = bucket

    def open(self) -> LanceStore:
        return LanceStore.open(self.target)

    def create(self) -> LanceStore:
        store = self.open()
        store.create_tables()
        return store

    def raw(self, table: str = "stats"):
        """Return a table as opened by lancedb itself."""
        return lancedb.connect(str(self.root)).open_table(table)

    def tables(self) -> set[str]:
        """Return the names of the existing tables."""
        return set(lancedb.connect(str(self.root)).list_tables().tables)

    def forbid(self, table: str) -> None:
        """Reject the creation of a table from now on."""
        if self.cluster:
            self.cluster.before = lambda _, path: 403 if table in path and "create" in path else None
        elif self.bucket:
            self.bucket.gate = lambda request: (
                (403, "AccessDenied") if request.method == "PUT" and f"/{table}.lance/" in request.key else None
            )
        else:
            Path(self.root, f"{table}.lance").write_text("in the way")

    def create_without_keys(self) -> LanceStore:
        """Create tables as an earlier program did: without a declared key, and with nullable columns only."""
        connection = lancedb.connect(str(self.root))
        for table in TABLES:
            connection.create_table(table.name, schema=pa.schema([pa.field(f.name, f.type) for f in table.schema]))
        return self.open()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch, running() as bucket:
        for name, value in bucket.env().items():
            patch.setenv(name, value)
        yield bucket


@pytest.fixture(params=["embedded", "object store", "enterprise"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "store"
    root.mkdir()
    if request.param == "embedded":
        yield Place(StoreTarget(StoreKind.EMBEDDED, str(root)), root)
        return
    if request.param == "object store":
        bucket = request.getfixturevalue("bucket")
        url = f"s3://{NAME}/{tmp_path.name}"
        yield Place(StoreTarget(StoreKind.OBJECT_STORE, url), url, bucket=bucket)
        bucket.gate = None
        return
    with Cluster(root) as cluster:
        target = StoreTarget(
            StoreKind.ENTERPRISE,
            "db://community-metrics",
            api_key=SecretStr(cluster.api_key),
            host_override=cluster.url,
        )
        yield Place(target, root, cluster)
