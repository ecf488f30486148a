"""Write a rendered site into its folder, completely or not at all, without touching other files.

The folder itself is not replaced, because a bind mount, a web server or a container may refer to it. All files are
first written to a staging folder inside it. Then each changed file is moved by an atomic rename, in an order that
keeps the site consistent: assets, pages, `index.html`. Unchanged files keep their modification time, so that copies
and caches stay valid. Obsolete files are removed last. After a crash in between, the site is readable, and the next
build completes it.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from cmetrics.domain.errors import SiteError
from cmetrics.domain.sanitize import sanitize

#: The manifest: lists the files of a build, so that the next one knows which files it may replace and remove.
MANIFEST = ".cmetrics-site.json"
#: Never removed: it keeps build output out of a repository that contains the folder.
IGNORE = ".gitignore"
#: GitHub Pages serves a branch unchanged only if it contains this file.
NO_JEKYLL = ".nojekyll"
INDEX = "index.html"
#: Files that operating systems create in any folder.
LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
LITTER_PREFIX = "._"

#: The content of a file, as a whole or in parts.
Content: TypeAlias = bytes | Iterable[bytes]

_STAGING_PREFIX = ".cmetrics-build-"
#: A staging folder older than this number of seconds belongs to a build that was killed.
_STAGING_LIFETIME = 6 * 3600


class StagedSite:
    """The files of a build that are not in place yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Size in bytes by path.
        self.sizes: dict[str, int] = {}

    def write(self, files: Iterable[tuple[str, Content]]) -> None:
        """Write files (paths with contents). Only one of them is in memory at a time."""
        for name, content in files:
            self.sizes[name] = write_file(self.folder / name, content)
            # Not in memory while the next one is rendered.
            del content


@contextmanager
def staged_site(out: Path) -> Iterator[StagedSite]:
    """Replace the content of ``out`` with the files that are written in the block.

    No file is replaced before the end of the block, and none if it raises. Raises SiteError if the folder
    contains a file that no build wrote, or cannot be written.
    """
    check_folder(out)
    folder = out.resolve()
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=folder))
        try:
            site = StagedSite(staging)
            yield site
            write_file(staging / NO_JEKYLL, b"")
            if is_new:
                # A web server may run as another user, so the umask is overridden.
                folder.chmod(0o755)
            _exchange(staging, folder, list(site.sizes))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if is_new:
                _prune(folder)
    except OSError as error:
        msg = f"the site cannot be written to {folder}: {sanitize(str(error), limit=160)}"
        raise SiteError(msg) from error


def write_site(files: Iterable[tuple[str, Content]], out: Path) -> dict[str, int]:
    """Replace the content of ``out`` with ``files``; see `staged_site`. Return the sizes."""
    with staged_site(out) as site:
        site.write(files)
    return site.sizes


def check_folder(out: Path) -> None:
    """Raise SiteError unless ``out`` is absent, empty, or a site that a build wrote."""
    try:
        if not out.exists():
            return
    except OSError as error:
        msg = f"{sanitize(str(out), limit=100)} cannot be a folder: {sanitize(str(error), limit=120)}"
        raise SiteError(msg) from error
    if Path.cwd().is_relative_to(out.resolve()):
        msg = f"{out} is the working directory, or contains it; name a folder inside it with --out"
        raise SiteError(msg)
    if not out.is_dir():
        msg = f"{out} is a file; choose a folder with --out"
        raise SiteError(msg)
    ours = {IGNORE, NO_JEKYLL, MANIFEST, *_listed(out)}
    for name in _names(out):
        if name not in ours and not _is_litter(name):
            what = sanitize(name, limit=100)
            msg = f"{out} contains {what!r}, which build-site did not write; move it away or use another folder (--out)"
            raise SiteError(msg)


def _exchange(staging: Path, out: Path, names: list[str]) -> None:
    """Move the staged files to their final paths, then remove obsolete files of the last build."""
    listed = _listed(out)
    # Written first, so that after a crash the next build knows every file.
    write_file(staging / MANIFEST, _manifest({*listed, *names}))
    (staging / MANIFEST).replace(out / MANIFEST)
    ready: set[Path] = set()
    present = set(_names(out))
    for name in [NO_JEKYLL, *sorted(names, key=lambda name: (name == INDEX, name.endswith(".html")))]:
        target = out / name
        _make_way(target, out, ready)
        if name not in present or not _is_equal(staging / name, target):
            (staging / name).replace(target)
    # Some file systems ignore case.
    kept = {name.casefold() for name in names}
    # Only paths found in the folder: the manifest is a text file, and could list any path.
    for name in _names(out):
        if name in listed and name.casefold() not in kept:
            (out / name).unlink()
            for folder in (out / name).relative_to(out).parents:
                _prune(out / folder)
    write_file(staging / MANIFEST, _manifest(names))
    (staging / MANIFEST).replace(out / MANIFEST)
    for folder in out.glob(f"{_STAGING_PREFIX}*"):
        if folder != staging and folder.stat().st_mtime < time.time() - _STAGING_LIFETIME:
            shutil.rmtree(folder, ignore_errors=True)


def _make_way(target: Path, out: Path, ready: set[Path]) -> None:
    """Create the parent folder of a file. If a file replaces a folder or the reverse, remove the old one.

    ``ready`` are the folders that earlier calls have created.
    """
    if target.parent not in ready:
        for parent in reversed(target.relative_to(out).parents):
            folder = out / parent
            if folder.is_symlink() or folder.is_file():
                folder.unlink()
            folder.mkdir(exist_ok=True)
        ready.add(target.parent)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)


def _is_equal(staged: Path, target: Path) -> bool:
    """Return whether the target is a file with the same content."""
    return not target.is_symlink() and target.is_file() and filecmp.cmp(staged, target, shallow=False)


def _names(out: Path) -> list[str]:
    """Return the paths of all files and links in the folder, without staging folders."""
    names: list[str] = []
    for folder, folders, files in os.walk(out):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        base = "" if Path(folder) == out else f"{Path(folder).relative_to(out).as_posix()}/"
        names += [f"{base}{name}" for name in [*files, *links]]
    return sorted(name for name in names if not name.startswith(_STAGING_PREFIX))


def _is_litter(name: str) -> bool:
    base = name.rpartition("/")[2].casefold()
    return base in LITTER or base.startswith(LITTER_PREFIX)


def _listed(out: Path) -> set[str]:
    try:
        names = json.loads((out / MANIFEST).read_bytes())["files"]
        return {str(name) for name in names}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _manifest(files: Iterable[str]) -> bytes:
    return json.dumps({"files": sorted(files)}, indent=1).encode() + b"\n"


def write_file(path: Path, content: Content) -> int:
    """Write a file and the folders it is in. Return its size."""
    try:
        file = path.open("wb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    with file:
        return sum(map(file.write, [content] if isinstance(content, bytes) else content))


def _prune(folder: Path) -> None:
    """Remove a folder if it is empty."""
    try:
        folder.rmdir()
    except OSError:
        return
