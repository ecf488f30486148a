from __future__ import annotations

from datetime import date

import pytest

from cmetrics.domain.observation import STAR_COUNT_REF, STAR_HISTORY_REF, StarRef, parse_star_ref
from tests.samples import a_metric, a_row

DAY_0 = date(2026, 11, 2)
STARS = a_metric("github")


@pytest.mark.parametrize(
    ("text", "ref", "reconstructed"),
    [
        ("github:owner/name", StarRef("owner/name"), False),
        ("github:owner/name#123", StarRef("owner/name", 123), False),
        ("github:owner/name#123; gained 12", StarRef("owner/name", 123, 12), False),
        ("github:owner/name; gained 0", StarRef("owner/name", None, 0), False),
        ("github-history:owner/na.me_-x", StarRef("owner/na.me_-x"), True),
        ("github-history:owner/name#9", StarRef("owner/name", 9), True),
        ("github-stargazers:owner/name", StarRef("owner/name"), True),
    ],
)
def test_old_and_new_references_of_star_counts_are_parsed(text, ref, reconstructed):
    assert parse_star_ref(text) == ref
    assert a_row(STARS, DAY_0, 7, source_ref=text).is_reconstructed is reconstructed


@pytest.mark.parametrize(
    "text", ["", "seed:stars.csv", "npm:x", "github:", "github:a/b#", "github:a/b#x", "x github:a/b"]
)
def test_other_references_are_not_of_star_counts(text):
    assert parse_star_ref(text) is None


@pytest.mark.parametrize("beginning", [STAR_COUNT_REF, STAR_HISTORY_REF])
@pytest.mark.parametrize("ref", [StarRef("o/n"), StarRef("o/n", 7), StarRef("o/n", 7, 0), StarRef("o/n", None, 12)])
def test_references_are_parsed_as_written(beginning, ref):
    assert parse_star_ref(ref.text(beginning)) == ref
