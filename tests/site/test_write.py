"""A build replaces the content of its folder after rendering everything; the site can be read at any time."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmetrics.domain.errors import SiteError
from cmetrics.site.write import write_site
from tests.conftest import Workspace

FILES = {"index.html": b"one", "assets/a.css": b"x"}


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_second_build_replaces_the_first(tmp_path):
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    write_site({"index.html": b"two"}.items(), out)
    assert (out / "index.html").read_bytes() == b"two"
    assert names(out) == {"index.html", ".nojekyll", ".cmetrics-site.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_unchanged_files_are_not_written_again(tmp_path):
    """Copies by time and caches of unchanged files stay valid."""
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    for name in FILES:
        os.utime(out / name, (1_000_000_000,) * 2)
    write_site({"index.html": b"two", "assets/a.css": b"x"}.items(), out)
    assert (out / "assets/a.css").stat().st_mtime == 1_000_000_000
    assert (out / "index.html").stat().st_mtime > 1_000_000_000
    assert names(out) == {*FILES, ".nojekyll", ".cmetrics-site.json"}


@pytest.mark.parametrize("foreign", ["notes.txt", "assets/mine.css", "api/x/y.json"])
def test_a_folder_with_other_files_is_rejected(tmp_path, foreign):
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    (out / foreign).parent.mkdir(parents=True, exist_ok=True)
    (out / foreign).write_text("mine")
    with pytest.raises(SiteError, match=re.escape(foreign)):
        write_site({"index.html": b"two"}.items(), out)
    assert (out / foreign).read_text() == "mine"
    assert (out / "index.html").read_bytes() == b"one"


def test_a_folder_without_a_manifest_is_rejected(tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("somebody's home page")
    with pytest.raises(SiteError):
        write_site(FILES.items(), out)
    (out / ".cmetrics-site.json").write_text('{"files": 3}')
    with pytest.raises(SiteError):
        write_site(FILES.items(), out)


def test_a_link_to_other_files_is_not_followed(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "diary.txt").write_text("mine")
    (tmp_path / "site").symlink_to(home)
    with pytest.raises(SiteError):
        write_site(FILES.items(), tmp_path / "site")
    assert (home / "diary.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_rejected(tmp_path):
    (tmp_path / "site").write_text("mine")
    with pytest.raises(SiteError):
        write_site(FILES.items(), tmp_path / "site")


def test_two_builds_with_one_time_have_the_same_bytes(offline: Workspace):
    offline.run("bootstrap")
    offline.env["SOURCE_DATE_EPOCH"] = "1800000000"
    contents = []
    for out in ("one", "two"):
        offline.run("build-site", "--out", out)
        folder = offline.folder / out
        contents.append({name: (folder / name).read_bytes() for name in sorted(names(folder))})
    assert contents[0] == contents[1]
    assert b"14 January 2027" in contents[0]["quality.html"]


def test_a_failed_build_keeps_the_existing_site(offline: Workspace):
    offline.run("bootstrap")
    offline.run("build-site")
    before = (offline.folder / "site" / "index.html").read_bytes()
    offline.run("build-site", "--db", "nowhere", code=1)
    (offline.folder / "site" / "CNAME").write_text("metrics.example.com")
    done = offline.run("build-site", code=2)
    assert "CNAME" in done.stderr
    assert (offline.folder / "site" / "index.html").read_bytes() == before
    assert (offline.folder / "site" / "assets" / "site.css").is_file()


@pytest.fixture
def umask() -> Iterator[None]:
    """Set a restrictive umask, and restore it afterwards."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_folder_stays(tmp_path):
    """The folder is not replaced, so that a mount or web server that has opened it sees the new site."""
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    descriptor = os.open(out, os.O_RDONLY)
    write_site({"index.html": b"two", "pages/new.html": b"p"}.items(), out)
    assert sorted(path.name for path in os.scandir(descriptor)) == [
        ".cmetrics-site.json",
        ".nojekyll",
        "index.html",
        "pages",
    ]
    os.close(descriptor)


def test_parent_not_writable(tmp_path):
    """Only the folder needs to be writable; nothing is created next to it."""
    out = tmp_path / "www" / "site"
    out.mkdir(parents=True)
    watched = out.parent.stat().st_mtime_ns
    write_site(FILES.items(), out)
    write_site({"index.html": b"two"}.items(), out)
    assert out.parent.stat().st_mtime_ns == watched
    assert (out / "index.html").read_bytes() == b"two"


