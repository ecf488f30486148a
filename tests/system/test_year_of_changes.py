"""A year in which the catalogue changes ends with complete series and the expected messages."""

from __future__ import annotations

from cmetrics.domain.run import RunStatus
from tests.depth import deep
from tests.ingest.test_catalog_changes import Entry, values, write
from tests.world.nights import Nights
from tests.world.truth import DAY

#: Nights between two runs; with `-m long`, every night has one.
STEP = 1 if deep(1) > 1 else 12
LANCE, STARS, PYTHON = ("cratesio", "lance"), ("github", "lancedb/lancedb"), ("pypistats", "pylance")


def under(product: str, *subjects: tuple[str, str]) -> list[Entry]:
    return [(product, source, subject) for source, subject in subjects]


def test_a_year_of_changes_ends_with_complete_series(nights: Nights):
    """A product is renamed, a package is renamed, and a metric is removed and added again."""
    world = nights.world
    nights.begin(world.today - 365 * DAY)
    begun = world.today
    messages: list[str] = []

    def live(days: int) -> None:
        end = world.today + days * DAY
        while world.today < end:
            nights.sleep(min(STEP, (end - world.today).days))
            summary = nights.refresh()
            assert summary.status is RunStatus.SUCCESS
            messages.extend(text for text in summary.warnings if "moved" in text or "renamed" in text)

    write(nights, *under("repo", LANCE, STARS, PYTHON))
    nights.refresh()
    live(60)
    write(nights, *under("alpha", LANCE, STARS, PYTHON))
    live(60)
    # The metric is removed for two months, which the source still retains.
    write(nights, *under("alpha", LANCE, STARS))
    live(60)
    write(nights, *under("alpha", LANCE, STARS), *under("beta", PYTHON))
    live(30)
    seam = world.yesterday
    write(
        nights,
        *under("alpha", ("cratesio", "lancedb"), STARS),
        *under("beta", PYTHON),
        extra={"lancedb": 'continues = ["lance"]'},
    )
    live(84)
    write(
        nights,
        *under("alpha", ("cratesio", "lancedb"), STARS),
        *under("beta", PYTHON),
        extra={"lancedb": 'continues = ["lance"]\nid = "downloads:alpha:crate"'},
    )
    live(71)
    assert world.today == begun + 365 * DAY

    stored = values(nights)
    assert set(stored) == {"downloads:alpha:crate", "stars:repo:github", "downloads:repo:python"}
    first = begun - 89 * DAY
    crates = {day: value for day, value in world.crates["lance"].items() if first <= day <= seam}
    crates |= {day: value for day, value in world.crates["lancedb"].items() if seam < day < world.today}
    assert stored["downloads:alpha:crate"] == crates
    downloads = world.pypi["pylance", False]
    assert stored["downloads:repo:python"] == {day: downloads[day] for day in stored["downloads:repo:python"]}
    for metric_id in ("downloads:repo:python", "stars:repo:github"):
        days = sorted(stored[metric_id])
        assert (days[-1] - days[0]).days + 1 == len(days) > 365
        assert days[-1] == world.yesterday
    *moved, renamed = messages
    assert moved == [
        (
            "the catalogue has moved downloads:repo:rust, stars:repo:github, downloads:repo:python; "
            "the series continue under these ids"
        ),
        "the catalogue has moved downloads:repo:python; the series continue under these ids",
    ]
    assert renamed.startswith("downloads:repo:rust renamed to downloads:alpha:crate: ")
    (event,) = nights.report.dashboard(365).events
    assert event.day == seam + DAY
