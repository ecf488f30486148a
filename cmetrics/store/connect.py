"""The way to a folder, a bucket or a cluster."""

from __future__ import annotations

from typing import Final

import lancedb

from cmetrics.settings import StoreKind, StoreTarget

#: Bytes that lance keeps of tables it has opened. It keeps what it knows of every version, also of those
#: that are gone (40 to 150 KB for each write), up to some GiB by default: a server would grow for years.
METADATA_CACHE: Final = 8 * 2**20
INDEX_CACHE: Final = 32 * 2**20
#: A connection begins with a listing that lancedb 0.40 tries six times over, each with four requests of
#: 30 seconds: a server that takes connections and says nothing was given up after twelve minutes.
#: So it is knocked with these limits first, which makes that 21 seconds. They are no limits to work
#: with: part of a large table may take longer than this to go up.
_KNOCK: Final = {"connect_timeout": "3s", "timeout": "3s", "client_retry_timeout": "3"}
#: Shorter than one request may take: what nobody answers is not asked again. What fails at once, a 503
#: or a broken connection, is, up to three times.
_AT_WORK: Final = {"client_retry_timeout": "20"}


def connect(target: StoreTarget) -> lancedb.DBConnection:
    """Open a connection; this sends nothing to a cluster. Raises what lancedb raises."""
    if target.kind is StoreKind.OBJECT_STORE:
        lancedb.connect(target.uri, storage_options={**target.options, **_KNOCK})
        return lancedb.connect(target.uri, storage_options={**target.options, **_AT_WORK}, session=_session())
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
