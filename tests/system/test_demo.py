"""`cmetrics demo`: a labelled site of generated numbers, without network and separate from the user's data."""

from __future__ import annotations

import csv
import json
import re
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from pyarrow import parquet

from cmetrics.ops.sample_data import NOTICE
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.conftest import Workspace

#: Noon of 24 November 2026.
EPOCH = "1795521600"


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def demo(offline: Workspace) -> Workspace:
    offline.env["SOURCE_DATE_EPOCH"] = EPOCH
    return offline


def test_all_output_is_labelled_as_sample_data(demo: Workspace):
    """Pages, SVG files, badges, feed and social cards are labelled; the installed command needs no network."""
    done = demo.run("demo", installed=True)
    site = demo.folder / "site-demo"
    assert f"open {(site / 'index.html').as_uri()}" in done.stdout
    files = files_below(site)
    marked = [name for name in files if Path(name).suffix in {".html", ".svg", ".xml", ".md"}]
    assert {"index.html", "404.html", "feed.xml", "assets/favicon.svg"} <= set(marked)
    assert len(marked) > 35
    assert [name for name in marked if NOTICE not in files[name].decode()] == []
    assert Image.open(BytesIO(files["assets/card.png"])).info["Comment"] == NOTICE
    links = re.findall(r"\]\((.*?)\)", files["llms.txt"].decode())
    assert len(links) > 10
    assert [link for link in links if link not in files] == []
    badges = [name for name in files if name.startswith("badges/") and name.endswith(".json")]
    assert [name for name in badges if NOTICE not in json.loads(files[name])["label"]] == []
    assert json.loads(files["data/datapackage.json"])["title"].startswith(NOTICE)


def test_nothing_else_is_read_or_written(demo: Workspace):
    """The user's store, catalogue and site are unchanged, and their settings have no effect."""
    demo.run("bootstrap")
    demo.run("build-site", "--quiet")
    (demo.folder / "cmetrics.toml").write_text("this is no catalogue")
    before = files_below(demo.folder)
    demo.env |= {"CMETRICS_DB": "s3://nowhere/data", "LANCEDB_API_KEY": "half of a configuration"}
    demo.run("demo", "--quiet")
    after = files_below(demo.folder)
    assert {name: after[name] for name in before} == before
    assert {name.partition("/")[0] for name in after.keys() - before.keys()} == {"site-demo"}


def test_equal_bytes_on_a_day(demo: Workspace):
    """The output depends on the day, but not on the time of day."""
    demo.run("demo", "--out", "noon")
    demo.env["SOURCE_DATE_EPOCH"] = str(int(EPOCH) + 6 * 3600)
    demo.run("demo", "--out", "evening")
    demo.env["SOURCE_DATE_EPOCH"] = str(int(EPOCH) + 24 * 3600)
    demo.run("demo", "--out", "next")
    noon, evening, later = (files_below(demo.folder / name) for name in ("noon", "evening", "next"))
    assert noon == evening
    assert noon["data/stats.csv"] != later["data/stats.csv"]


def test_a_kept_store_works_with_other_commands(demo: Workspace):
    document = demo.json("demo", "--store", "sample")
    assert (document["out"], document["store"], document["as_of"]) == ("site-demo", "sample", "2026-11-23")
    chosen = ("--db", "sample/lancedb", "--config", "sample/cmetrics.toml")
    demo.run("build-site", "--out", "again", "--site-url", "https://example.org/m", *chosen)
    assert "(https://example.org/m/data/stats.csv)" in (demo.folder / "again" / "llms.txt").read_text()
    assert NOTICE in (demo.folder / "again" / "index.html").read_text()
    # A second call replaces the store.
    assert demo.json("demo", "--store", "sample") == document


def test_a_folder_with_other_files_is_not_used(demo: Workspace):
    demo.run("bootstrap")
    before = files_below(demo.folder)
    done = demo.run("demo", "--store", "data", code=2)
    assert done.stderr == "error: --store data has other files; choose another folder\n"
    assert files_below(demo.folder) == before


def test_what_happened_in_the_sample(demo: Workspace):
    """The sample has lost days, a failed source, a missed night, a rolling window, readings and releases."""
    demo.run("demo", "--store", "sample", "--quiet")
    chosen = ("--db", "sample/lancedb", "--config", "sample/cmetrics.toml")
    status = demo.run("status", *chosen, code=None).stdout
    for part in ("Missing at PyPI", "Pending: not yet published by npm", "Lost: Docker Hub was not read that night"):
        assert part in status
    data = demo.folder / "site-demo" / "data"
    assert parquet.read_table(data / "events.parquet").num_rows > 10
    stats = csv.DictReader((data / "stats.csv").read_text().splitlines())
    stars = [int(row["value"]) for row in stats if row["metric_id"] == "stars:heron:github"]
    assert min(later - earlier for earlier, later in pairwise(stars)) < -100
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(demo.folder / "sample" / "lancedb")))
    assert len({reading.identity for reading in store.readings()}) > 10
