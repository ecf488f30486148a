"""An object store: moto's S3 server in this process, behind a gate that counts requests and can inject faults.

The gate admits one writing request at a time: S3 checks ``If-None-Match`` and writes in one step, moto in two.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

NAME = "metrics"
KEY, SECRET = "AKIAEXAMPLE", "s3cr3t/of+the/bucket"


@dataclass(frozen=True)
class StoreRequest:
    """A received request."""

    method: str
    #: The key of the object; empty for the bucket itself, as in a listing.
    key: str
    received: int


#: Called with a request before it is processed. Returns an HTTP status with an S3 error code as the response, "cut" to
#: close the connection after half of the body, or None to process the request.
Gate = Callable[[StoreRequest], tuple[int, str] | str | None]


class Bucket:
    """A running server with one empty bucket; ``env()`` returns the variables that a program needs to use it."""

    def __init__(self) -> None:
        self.requests: list[StoreRequest] = []
        #: The statuses of all responses.
        self.answers: Counter[int] = Counter()
        #: Bytes of all bodies that were sent to the bucket and by it.
        self.received = self.sent = 0
        self.gate: Gate | None = None
        #: Called after a request was processed; True closes the connection instead of responding.
        self.drops_response: Callable[[StoreRequest], bool] | None = None
        self._inside = DomainDispatcherApplication(create_backend_app)
        self._writing = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Silent)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        self.client.create_bucket(Bucket=NAME)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def env(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def keys(self, prefix: str) -> set[str]:
        """Return the keys that start with ``prefix``."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=NAME, Prefix=prefix)
        return {found["Key"] for page in pages for found in page.get("Contents", [])}

    def size(self) -> int:
        """Return the total size of all objects in bytes."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=NAME)
        return sum(found["Size"] for page in pages for found in page.get("Contents", []))

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix(f"/{NAME}").lstrip("/")
        store_request = StoreRequest(environ["REQUEST_METHOD"], path, int(environ.get("CONTENT_LENGTH") or 0))
        self.requests.append(store_request)
        self.received += store_request.received
        fault = self.gate(store_request) if self.gate else None
        if fault == "cut":
            environ["wsgi.input"].read(store_request.received // 2)
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        if isinstance(fault, tuple):
            status, code = fault
            self.answers[status] += 1
            start(f"{status} {code}", [("Content-Type", "application/xml")])
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code} {KEY}</Message></Error>"
            return [text.encode()]

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self.answers[int(status.split(" ", 1)[0])] += 1
            if store_request.method == "GET":
                self.sent += int(dict(headers).get("Content-Length", 0))
            return start(status, headers, *rest)

        if store_request.method in ("GET", "HEAD"):
            return self._inside(environ, started)
        with self._writing:
            answer = self._inside(environ, started)
        if self.drops_response is not None and self.drops_response(store_request):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return answer


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Bucket]:
    """Run a server within the context."""
    bucket = Bucket()
    try:
        yield bucket
    finally:
        bucket.close()
