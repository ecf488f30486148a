"""The JSON documents of the API and the site: fields, their order, and bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cmetrics import documents
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import definition
from cmetrics.domain.run import Run, RunStatus
from tests.boards import AS_OF, NOW, a_board, a_package, a_repository
from tests.samples import a_row, a_table

PACKAGE, EMPTY, REPOSITORY = a_package("nodejs"), a_package("rust"), a_repository("stars", product="two")
ROWS = [
    *(a_row(PACKAGE, AS_OF - n * DAY, 100 + n) for n in range(60)),
    *(a_row(REPOSITORY, AS_OF - n * DAY, 130 - n) for n in (0, 1, 3)),
]
GOLDEN = """
{"generated_at":"2026-11-23T06:00:00Z","as_of":"2026-11-22","data_through":"2026-11-22","days":3,"groups":[{"product":"one","title":"One",
"items":[{"metric_id":"downloads:one:nodejs","display_name":"NodeJS","metric_family":"downloads",
"sdk":"nodejs","subject":"nodejs","source":"npm","latest_day":"2026-11-22","age_days":0,"latest_value":4247,
"latest_period_end":"2026-10-31","latest_provenance":"api_daily","total_stars":null,"days_observed":31,
"days_expected":31,"month_on_month":null,"year_on_year":null,"share":null,"last_30_days":3435,
"last_30_days_observed":30,"change_7":{"absolute":-49,"percent":-6.4},"change_30":{"absolute":-900,
"percent":-20.8},"change_90":null,"sparkline":[{"period_start":"2026-11-01","period_end":"2026-11-30",
"value":2431,"provenance":"api_daily","days_observed":22,"days_expected":30}]},
{"metric_id":"downloads:one:rust","display_name":"NodeJS","metric_family":"downloads","sdk":"rust",
"subject":"rust","source":"npm","latest_day":null,"age_days":null,"latest_value":null,
"latest_period_end":"2026-10-31","latest_provenance":null,"total_stars":null,"days_observed":0,
"days_expected":31,"month_on_month":null,"year_on_year":null,"share":null,"last_30_days":null,
"last_30_days_observed":0,"change_7":null,"change_30":null,"change_90":null,"sparkline":[]}]},
{"product":"two","title":"Two","items":[{"metric_id":"stars:two:stars","display_name":"GitHub Stars",
"metric_family":"stars","sdk":null,"subject":"owner/stars","source":"github","latest_day":"2026-11-22",
"age_days":0,"latest_value":130,"latest_period_end":"2026-11-22","latest_provenance":"api_daily",
"total_stars":130,"change_7":null,"change_30":null,"change_90":null,"sparkline":[{"period_start":"2026-11-21",
"period_end":"2026-11-21","value":129,"kind":"observed","estimated":false},{"period_start":"2026-11-22",
"period_end":"2026-11-22","value":130,"kind":"observed","estimated":false}],"gained_30":null,"lost_30":null,
"net_30":null,"flows":[{"day":"2026-11-22","gained":null,"lost":null,"net":1}]}]}],
"last_full_month":{"period_start":"2026-10-01","period_end":"2026-10-31","value":4247,
"provenance":"api_daily","days_observed":31,"days_expected":62},"last_full_month_change":null,
"last_full_month_left_out":["downloads:one:nodejs"],"last_full_month_year_change":null,"total_stars":130,"total_stars_day":"2026-11-22",
"total_stars_change_30":null,"total_stars_sparkline":[{"period_start":"2026-11-20","period_end":"2026-11-20",
"value":128,"kind":"estimated","estimated":true},{"period_start":"2026-11-21","period_end":"2026-11-21",
"value":129,"kind":"observed","estimated":false},{"period_start":"2026-11-22","period_end":"2026-11-22",
"value":130,"kind":"observed","estimated":false}],"last_30d_download_totals":{"window_start":"2026-10-24",
"window_end":"2026-11-22","one":3435,"two":null}}"""


def test_daily_bytes() -> None:
    """The dashboard has all fields in their documented order and format."""
    document = documents.build_daily(a_board([PACKAGE, EMPTY, REPOSITORY], ROWS, days=3))
    assert documents.encode(document).decode() == GOLDEN.replace("\n", "")


def test_series_bytes() -> None:
    """A series contains its stored rows."""
    assert (
        documents.encode(documents.build_series("downloads:one:é", 2, a_table(ROWS[:1])))
        == (
            '{"metric_id":"downloads:one:é","days":2,"points":[{"period_start":"2026-11-22","period_end":"2026-11-22",'
            '"value":100,"provenance":"api_daily","source_window":"1d"}]}'
        ).encode()
    )


def test_definitions_bytes() -> None:
    """A definition contains the columns of its row except the time, and its file."""
    assert documents.encode(documents.build_definitions([definition(REPOSITORY, NOW)])) == (
        b'[{"metric_id":"stars:two:stars","metric_family":"stars","product":"two","subject":"owner/stars","sdk":null,'
        b'"source":"github","value_kind":"cumulative_stars","unit":"count","is_active":true,'
        b'"display_name":"GitHub Stars","series_file":"series/stars-two-stars.json"}]'
    )


def test_series_files() -> None:
    """Two ids with the same slug have two files; the older id has the plain name."""
    older = definition(replace(PACKAGE, metric_id="downloads:one:a"), NOW - timedelta(days=9))
    newer = definition(replace(PACKAGE, metric_id="downloads-one:a"), NOW)
    names = [document.series_file for document in documents.build_definitions([newer, older])]
    assert names[1] == "series/downloads-one-a.json"
    assert names[0].startswith("series/downloads-one-a-")


def test_refresh_errors_bytes() -> None:
    """Times are rounded to seconds; a run that has not ended has no end."""
    at = datetime(2026, 11, 22, 9, 4, 5, 678, UTC)
    runs = [Run("r", "refresh", RunStatus.RUNNING, at, None, 1, 0, 'x "y"\n')]
    assert documents.encode(documents.build_refresh_errors(AS_OF - DAY, AS_OF, runs)) == (
        b'{"start_date":"2026-11-21","end_date":"2026-11-22","count":1,"errors":[{"ingestion_run_id":"r",'
        b'"job_name":"refresh","status":"running","started_at":"2026-11-22T09:04:05Z","finished_at":null,'
        b'"error_summary":"x \\"y\\"\\n"}]}'
    )


def test_health_bytes() -> None:
    """Only a degraded store has a reason."""
    assert documents.encode(documents.build_health()) == b'{"status":"ok"}'
    assert json.loads(documents.encode(documents.build_health("why"))) == {"status": "degraded", "reason": "why"}


def test_without_time() -> None:
    """Two documents of the same rows differ only in `generated_at`."""
    board = a_board([PACKAGE], ROWS)
    first = documents.build_daily(board)
    second = first.model_copy(update={"generated_at": NOW + DAY})
    other = first.model_copy(update={"days": 1})
    first_bytes, second_bytes, other_bytes = (documents.encode(one) for one in (first, second, other))
    assert first_bytes != second_bytes
    assert documents.without_time(first, first_bytes) == documents.without_time(second, second_bytes)
    assert documents.without_time(first, first_bytes) != documents.without_time(other, other_bytes)
