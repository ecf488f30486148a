"""Errors of lancedb, lance and pyarrow as ours, classified by type and status, never by words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from lancedb.remote.errors import LanceDBClientError

from cmetrics.errors import StoreError, StoreMissing, StoreUnreachable
from cmetrics.printable import printable
from cmetrics.settings import StoreKind, StoreTarget

_UNAUTHORIZED = (401, 403)
_NOT_FOUND = 404


@contextmanager
def translated(target: StoreTarget) -> Iterator[None]:
    """Errors of lancedb, lance and pyarrow as ours, classified by type and status, never by words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except LanceDBClientError as error:
        raise _client_error(error, target) from error
    except FileNotFoundError as error:
        raise missing(target) from error
    except (ValueError, OSError, RuntimeError, pa.ArrowException) as error:
        raise _failed(error, target) from error


def _client_error(error: LanceDBClientError, target: StoreTarget) -> StoreError:
    status = error.status_code
    if status in _UNAUTHORIZED:
        return StoreUnreachable(f"{target.label} refused the key ({status}); check LANCEDB_API_KEY")
    if status == _NOT_FOUND:
        return missing(target)
    if status is None:
        return StoreUnreachable(f"{target.label} cannot be reached; check LANCEDB_HOST_OVERRIDE and the network")
    said = printable(str(error), secrets=[target.api_key or ""], limit=200)
    return StoreUnreachable(f"{target.label} answered {status}: {said}")


def missing(target: StoreTarget) -> StoreMissing:
    """The tables are not there; how to get them depends on where."""
    command = "refresh" if target.kind is StoreKind.EMBEDDED else "bootstrap"
    return StoreMissing(f"{target.label} has no cmetrics tables; `cmetrics {command}` creates them")


def _failed(error: Exception, target: StoreTarget) -> StoreError:
    said = printable(str(error), secrets=[target.api_key or ""], limit=300)
    return StoreError(f"{target.label} failed: {said}")
