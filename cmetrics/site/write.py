"""Putting a rendered site in place: all of it or nothing of it, and never over somebody's files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cmetrics.domain.errors import SiteError
from cmetrics.domain.sanitize import sanitize

#: Lists what a build wrote, so that the next one knows what it may remove.
MANIFEST = ".cmetrics-site.json"
#: Stays if it is there: it keeps build output out of a repository that holds the folder.
IGNORE = ".gitignore"
#: GitHub Pages serves a branch as it is only beside this file.
NO_JEKYLL = ".nojekyll"


def write_site(files: Iterable[tuple[str, bytes]], out: Path) -> dict[str, int]:
    """Replace ``out`` by ``files``, paths with their contents, of which one is held at a time; their sizes.

    The new folder is complete before it takes the old one's place. Raises SiteError for a folder
    that holds something that no build wrote, and when the folder cannot be written.
    """
    check_folder(out)
    out = out.resolve()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            kept = {IGNORE: (out / IGNORE).read_bytes()} if (out / IGNORE).is_file() else {}
            sizes: dict[str, int] = {}
            for name, content in files:
                _write(fresh / name, content)
                sizes[name] = len(content)
            for name, content in {**kept, NO_JEKYLL: b"", MANIFEST: _manifest(sizes)}.items():
                _write(fresh / name, content)
            fresh.chmod(0o755)
            _swap(fresh, out)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        msg = f"the site cannot be written to {out} ({sanitize(str(error), limit=160)})"
        raise SiteError(msg) from error
    return sizes


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def check_folder(out: Path) -> None:
    """Raises SiteError unless ``out`` is absent, empty, or a site that a build wrote."""
    try:
        if not out.exists():
            return
    except OSError as error:
        msg = f"{sanitize(str(out), limit=100)} cannot be a folder ({sanitize(str(error), limit=120)})"
        raise SiteError(msg) from error
    if Path.cwd().is_relative_to(out.resolve()):
        msg = f"{out} is where this command runs; name a folder inside it with --out"
        raise SiteError(msg)
    if not out.is_dir():
        msg = f"{out} is a file; name a folder with --out"
        raise SiteError(msg)
    ours = {IGNORE, NO_JEKYLL, MANIFEST, *_listed(out)}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name not in ours:
            what = sanitize(name, limit=100)
            msg = f"{out} holds {what!r}, which build-site did not write; name another folder with --out"
            raise SiteError(msg)


def _listed(out: Path) -> set[str]:
    try:
        names = json.loads((out / MANIFEST).read_bytes())["files"]
        return {str(name) for name in names}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _manifest(files: Iterable[str]) -> bytes:
    return json.dumps({"files": sorted(files)}, indent=1).encode() + b"\n"


def _swap(fresh: Path, out: Path) -> None:
    if not out.exists():
        fresh.replace(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    out.replace(old / "site")
    try:
        fresh.replace(out)
    except BaseException:
        (old / "site").replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
