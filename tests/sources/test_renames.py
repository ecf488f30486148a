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
def test_a_new_name_is_reported_with_the_line_to_write(known):
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
def test_the_configured_or_stored_name_is_not_reported(known, name):
    assert rename_warnings(request(known), name, 5) == ()


def test_a_second_move_is_reported():
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
def test_another_id_is_another_repository(known, number, before):
    assert other_known_repository(request(known), number) == before


def test_the_error_states_the_address_of_the_counted_repository():
    assert 'which is now new/home; write subject = "new/home" in cmetrics.toml' in name_taken_over(
        request(), 6, 5, "new/home"
    )
    assert "which no longer exists; add a separate metric for the new one" in name_taken_over(request(), 6, 5, None)


def test_gained_stars_are_known_only_within_the_weeks():
    weeks = {DAY_0: (1, 2, 3, 4, 5, 6, 7), DAY_0 - 7 * DAY: (0,) * 7}
    assert [given(weeks, DAY_0 + n * DAY) for n in (-8, -1, 0, 6, 7)] == [None, 0, 1, 7, None]
