"""The HTTP client with a real server that misbehaves. Pauses are recorded; one test waits in real time."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import TypeVar

import pytest

from cmetrics.domain.days import DAY, utc_now
from cmetrics.domain.errors import (
    AccessRefused,
    InvalidResponse,
    NotFound,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    SourceError,
)
from cmetrics.http.client import MAX_BYTES, Http, ServiceClient, Timeouts, open_http
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Response
from cmetrics.settings import load_settings

T = TypeVar("T")


@dataclass
class Server:
    """A server that sends the given responses in turn, and repeats the last one."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[tuple[float, str, dict[str, str]]] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    drip: float = 0.0
    url: str = ""
    #: The pauses of the client, in seconds.
    pauses: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            state.requests.append((time.monotonic(), self.path, dict(self.headers)))
            state.sent.append((self.command, self.rfile.read(int(self.headers.get("Content-Length") or 0))))
            status, headers, body = state.answers[min(len(state.requests), len(state.answers)) - 1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                if not state.drip:
                    self.wfile.write(body)
                for byte in body if state.drip else b"":
                    self.wfile.write(bytes([byte]))
                    if state.over.wait(state.drip):
                        return
            except OSError:
                return

        do_POST = do_GET

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        state.url = f"http://127.0.0.1:{running.server_address[1]}"
        yield state
        state.over.set()
        running.shutdown()


def client_for(server: Server, http: Http, timeouts: Timeouts | None = None, **policy) -> ServiceClient:
    """Return a client whose clock advances only by its own pauses."""
    now = [0.0]

    async def pause(seconds: float) -> None:
        if seconds:
            server.pauses.append(seconds)
        now[0] += seconds

    state = Policy("the service", server.url, **policy)
    return ServiceClient(http, state, timeouts=timeouts, sleep=pause, monotonic=lambda: now[0])


def get(server: Server, *paths: str, timeouts: Timeouts | None = None, **policy) -> list[Response | SourceError]:
    """Return the results of one client for these paths, in order."""

    async def ask() -> list[Response | SourceError]:
        results: list[Response | SourceError] = []
        async with open_http("https://example.com/contact", timeouts or Timeouts(), load_settings().network) as http:
            client = client_for(server, http, timeouts, **policy)
            for path in paths or ("/x",):
                try:
                    results.append(await client.get(path))
                except SourceError as error:
                    results.append(error)
        return results

    return asyncio.run(ask())


OK = (200, {}, b"{}")


def test_requests_have_program_and_contact(server: Server):
    server.answers = [OK]
    get(server)
    agent = server.requests[0][2]["User-Agent"]
    assert agent.startswith("cmetrics/")
    assert "(+https://example.com/contact)" in agent


def test_a_server_error_is_retried_with_growing_pauses(server: Server):
    server.answers = [(500, {}, b"500")]
    (error,) = get(server)
    assert isinstance(error, ServiceFailed)
    assert (error.service, error.status) == ("the service", 500)
    assert "the service /x" in str(error)
    assert len(server.requests) == 4
    first, second, third = server.pauses
    assert 0.7 < first < second < third < 6


def test_a_service_that_recovers_is_not_an_error(server: Server):
    server.answers = [(502, {}, b"{}"), OK]
    assert isinstance(get(server)[0], Response)


@pytest.mark.parametrize("status", [429, 503, 403])
def test_retry_after_is_obeyed(server: Server, status: int):
    server.answers = [(status, {"Retry-After": "30"}, b"{}"), OK]
    assert isinstance(get(server)[0], Response)
    assert 30 < server.pauses[0] <= 31


def _reset(seconds: int) -> dict[str, str]:
    return {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + seconds)}


def test_an_exhausted_quota_is_waited_for_if_it_resets_soon(server: Server):
    server.answers = [(403, _reset(20), b'{"message":"API rate limit exceeded"}'), OK]
    assert isinstance(get(server)[0], Response)
    assert 15 < server.pauses[0] < 22


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "61"}, {"Retry-After": "3600"}, {"reset": "3600"}], ids=["61", "hour", "quota"]
)
@pytest.mark.parametrize("status", [429, 403])
def test_a_wait_of_more_than_a_minute_ends_the_service(server: Server, status, headers):
    server.answers = [(status, _reset(3600) if "reset" in headers else headers, b"{}")]
    first, second = get(server, "/a", "/b", refusal_ends=False)
    assert isinstance(first, RateLimited)
    assert "min" in str(first)
    assert second is first
    assert len(server.requests) == 1


