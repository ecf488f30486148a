"""`rename`, `forget` and `create-tables` as commands."""

from __future__ import annotations

import random
import signal
import subprocess
import time

from tests.conftest import Home, catalog_text
from tests.world.truth import DAY, World

RUST, STARS, NEW = "downloads:p:rust", "stars:p:github", "downloads:mine:it"


def prepare(home: Home) -> dict:
    (home.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance"), ("github", "lance-format/lance")))
    home.run("refresh")
    return home.daily()


def test_without_a_terminal_nothing_is_changed(home: Home):
    before = prepare(home)
    runs = home.runs
    for args in (("rename", RUST, NEW), ("forget", RUST)):
        done = home.run(*args, code=2)
        assert "needs a terminal to ask for confirmation; nothing was changed; use --yes" in done.stderr
    assert home.daily() == before
    assert home.runs == runs
    # The backups were made, and are whole.
    backup = min((home.folder / "data" / "backups").iterdir())
    home.run("restore", str(backup), "--db", "elsewhere")


def test_rename_and_forget_are_runs_like_others(home: Home):
    before = prepare(home)
    done = home.run("rename", RUST, NEW, "--yes")
    assert f"{RUST} renamed to {NEW}: {len(before[RUST])} values moved\n" in done.stdout
    assert home.daily() == {NEW: before[RUST], STARS: before[STARS]}
    # The catalogue needs no edit.
    summary = home.json("refresh")
    assert [metric["metric_id"] for metric in summary["metrics"]] == [NEW, STARS]
    home.run("build-site")
    assert (home.folder / "site" / "api" / "v1" / "series" / "downloads-mine-it.json").is_file()
    done = home.run("forget", STARS, "--yes")
    assert "is still in" in done.stdout
    assert set(home.daily()) == {NEW}
    assert [run.job_name for run in home.runs] == ["forget", "refresh", "rename", "refresh"]
    assert home.run("forget", "downloads:no:such", "--yes", code=2).stderr.startswith(
        "error: downloads:no:such is not in"
    )


def test_a_rename_killed_at_any_moment_loses_nothing(home: Home, world: World):
    before = prepare(home)[RUST]
    chance, old, new = random.Random(5), RUST, NEW
    for _ in range(5):
        process = home.start("rename", old, new, "--yes")
        with process:
            try:
                process.wait(timeout=chance.uniform(0.2, 2.0))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
        stored = home.daily()
        assert before.items() <= (stored.get(old, {}) | stored.get(new, {})).items()
        home.run("refresh")
        stored = home.daily()
        (metric_id,) = set(stored) - {STARS}
        assert stored[metric_id] == before
        if metric_id == new:
            old, new = new, f"downloads:mine:n{time.monotonic_ns()}"


def test_create_tables_creates_what_is_missing_only(home: Home):
    first = home.json("create-tables")
    assert first["created"] == ["metrics", "stats", "history"]
    before = prepare(home)
    runs = home.runs
    assert home.json("create-tables")["created"] == []
    assert "nothing was created" in home.run("create-tables").stdout
    assert home.daily() == before
    assert home.runs == runs


def test_the_page_follows_a_renamed_package(home: Home, world: World):
    """One id, one package; the error names both and the ways out."""
    prepare(home)
    (home.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb"), ("github", "lance-format/lance")))
    done = home.run("refresh", code=3)
    assert f"cratesio: {RUST}: {RUST} contains values of cratesio package lance" in done.stderr
    world.today += DAY
    (home.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb"), continues='["lance"]'))
    home.run("refresh")
