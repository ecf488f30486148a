"""For any response, a parser returns valid days and counts or raises a SourceError."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.errors import SourceError
from cmetrics.http.validation import LARGEST_COUNT
from cmetrics.sources import (
    cran,
    cratesio,
    dockerhub,
    duckdb,
    github,
    github_releases,
    github_traffic,
    homebrew,
    huggingface,
    npm,
    nuget,
    openvsx,
    packagist,
    pypistats,
    rubygems,
    vscode,
)
from cmetrics.sources.archives import clickpy, crates_files, crates_versions
from cmetrics.sources.availability import Availability, RegistryTotals, build_registry_totals, resolve_days
from tests.depth import deep
from tests.samples import a_metric, a_request

LAST = date(2026, 11, 22)
SPAN = Span(LAST - 9 * DAY, LAST)
YEAR = clickpy.Year(year=2026, oldest=f"{SPAN.first}", newest=f"{SPAN.last}", days=1)

#: Parsers with a response that each of them accepts.
DAYS: dict[str, tuple[Callable[[bytes], dict[date, int]], Any]] = {
    "pypistats": (
        lambda body: pypistats.parse_overall(body, "pylance", "without_mirrors"),
        {
            "data": [{"category": "without_mirrors", "date": f"{LAST}", "downloads": 3}],
            "package": "pylance",
            "type": "overall_downloads",
        },
    ),
    "cratesio": (
        lambda body: cratesio.parse_downloads(body, "lance"),
        {
            "version_downloads": [{"version": 1, "date": f"{LAST}", "downloads": 3}],
            "meta": {"extra_downloads": [{"date": f"{LAST}", "downloads": 4}]},
        },
    ),
    "crates_versions": (
        lambda body: crates_versions.parse_version_downloads(body, "lance", "0.1.0"),
        {"version_downloads": [{"version": 1, "date": f"{LAST}", "downloads": 3}]},
    ),
    "npm": (
        lambda body: npm.parse_range(body, SPAN, "@scope/name"),
        {
            "start": f"{SPAN.first}",
            "end": f"{SPAN.last}",
            "package": "@scope/name",
            "downloads": [{"downloads": 3, "day": f"{LAST}"}],
        },
    ),
    "index": (crates_files.parse_index, [{"name": f"{LAST}.csv", "size": 12}]),
    "clickpy": (lambda body: clickpy.parse_days(body + b"\n", YEAR, "ClickPy"), {"date": f"{LAST}", "downloads": "3"}),
}
DAYS |= {
    "cran": (
        lambda body: cran.parse_daily(body, SPAN, "lance"),
        [
            {
                "start": f"{SPAN.first}",
                "end": f"{SPAN.last}",
                "package": "lance",
                "downloads": [{"day": f"{LAST}", "downloads": 3}],
            }
        ],
    ),
    "packagist": (
        lambda body: packagist.parse_stats(body, "lance/lance"),
        {"labels": [f"{LAST}"], "values": {"lance/lance": [3]}, "average": "daily"},
    ),
    "rubygems": (lambda body: rubygems.parse_days(body + b"\n", "RubyGems"), {"date": f"{LAST}", "downloads": 3}),
    "views": (
        lambda body: dict(github_traffic.parse_traffic(body, "views", "owner/name").counts),
        {"count": 3, "uniques": 1, "views": [{"timestamp": f"{LAST}T00:00:00Z", "count": 3, "uniques": 1}]},
    ),
}
OTHERS: tuple[tuple[Callable[[bytes], object], Any], ...] = (
    (lambda body: github.parse_repository(body, "owner/name"), {"id": 1, "full_name": "o/n", "stargazers_count": 3}),
    (
        lambda body: homebrew.parse_package(body, "lance"),
        {
            "name": "lance",
            "analytics": {"install": {"30d": {"lance": 3}}, "install_on_request": {"30d": {"lance": 1}}},
            "generated_date": f"{LAST}",
        },
    ),
    (
        lambda body: duckdb.parse_update(body, "extensions.duckdb.org"),
        {"_last_update": f"{LAST}T03:12:00Z", "lance": 11},
    ),
    (lambda body: github.parse_history(body, "owner/name"), [{"week": 1_795_305_600, "total": 7, "days": [1] * 7}]),
    (
        lambda body: crates_versions.parse_versions(body, "lance"),
        {"versions": [{"id": 1, "num": "0.1.0", "created_at": "2026-01-01T00:00:00Z"}]},
    ),
    (
        lambda body: clickpy.parse_outline(body + b"\n", "ClickPy"),
        {"year": 2026, "oldest": "2026-01-01", "newest": "2026-02-01", "days": 3},
    ),
)
#: Parsers of current counts, which return None for a response without one.
COUNTS: dict[str, tuple[Callable[[bytes], int | None], Any]] = {
    "dockerhub": (lambda body: dockerhub.parse_pulls(body, "acme/db"), {"name": "db", "pull_count": 3, "count": None}),
    "openvsx": (
        lambda body: openvsx.parse_downloads(body, "acme.lens"),
        {"namespace": "acme", "name": "lens", "downloadCount": 3},
    ),
    "nuget": (
        lambda body: nuget.parse_downloads(body, "acme.db"),
        {"totalHits": 1, "data": [{"id": "Acme.Db", "totalDownloads": 3}]},
    ),
    "vscode": (
        lambda body: getattr(vscode.parse_installs(body, ["acme.lens"])["acme.lens"], "value", None),
        {
            "results": [
                {
                    "extensions": [
                        {
                            "publisher": {"publisherName": "acme"},
                            "extensionName": "lens",
                            "statistics": [{"statisticName": "install", "value": 3.0}],
                        }
                    ]
                }
            ]
        },
    ),
    "huggingface": (
        lambda body: huggingface.parse_repository(body, "models/a/b").count("likes", "models/a/b"),
        {"_id": "65f0", "id": "a/b", "likes": 3, "downloads": 4, "downloadsAllTime": 5},
    ),
    "github-releases": (
        lambda body: sum(asset.downloads for asset in github_releases.parse_releases(body, "owner/name").assets),
        [{"id": 1, "tag_name": "v1", "assets": [{"id": 1, "name": "a.deb", "download_count": 3}]}],
    ),
}

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from([f"{LAST}", f"{LAST + DAY}", f"{SPAN.first - DAY}", "0000-00-00", "9999-12-31", "NaN", "1e9"]),
)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner))


@st.composite
def almost_valid(draw: st.DrawFn, answer: Any) -> bytes:
    """Return a valid response with one value replaced, removed or duplicated, or arbitrary bytes."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=60))
    if kind == 1:
        return json.dumps(draw(ANYTHING)).encode()
    changed = json.loads(json.dumps(answer))
    place, key = changed, None
    holder: Any = None
    while isinstance(place, dict | list) and place and (holder is None or draw(st.booleans())):
        holder = place
        key = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else draw(st.integers(0, len(place) - 1))
        place = place[key]
    change = draw(st.sampled_from(["replace", "leave out", "double"]))
    if change == "leave out":
        del holder[key]
    elif change == "double" and isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[key] = draw(ANYTHING)
    body = json.dumps(changed).encode()
    return body if kind < 9 else body[: draw(st.integers(0, len(body)))]


