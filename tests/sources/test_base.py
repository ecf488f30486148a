"""Functions shared by all sources: values of counters and windows, and requests by subject."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import InvalidResponse, ServiceFailed
from cmetrics.domain.kind import counter, rolling
from cmetrics.domain.observation import SourceRef, parse_package, parse_source_ref
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_subjects, window_value
from tests.samples import a_metric, a_request

LAST, NOW = date(2026, 11, 24), datetime(2026, 11, 25, 3, 4, 5, tzinfo=UTC)


def request_for(measure, subject: str = "acme/db") -> FetchRequest:
    metric = replace(a_metric("npm"), source="hub", subject=subject, measure=measure, metric_id=f"x:{subject}:hub")
    return a_request(metric, LAST, LAST)


def test_counter_value():
    """A counter value is stored under the last completed day, with its time of reading and its source."""
    value = counter_value(request_for(counter("pulls")), 7, NOW, identity="42", remark="approximate")
    assert (value.day, value.value, value.observed_at, value.period_start) == (LAST, 7, NOW, None)
    assert value.source_ref == "hub:acme/db#42; approximate"


def test_window_value():
    """A window value is stored under the last day of the window."""
    request = request_for(rolling("installs", 30))
    value = window_value(request, 7, LAST - DAY, NOW)
    assert (value.period_start, value.day) == (date(2026, 10, 25), LAST - DAY)
    stated = window_value(request, 7, LAST, NOW, first_day=LAST - 28 * DAY)
    assert (stated.period_start, stated.day) == (LAST - 28 * DAY, LAST)


def test_window_that_ends_today():
    """A window that ends today is stored under yesterday, and the remark has its stated end."""
    value = window_value(request_for(rolling("installs", 30)), 7, LAST + DAY, NOW)
    assert (value.period_start, value.day) == (date(2026, 10, 27), LAST)
    assert value.source_ref == "hub:acme/db; window ends 2026-11-25"


@pytest.mark.parametrize(("first", "last"), [(None, LAST + 2 * DAY), (LAST + DAY, LAST)])
def test_impossible_window(first, last):
    with pytest.raises(InvalidResponse):
        window_value(request_for(rolling("installs", 30)), 7, last, NOW, first_day=first)


@pytest.mark.parametrize(
    "ref",
    [
        SourceRef("hub", "acme/db"),
        SourceRef("hub", "acme/db", "42"),
        SourceRef("hub", "@acme/db", None, "a; b"),
        SourceRef("hub", "acme/db", "65f0", "x"),
    ],
)
def test_source_ref_round_trip(ref):
    """Parsing the text of a source reference returns the same reference."""
    assert parse_source_ref(ref.text) == ref
    assert parse_package(ref.text, {"hub"}) == ref.subject
    assert parse_package(ref.text, {"npm"}) is None


def test_one_request_for_all_counts_of_a_subject():
    """A failed subject affects all of its counts and no other subject."""
    pulls, likes, other = (
        request_for(counter("pulls")),
        request_for(counter("likes"), "Acme/DB"),
        request_for(counter("pulls"), "x/y"),
    )
    groups: list[list[FetchRequest]] = []

    async def fetch_subject(group: Sequence[FetchRequest]) -> list[FetchResult]:
        groups.append(list(group))
        if len(group) > 1:
            msg = "down"
            raise ServiceFailed(msg)
        return [FetchResult(request) for request in group]

    async def run() -> list[FetchResult]:
        return [result async for result in fetch_subjects([pulls, other, likes], str.lower, fetch_subject)]

    results = asyncio.run(run())
    assert groups == [[pulls, likes], [other]]
    assert [(r.request, str(r.error or "")) for r in results] == [(pulls, "down"), (likes, "down"), (other, "")]
