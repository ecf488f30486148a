"""Every store test runs twice: on a folder, and on a cluster over its wire protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import TABLES
from tests.world.cluster import Cluster


class Place:
    """Where a store is, and a way to it that does not go through our code."""

    def __init__(self, target: StoreTarget, root: Path, cluster: Cluster | None) -> None:
        self.target = target
        self.root = root
        self.cluster = cluster

    def open(self) -> LanceStore:
        return LanceStore.open(self.target)

    def create(self) -> LanceStore:
        store = self.open()
        store.create_tables()
        return store

    def raw(self, table: str = "stats"):
        """The table as lancedb opens it, past our code."""
        return lancedb.connect(str(self.root)).open_table(table)

    def create_as_the_maintainers_have_them(self) -> LanceStore:
        """Tables without a declared key, all columns nullable, as an earlier program made them."""
        connection = lancedb.connect(str(self.root))
        for table in TABLES:
            connection.create_table(table.name, schema=pa.schema([pa.field(f.name, f.type) for f in table.schema]))
        return self.open()


@pytest.fixture(params=["embedded", "enterprise"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "store"
    root.mkdir()
    if request.param == "embedded":
        yield Place(StoreTarget(StoreKind.EMBEDDED, str(root)), root, None)
        return
    with Cluster(root) as cluster:
        target = StoreTarget(
            StoreKind.ENTERPRISE, "db://community-metrics", api_key=cluster.api_key, host_override=cluster.url
        )
        yield Place(target, root, cluster)
