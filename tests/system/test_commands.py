"""Options, exit codes, and output streams of the commands."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from cmetrics.domain.observation import Provenance
from tests.conftest import Workspace, catalog_text
from tests.terminal import show
from tests.world.cluster import Cluster
from tests.world.truth import World


def test_without_network_every_source_fails_and_the_page_shows_seeded_values(offline: Workspace):
    done = offline.run("refresh", code=1)
    for title in ("pypistats.org", "crates.io", "api.npmjs.org", "api.github.com"):
        assert (
            sum(f"cannot connect to {title}" in line for line in done.stderr.splitlines() if line.startswith("error"))
            == 1
        )
    rows = offline.rows()
    assert {row.provenance for row in rows} == {Provenance.CSV_SEED}
    offline.run("build-site")
    page = (offline.folder / "site" / "products" / "lance.html").read_text()
    assert "2,037,341" in page
    assert "cannot connect to crates.io" in (offline.folder / "site" / "quality.html").read_text()
    quiet = offline.run("refresh", "--quiet", code=1)
    assert quiet.stdout == ""
    assert all(line.startswith("error: ") for line in quiet.stderr.splitlines())
    assert len(quiet.stderr.splitlines()) == 4
    again = offline.json("refresh", code=1)
    assert (again["rows_inserted"], again["rows_updated"]) == (0, 0)
    assert offline.rows() == rows


def test_help_imports_no_heavy_libraries():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom cmetrics.cli.app import app\n"
        "for args in (['--help'], ['refresh', '--help'], ['build-site', '--help']):\n"
        "    assert CliRunner().invoke(app, args).exit_code == 0\n"
        "heavy = {'lancedb', 'plotly', 'pyarrow', 'httpx', 'jinja2', 'fastapi'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_imports_read_no_environment_and_write_no_files(tmp_path):
    code = (
        "import pkgutil, importlib, sys, cmetrics\n"
        "for module in pkgutil.walk_packages(cmetrics.__path__, 'cmetrics.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "print(sum(name.startswith('cmetrics.') for name in sys.modules))"
    )
    # Any access to the store at import would fail, because its settings are incomplete.
    env = {"LANCEDB_API_KEY": "half-set", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path, env=env
    )
    assert int(done.stdout) > 40
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "env", "says"),
    [
        (["refresh", "--lookback-days", "-1"], {}, "--lookback-days: `-1` is out of range; use from 0 to 3650"),
        (["refresh", "--lookback-days", "5d"], {}, "--lookback-days: `5d` is not a whole number of days"),
        (["backfill", "--start", "2026-13-01"], {}, "`--start 2026-13-01` is not a valid date; use YYYY-MM-DD"),
        (["backfill", "--full", "--start", "2026-02-01"], {}, "--full covers the whole history"),
        (["refresh", "--only", "forks"], {}, "--only: "),
        (["refresh", "--metric", "no:such"], {}, "no:such"),
        (["backfill", "--start", "2026-02-30"], {}, "--start"),
        (["backfill", "--end", "2026-02-01"], {}, "--start"),
        (
            ["backfill", "--start", "2026-02-02", "--end", "2026-02-01"],
            {},
            "--start 2026-02-02 is after --end 2026-02-01",
        ),
        (["backfill", "--start", "2999-01-01"], {}, "--start 2999-01-01 is in the future"),
        (["refresh", "--config", "nowhere.toml"], {}, "nowhere.toml"),
        (["refresh"], {"CMETRICS_CONFIG": "nowhere.toml"}, "CMETRICS_CONFIG"),
        (["refresh"], {"LANCEDB_API_KEY": "sk-secret"}, "LANCEDB_HOST_OVERRIDE"),
        (["refresh"], {"LANCEDB_HOST_OVERRIDE": "https://cluster.example.com"}, "LANCEDB_API_KEY"),
        (
            ["refresh"],
            {"LANCEDB_API_KEY": "sk-secret", "LANCEDB_HOST_OVERRIDE": "cluster:443"},
            "LANCEDB_HOST_OVERRIDE",
        ),
        (["nonsense"], {}, "nonsense"),
        (["refresh", "now"], {}, "error: unexpected argument 'now'; see `"),
        (["refresh", "--config", "."], {}, "--config: this is a folder, not a file: ."),
    ],
)
def test_wrong_usage_exits_with_2_and_changes_nothing(args, env, says, offline: Workspace):
    offline.env |= env
    done = offline.run(*args, code=2)
    assert says in done.stderr
    assert "sk-secret" not in done.stderr
    assert done.stdout == ""
    assert list(offline.folder.iterdir()) == []


_DOCKER = (("dockerhub", "a/b"),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('a/b"', 'a/b"\ncount = "stars"'), "metrics[1] (a/b), field 'count': 'stars' is not a count of dockerhub; "),
        (('a/b"', 'a/b"\ninclude = "*.whl"'), "metrics[1] (a/b), field 'include': needs a list in brackets, but it"),
        (("dockerhub", "dokerhub"), "metrics[1] (a/b), field 'source': 'dokerhub' is not a source; available: cran, "),
        (('"a/b"', '["a/b"]'), "metrics[1], field 'subject': needs text in quotes, but it is ['a/b']"),
    ],
)
def test_a_mistake_in_a_field_is_one_line(offline: Workspace, change: tuple[str, str], reason: str):
    """It contains file, entry, field and the allowed values; the stored rows are unchanged."""
    offline.run("bootstrap", "--quiet")
    before = offline.rows()
    (offline.folder / "cmetrics.toml").write_text(catalog_text(*_DOCKER).replace(*change))
    (line,) = offline.run("refresh", code=2).stderr.splitlines()
    assert line.startswith(f"error: {offline.folder / 'cmetrics.toml'}: {reason}")
    assert before
    assert offline.rows() == before


def test_an_invalid_catalogue_file_is_an_error(offline: Workspace):
    """An empty file, a folder and a broken link are errors; they do not select the default catalogue."""
    path = offline.folder / "cmetrics.toml"
    path.write_text("# later\n")
    assert "cmetrics.toml: is empty; write your metrics into it" in offline.run("refresh", code=2).stderr
    path.unlink()
    path.mkdir()
    message = "error: cmetrics.toml is a folder, not a catalogue; remove it, or name another file with --config\n"
    assert offline.run("refresh", code=2).stderr == message
    path.rmdir()
    path.symlink_to("nowhere.toml")
    assert "is a link to a file that does not exist" in offline.run("refresh", code=2).stderr
    assert [item.name for item in offline.folder.iterdir()] == ["cmetrics.toml"]


def test_a_file_in_place_of_the_folder_of_an_export(offline: Workspace):
    offline.run("bootstrap", "--quiet")
    (offline.folder / "rows").write_text("mine")
    assert offline.run("export", "rows", code=2).stderr == (
        "error: cannot write the export: rows is a file; choose a folder\n"
    )
    assert offline.run("restore", "rows", code=1).stderr == (
        "error: cannot read the export rows: it is a file, not a folder\n"
    )
    assert (offline.folder / "rows").read_text() == "mine"


def test_a_mistake_in_the_catalogue_names_file_entry_and_field(offline: Workspace):
    text = catalog_text(("npm", "react")).replace('subject = "react"', 'subject = "react"\nsubjet = "x"')
    (offline.folder / "cmetrics.toml").write_text(text)
    done = offline.run("refresh", code=2)
    assert re.search(r"cmetrics\.toml: metrics\[1\] \(react\), field 'subjet'", done.stderr)


def test_reading_commands_create_no_store(offline: Workspace):
    for args in (["build-site"], ["status"], ["export"]):
        done = offline.run(*args, "--db", "no/such/store", code=1)
        assert "no/such/store" in done.stderr
    assert list(offline.folder.iterdir()) == []


def test_bootstrap_asks_and_backs_up_before_dropping(offline: Workspace):
    first = offline.json("bootstrap")
    assert (first["job"], first["status"], first["rows_inserted"]) == ("bootstrap", "success", 75)
    rows = offline.rows()
    done = offline.run("bootstrap", code=2)
    assert "--yes" in done.stderr
    assert offline.rows() == rows
    backups = sorted((offline.folder / "data" / "backups").iterdir())
    assert len(backups) == 1
    assert str(backups[0].relative_to(offline.folder)) in done.stderr
    assert len(list((backups[0] / "stats").glob("*.csv"))) == 7
    offline.run("bootstrap", "--yes")
    assert {(row.metric_id, row.period_end, row.value) for row in offline.rows()} == {
        (row.metric_id, row.period_end, row.value) for row in rows
    }


def test_a_restored_store_equals_the_one_that_was_exported(workspace: Workspace, world: World):
    workspace.run("refresh", "--only", "downloads")
    workspace.run("export", "ledger")
    rows, definitions = workspace.rows(), workspace.store.definitions()
    other = Workspace(workspace.folder.parent / "other", workspace.env)
    other.folder.mkdir()
    other.run("restore", str(workspace.folder / "ledger"))
    assert other.rows() == rows
    assert other.store.definitions() == definitions
    other.run("export", "ledger")
    for path in (workspace.folder / "ledger" / "stats").glob("*.csv"):
        assert (other.folder / "ledger" / "stats" / path.name).read_bytes() == path.read_bytes()
    broken = workspace.folder / "ledger" / "stats" / "downloads-lance-rust.csv"
    broken.write_text(broken.read_text().replace(",1d,", ",1d", 1))
    done = other.run("restore", str(workspace.folder / "ledger"), code=1)
    assert re.search(r"downloads-lance-rust\.csv, line \d+: ", done.stderr)
    assert other.rows() == rows


def test_rows_written_after_the_backup_are_not_dropped(offline: Workspace):
    from cmetrics.catalog import load_catalog
    from cmetrics.domain.days import utc_now
    from cmetrics.domain.errors import StoreError
    from cmetrics.export.backup import back_up
    from cmetrics.ingest.bootstrap import bootstrap
    from cmetrics.ingest.context import RunContext
    from cmetrics.settings import Settings
    from cmetrics.sources import SPECS

    offline.run("bootstrap")
    settings = Settings(offline.store.target, None)
    backup = back_up(settings, offline.folder / "backup")
    offline.run("refresh", code=1)
    rows = offline.rows()
    with pytest.raises(StoreError, match="nothing was dropped"):
        bootstrap(RunContext(settings, load_catalog(None, SPECS), utc_now()), backup)
    assert offline.rows() == rows


def test_tables_of_another_program_with_empty_fields_are_read_exported_and_restored(offline: Workspace):
    import lancedb
    import pyarrow as pa

    from cmetrics.store.schema import TABLES

    folder = offline.folder / "data" / "lancedb"
    folder.mkdir(parents=True)
    connection = lancedb.connect(str(folder))
    filled = {"metric_id": "stars:lance:github", "period_end": "2026-11-20", "ingestion_run_id": "old", "value": 7}
    for table in TABLES:
        schema = pa.schema([pa.field(f.name, f.type) for f in table.schema])
        rows = [{name: filled.get(name) for name in schema.names}] * 2
        if table.name == "stats":
            rows.append(rows[0] | {"period_end": "2026-11-21", "value": None})
        connection.create_table(table.name, pa.Table.from_pylist(rows, schema=schema))
    offline.run("status", code=1)
    offline.run("build-site")
    offline.run("refresh", code=1)
    offline.run("bootstrap", "--yes")
    (backup,) = (offline.folder / "data" / "backups").iterdir()
    offline.run("restore", str(backup))
    assert {row.period_end.isoformat(): row.value for row in offline.rows() if not row.is_seed} == {"2026-11-20": 7}


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["refresh", "--metric", "nope"], 2),
        (["refresh", "--config", "none.toml"], 2),
        (["refresh", "--bad-option"], 2),
        (["refresh", "--only", "forks"], 2),
        (["refresh", "--lookback-days", "5d"], 2),
        (["refresh", "--lookback-days"], 2),
        (["backfill", "--start", "2026-13-01"], 2),
        (["status"], 1),
        (["build-site"], 1),
        (["export"], 1),
        (["restore"], 1),
        (["push-data"], 2),
        (["pull-data"], 2),
        (["init"], 2),
        (["serve-api"], 2),
        (["alert", "--max-age-days", "x"], 2),
        (["doctor", "extra"], 2),
        (["nonsense"], 2),
        ([], 2),
    ],
)
def test_a_failure_is_one_json_object(offline: Workspace, args, code):
    """For all commands, including usage errors, stdout has the error as JSON, and stderr has it in one line."""
    done = offline.run(*args, "--json", code=code)
    document = json.loads(done.stdout)
    assert list(document) == ["error"]
    assert list(document["error"]) == ["message", "hint", "exit_code"]
    assert document["error"]["exit_code"] == code
    (line,) = done.stderr.splitlines()
    message, hint = document["error"]["message"], document["error"]["hint"]
    assert line == f"error: {message}; {hint}" if hint else f"error: {message}"


def test_empty_selections_and_the_working_directory_are_wrong_usage(offline: Workspace):
    offline.run("refresh", "--only", "stars", "--metric", "downloads:lance:rust", code=2)
    offline.run("bootstrap")
    for out in (".", "..", "/"):
        offline.run("build-site", "--out", out, code=2)


def test_a_missing_certificate_file_is_named(offline: Workspace):
    offline.env["SSL_CERT_FILE"] = "/nowhere.pem"
    done = offline.run("refresh", code=2)
    assert "SSL_CERT_FILE" in done.stderr


def test_status_shows_the_age_of_each_metric(offline: Workspace):
    offline.run("refresh", code=1)
    document = offline.json("status", code=1)
    assert document["stale"] is True
    assert [metric["age_days"] for metric in document["metrics"]] == [None] * 7
    assert "cannot connect" in document["metrics"][0]["last_error"]


def test_progress_is_bars_in_a_terminal_and_lines_elsewhere(workspace: Workspace):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance"), ("github", "lancedb/lancedb")))
    plain = workspace.run("refresh")
    assert "cratesio: downloads:p:rust: 89 days read" in plain.stderr
    assert "\x1b" not in plain.stderr + plain.stdout
    code, screen = show(workspace, "refresh", width=120)
    assert code == 0
    assert b"\x1b[" in screen
    assert "━".encode() in screen
    assert b"1/1" in screen


def test_commands_work_on_enterprise_and_create_no_tables_implicitly(workspace: Workspace, world: World, tmp_path):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance"), ("github", "lancedb/lancedb")))
    root = tmp_path / "cluster"
    root.mkdir()
    with Cluster(root) as cluster:
        workspace.env |= cluster.env()
        done = workspace.run("refresh", code=1)
        assert "(`cmetrics bootstrap` drops and recreates all tables)" in done.stderr
        assert list(root.iterdir()) == []
        assert workspace.json("create-tables")["created"] == ["metrics", "stats", "history"]
        workspace.run("refresh")
        second = workspace.json("refresh")
        assert (second["rows_inserted"], second["rows_updated"]) == (0, 0)
        rows = workspace.run("export").stdout
        assert workspace.json("create-tables")["created"] == []
        assert workspace.run("export").stdout == rows
        renamed = workspace.json("rename", "downloads:p:rust", "downloads:mine:it", "--yes")
        assert (renamed["job"], renamed["metrics"][0]["metric_id"]) == ("rename", "downloads:mine:it")
        workspace.run("export")
        forgotten = workspace.json("forget", "stars:p:github", "--yes")
        assert (forgotten["job"], forgotten["status"]) == ("forget", "success")
        workspace.run("export")
        workspace.run("refresh")
        assert workspace.json("status")["metrics"][0]["metric_id"] == "downloads:mine:it"
        workspace.run("build-site")
        workspace.run("status")
        workspace.env["LANCEDB_API_KEY"] = "sk-another-key-that-is-wrong"
        done = workspace.run("refresh", code=1)
        assert "LANCEDB_API_KEY" in done.stderr
        assert "sk-another-key-that-is-wrong" not in done.stderr + done.stdout
        assert cluster.unbounded_queries == 0
    done = workspace.run("status", code=1)
    assert "cannot be reached" in done.stderr
    assert not (workspace.folder / "data" / "lancedb").exists()


def test_in_a_log_each_error_is_printed_once(workspace: Workspace, world: World):
    """The progress shows only that the metric failed; the reason is in the error line."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "gone")))
    for env in ({}, {"GITHUB_ACTIONS": "true"}):
        workspace.env |= env
        done = workspace.run("refresh", code=1)
        assert "cratesio: downloads:p:rust: failed\n" in done.stderr
        assert (done.stdout + done.stderr).count("not found") == 1
        assert "cratesio: fetching 1 metric\n" in done.stderr


def test_build_site_ends_with_the_address_to_open(offline: Workspace):
    offline.run("bootstrap")
    last = offline.run("build-site", "--out", "a site").stdout.splitlines()[-1]
    assert last == f"open {(offline.folder / 'a site' / 'index.html').resolve().as_uri()}"


def test_a_port_in_use_is_one_line(offline: Workspace):
    """Uvicorn prints nothing."""
    offline.run("bootstrap")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = offline.run("serve-api", "--port", str(port), code=2)
    (line,) = done.stderr.splitlines()
    assert line == (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another address with --host and --port"
    )


def test_counts_have_the_correct_plural(offline: Workspace):
    written = offline.run("init", "--crate", "lance", "--repo", "o/lance", "--no-check").stdout
    assert "cmetrics.toml: 2 metrics of 1 product\n" in written
    one = offline.run("init", "--crate", "lance", "--contact", "https://example.com", "--no-check", "--force").stdout
    assert "cmetrics.toml: 1 metric of 1 product\n" in one
