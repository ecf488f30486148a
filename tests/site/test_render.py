"""The files of a site: each metric has its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

from cmetrics.analytics.model import Publication
from cmetrics.domain.metric import definition
from cmetrics.site.folders import templates_folder
from cmetrics.site.render import render_site, without_comments
from cmetrics.sources import SPECS
from tests.boards import AS_OF, NOW, a_board, a_package
from tests.samples import a_row, a_snapshot, a_table


def test_ids_with_one_slug() -> None:
    """An id does not overwrite the files of an older id with the same slug, and links to its own files."""
    metric = a_package("nodejs")
    former = replace(metric, metric_id="downloads-one:nodejs")
    rows = [a_row(former, AS_OF, 1), a_row(metric, AS_OF, 2)]
    board = a_board([metric], rows)
    definitions = (definition(metric, NOW), definition(former, NOW - timedelta(days=9)))
    files = dict(render_site(Publication(board, board, definitions, a_table(rows), (), None), SPECS, b"plotly"))
    entries = json.loads(files["api/v1/definitions.json"])
    series = {entry["metric_id"]: json.loads(files[f"api/v1/{entry['series_file']}"]) for entry in entries}
    assert {metric_id: document["metric_id"] for metric_id, document in series.items()} == {
        former.metric_id: former.metric_id,
        metric.metric_id: metric.metric_id,
    }
    assert [series[one.metric_id]["points"][0]["value"] for one in (former, metric)] == [1, 2]
    name = entries[0]["series_file"].removeprefix("series/").removesuffix(".json")
    assert name != metric.slug
    assert {f"badges/{name}.json", f"badges/{name}.svg", f"badges/{name}-dark.svg", f"embed/{name}.svg"} <= files.keys()
    assert f"badges/{metric.slug}.svg" not in files


def test_snapshots_are_explained_where_there_are_some() -> None:
    """A chart without seeded totals does not explain their pattern."""
    metric = replace(a_package("nodejs"), daily_from=AS_OF - timedelta(days=40))
    rows = [a_row(metric, AS_OF - timedelta(days=n), 5) for n in range(40)]
    for seeds, count in (([], 0), ([a_snapshot(metric, AS_OF - timedelta(days=200), 9)], 1)):
        board = a_board([metric], [*seeds, *rows])
        table = a_table([*seeds, *rows])
        files = dict(render_site(Publication(board, board, (), table, (), None), SPECS, b"plotly"))
        page = files["products/one.html"].decode()
        assert "Hatched: days missing." in page
        assert page.count("Cross-hatched: published 30-day totals.") == count


def test_without_comments() -> None:
    """Comments on their own lines, indentation and empty lines are removed; everything else stays."""
    source = '/* one\n   two */\na { b: c; }\n\n  // three\n  const x = "// four"; // five\n/** six */\n* { d: e; }\n'
    assert without_comments(source) == 'a { b: c; }\nconst x = "// four"; // five\n* { d: e; }\n'


def test_no_number_is_formatted_when_a_template_is_compiled() -> None:
    """A literal with a filter would be formatted in the language of the first rendered site."""
    for path in templates_folder().glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"\{\{ *-?[\d.]+ *\|", text) == [], path.name