@pytest.mark.usefixtures("umask")
def test_new_folder_is_readable(tmp_path):
    """A web server of another user can list a created folder, whatever the umask."""
    write_site(FILES.items(), tmp_path / "site")
    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "system_file", [".DS_Store", "assets/.DS_Store", "._index.html", "Thumbs.db", "api/desktop.ini"]
)
def test_system_files(tmp_path, system_file):
    """Files of an operating system do not prevent a build, and are not removed."""
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    (out / system_file).parent.mkdir(exist_ok=True)
    (out / system_file).write_bytes(b"os")
    write_site({"index.html": b"two"}.items(), out)
    assert (out / system_file).read_bytes() == b"os"
    assert names(out) == {"index.html", ".nojekyll", ".cmetrics-site.json", system_file}


def test_file_becomes_folder(tmp_path):
    """A name may be a file in one build and a folder in the next."""
    out = tmp_path / "site"
    flat, deep = {"index.html": b"1", "a": b"file"}, {"index.html": b"2", "a/b/c.html": b"deep"}
    for files in (flat, deep, flat):
        write_site(files.items(), out)
        assert {name: (out / name).read_bytes() for name in files} == files
        assert names(out) == {*files, ".nojekyll", ".cmetrics-site.json"}


def test_a_manifest_removes_nothing_outside(tmp_path):
    """A name in the manifest that leads out of the folder is not a file of the site."""
    out, mine = tmp_path / "site", tmp_path / "mine.txt"
    write_site(FILES.items(), out)
    mine.write_text("mine")
    (out / ".cmetrics-site.json").write_text(json.dumps({"files": [*FILES, "../mine.txt", str(mine)]}))
    write_site({"index.html": b"two"}.items(), out)
    assert mine.read_text() == "mine"


def test_failed_render(tmp_path):
    """A build that fails while it renders changes nothing and leaves no files."""

    def files() -> Iterator[tuple[str, bytes]]:
        yield "index.html", b"two"
        raise ValueError

    out = tmp_path / "site"
    with pytest.raises(ValueError):
        write_site(files(), out)
    assert not out.exists()
    write_site(FILES.items(), out)
    with pytest.raises(ValueError):
        write_site(files(), out)
    assert names(out) == {*FILES, ".nojekyll", ".cmetrics-site.json"}
    assert (out / "index.html").read_bytes() == b"one"


OLD = {
    "index.html": b"old: assets/app.js pages/old.html",
    "assets/app.js": b"old",
    "pages/old.html": b"old: assets/app.js",
}
NEW = {
    "index.html": b"new: assets/app.js assets/more.js pages/new.html",
    "assets/app.js": b"new",
    "assets/more.js": b"new",
    "pages/new.html": b"new: assets/app.js assets/more.js",
}
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod"}


def build_until(step: int, out: Path) -> bool:
    """Build in a process that ends before its change number ``step`` to the disk. Return whether it completed."""
    child = os.fork()
    if child == 0:
        left = step

        def kill(event: str, args: tuple) -> None:
            nonlocal left
            if event in CHANGES or (event == "open" and args[2] & os.O_CREAT):
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(kill)
        try:
            write_site(NEW.items(), out)
            os._exit(0)
        finally:
            os._exit(1)
    return {0: True, 9: False}[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]


def test_killed_at_every_step(tmp_path):
    """Wherever a build is killed, existing pages refer to existing files, and the next build completes."""
    seen = set()
    for step in range(200):
        out = tmp_path / f"site-{step}"
        write_site(OLD.items(), out)
        is_done = build_until(step, out)
        pages = {name: (out / name).read_bytes() for name in names(out) if name.endswith(".html") and name[0] != "."}
        assert pages["index.html"] in {OLD["index.html"], NEW["index.html"]}
        seen.add(pages["index.html"])
        for content in pages.values():
            for target in content.decode().split()[1:]:
                assert (out / target).is_file(), (step, target)
        write_site(NEW.items(), out)
        assert {name: (out / name).read_bytes() for name in NEW} == NEW
        assert {n for n in names(out) if not n.startswith(".cmetrics-build")} == {
            *NEW,
            ".nojekyll",
            ".cmetrics-site.json",
        }
        if is_done:
            break
    assert is_done
    assert seen == {OLD["index.html"], NEW["index.html"]}


def test_killed_builds_leave_nothing_for_long(tmp_path):
    """The staging folder of a build that was killed hours ago is removed, but not that of a running one."""
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    for name, age in (("dead", 7 * 3600), ("alive", 60)):
        staged = out / f".cmetrics-build-{name}"
        staged.mkdir()
        (staged / "index.html").write_bytes(b"x")
        os.utime(staged, (time.time() - age,) * 2)
    write_site({"index.html": b"two"}.items(), out)
    assert [path.name for path in out.glob(".cmetrics-build-*")] == [".cmetrics-build-alive"]


def test_message_names_both_solutions(tmp_path):
    """For a foreign file, the message suggests moving it away or using another folder."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "notes.txt").write_text("mine")
    with pytest.raises(SiteError, match=r"notes\.txt.*move it away or use another folder \(--out\)"):
        write_site(FILES.items(), tmp_path / "site")
