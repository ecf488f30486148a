"""The way to a folder, a bucket or a cluster."""

from __future__ import annotations

from typing import Final

import lancedb

from cmetrics.settings import StoreKind, StoreTarget

#: Bytes that lance keeps of tables it has opened. It keeps what it knows of every version, also of those
#: that are gone (40 to 150 KB for each write), up to some GiB by default: a server would grow for years.
METADATA_CACHE: Final = 8 * 2**20
INDEX_CACHE: Final = 32 * 2**20

#: With an object store that takes requests and does not answer. Lance asks some six questions before it
#: believes that, each for 30 seconds and four times by default: a quarter of an hour, seen with lancedb 0.40.
PATIENCE: Final = {
    "connect_timeout": "5s",
    "timeout": "20s",
    "client_max_retries": "2",
    "client_retry_timeout": "30",
}


def connect(target: StoreTarget) -> lancedb.DBConnection:
    """A connection; only a folder is touched by that. Raises what lancedb raises."""
    if target.kind is StoreKind.EMBEDDED:
        return lancedb.connect(target.uri, session=_session())
    if target.kind is StoreKind.OBJECT_STORE:
        return lancedb.connect(target.uri, session=_session(), storage_options=PATIENCE)
    return lancedb.connect(
        target.uri,
        api_key=target.api_key,
        region=target.region,
        host_override=target.host_override,
        client_config={
            "timeout_config": {"connect_timeout": 10, "read_timeout": 60, "timeout": 120},
            "retry_config": {"retries": 3, "connect_retries": 2, "read_retries": 2},
        },
    )


def _session() -> lancedb.Session:
    return lancedb.Session(index_cache_size_bytes=INDEX_CACHE, metadata_cache_size_bytes=METADATA_CACHE)
