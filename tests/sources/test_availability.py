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
ALL_LANDED = RegistryTotals(dict.fromkeys(DAYS, Availability.PUBLISHED), first=FIRST)


def totals(*values: int) -> dict[date, int]:
    return {FIRST + n * DAY: value for n, value in enumerate(values)}


def registry_totals(day: date, landing: Availability) -> RegistryTotals:
    """All days have landed but one."""
    return RegistryTotals({**dict.fromkeys(DAYS, Availability.PUBLISHED), day: landing}, first=FIRST)


def judged(
    stated: Mapping[date, int], verdict: RegistryTotals, *, known_since: date | None = None, stored=()
) -> FetchResult:
    return resolve_days(
        a_request(a_metric(), FIRST, LAST, known_since=known_since, stored=stored), stated, verdict, "npm:x"
    )


def values(fetched: FetchResult) -> dict[date, int]:
    return {value.day: value.value for value in fetched.values}


# -- what a total says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "landing"),
    [
        (0, Availability.ABSENT),
        (1, Availability.PARTIAL),
        (19, Availability.PARTIAL),
        (20, Availability.PUBLISHED),
        (30, Availability.PUBLISHED),  # Christmas
        (5000, Availability.PUBLISHED),
    ],
)
def test_a_day_has_landed_when_its_total_is_near_its_neighbours(total, landing):
    assert build_registry_totals(totals(*[100] * 8, total)).availability(FIRST + 8 * DAY) is landing


def test_days_after_a_long_hole_are_not_measured_by_the_hole():
    verdict = build_registry_totals(totals(100, *[0] * 6, 90))
    assert [verdict.availability(day) for day in (FIRST, FIRST + DAY, FIRST + 7 * DAY)] == [
        Availability.PUBLISHED,
        Availability.ABSENT,
        Availability.PUBLISHED,
    ]


def test_only_the_week_on_either_side_counts_as_near():
    assert build_registry_totals({FIRST: 10, FIRST + 7 * DAY: 1000}).availability(FIRST) is Availability.PARTIAL
    assert build_registry_totals({FIRST: 10, FIRST - 7 * DAY: 1000}).availability(FIRST) is Availability.PARTIAL
    assert (
        build_registry_totals({FIRST: 10, FIRST - 8 * DAY: 1000, FIRST + 8 * DAY: 1000}).availability(FIRST)
        is Availability.PUBLISHED
    )


def test_a_lone_total_has_landed():
    assert build_registry_totals({FIRST: 1}).availability(FIRST) is Availability.PUBLISHED


def test_a_day_without_a_total_is_absent_after_the_first_one_and_forgotten_before_it():
    verdict = build_registry_totals({FIRST: 100, FIRST + 2 * DAY: 100})
    assert verdict.availability(FIRST - DAY) is Availability.NO_LONGER_SERVED
    assert verdict.availability(FIRST + DAY) is Availability.ABSENT
    assert verdict.availability(FIRST + 3 * DAY) is Availability.ABSENT


def test_without_any_total_no_day_has_landed():
    assert build_registry_totals({}).availability(FIRST) is Availability.ABSENT


def test_a_total_that_could_not_be_had_says_nothing():
    assert UNKNOWN.availability(FIRST) is Availability.UNKNOWN


# -- what can be stored --------------------------------------------------------------------------


@pytest.mark.parametrize("stated", [{DAYS[4]: 0}, {}], ids=["stated as 0", "not stated"])
@pytest.mark.parametrize(
    ("landing", "stored", "pending"),
    [
        (Availability.PUBLISHED, {DAYS[4]: 0}, set()),
        (Availability.ABSENT, {}, {DAYS[4]}),
        (Availability.PARTIAL, {}, {DAYS[4]}),
        (Availability.UNKNOWN, {}, {DAYS[4]}),
        (Availability.NO_LONGER_SERVED, {}, set()),
    ],
)
def test_a_day_without_downloads_is_a_zero_only_when_it_has_landed(stated, landing, stored, pending):
    fetched = judged(stated, registry_totals(DAYS[4], landing), known_since=FIRST)
    assert {day: n for day, n in values(fetched).items() if day == DAYS[4]} == stored
    assert fetched.pending == pending


