"""A LanceDB Enterprise cluster to test against, out of Lance's own REST server.

The cluster itself cannot run on a developer's machine, its client can. The server behind this
shim is ``lance.namespace.RestAdapter`` (package ``pylance``) on a folder: every table operation
is a real Lance operation. The shim only bridges what lancedb 0.40's client and pylance 14's
adapter say differently; each bridge names its reason.
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
    """A running stand-in. ``url`` is the host override, ``api_key`` what it accepts."""

    def __init__(self, root: Path, api_key: str = "sk-test-key-0123456789") -> None:
        self.root = root
        self.api_key = api_key
        self.calls: list[tuple[str, str]] = []
        self.rows_sent = 0
        self.unbounded_queries = 0
        #: called with (method, path) before a request is passed on; may return a status to answer.
        self.before: Callable[[str, str], int | None] = lambda method, path: None
        #: called after the real server did its work; True loses the answer (the socket is closed).
        self.lose_answer: Callable[[str, str], bool] = lambda method, path: False
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
        """The two variables that point the command at this cluster."""
        return {"LANCEDB_API_KEY": self.api_key, "LANCEDB_HOST_OVERRIDE": self.url}

    # -- the bridges ---------------------------------------------------------------------------

    def _describe(self, name: str, body: bytes) -> bytes:
        """The client wants version and schema in Lance's JSON type names; the adapter sends neither."""
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
        """The client sends a list of columns, an empty vector and k = 2**63-1 when no limit is set."""
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
        """A table made from a schema alone arrives as a stream without batches; one is wanted."""
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
            kept = [(k, v) for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP]
        finally:
            connection.close()
        if status == 200 and action == "describe":
            answer = self._describe(words[2], answer)
        if status == 200 and action == "query":
            self.rows_sent += pa.ipc.open_file(io.BytesIO(answer)).read_all().num_rows
        return status, kept, answer

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
                    self._answer(status, json_type, b'{"error":"told to fail"}')
                    return
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
                status, kept, answer = cluster._forward(self.command, self.path, headers, body)
                if cluster.lose_answer(self.command, self.path):
                    self.close_connection = True
                    return
                self._answer(status, kept, answer)

            do_GET = do_POST = do_PUT = do_DELETE = _handle

        return Handler
