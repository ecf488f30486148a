"""Counters, windows, stocks and other flows on the pages of a site."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cmetrics.analytics.model import Publication
from cmetrics.domain.kind import stock
from cmetrics.domain.metric import Metric, definition
from cmetrics.site.render import render_site
from cmetrics.sources import SPECS
from tests.analytics.test_counts import ALL, INSTALLS, NOW, PULLS, board_of, rows_of
from tests.samples import a_metric, a_table

VALUES = {40: 900, 6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065}


def site_of(metrics: tuple[Metric, ...]) -> dict[str, str]:
    rows = [row for metric in metrics for row in rows_of(metric, VALUES)]
    board = board_of(rows, metrics, days=7300)
    publication = Publication(
        board, board, tuple(definition(metric, NOW) for metric in metrics), a_table(rows), (), None
    )
    files = render_site(publication, SPECS, b"")
    return {path: data.decode() for path, data in files if path.endswith((".html", ".svg", ".json", ".xml"))}


#: The number of additional metrics of the product.
MORE = 12


@pytest.fixture(scope="module")
def one_page() -> dict[str, str]:
    return site_of(ALL)


@pytest.fixture(scope="module")
def many_pages() -> dict[str, str]:
    more = tuple(replace(PULLS, metric_id=f"pulls:p:hub:{number}", subject=f"acme/{number}") for number in range(MORE))
    return site_of((*ALL, *more))


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_a_card_states_the_period_of_its_value(one_page):
    html = one_page["index.html"]
    assert "installs in 30 days" in text_of(html)
    for period in ("to 24 Nov 2026", "30 days to 24 Nov 2026", "on 24 Nov 2026"):
        assert f'<span title="{period}">1,065</span>' in html


def test_each_has_a_figure_and_a_table(one_page):
    html = one_page["products/p.html"]
    assert len(re.findall(r'<figure class="chart count"', html)) == len(ALL) - 1
    assert "60 pulls over 3 days" in text_of(html)
    assert "unknown on 23 Nov 2026: the count fell" in text_of(html)


def test_no_window_is_called_a_month(one_page):
    """This applies to the page and to badges."""
    badge = one_page["badges/installs-p-brew-30d.svg"]
    assert "Homebrew installs / 30 days" in badge
    assert "month" not in badge
    assert "installs in October" not in text_of(one_page["index.html"])


def test_a_metric_has_a_page_of_its_own(many_pages):
    html = many_pages["metrics/pulls-p-hub.html"]
    assert '<figure class="chart count whole"' in html
    assert "Pulls of acme/db (Docker Hub)" in text_of(html)
    assert "metrics/installs-p-brew-30d.html" in many_pages["index.html"]
    assert '<option value="installs">installs</option>' in many_pages["index.html"]
    assert '<span title="30 days to 24 Nov 2026">1,065</span>' in many_pages["index.html"]


def test_the_product_has_all_figures(many_pages):
    assert len(re.findall(r'<figure class="chart count"', many_pages["products/p.html"])) == len(ALL) - 1 + MORE
    assert INSTALLS.subject in many_pages["products/p.html"]


def test_each_count_is_explained(one_page):
    """Different sources of one service are both shown, and a count may have its own description."""
    stars, forks = a_metric("github"), a_metric("github", metric_id="forks:p:github", measure=stock("forks"))
    files = a_metric("github-releases", metric_id="downloads:p:github-releases", subject="o/r")
    likes = a_metric(
        "huggingface", metric_id="likes:p:hf", measure=SPECS["huggingface"].measures["likes"], subject="m/o/r"
    )
    html = site_of((stars, files, forks, likes))["quality.html"]
    names = re.findall(r"<dt>([^<]*)</dt>", html[html.index('class="method"') :])
    assert names[:4] == ["GitHub: stars", "GitHub: downloads", "GitHub: forks", "Hugging Face: likes"]
