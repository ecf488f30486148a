from __future__ import annotations

from cmetrics.cli.progress import LogProgress, Pace
from cmetrics.http.service import ProgressStep


class Watch:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_left_follows_from_how_long_the_beginning_took():
    watch = Watch()
    pace = Pace(watch)
    assert pace.describe("cratesio", ProgressStep("archive files", 0, 100)) == "0 of 100 archive files"
    watch.now += 20
    assert (
        pace.describe("cratesio", ProgressStep("archive files", 10, 100)) == "10 of 100 archive files, about 3 min left"
    )
    watch.now += 140
    assert (
        pace.describe("cratesio", ProgressStep("archive files", 80, 100)) == "80 of 100 archive files, about 40 s left"
    )


def test_the_next_package_is_measured_from_its_own_beginning():
    watch = Watch()
    pace = Pace(watch)
    pace.describe("npm", ProgressStep("years", 0, 4))
    watch.now += 100
    pace.describe("npm", ProgressStep("years", 3, 4))
    assert pace.describe("npm", ProgressStep("years", 0, 4)) == "0 of 4 years"
    watch.now += 5
    assert pace.describe("npm", ProgressStep("years", 1, 4)) == "1 of 4 years, about 15 s left"


def test_a_log_gets_a_choice_at_once_and_steps_every_ten_seconds(capsys):
    watch = Watch()
    lines = LogProgress(watch)
    lines.message("cratesio", "read from files")
    for done in range(31):
        lines.step("cratesio", ProgressStep("archive files", done, 60))
        watch.now += 1
    assert capsys.readouterr().err.splitlines() == [
        "cratesio: read from files",
        "cratesio: 10 of 60 archive files, about 50 s left",
        "cratesio: 20 of 60 archive files, about 40 s left",
        "cratesio: 30 of 60 archive files, about 30 s left",
    ]
