from __future__ import annotations

from cmetrics.cli.progress import LogProgress, Pace
from cmetrics.http.service import ProgressStep


class ManualClock:
    """A clock that tests set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_remaining_time_is_estimated_from_elapsed_time():
    watch = ManualClock()
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


def test_each_package_is_timed_separately():
    watch = ManualClock()
    pace = Pace(watch)
    pace.describe("npm", ProgressStep("years", 0, 4))
    watch.now += 100
    pace.describe("npm", ProgressStep("years", 3, 4))
    assert pace.describe("npm", ProgressStep("years", 0, 4)) == "0 of 4 years"
    watch.now += 5
    assert pace.describe("npm", ProgressStep("years", 1, 4)) == "1 of 4 years, about 15 s left"


def test_a_log_shows_messages_at_once_and_steps_every_ten_seconds(capsys):
    watch = ManualClock()
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
