"""A server that behaves like GitHub Pages: a sub-path, compression, caching for ten minutes; with a log."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Media types by suffix. Python's own table depends on the machine, which may lack .js or .woff2.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "application/javascript; charset=utf-8",
    ".mjs": "application/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".map": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".xml": "application/xml",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/vnd.microsoft.icon",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".woff2": "font/woff2",
    ".parquet": "application/octet-stream",
}
#: Files that are compressed already.
PACKED = {".png", ".jpg", ".webp", ".avif", ".woff2", ".parquet"}


@dataclass
class Response:
    """A request and its status, with the number of bytes of the body that were sent."""

    path: str
    status: int
    sent: int


@dataclass
class Served:
    """A running server. ``url`` is the address of the folder and ends in a slash."""

    url: str
    #: All requests, in order of arrival.
    log: list[Response] = field(default_factory=list)

    def sent(self) -> dict[str, int]:
        """Return the number of bytes sent per path. A path requested twice counts twice."""
        total: dict[str, int] = {}
        for answer in self.log:
            total[answer.path] = total.get(answer.path, 0) + answer.sent
        return total

    def before_and_after(self, name: str = "plotly") -> tuple[int, int]:
        """Return the number of bytes sent before the first file whose path contains ``name``, and from it on.

        The order of concurrent requests is arbitrary: the numbers are stable if that file is requested later.
        """
        first = next((n for n, answer in enumerate(self.log) if name in answer.path), len(self.log))
        return sum(a.sent for a in self.log[:first]), sum(a.sent for a in self.log[first:])


@dataclass(frozen=True)
class _File:
    kind: str
    plain: bytes
    packed: bytes | None


@contextlib.contextmanager
def serve(folder: Path, prefix: str = "/sub/path/") -> Iterator[Served]:
    """Serve the files of ``folder`` below ``prefix``, as they are now.

    Files are read and compressed before the first request, so that no response waits for it: Lighthouse takes
    the time to the first byte for that of the server.
    """
    assert prefix.startswith("/")
    assert prefix.endswith("/")
    files = {prefix + path.relative_to(folder).as_posix(): _read(path) for path in folder.rglob("*") if path.is_file()}
    assert files, f"nothing in {folder}"
    for path in [path for path in files if path.endswith("/index.html")]:
        files[path.removesuffix("index.html")] = files[path]
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.files = files
        server.served = Served(f"http://127.0.0.1:{server.server_address[1]}{prefix}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.served
        finally:
            server.shutdown()
            thread.join()


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    kind = TYPES.get(path.suffix, "application/octet-stream")
    # Web servers use level 6.
    return _File(kind, plain, gzip.compress(plain, 6, mtime=0) if path.suffix not in PACKED else None)


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 32
    files: dict[str, _File]
    served: Served

    def handle_error(self, request: object, client_address: object) -> None:
        # A browser that is closed aborts its requests.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Send head and body together and at once.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        answer = Response(path, 200, 0)
        self.server.served.log.append(answer)
        file = self.server.files.get(path)
        headers = {"Vary": "Accept-Encoding", "Cache-Control": "max-age=600", "Access-Control-Allow-Origin": "*"}
        if file is not None:
            body, headers["Content-Type"] = file.plain, file.kind
            if file.packed is not None and "gzip" in self.headers.get("Accept-Encoding", ""):
                body, headers["Content-Encoding"] = file.packed, "gzip"
        elif path + "/" in self.server.files:
            answer.status, body, headers["Location"] = 301, b"", path + "/"
        else:
            answer.status, body, headers["Content-Type"] = 404, b"Not found\n", "text/plain; charset=utf-8"
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Before the body is sent, because a client that has received it may read the log.
        answer.sent = len(body)
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