def test_without_a_stated_wait_the_policy_applies(server: Server):
    server.answers = [(429, {}, b"error code: 1015")]
    first, second = get(server, "/a", "/b", limit_waits=())
    assert isinstance(first, RateLimited)
    assert second is first
    assert len(server.requests) == 1
    server.requests.clear()
    get(server, limit_waits=(45.0,))
    assert len(server.requests) == 2
    assert server.pauses[0] > 45


def test_a_secondary_limit_is_retried_after_a_minute(server: Server):
    limit = (403, {}, b'{"message":"You have exceeded a secondary rate limit."}')
    server.answers = [OK, limit, limit, OK]
    first, second = get(server, "/1", "/2", refusal_ends=False, limit_waits=(60.0, 120.0))
    assert isinstance(first, Response)
    assert isinstance(second, Response)
    assert 60 < server.pauses[0] < 62
    assert 120 < server.pauses[1] < 122


def test_a_missing_permission_is_not_a_secondary_limit(server: Server):
    server.answers = [(403, {"X-RateLimit-Remaining": "59"}, b'{"message":"Resource not accessible"}')]
    assert isinstance(get(server)[0], AccessRefused)
    assert len(server.requests) == 1


def test_a_header_that_http_does_not_allow_is_never_repeated(server: Server):
    for token in ("secret-1\nx", "secret-1\u200b"):
        server.answers = [OK]
        (error,) = get(server, headers={"Authorization": f"Bearer {token}"})
        assert isinstance(error, InvalidResponse)
        assert "secret-1" not in str(error)


def test_the_hint_of_a_rate_limit_depends_on_whether_a_token_is_sent(server: Server):
    server.answers = [(403, _reset(3600), b"{}")]
    (without,) = get(server, refusal_ends=False, anonymous_hint="set THE_TOKEN")
    (with_token,) = get(server, refusal_ends=False, anonymous_hint="set THE_TOKEN", headers={"Authorization": "x"})
    assert isinstance(without, RateLimited)
    assert isinstance(with_token, RateLimited)
    assert without.hint == "set THE_TOKEN"
    assert with_token.hint != without.hint


def test_a_rejection_ends_the_service_if_the_policy_says_so(server: Server):
    server.answers = [(403, {}, b'{"errors":[]}'), OK]
    first, second = get(server, "/a", "/b")
    assert second is first
    server.requests.clear()
    first, second = get(server, "/a", "/b", refusal_ends=False)
    assert isinstance(second, Response)


def test_not_found_is_not_retried_and_affects_no_other_request(server: Server):
    server.answers = [(404, {}, b"404"), OK]
    first, second = get(server, "/a", "/b")
    assert isinstance(first, NotFound)
    assert isinstance(second, Response)


def test_a_slow_response_is_limited_by_the_total_timeout(server: Server):
    server.answers, server.drip = [(200, {}, b"x" * 1000)], 0.05
    start = time.monotonic()
    (error,) = get(server, timeouts=Timeouts(connect=1, read=1, total=1))
    assert isinstance(error, ServiceUnreachable)
    assert "did not answer within 1 s" in str(error)
    assert time.monotonic() - start < 4
    assert len(server.requests) == 2


def test_an_unreachable_service_is_not_requested_again():
    unreachable = Server(url="http://127.0.0.1:9")
    first, second = get(unreachable, "/a", "/b")
    assert isinstance(first, ServiceUnreachable)
    assert second is first


def test_three_consecutive_failures_end_the_service(server: Server):
    server.answers = [(500, {"Retry-After": "0"}, b"")]
    results = get(server, "/a", "/b", "/c", "/d", "/e")
    assert results[3] is results[4] is results[2]
    assert len(server.requests) == 3 * 4


@pytest.mark.parametrize("body", [b"x" * (MAX_BYTES + 1), gzip.compress(b" " * (4 * MAX_BYTES))], ids=["plain", "bomb"])
def test_an_endless_response_is_limited(server: Server, body: bytes):
    headers = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    server.answers = [(200, headers, body)]
    (error,) = get(server)
    assert isinstance(error, InvalidResponse)
    assert "8 MiB" in str(error)


def test_a_body_with_a_wrong_encoding_is_invalid(server: Server):
    server.answers = [(200, {"Content-Encoding": "gzip"}, b"no gzip")]
    assert isinstance(get(server)[0], InvalidResponse)


@pytest.mark.parametrize(
    "where",
    [
        "https://example.com/x",
        "http://127.0.0.1:1/x",
        "//example.com/x",
        "ftp://127.0.0.1/x",
        "http://[broken",
        "https:",
    ],
)
def test_redirects_to_other_hosts_are_not_followed(server: Server, where: str):
    server.answers = [(301, {"Location": where}, b""), OK]
    (error,) = get(server)
    assert isinstance(error, InvalidResponse)
    assert "redirects to" in str(error)
    assert len(server.requests) == 1


