"""A LanceDB Enterprise cluster for tests, based on Lance's own REST server.

A cluster cannot run on a developer's machine, but its client can. The server is ``lance.namespace.RestAdapter``
(package ``pylance``) on a folder, so every operation on a table is a real Lance operation. This module only translates
where the client of lancedb 0.40 and the adapter of pylance 14 differ; each translation states the difference.
"""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import lance
import pyarrow as pa
from lance.namespace import RestAdapter

HOP_BY_HOP = {"host", "content-length", "transfer-encoding", "connection"}
MAX_K = 1_000_000_000


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return f"timestamp:{kind.unit}:{kind.tz}"
    return str(kind)


class Cluster:
    """A running simulated cluster. ``url`` is the host override, ``api_key`` the accepted key."""

    def __init__(self, root: Path, api_key: str = "sk-test-key-0123456789") -> None:
        self.root = root
        self.api_key = api_key
        self.calls: list[tuple[str, str]] = []
        self.rows_sent = 0
        self.unbounded_queries = 0
        #: Called with (method, path) before a request is passed on; may return the status of an error response.
        self.before: Callable[[str, str], int | None] = lambda method, path: None
        #: Called after the server has processed a request; True closes the connection instead of responding.
        self.drops_response: Callable[[str, str], bool] = lambda method, path: False
        self._adapter = RestAdapter("dir", {"root": str(root)}, host="127.0.0.1", port=0)
        self._adapter.start()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._adapter.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def env(self) -> dict[str, str]:
        """Return the variables with which a command uses this cluster."""
        return {"LANCEDB_API_KEY": self.api_key, "LANCEDB_HOST_OVERRIDE": self.url}

    # -- differences between client and adapter --------------------------------------------------

    def _describe(self, name: str, body: bytes) -> bytes:
        """Add version and schema in Lance's JSON type names, which the client needs and the adapter omits."""
        answer = json.loads(body)
        dataset = lance.dataset(self.root / f"{name}.lance")
        answer["version"] = dataset.version
        answer["schema"] = {
            "fields": [
                {"name": f.name, "nullable": f.nullable, "type": {"type": _type_name(f.type)}} for f in dataset.schema
            ]
        }
        return json.dumps(answer).encode()

    def _query(self, body: bytes) -> bytes:
        """Translate the client's list of columns, empty vector, and k = 2**63-1 for no limit."""
        query = json.loads(body)
        if isinstance(query.get("columns"), list):
            query["columns"] = {"column_names": query["columns"]}
        if query.get("vector") in ([], None):
            query["vector"] = {"single_vector": []}
        if query.get("k", 0) > MAX_K:
            self.unbounded_queries += 1
        return json.dumps(query).encode()

    @staticmethod
    def _with_empty_batch(body: bytes) -> bytes:
        """Add an empty batch to a stream without batches, which the client sends for a table without rows."""
        reader = pa.ipc.open_stream(io.BytesIO(body))
        table = reader.read_all()
        if table.num_rows:
            return body
        out = io.BytesIO()
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_batch(pa.RecordBatch.from_pylist([], schema=table.schema))
        return out.getvalue()

    def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(path)
        words = [word for word in parts.path.split("/") if word]
        action = words[3] if len(words) > 3 else ""
        if action in {"describe", "drop"}:
            body, headers = body or b"{}", {**headers, "content-type": "application/json"}
            if action == "describe":
                path = f"{parts.path}?load_detailed_metadata=true"
        elif action == "create":
            body = self._with_empty_batch(body)
        elif action == "query":
            body = self._query(body)
        connection = http.client.HTTPConnection("127.0.0.1", self._adapter.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer, status = response.read(), response.status
            response_headers = [(k, v) for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP]
        finally:
            connection.close()
        if status == 200 and action == "describe":
            answer = self._describe(words[2], answer)
        if status == 200 and action == "query":
            self.rows_sent += pa.ipc.open_file(io.BytesIO(answer)).read_all().num_rows
        return status, response_headers, answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length") or 0))
                chunks = []
                while size := int(self.rfile.readline().strip() or b"0", 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _handle(self) -> None:
                body = self._body()
                cluster.calls.append((self.command, self.path))
                json_type = [("content-type", "application/json")]
                if self.headers.get("x-api-key") != cluster.api_key:
                    self._answer(401, json_type, b'{"error":"invalid api key"}')
                    return
                if status := cluster.before(self.command, self.path):
                    self._answer(status, json_type, b'{"error":"injected fault"}')
                    return
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
                status, response_headers, answer = cluster._forward(self.command, self.path, headers, body)
                if cluster.drops_response(self.command, self.path):
                    self.close_connection = True
                    return
                self._answer(status, response_headers, answer)

            do_GET = do_POST = do_PUT = do_DELETE = _handle

        return Handler
