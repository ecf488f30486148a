"""The scripts of the page: checked as one program, as browsers run them."""

from __future__ import annotations

import pytest

from cmetrics.site.folders import templates_folder
from cmetrics.site.render import COMPARE_PARTS, PICTURE_PART, SCRIPT_PARTS, SLIDES_PARTS
from tests.web_tools import FOLDER, web_command

#: The language that browsers of the last three years know.
OPTIONS = ("--noEmit", "--allowJs", "--checkJs", "--noUnusedLocals", "--skipLibCheck", "--target", "es2023")
LIBRARIES = ("--lib", "es2023,dom,dom.iterable")


# The script of pictures is given what it uses of the page's.
PROGRAMS = {"app": (*SCRIPT_PARTS, PICTURE_PART), "compare": COMPARE_PARTS, "report": SLIDES_PARTS}


@pytest.mark.parametrize("name", PROGRAMS)
def test_types(name: str) -> None:
    """All names are declared, once, and used; calls and types fit together."""
    # What one program uses of a part that two share is not all of it.
    options = OPTIONS if name == "app" else tuple(option for option in OPTIONS if option != "--noUnusedLocals")
    parts = [str((templates_folder() / "app" / f"{part}.js").resolve()) for part in PROGRAMS[name]]
    done = web_command("tsc", *options, *LIBRARIES, *parts, str(FOLDER / "scripts.d.ts"))
    assert done.stdout.splitlines() == []
    assert done.returncode == 0


def test_all_parts_are_sent() -> None:
    """Every script of the folder is part of a page."""
    folder = templates_folder() / "app"
    assert {part for parts in PROGRAMS.values() for part in parts} == {path.stem for path in folder.glob("*.js")}
