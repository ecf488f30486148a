from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import ServiceUnreachable
from cmetrics.sources.availability import Availability, RegistryTotals, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchResult
from tests.depth import deep
from tests.samples import a_metric, a_request

FIRST = date(2026, 3, 1)
DAYS = [FIRST + n * DAY for n in range(10)]
LAST = DAYS[-1]
UNKNOWN = RegistryTotals(None, ServiceUnreachable("api.npmjs.org did not answer"))
ALL_PUBLISHED = RegistryTotals(dict.fromkeys(DAYS, Availability.PUBLISHED), first=FIRST)


def totals(*values: int) -> dict[date, int]:
    return {FIRST + n * DAY: value for n, value in enumerate(values)}


def registry_totals(day: date, availability: Availability) -> RegistryTotals:
    """Return totals with all days published except ``day``."""
    return RegistryTotals({**dict.fromkeys(DAYS, Availability.PUBLISHED), day: availability}, first=FIRST)


def resolve(
    stated: Mapping[date, int], verdict: RegistryTotals, *, known_since: date | None = None, stored=()
) -> FetchResult:
    return resolve_days(
        a_request(a_metric(), FIRST, LAST, known_since=known_since, stored=stored), stated, verdict, "npm:x"
    )


def values(fetched: FetchResult) -> dict[date, int]:
    return {value.day: value.value for value in fetched.values}


# -- availability from totals --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "availability"),
    [
        (0, Availability.ABSENT),
        (1, Availability.PARTIAL),
        (19, Availability.PARTIAL),
        (20, Availability.PUBLISHED),
        (30, Availability.PUBLISHED),  # Christmas
        (5000, Availability.PUBLISHED),
    ],
)
def test_a_day_is_published_when_its_total_is_close_to_its_neighbours(total, availability):
    assert build_registry_totals(totals(*[100] * 8, total)).availability(FIRST + 8 * DAY) is availability


def test_a_long_gap_does_not_lower_the_expected_total():
    verdict = build_registry_totals(totals(100, *[0] * 6, 90))
    assert [verdict.availability(day) for day in (FIRST, FIRST + DAY, FIRST + 7 * DAY)] == [
        Availability.PUBLISHED,
        Availability.ABSENT,
        Availability.PUBLISHED,
    ]


def test_only_the_week_on_either_side_is_compared():
    assert build_registry_totals({FIRST: 10, FIRST + 7 * DAY: 1000}).availability(FIRST) is Availability.PARTIAL
    assert build_registry_totals({FIRST: 10, FIRST - 7 * DAY: 1000}).availability(FIRST) is Availability.PARTIAL
    assert (
        build_registry_totals({FIRST: 10, FIRST - 8 * DAY: 1000, FIRST + 8 * DAY: 1000}).availability(FIRST)
        is Availability.PUBLISHED
    )


def test_a_single_total_is_published():
    assert build_registry_totals({FIRST: 1}).availability(FIRST) is Availability.PUBLISHED


def test_a_day_without_a_total_is_absent_or_no_longer_served():
    verdict = build_registry_totals({FIRST: 100, FIRST + 2 * DAY: 100})
    assert verdict.availability(FIRST - DAY) is Availability.NO_LONGER_SERVED
    assert verdict.availability(FIRST + DAY) is Availability.ABSENT
    assert verdict.availability(FIRST + 3 * DAY) is Availability.ABSENT


def test_without_any_total_no_day_is_published():
    assert build_registry_totals({}).availability(FIRST) is Availability.ABSENT


def test_after_a_failed_request_for_totals_availability_is_unknown():
    assert UNKNOWN.availability(FIRST) is Availability.UNKNOWN


# -- values to store -----------------------------------------------------------------------------


