"""The scripts of the page: checked as one program, as browsers run them."""

from __future__ import annotations

from cmetrics.site.folders import templates_folder
from cmetrics.site.render import SCRIPT_PARTS
from tests.web_tools import FOLDER, web_command

#: The language that browsers of the last three years know.
OPTIONS = ("--noEmit", "--allowJs", "--checkJs", "--noUnusedLocals", "--skipLibCheck", "--target", "es2023")
LIBRARIES = ("--lib", "es2023,dom,dom.iterable")


def test_types() -> None:
    """All names are declared, once, and used; calls and types fit together."""
    parts = [str((templates_folder() / "app" / f"{name}.js").resolve()) for name in SCRIPT_PARTS]
    done = web_command("tsc", *OPTIONS, *LIBRARIES, *parts, str(FOLDER / "scripts.d.ts"))
    assert done.stdout.splitlines() == []
    assert done.returncode == 0


def test_all_parts_are_sent() -> None:
    """Every script of the folder is part of the page."""
    assert sorted(SCRIPT_PARTS) == sorted(path.stem for path in (templates_folder() / "app").glob("*.js"))
