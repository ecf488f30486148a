from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.observation import StarRef
from cmetrics.sources.base import FetchRequest
from cmetrics.sources.github import given
from cmetrics.sources.renames import name_taken_over, other_known_repository, rename_warnings
from tests.samples import a_metric, a_request

DAY_0 = date(2026, 11, 1)


def request(known: StarRef | None = None) -> FetchRequest:
    return replace(a_request(a_metric("github"), DAY_0, DAY_0), repository=known)


@pytest.mark.parametrize("known", [None, StarRef("owner/name"), StarRef("owner/name", 5)])
def test_a_new_name_is_told_with_the_line_to_write(known):
    (text,) = rename_warnings(request(known), "new/home", 5)
    assert text.startswith("stars:p:github: owner/name is now new/home (repository id 5); ")
    assert text.endswith('write subject = "new/home" in cmetrics.toml')


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (None, "owner/name"),
        (None, "Owner/Name"),
        (StarRef("new/home", 5), "new/home"),
        (StarRef("New/Home"), "new/home"),
    ],
)
def test_the_configured_name_and_one_that_was_stored_already_are_no_news(known, name):
    assert rename_warnings(request(known), name, 5) == ()


def test_a_second_move_is_news_again():
    assert len(rename_warnings(request(StarRef("new/home", 5)), "newer/home", 5)) == 1


@pytest.mark.parametrize(
    ("known", "number", "before"),
    [
        (None, 5, None),
        (StarRef("owner/name"), 5, None),
        (StarRef("owner/name", 5), 5, None),
        (StarRef("owner/name", 5), None, None),
        (StarRef("owner/name", 5), 6, 5),
    ],
)
def test_another_number_than_the_one_known_is_another_repository(known, number, before):
    assert other_known_repository(request(known), number) == before


def test_the_error_says_where_the_counted_repository_is():
    assert 'which is now new/home; write subject = "new/home" in cmetrics.toml' in name_taken_over(
        request(), 6, 5, "new/home"
    )
    assert "which no longer exists; add a separate metric for the new one" in name_taken_over(request(), 6, 5, None)


def test_stars_given_on_a_day_are_those_of_its_week_and_unknown_outside_of_all():
    weeks = {DAY_0: (1, 2, 3, 4, 5, 6, 7), DAY_0 - 7 * DAY: (0,) * 7}
    assert [given(weeks, DAY_0 + n * DAY) for n in (-8, -1, 0, 6, 7)] == [None, 0, 1, 7, None]
