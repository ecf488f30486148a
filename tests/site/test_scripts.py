"""The scripts of the page, type-checked as one program, as browsers run them."""

from __future__ import annotations

import pytest

from cmetrics.site.folders import templates_folder
from cmetrics.site.render import COMPARE_PARTS, PICTURE_PART, SCRIPT_PARTS, SLIDES_PARTS
from tests.web_tools import FOLDER, web_command

#: The language version supported by browsers of the last three years.
OPTIONS = ("--noEmit", "--allowJs", "--checkJs", "--noUnusedLocals", "--skipLibCheck", "--target", "es2023")
LIBRARIES = ("--lib", "es2023,dom,dom.iterable")


# The script of pictures uses functions of the page's script.
PROGRAMS = {"app": (*SCRIPT_PARTS, PICTURE_PART), "compare": COMPARE_PARTS, "report": SLIDES_PARTS}


@pytest.mark.parametrize("name", PROGRAMS)
def test_types(name: str) -> None:
    """All names are declared once and used, and calls and types are correct."""
    # A program may use only some functions of a shared part.
    options = OPTIONS if name == "app" else tuple(option for option in OPTIONS if option != "--noUnusedLocals")
    parts = [str((templates_folder() / "app" / f"{part}.js").resolve()) for part in PROGRAMS[name]]
    done = web_command("tsc", *options, *LIBRARIES, *parts, str(FOLDER / "scripts.d.ts"))
    assert done.stdout.splitlines() == []
    assert done.returncode == 0


def test_all_parts_are_sent() -> None:
    """Every script in the folder is part of a page."""
    folder = templates_folder() / "app"
    assert {part for parts in PROGRAMS.values() for part in parts} == {path.stem for path in folder.glob("*.js")}
