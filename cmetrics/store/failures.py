"""Translate errors of lancedb, lance and pyarrow into those of cmetrics, by type and status.

Lance raises one type for errors of an object store, damaged files and conflicts. Only these are distinguished by
their message.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
from lancedb.remote.errors import LanceDBClientError

from cmetrics.domain.errors import StoreError, StoreMissing, StoreUnreachable
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import StoreKind, StoreTarget

_UNAUTHORIZED = (401, 403)
_NOT_FOUND = 404
#: With less free space in bytes, a disk counts as full: a merge and its compaction need more.
LITTLE_ROOM = 2**20


@contextmanager
def translated(target: StoreTarget) -> Iterator[None]:
    """Raise errors of lancedb, lance and pyarrow as a StoreError with the next step."""
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
    said = sanitize(str(error), limit=200)
    return StoreUnreachable(f"{target.label} answered {status}: {said}")


def missing(target: StoreTarget) -> StoreMissing:
    """Return the error for missing tables; the command that creates them depends on the kind of store."""
    if target.kind is StoreKind.EMBEDDED:
        return StoreMissing(f"{target.label} has no cmetrics tables; `cmetrics refresh` creates them")
    hint = "`cmetrics create-tables` creates them (`cmetrics bootstrap` drops and recreates all tables)"
    return StoreMissing(f"{target.label} has no cmetrics tables", hint=hint)


def _failed(error: Exception, target: StoreTarget) -> StoreError:
    # Lance appends the position in its source code.
    text = re.sub(r",? /\S+\.rs:\d+(:\d+)?", "", str(error))
    if target.kind is StoreKind.OBJECT_STORE and (refusal := _refusal(text)) is not None:
        return StoreUnreachable(f"{target.label} {refusal}")
    if _OUTRUN.search(text):
        return StoreError(f"{target.label} has too many concurrent writers; nothing was stored, run again later")
    cause = _cause(target)
    limit = 300 if cause is None else 160
    said = sanitize(text, limit=limit).removesuffix(".")
    if cause is not None:
        return StoreError(f"{target.label}: {cause} ({said})")
    if _NO_TEMPORARY.search(text):
        return StoreError(f"{target.label}: there is no folder for temporary files; set TMPDIR to one ({said})")
    step = _DAMAGED if target.kind is StoreKind.EMBEDDED and _DAMAGE.search(text) else ""
    return StoreError(f"{target.label} failed: {said}{step}")


_DAMAGED = (
    "; if this persists, its files are damaged: move the folder away, and restore the last export with "
    "`cmetrics restore`"
)

#: Messages of lance 13 about a truncated, overwritten or missing file.
_DAMAGE = re.compile(
    r"Invalid range|size is too small|Unknown Lance storage version|Not found: |was not found|no longer exists"
    r"|[Cc]orrupt|[Mm]agic|[Pp]rotobuf|decode|fill whole buffer|unexpected end|end of file|out of range|panic"
)
_NO_TEMPORARY = re.compile(r"Failed to create temp dir")
#: The status and the code of an object store's response; lance's messages have two forms.
_STATUS = re.compile(r"status(?: code)?: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
#: Messages of lance after twenty conflicts with other writers, or half a minute of them.
_OUTRUN = re.compile(r"\bCommit conflict\b|\bToo many concurrent writers\b")
#: Messages of the AWS SDK if it finds no credentials.
_NO_KEY = re.compile(r"Failed to get AWS credentials|CredentialsNotLoaded")
_AWAY = re.compile(r"kind: (?:Connect|Timeout|Request|Interrupted)\b|HTTP error: ")
_STEPS = {
    401: "check the key and its permissions",
    403: "check the key and its permissions",
    404: "create the bucket, or choose another with --db",
}


def _refusal(text: str) -> str | None:
    """Return the response of an object store and the next step; None if the message does not contain it."""
    if _NO_KEY.search(text):
        return "needs a key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if found := _STATUS.search(text):
        status = int(found[1])
        code = f" {found[1]}" if (found := _CODE.search(text)) else ""
        return f"answered {status}{code}; {_STEPS.get(status, 'run again later')}"
    if _AWAY.search(text):
        return "cannot be reached; check the endpoint and the network"
    return None


def _cause(target: StoreTarget) -> str | None:
    """Return the cause and the next step from the state of a folder: errors of lance have no error number."""
    if target.kind is not StoreKind.EMBEDDED:
        return None
    folder = Path(target.uri)
    with suppress(OSError):
        if shutil.disk_usage(folder).free < LITTLE_ROOM:
            return "the disk is full; free some space and run again. No partial data was left"
    closed = next((path for path in (folder, *folder.rglob("*")) if not os.access(path, os.R_OK)), None)
    return None if closed is None else f"{closed} is not readable; change its permissions or its owner"