@pytest.mark.parametrize(
    ("landing", "stands"),
    [
        (Availability.PUBLISHED, True),
        (Availability.ABSENT, True),
        (Availability.NO_LONGER_SERVED, True),
        (Availability.UNKNOWN, True),
        (Availability.PARTIAL, False),
    ],
)
def test_a_positive_value_stands_unless_only_a_part_of_its_day_has_landed(landing, stands):
    fetched = judged({DAYS[4]: 7}, registry_totals(DAYS[4], landing))
    assert values(fetched).get(DAYS[4]) == (7 if stands else None)
    assert fetched.pending == (set() if stands else {DAYS[4]})


def test_leading_zeros_are_before_the_package_and_are_dropped():
    fetched = judged({**dict.fromkeys(DAYS, 0), DAYS[3]: 5}, ALL_LANDED)
    assert values(fetched) == {DAYS[3]: 5} | dict.fromkeys(DAYS[4:], 0)
    assert fetched.pending == frozenset()


def test_leading_zeros_are_true_once_the_package_is_known_from_earlier_days():
    fetched = judged({DAYS[3]: 5}, ALL_LANDED, known_since=DAYS[1])
    assert values(fetched) == dict.fromkeys(DAYS[1:], 0) | {DAYS[3]: 5}


def test_a_package_without_any_sign_has_neither_values_nor_pending_days():
    fetched = judged(dict.fromkeys(DAYS, 0), UNKNOWN)
    assert fetched == FetchResult(fetched.request)


def test_a_day_that_has_landed_in_part_still_shows_that_the_package_exists():
    fetched = judged({DAYS[4]: 7}, registry_totals(DAYS[4], Availability.PARTIAL))
    assert values(fetched) == dict.fromkeys(DAYS[5:], 0)


def test_days_left_open_for_want_of_a_total_are_an_error_that_gives_the_reason():
    fetched = judged({DAYS[0]: 5, DAYS[9]: 6}, UNKNOWN)
    assert values(fetched) == {DAYS[0]: 5, DAYS[9]: 6}
    assert fetched.pending == set(DAYS[1:9])
    assert type(fetched.error) is ServiceUnreachable
    assert str(fetched.error) == "8 days without downloads left open: api.npmjs.org did not answer"


def test_days_that_are_stored_already_are_no_error_without_a_total():
    fetched = judged({DAYS[0]: 5}, UNKNOWN, stored=DAYS[1:])
    assert fetched.pending == set(DAYS[1:])
    assert fetched.error is None


def test_values_carry_where_they_were_read():
    assert {value.source_ref for value in judged({DAYS[0]: 1}, ALL_LANDED).values} == {"npm:x"}


@settings(deadline=None, max_examples=deep(80))
@given(
    stated=st.dictionaries(st.integers(-3, 12), st.integers(0, 3)),
    verdicts=st.lists(st.sampled_from(Availability), min_size=10, max_size=10),
    known=st.none() | st.integers(-5, 9),
)
def test_no_day_is_both_stored_and_pending_and_no_zero_is_invented(stated, verdicts, known):
    says = dict(zip(DAYS, verdicts, strict=True))
    known_since = None if known is None else FIRST + known * DAY
    fetched = judged({FIRST + n * DAY: n_ for n, n_ in stated.items()}, RegistryTotals(says), known_since=known_since)
    found = values(fetched)
    assert set(DAYS) >= found.keys() | fetched.pending
    assert not found.keys() & fetched.pending
    assert {says[day] for day, value in found.items() if value == 0} <= {Availability.PUBLISHED}
    assert all(value in (0, stated.get((day - FIRST).days)) for day, value in found.items())
