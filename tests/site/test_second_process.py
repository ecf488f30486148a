"""Rendering in a second process gives the same site, and its failure never leaves an incomplete one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cmetrics.analytics.model import Publication
from cmetrics.analytics.report import build_reports
from cmetrics.domain.days import DAY
from cmetrics.domain.errors import SiteError
from cmetrics.site.pages import build_site, count_parts
from cmetrics.site.render import prepare_site
from cmetrics.site.report_files import render_reports
from cmetrics.site.second_process import SecondProcess
from cmetrics.site.templates import open_templates, render_part, use_templates
from cmetrics.sources import SPECS
from tests.boards import AS_OF, a_board, a_package, rows_of
from tests.conftest import COMMAND, Workspace
from tests.world.page_data import DATA_SETS

MANY = [a_package(f"package{n}", f"product{n // 10}") for n in range(30)]


@pytest.fixture
def process():
    open_templates.cache_clear()  # At the start of a command, no template is compiled.
    process = SecondProcess()
    yield process
    process.close()


@pytest.fixture
def site():
    return build_site(
        a_board(MANY, [row for metric in MANY for row in rows_of(metric, AS_OF - 40 * DAY, AS_OF)]), SPECS, None
    )


@pytest.fixture
def data() -> Publication:
    data = DATA_SETS["five"]()
    return replace(data.publication(), reports=data.report_inputs())


def test_every_part_is_rendered_once(process, site, tmp_path: Path):
    """Parts of both processes together equal the files of one process."""
    expected = {name: content for part in range(count_parts(site)) for name, content in render_part(site, part)}
    here = {}
    process.build_reports(None)
    parts, _ = process.share(site, count_parts(site), tmp_path)
    for part in parts:
        here |= dict(render_part(site, part))
    sizes = process.result()
    assert not here.keys() & sizes.keys()
    there = {name: (tmp_path / name).read_bytes() for name in sizes}
    assert {name: len(content) for name, content in there.items()} == sizes
    assert here | there == expected


def test_templates_are_compiled_there(process, site, tmp_path: Path):
    """The first process does not compile again what the second one has compiled."""
    process.build_reports(None)
    parts, compiled = process.share(site, count_parts(site), tmp_path)
    process.result()
    open_templates.cache_clear()
    use_templates(compiled)
    known = set(compiled)
    assert known
    dict(render_part(site, 0))
    dict(render_part(site, 1))
    assert set(compiled) == known
    assert list(parts) == []


def test_an_error_of_the_second_process_is_raised_here(process, site, tmp_path: Path):
    (tmp_path / "index.html").mkdir()
    process.build_reports(None)
    process.share(site, count_parts(site), tmp_path)
    with pytest.raises(IsADirectoryError):
        process.result()


def test_reports_are_built_and_rendered_there(process, data, tmp_path: Path):
    """The files are the same as those of one process."""
    site, inputs = prepare_site(data, SPECS), data.reports
    expected = dict(render_reports(site, build_reports(inputs)))
    process.build_reports(inputs)
    process.share(site, 0, tmp_path)
    sizes = process.result()
    assert {name: (tmp_path / name).read_bytes() for name in sizes} == expected
    assert f"reports/{site.reports[0]}.png" in sizes


def test_an_error_in_a_report_is_raised_here(process, data, tmp_path: Path):
    site = prepare_site(data, SPECS)
    (tmp_path / "reports" / f"{site.reports[0]}.html").mkdir(parents=True)
    process.build_reports(data.reports)
    process.share(site, count_parts(site), tmp_path)
    with pytest.raises(IsADirectoryError):
        process.result()


def test_an_error_in_building_a_report_is_raised_here(process, data, tmp_path: Path):
    """The second process takes the site, however large it is, before it sends the error."""
    process.build_reports(replace(data.reports, revisions=None))
    process.share(prepare_site(data, SPECS), 1, tmp_path)
    with pytest.raises(TypeError, match="NoneType"):
        process.result()


def test_a_killed_second_process_is_an_error(process, site, tmp_path: Path):
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.join()
    with pytest.raises(SiteError, match="second process was killed"):
        process.build_reports(None)


@pytest.mark.skipif(sys.platform != "linux", reason="needs sched_setaffinity")
def test_one_processor_and_two_build_the_same_site(workspace: Workspace):
    env = workspace.env | {
        "SOURCE_DATE_EPOCH": "1800000000",
        "PATH": os.environ["PATH"],
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    processors = sorted(os.sched_getaffinity(0))

    def run(*args: str, on: list[int] = processors) -> None:
        def choose() -> None:
            os.sched_setaffinity(0, on)

        subprocess.run(
            [COMMAND, *args], cwd=workspace.folder, env=env, check=True, capture_output=True, preexec_fn=choose
        )

    run("bootstrap")
    run("build-site", "--out", "two")
    run("build-site", "--out", "one", on=processors[:1])
    one, two = (
        {
            path.relative_to(workspace.folder / out): path.read_bytes()
            for path in (workspace.folder / out).rglob("*")
            if path.is_file()
        }
        for out in ("one", "two")
    )
    assert one == two
