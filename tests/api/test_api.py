"""The served API: responses, rejections, and equality with the files of a build."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pyarrow.parquet
import pytest

from cmetrics.environment import Environment
from cmetrics.settings import resolve_store
from cmetrics.store.lance_store import LanceStore
from tests.api.conftest import CATALOG, NOW, ApiServer, fill
from tests.conftest import Workspace, daily
from tests.rules import value_differs
from tests.world.cluster import Cluster

YESTERDAY = NOW.date() - timedelta(days=1)
INSIGHTS = ["rollups", "signals", "events", "projections", "insights", "reports"]
PATHS = [
    "health",
    "definitions",
    "series/downloads:lance:python",
    "dashboard/daily",
    "history/refresh-errors",
    *INSIGHTS,
]
HOSTILE = [
    "it's",
    "100%",
    "a/b",
    "' OR 1=1 --",
    "x" * 10_000,
    "Ж名é",
    "a\x00b",
    "..",
    "%2e%2e",
    "\u202eabc",
    "?",
    "#",
    " ",
]


def without_time(body: bytes) -> dict | list:
    document = json.loads(body)
    if isinstance(document, dict):
        document.pop("generated_at", None)
    return document


def test_files_of_a_build_equal_api_responses(api: ApiServer, filled_workspace: Workspace):
    filled_workspace.run("build-site")
    site = filled_workspace.folder / "site" / "api" / "v1"
    for name in ("health", "definitions", *INSIGHTS):
        assert (site / f"{name}.json").read_bytes() == api.get(f"/api/v1/{name}").content
    for entry in api.get("/api/v1/definitions").json():
        live = api.get(f"/api/v1/series/{entry['metric_id']}")
        assert (site / entry["series_file"]).read_bytes() == live.content
    months = [entry["month"] for entry in api.get("/api/v1/reports").json()["reports"]]
    assert months
    for month in months:
        assert (site / "reports" / f"{month}.json").read_bytes() == api.get(f"/api/v1/reports/{month}").content
    live, file = api.get("/api/v1/dashboard/daily").content, (site / "dashboard" / "daily.json").read_bytes()
    cut = [body.index(b'"as_of"') for body in (live, file)]
    assert live[cut[0] :] == file[cut[1] :]
    assert {path.relative_to(site).as_posix() for path in site.rglob("*.json")} == {
        "health.json", "definitions.json", "dashboard/daily.json", *(f"{name}.json" for name in INSIGHTS),
        *(f"reports/{month}.json" for month in months),
        *(f"series/{metric.slug}.json" for metric in CATALOG.metrics),
    }  # fmt: skip


def test_the_flat_files_contain_every_row(filled_workspace: Workspace):
    filled_workspace.run("build-site", "--out", "flat")
    rows = filled_workspace.rows()
    data = filled_workspace.folder / "flat" / "data"
    table = pyarrow.parquet.read_table(data / "stats.parquet")
    assert table.num_rows == len(rows)
    lines = list(csv.DictReader(io.StringIO((data / "stats.csv").read_text())))
    assert [(line["metric_id"], line["period_end"], int(line["value"])) for line in lines] == [
        (row.metric_id, row.period_end.isoformat(), row.value) for row in rows
    ]


def test_series_are_the_stored_rows_of_the_window(api: ApiServer, filled_workspace: Workspace):
    for days in (1, 7, 180, 730):
        document = api.get(f"/api/v1/series/downloads:lancedb:nodejs?days={days}").json()
        first = YESTERDAY - timedelta(days=days - 1)
        expected = [
            row
            for row in filled_workspace.rows()
            if row.metric_id == "downloads:lancedb:nodejs" and row.period_end >= first
        ]
        assert document["days"] == days
        assert [(p["period_end"], p["value"], p["provenance"]) for p in document["points"]] == [
            (row.period_end.isoformat(), row.value, row.provenance) for row in expected
        ]


def test_the_dashboard_has_the_documented_fields_and_correct_numbers(api: ApiServer, filled_workspace: Workspace):
    document = api.get("/api/v1/dashboard/daily").json()
    stored = daily(filled_workspace.rows())
    assert [group["product"] for group in document["groups"]] == ["lance", "lancedb"]
    totals = document["last_30d_download_totals"]
    assert (totals["window_start"], totals["window_end"]) == (str(YESTERDAY - timedelta(days=29)), str(YESTERDAY))
    window = [YESTERDAY - timedelta(days=n) for n in range(30)]
    for group in document["groups"]:
        downloads = [item for item in group["items"] if item["metric_family"] == "downloads"]
        assert totals[group["product"]] == sum(stored[i["metric_id"]].get(day, 0) for i in downloads for day in window)
        for item in downloads:
            end = date.fromisoformat(item["latest_period_end"])
            month = {
                day: v for day, v in stored[item["metric_id"]].items() if (day.year, day.month) == (end.year, end.month)
            }
            assert item["latest_value"] == sum(month.values())
            assert item["days_observed"] == len(month)
            for point in item["sparkline"]:
                assert {"period_start", "period_end", "value", "days_observed", "days_expected"} <= point.keys()
    stars = [item for group in document["groups"] for item in group["items"] if item["metric_family"] == "stars"]
    assert document["total_stars"] == sum(item["total_stars"] for item in stars)
    assert document["total_stars_sparkline"][-1]["value"] == document["total_stars"]
    assert len(stars[0]["sparkline"]) == 180
    assert len(api.get("/api/v1/dashboard/daily?days=7").json()["groups"][0]["items"][-1]["sparkline"]) == 7


def test_a_shorter_window_changes_no_totals(api: ApiServer):
    answers = [api.get(f"/api/v1/dashboard/daily?days={days}").json() for days in (1, 30, 180, 730)]
    for key in ("last_full_month", "total_stars", "total_stars_change_30", "last_30d_download_totals"):
        assert len({json.dumps(answer[key]) for answer in answers}) == 1
    for key in ("latest_value", "month_on_month", "year_on_year", "share", "change_7", "change_30", "change_90"):
        assert (
            len({json.dumps([[i.get(key) for i in g["items"]] for g in answer["groups"]]) for answer in answers}) == 1
        )


def test_errors_of_runs_are_listed_newest_first(api: ApiServer):
    document = api.get("/api/v1/history/refresh-errors").json()
    assert document["count"] == len(document["errors"]) == 1
    assert document["errors"][0]["error_summary"] == "downloads:lance:rust: crates.io broke"
    today = NOW.date()
    inside = api.get(f"/api/v1/history/refresh-errors?start_date={today}&end_date={today}").json()
    assert inside["count"] == 1
    before = api.get(f"/api/v1/history/refresh-errors?end_date={today - timedelta(days=1)}").json()
    assert before["count"] == 0


@pytest.mark.parametrize("days", ["0", "731", "-1", "abc", "1.5", "", "1e2", "٣", "999999999999999999999"])
@pytest.mark.parametrize("path", ["series/downloads:lance:python", "dashboard/daily"])
def test_windows_out_of_range_are_rejected(api: ApiServer, path: str, days: str):
    assert api.get(f"/api/v1/{path}", params={"days": days}).status_code == 422


@pytest.mark.parametrize("metric_id", HOSTILE)
def test_invalid_ids_are_not_found(api: ApiServer, metric_id: str):
    assert api.get(f"/api/v1/series/{quote(metric_id, safe='')}").status_code in {404, 422}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("start_date=2026-02-30", 400),
        ("start_date=yesterday", 400),
        ("start_date=20260131", 400),
        ("end_date=2026-W05-1", 400),
        ("start_date=", 400),
        ("start_date=2026-02-02&end_date=2026-02-01", 400),
        ("start_date=0001-01-01&end_date=9999-12-31", 200),
        ("end_date=0001-01-01", 200),
        ("limit=0", 422),
        ("limit=5001", 422),
        ("limit=x", 422),
        ("limit=5000", 200),
    ],
)
def test_ranges_of_errors_are_checked(api: ApiServer, query: str, status: int):
    response = api.get(f"/api/v1/history/refresh-errors?{query}")
    assert response.status_code == status, response.text


def test_head(api: ApiServer):
    """HEAD responds like GET, without the body."""
    for path in [f"/api/v1/{path}" for path in PATHS] + ["/openapi.json", "/docs"]:
        got, head = api.get(path), httpx.head(api.url + path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert head.headers.get("etag") == got.headers.get("etag")
    assert httpx.head(f"{api.url}/api/v1/series/none").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writing_methods_are_rejected(api: ApiServer, method: str):
    for path in PATHS:
        assert httpx.request(method, f"{api.url}/api/v1/{path}").status_code == 405
    assert httpx.request(method, f"{api.url}/api/v1/nowhere").status_code == 404


def test_unchanged_responses_are_304(api: ApiServer):
    for path in PATHS[1:]:
        first = api.get(f"/api/v1/{path}", headers={"Accept-Encoding": "gzip"})
        assert first.headers["cache-control"] == "public, max-age=60"
        again = api.get(f"/api/v1/{path}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert api.get(f"/api/v1/{path}", headers={"If-None-Match": '"other"'}).status_code == 200
        if len(first.content) > 1000:
            assert first.headers["content-encoding"] == "gzip"


def test_cors_allows_reading_only(api: ApiServer):
    simple = api.get("/api/v1/health", headers={"Origin": "https://example.com"})
    assert simple.headers["access-control-allow-origin"] == "*"
    preflight = httpx.options(
        f"{api.url}/api/v1/health", headers={"Origin": "https://example.com", "Access-Control-Request-Method": "DELETE"}
    )
    assert "DELETE" not in preflight.headers.get("access-control-allow-methods", "")
    assert preflight.status_code == 400


def test_the_description_is_complete(api: ApiServer):
    document = api.get("/openapi.json").json()
    assert len(document["paths"]) == 5 + len(INSIGHTS) + 1
    for path, methods in document["paths"].items():
        assert list(methods) == ["get"]
        assert methods["get"]["description"], path
        for parameter in methods["get"].get("parameters", []):
            assert parameter["description"], (path, parameter["name"])


def test_the_reference_is_self_contained(api: ApiServer):
    """It has every path and field of the description, without scripts and external references; `/` redirects to it."""
    page = httpx.get(f"{api.url}/", follow_redirects=True)
    assert (page.status_code, page.url.path) == (200, "/docs")
    document = api.get("/openapi.json").json()
    assert [path for path in document["paths"] if f"<code>{path}</code>" not in page.text] == []
    for name, schema in document["components"]["schemas"].items():
        if "Validation" not in name:
            missing = [field for field in schema.get("properties", {}) if f"<code>{field}</code>" not in page.text]
            assert (f'id="{name}"' in page.text, missing) == (True, [])
    assert "<script" not in page.text
    assert re.findall(r"(?:src|href)=\"(?!#|openapi\.json)[^\"]*", page.text) == []


def run_schemathesis(api: ApiServer, folder: Path, *options: str) -> str:
    """Run all phases and checks of Schemathesis with valid and invalid requests. Return the end of its output."""
    command = Path(sys.executable).parent / "schemathesis"
    config = folder / "schemathesis.toml"
    # A reversed range returns 400, but OpenAPI cannot describe that one date must follow another.
    config.write_text(
        "[[operations]]\ninclude-path = '/api/v1/history/refresh-errors'\n"
        "[operations.checks.positive_data_acceptance]\nexpected-statuses = ['2xx', '400']\n"
    )
    all_of_it = ("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--mode", "all")
    done = subprocess.run(
        [
            *(str(command), "--config-file", str(config), "run", f"{api.url}/openapi.json", "--no-color"),
            *(*all_of_it, "--generation-database", "none", *options),
        ],
        check=False, capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "not applicable" not in done.stdout, "a phase was skipped"
    return done.stdout


def test_schemathesis_finds_no_failure(api: ApiServer, tmp_path: Path):
    run_schemathesis(api, tmp_path, "--seed", "1", "--max-examples", "50")


@pytest.mark.long
def test_schemathesis_finds_no_failure_in_thousands_of_requests(api: ApiServer, tmp_path: Path):
    print(run_schemathesis(api, tmp_path, "--seed", "2", "--max-examples", "2000")[-1500:])


def test_new_rows_are_served_without_a_restart(serve, tmp_path: Path):
    workspace = Workspace(tmp_path)
    (tmp_path / "data" / "lancedb").mkdir(parents=True)
    fill(workspace.store)
    served = serve(workspace)
    url = "/api/v1/series/downloads:lance:rust?days=730"
    before = served.get(url).json()["points"]
    writer = workspace.store
    rows = [row for row in workspace.rows() if row.metric_id == "downloads:lance:rust" and not row.is_seed]
    done = threading.Event()
    statuses: list[tuple[int, str]] = []

    def poll() -> None:
        while not done.is_set():
            answers = [served.get(f"/api/v1/{path}") for path in PATHS]
            statuses.extend(
                (answer.status_code, answer.text[:300] if answer.status_code != 200 else "") for answer in answers
            )

    poller = threading.Thread(target=poll)
    poller.start()
    for night in range(8):
        changed = [
            type(row)(**{n: getattr(row, n) for n in row.__slots__} | {"value": row.value + night}) for row in rows
        ]
        writer.upsert_observations(changed, value_differs)
        writer.optimize()
    done.set()
    poller.join()
    assert set(statuses) == {(200, "")}
    after = served.get(url).json()["points"]
    assert [p["value"] for p in after if p["source_window"] == "1d"] == [
        p["value"] + 7 for p in before if p["source_window"] == "1d"
    ]


def test_new_tables_are_served_after_a_bootstrap(serve, tmp_path: Path):
    workspace = Workspace(tmp_path)
    (tmp_path / "data" / "lancedb").mkdir(parents=True)
    fill(workspace.store)
    served = serve(workspace)
    url = "/api/v1/series/downloads:lance:rust?days=730"
    assert any(point["source_window"] == "1d" for point in served.get(url).json()["points"])
    workspace.run("bootstrap", "--yes")
    assert not any(point["source_window"] == "1d" for point in served.get(url).json()["points"])


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_server_cleanly(serve, filled_workspace: Workspace, sent: signal.Signals):
    served = serve(filled_workspace)
    assert served.get("/api/v1/health").status_code == 200
    served.process.send_signal(sent)
    assert served.process.wait(timeout=30) == 0
    assert served.process.stdout.read() == ""
    assert any('"GET /api/v1/health HTTP/1.1" 200' in line for line in served.lines)
    assert "Traceback" not in "".join(served.lines)


def test_a_store_without_tables_is_unavailable(serve, tmp_path: Path):
    (tmp_path / "data" / "lancedb").mkdir(parents=True)
    served = serve(Workspace(tmp_path))
    for path in PATHS[1:]:
        response = served.get(f"/api/v1/{path}")
        assert response.status_code == 503
        assert "cmetrics refresh" in response.json()["detail"]
    health = served.get("/api/v1/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert list((tmp_path / "data" / "lancedb").iterdir()) == []


def test_a_missing_store_is_an_error_and_not_created(tmp_path: Path):
    done = Workspace(tmp_path).run("serve-api", "--db", "no/such", code=1)
    assert "no/such" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_cluster_is_unavailable_without_showing_the_key(serve, tmp_path: Path):
    root = tmp_path / "cluster"
    root.mkdir()
    workspace = Workspace(tmp_path)
    with Cluster(root) as cluster:
        workspace.env = cluster.env()
        served = serve(workspace)
        assert "cmetrics bootstrap" in served.get("/api/v1/definitions").json()["detail"]
    response = served.get("/api/v1/dashboard/daily")
    assert response.status_code == 503
    assert "cannot be reached" in response.json()["detail"]
    assert cluster.api_key not in response.text + "".join(served.lines)


def test_only_the_requested_window_is_read(serve, tmp_path: Path):
    root = tmp_path / "cluster"
    root.mkdir()
    with Cluster(root) as cluster:
        workspace = Workspace(tmp_path, cluster.env())
        fill(_remote(cluster))
        served = serve(workspace)
        for path, most in (
            ("series/stars:lance:github?days=7", 7 + 1),
            # Any dashboard compares the last full month with that of the year before.
            ("dashboard/daily?days=7", 7 * (366 + 31 + 31) + 2),
        ):
            cluster.rows_sent = 0
            assert served.get(f"/api/v1/{path}").status_code == 200
            assert 0 < cluster.rows_sent <= most
        assert cluster.unbounded_queries == 0


def _remote(cluster: Cluster) -> LanceStore:
    return LanceStore.open(resolve_store(None, Environment(**cluster.env())))


def test_without_the_extra_the_error_says_how_to_install_it(tmp_path: Path):
    code = (
        "import sys\nsys.modules['fastapi'] = None\nsys.argv = ['cmetrics', 'serve-api']\n"
        "from cmetrics.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "cmetrics[api]" in done.stderr