def test_redirects_on_the_same_host_are_followed_without_loops(server: Server):
    server.answers = [(301, {"Location": "/repositories/1"}, b""), OK]
    (answer,) = get(server)
    assert isinstance(answer, Response)
    assert [path for _, path, _ in server.requests] == ["/x", "/repositories/1"]
    server.requests.clear()
    server.answers = [(302, {"Location": "/x"}, b"")]
    assert isinstance(get(server)[0], InvalidResponse)
    assert len(server.requests) == 4


def test_rate_limits_are_kept_with_recorded_pauses(server: Server):
    server.answers = [OK]
    get(server, *["/x"] * 31, rates=(Rate(5, 1.0), Rate(30, 60.0)))
    assert server.pauses == pytest.approx([1.0, 1.0, 1.0, 1.0, 1.0, 55.0])


def test_rate_limits_are_kept_in_real_time(server: Server):
    server.answers, server.drip = [(200, {}, b"xx")], 0.1

    async def ask() -> None:
        async with open_http("https://example.com/contact", Timeouts(), load_settings().network) as http:
            client = ServiceClient(http, Policy("the service", server.url, rates=(Rate(1, 0.3),)))
            for _ in range(3):
                await client.get("/x")

    asyncio.run(ask())
    times = [at for at, _, _ in server.requests]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.3 + 0.1


@pytest.mark.parametrize("noise", [lambda: b"\x1b[31m::error::pwned\x07", lambda: b"line\nline\r\x00"])
def test_error_bodies_are_quoted_in_one_printable_line(server: Server, noise: Callable[[], bytes]):
    server.answers = [(403, {}, noise())]
    (error,) = get(server)
    assert str(error).isprintable()


# -- posts and large files -----------------------------------------------------------------------


def with_client(server: Server, use: Callable[[ServiceClient], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with open_http("https://example.com/contact", Timeouts(), load_settings().network) as http:
            return await use(client_for(server, http))

    return asyncio.run(ask())


class Sizes:
    """A reader that records only the sizes of chunks."""

    made = 0

    def __init__(self) -> None:
        Sizes.made += 1
        self.sizes: list[int] = []

    def feed(self, chunk: bytes) -> None:
        self.sizes.append(len(chunk))

    def close(self) -> int:
        return sum(self.sizes)


def test_a_retried_post_sends_its_content_again(server: Server):
    server.answers = [(500, {}, b"500"), OK]
    answer = with_client(server, lambda client: client.post("/", {"user": "demo"}, b"SELECT 1"))
    assert answer.body == b"{}"
    assert server.sent == [("POST", b"SELECT 1")] * 2
    assert server.requests[0][1] == "/?user=demo"


def test_a_large_file_is_streamed_and_restarted_for_every_attempt(server: Server):
    body = b"x" * (3 * MAX_BYTES)
    server.answers = [(503, {}, b"503"), (200, {"Content-Encoding": "gzip"}, gzip.compress(body))]
    Sizes.made = 0
    size = with_client(server, lambda client: client.read("/f", Sizes, max_bytes=len(body), total=20.0))
    assert size == len(body)
    assert Sizes.made == 2


def test_a_file_larger_than_allowed_is_an_error(server: Server):
    server.answers = [(200, {}, b"x" * (3 * 2**20))]
    with pytest.raises(InvalidResponse, match="2 MiB"):
        with_client(server, lambda client: client.read("/f", Sizes, max_bytes=2 * 2**20, total=20.0))


def test_only_a_200_response_is_given_to_a_reader(server: Server):
    server.answers = [(404, {}, b"no such file")]
    with pytest.raises(NotFound):
        with_client(server, lambda client: client.read("/f", Sizes, max_bytes=10, total=20.0))


@pytest.mark.parametrize("off", [timedelta(days=-9000), -2 * DAY, 2 * DAY, timedelta(days=45_000)])
def test_a_clock_of_another_day_is_an_error(server: Server, off: timedelta):
    server.answers = [(200, {}, b"{}")]

    async def ask() -> None:
        async with open_http("https://example.com/contact", Timeouts(), load_settings().network) as http:
            client = ServiceClient(http, Policy("here", server.url), clock=lambda: utc_now() + off)
            for _ in range(2):
                with pytest.raises(InvalidResponse, match="set this machine's clock and run again"):
                    await client.get("/")

    asyncio.run(ask())
    assert len(server.requests) == 1, "later responses would be wrong, too"