def read(parser: Callable[[bytes], Any], body: bytes) -> Any:
    with suppress(SourceError):
        return parser(body)
    return None


def test_the_sample_responses_are_valid():
    for parser, answer in (*DAYS.values(), *COUNTS.values(), *OTHERS):
        assert parser(json.dumps(answer).encode())


@settings(deadline=None, max_examples=deep(500))
@given(data=st.data(), name=st.sampled_from(sorted(DAYS)))
def test_any_response_gives_valid_days_and_counts_or_an_error(data, name):
    parser, answer = DAYS[name]
    found = read(parser, data.draw(almost_valid(answer)))
    for day, value in (found or {}).items():
        assert type(day) is date
        assert type(value) is int
        assert value >= 0
        if name != "index":
            assert value <= 2 * LARGEST_COUNT


@settings(deadline=None, max_examples=deep(500))
@given(data=st.data(), name=st.sampled_from(sorted(COUNTS)))
def test_any_response_gives_a_valid_count_or_an_error(data, name):
    parser, answer = COUNTS[name]
    found = read(parser, data.draw(almost_valid(answer)))
    if found is not None:
        assert type(found) is int
        assert 0 <= found <= 5 * LARGEST_COUNT


@settings(deadline=None, max_examples=deep(300))
@given(data=st.data(), number=st.integers(0, len(OTHERS) - 1))
def test_any_other_response_is_parsed_or_rejected_with_its_name(data, number):
    parser, answer = OTHERS[number]
    read(parser, data.draw(almost_valid(answer)))


STATED = st.dictionaries(st.integers(-400, 400).map(lambda n: LAST + n * DAY), st.integers(0, 10**9), max_size=30)


@settings(deadline=None, max_examples=deep(200))
@given(
    stated=STATED, totals=STATED, first=st.integers(0, 60), length=st.integers(0, 60), known=st.none() | st.just(LAST)
)
def test_a_source_returns_values_only_for_requested_days(stated, totals, first, length, known):
    days = Span(LAST - (first + length) * DAY, LAST - first * DAY)
    request = a_request(a_metric("npm"), *days, known_since=known)
    crate = a_request(a_metric("cratesio"), *days, known_since=known)
    stars = github.cumulative(10**12, {LAST - 6 * DAY: (1,) * 7}, date.min, request.days)
    found = (
        resolve_days(request, stated, build_registry_totals(totals), "npm:x").values,
        resolve_days(crate, stated, RegistryTotals(dict.fromkeys(totals, Availability.PUBLISHED)), "cratesio:x").values,
    )
    for values in found:
        assert [value.day for value in values] == sorted({value.day for value in values} & set(request.days))
    assert set(stars) <= set(request.days)


@settings(deadline=None, max_examples=deep(200))
@given(
    chunks=st.lists(
        st.binary(max_size=20) | st.sampled_from([b"version_id,downloads\n", b"7,12\n", b"7,", b"8,1\r\n"]), max_size=8
    )
)
def test_any_file_gives_the_requested_versions_or_is_rejected(chunks):
    reader = crates_files.DayReader("a file", {7, 8}, 0)
    with suppress(SourceError):
        for chunk in chunks:
            reader.feed(chunk)
        found = reader.close()
        assert set(found) == {7, 8}
        assert all(value >= 0 for value in found.values())
