"""Texts of pages: plain English, one spelling of each name, and no phrases of earlier versions."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from cmetrics.analytics.report import build_report, report_months
from cmetrics.site.report import render_report_markdown
from cmetrics.sources import SPECS
from tests.site.test_report import inputs, report_html, text_of

#: Phrases of earlier versions that must not occur on any page, feed, badge or embed.
BANNED = (
    "To the numbers",
    "collected every night",
    "As of ",
    "in the last full month",
    "no day of it is stored",
    "on the month before",
    "on the year before",
    "no complete month before it",
    "no complete month to compare with",
    "all SDKs together",
    "not all repositories are counted",
    "never counted",
    "not everything read yet",
    "no day of the last 30 is stored",
    "taken back",
    "Held",
    "Drawn as",
    "Placed",
    "Mean of",
    "More views",
    "Indexed to 100",
    "first value in view",
    "Lighter bars",
    "open diamonds are snapshots",
    "Held at the end of a day",
    "a day without a count",
    "The numbers as a table",
    "Save as",
    "All stars",
    "of all products together",
    "How complete, how fresh",
    "How fresh",
    "worked out afterwards",
    "seeded snapshot",
    "not published yet",
    "Point at a strip",
    "Days without a value, in words",
    "All other days since the first value",
    "Every other day since",
    "not landed yet",
    "it is asked for again",
    "failed here",
    "outside what the source holds",
    "does not answer for it",
    "Missing before it",
    "Worth a look",
    "days in a row",
    "first completely counted month",
    "draws the line between two days",
    "worked out from the stars",
    "only where it says so",
    "days behind",
    "has not published since",
    "There is no such page",
    "Made by cmetrics",
    "Nothing is stored",
    "NodeJS",
    "GitHub Stars",
    "pypistats.org said",
    "api.npmjs.org",
    "api.github.com:",
)
SOURCE_TEXTS = [spec.counts for spec in SPECS.values()]


def texts_of(folder: Path) -> dict[str, str]:
    """Return the texts of every page, with titles and labels, and of files for other sites."""
    found = {}
    pages = [
        *sorted(folder.glob("*.html")),
        *sorted(folder.glob("products/*"))[:3],
        *sorted(folder.glob("metrics/*"))[:8],
    ]
    for path in pages:
        text = re.sub(r"<script.*?</script>", " ", path.read_text(), flags=re.DOTALL)
        labels = " ".join(re.findall(r'(?:aria-label|content|title|alt)="([^"]*)"', text))
        found[path.name] = html.unescape(f"{re.sub(r'<[^>]+>', ' ', text)} {labels}")
    for pattern in ("feed.xml", "badges/*", "embed/*.svg"):
        found |= {path.name: html.unescape(path.read_text()) for path in sorted(folder.glob(pattern))[:12]}
    # Texts of controls and marks that a script writes.
    for name in ("app.js", "compare.js"):
        script = (folder / "assets" / name).read_text()
        found[name] = re.sub(r"^\s*(//|\*|/\*\*).*$", "", script, flags=re.MULTILINE)
    return found


@pytest.mark.parametrize("name", ["rich", "stale", "empty", "m300", "eight"])
def test_no_banned_phrase(data_site, name):
    for file, text in texts_of(data_site(name).folder).items():
        # The label of a total without a month is the only allowed occurrence.
        shown = text.replace("Downloads in the last full month", "")
        found = [phrase for phrase in BANNED if re.search(rf"(?<!\w){re.escape(phrase)}", shown)]
        assert found == [], file


@pytest.mark.parametrize("phrase", BANNED)
def test_no_banned_phrase_of_sources(phrase):
    assert not any(phrase in text for text in SOURCE_TEXTS)


@pytest.mark.parametrize("name", ["rich", "stale", "m300"])
def test_numbers(data_site, name):
    """There is no space before a percent sign, no hyphen as a minus, and factors replace large percentages."""
    for file, text in texts_of(data_site(name).folder).items():
        if file.endswith(".js"):
            continue
        assert not re.search(r"\d %", text), file
        assert not re.search(r"(?<![\w-])-\d[\d,.]*%", text), file
        assert not re.search(r"\+\d{3,}\.\d%", text), file


@pytest.mark.parametrize("name", ["rich", "eight"])
def test_reports(name):
    """Reports of months follow the same rules, as pages and as Markdown."""
    data = inputs(name)
    report = build_report(data, report_months(data)[0])
    for text in (text_of(report_html(report, name)), render_report_markdown(report)):
        assert [phrase for phrase in BANNED if re.search(rf"(?<!\w){re.escape(phrase)}", text)] == []
        assert not re.search(r"\d %|(?<![\w-])-\d[\d,.]*%|\+\d{3,}\.\d%", text)
        assert not re.search(r"pypistats\.org|api\.npmjs\.org|api\.github\.com", text)
