"""Connect to LanceDB: a folder, a bucket or a cluster."""

from __future__ import annotations

from typing import Final

import lancedb

from cmetrics.settings import StoreKind, StoreTarget

#: Limits of lance's caches in bytes. Its metadata cache keeps every version it has seen, also removed ones (40 to
#: 150 KB per write), up to several GiB by default, so the memory of a server would grow for years.
METADATA_CACHE: Final = 8 * 2**20
INDEX_CACHE: Final = 32 * 2**20
#: To connect, lancedb 0.40 lists the tables: six attempts of four requests with 30 seconds each, so a server
#: that accepts connections but never answers would block for twelve minutes. A first connection with these limits
#: fails after 21 seconds. They are too short for the work itself: uploading part of a large table may take longer.
_PROBE_LIMITS: Final = {"connect_timeout": "3s", "timeout": "3s", "client_retry_timeout": "3"}
#: Shorter than the time limit of a request, so a request that timed out is not repeated. One that fails at once
#: (503, broken connection) is repeated up to three times.
_WORK_LIMITS: Final = {"client_retry_timeout": "20"}


def connect(target: StoreTarget) -> lancedb.DBConnection:
    """Open a connection. For a cluster, this sends no request. Raises the errors of lancedb unchanged."""
    if target.kind is StoreKind.OBJECT_STORE:
        lancedb.connect(target.uri, storage_options={**target.options, **_PROBE_LIMITS})
        return lancedb.connect(target.uri, storage_options={**target.options, **_WORK_LIMITS}, session=_session())
    if target.kind is StoreKind.EMBEDDED:
        return lancedb.connect(target.uri, session=_session())
    return lancedb.connect(
        target.uri,
        api_key=target.api_key.get_secret_value() if target.api_key else None,
        region=target.region,
        host_override=target.host_override,
        client_config={
            "timeout_config": {"connect_timeout": 10, "read_timeout": 60, "timeout": 120},
            "retry_config": {"retries": 3, "connect_retries": 2, "read_retries": 2},
        },
    )


def _session() -> lancedb.Session:
    return lancedb.Session(index_cache_size_bytes=INDEX_CACHE, metadata_cache_size_bytes=METADATA_CACHE)