@pytest.mark.parametrize("stated", [{DAYS[4]: 0}, {}], ids=["stated as 0", "not stated"])
@pytest.mark.parametrize(
    ("availability", "stored", "pending"),
    [
        (Availability.PUBLISHED, {DAYS[4]: 0}, set()),
        (Availability.ABSENT, {}, {DAYS[4]}),
        (Availability.PARTIAL, {}, {DAYS[4]}),
        (Availability.UNKNOWN, {}, {DAYS[4]}),
        (Availability.NO_LONGER_SERVED, {}, set()),
    ],
)
def test_a_day_without_downloads_is_zero_only_when_published(stated, availability, stored, pending):
    fetched = resolve(stated, registry_totals(DAYS[4], availability), known_since=FIRST)
    assert {day: n for day, n in values(fetched).items() if day == DAYS[4]} == stored
    assert fetched.pending == pending


@pytest.mark.parametrize(
    ("availability", "is_kept"),
    [
        (Availability.PUBLISHED, True),
        (Availability.ABSENT, True),
        (Availability.NO_LONGER_SERVED, True),
        (Availability.UNKNOWN, True),
        (Availability.PARTIAL, False),
    ],
)
def test_a_positive_value_is_kept_unless_its_day_is_partial(availability, is_kept):
    fetched = resolve({DAYS[4]: 7}, registry_totals(DAYS[4], availability))
    assert values(fetched).get(DAYS[4]) == (7 if is_kept else None)
    assert fetched.pending == (set() if is_kept else {DAYS[4]})


def test_leading_zeros_are_dropped():
    fetched = resolve({**dict.fromkeys(DAYS, 0), DAYS[3]: 5}, ALL_PUBLISHED)
    assert values(fetched) == {DAYS[3]: 5} | dict.fromkeys(DAYS[4:], 0)
    assert fetched.pending == frozenset()


def test_leading_zeros_are_kept_when_the_package_is_known_from_earlier_days():
    fetched = resolve({DAYS[3]: 5}, ALL_PUBLISHED, known_since=DAYS[1])
    assert values(fetched) == dict.fromkeys(DAYS[1:], 0) | {DAYS[3]: 5}


def test_a_package_with_zeros_only_has_neither_values_nor_pending_days():
    fetched = resolve(dict.fromkeys(DAYS, 0), UNKNOWN)
    assert fetched == FetchResult(fetched.request)


def test_a_partial_day_shows_that_the_package_exists():
    fetched = resolve({DAYS[4]: 7}, registry_totals(DAYS[4], Availability.PARTIAL))
    assert values(fetched) == dict.fromkeys(DAYS[5:], 0)


def test_days_pending_without_a_total_are_an_error_with_the_reason():
    fetched = resolve({DAYS[0]: 5, DAYS[9]: 6}, UNKNOWN)
    assert values(fetched) == {DAYS[0]: 5, DAYS[9]: 6}
    assert fetched.pending == set(DAYS[1:9])
    assert type(fetched.error) is ServiceUnreachable
    assert str(fetched.error) == "8 days without downloads left open: api.npmjs.org did not answer"


def test_stored_days_without_a_total_are_not_an_error():
    fetched = resolve({DAYS[0]: 5}, UNKNOWN, stored=DAYS[1:])
    assert fetched.pending == set(DAYS[1:])
    assert fetched.error is None


def test_values_have_a_source_ref():
    assert {value.source_ref for value in resolve({DAYS[0]: 1}, ALL_PUBLISHED).values} == {"npm:x"}


@settings(deadline=None, max_examples=deep(80))
@given(
    stated=st.dictionaries(st.integers(-3, 12), st.integers(0, 3)),
    verdicts=st.lists(st.sampled_from(Availability), min_size=10, max_size=10),
    known=st.none() | st.integers(-5, 9),
)
def test_no_day_is_both_stored_and_pending_and_no_zero_is_added(stated, verdicts, known):
    states = dict(zip(DAYS, verdicts, strict=True))
    known_since = None if known is None else FIRST + known * DAY
    fetched = resolve(
        {FIRST + n * DAY: n_ for n, n_ in stated.items()}, RegistryTotals(states), known_since=known_since
    )
    found = values(fetched)
    assert set(DAYS) >= found.keys() | fetched.pending
    assert not found.keys() & fetched.pending
    assert {states[day] for day, value in found.items() if value == 0} <= {Availability.PUBLISHED}
    assert all(value in (0, stated.get((day - FIRST).days)) for day, value in found.items())
