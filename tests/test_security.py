"""The threat model lists attacks, defences, and a test for each defence."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

from hypothesis import given
from hypothesis import strategies as st

from cmetrics.catalog import load_catalog
from cmetrics.cli.output import print_error, print_progress, print_warning
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import slug
from cmetrics.sources import SPECS
from tests.conftest import catalog_text
from tests.site.conftest import AS_OF, counted, rendered

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
EVIL = """<script>alert(1)</script>"'&]]><!--"""


def test_every_test_on_the_page_exists():
    names = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(names) > 25
    for path, name in names:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), f"{path}::{name}"


def test_every_row_of_the_page_has_a_test():
    table = PAGE.split("## Attackers, attacks and defences")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert all("::" in line for line in lines)


def test_the_page_justifies_every_dependency():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = declared["project"], declared["dependency-groups"]
    (package, *tools, docs) = groups["dev"]
    assert package == "cmetrics[api]"
    assert docs == {"include-group": "docs"}
    requirements = [*project["dependencies"], *project["optional-dependencies"]["api"], *tools, *groups["docs"]]
    table = PAGE.split("## Dependencies")[1]
    assert re.findall(r"^\| ([a-z0-9-]+) \| \S", table, re.MULTILINE) == [
        re.match(r"[a-z0-9-]+", one)[0] for one in requirements
    ]


def test_all_dependencies_are_audited():
    """CI audits all dependencies that `uv` resolves."""
    steps = [line.strip() for line in (ROOT / ".github" / "workflows" / "ci.yml").read_text().splitlines()]
    assert [line for line in steps if line.startswith("uv export") and "--all-extras --all-groups" in line]
    assert [line for line in steps if re.match(r'uvx "pip-audit>=.*,<.*" --strict ', line)]


@given(st.text(min_size=1) | st.sampled_from(["..", ".", "/etc/passwd", "a/../../b", "c:\\x", "\x00", "~"]))
def test_any_id_is_a_single_path_component(metric_id: str):
    with suppress(UnicodeEncodeError):
        name = f"{slug(metric_id)}.json"
        assert PurePosixPath(name).parts == PureWindowsPath(name).parts == (name,)
        assert name.isascii()
        assert name.isprintable()


def test_workflows_of_pull_requests_have_no_privileges():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        # The comment at the top shows others how to call this workflow by its tag.
        used = re.findall(r"^[^#\n]*uses: (\S+@.*)", text, re.MULTILINE)
        assert all(re.search(r"@[0-9a-f]{40}( |$)", line) for line in used), path
        if re.search(r"^  pull_request:", text, re.MULTILINE):
            assert re.search(r"^permissions:\n  contents: read\n(?!  )", text, re.MULTILINE), path
            assert "secrets." not in text
            assert text.count("persist-credentials: false") == text.count("actions/checkout@")


def test_no_external_text_begins_an_output_line(capsys):
    for text in ("::set-env name=X::1", "a\n::add-mask::b", "a\r::error::b", "%0A::error::b", "a\u2028::b"):
        for print_message in (print_error, print_warning):
            print_message(text)
        print_progress(f"npm: {text}")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 15
    assert not [line for line in lines if line.lstrip().startswith("::")]


def test_hostile_names_are_escaped_in_svg_and_feed(tmp_path):
    path = tmp_path / "cmetrics.toml"
    text = catalog_text(("npm", "react"), ("github", "owner/name"))
    path.write_text(
        text.replace("subject = ", f"display_name = '''{EVIL}'''\nsubject = ").replace('"P"', f"'''{EVIL}'''")
    )
    catalog = load_catalog(path, SPECS)
    rows = [row for metric in catalog.metrics for row in counted(metric, {AS_OF - n * DAY: 90 for n in range(60)})]
    files = rendered(catalog, rows, plotly=b"")
    drawn = {name: content for name, content in files.items() if name.endswith((".svg", ".xml"))}
    assert len(drawn) > 3
    for name, content in drawn.items():
        root = ET.fromstring(content)
        assert not [node for node in root.iter() if node.tag.endswith("script")], name
        assert b"<script" not in content, name
    assert any(EVIL in "".join(ET.fromstring(content).itertext()) for content in drawn.values())
