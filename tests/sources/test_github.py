from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import InvalidResponse
from cmetrics.http.service import Response
from cmetrics.sources.github import (
    cumulative,
    excess,
    is_gapless,
    is_small_excess,
    parse_history,
    parse_repository,
    surplus,
)
from cmetrics.sources.github_api import next_page, refuses_token
from tests.depth import deep
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES

SUNDAY = date(2026, 9, 6)
WEEK = 7 * DAY
LONG_AGO = date(2020, 1, 1)
NONE = (0,) * 7


def seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def week(first: date, *days: int, **changes) -> dict[str, object]:
    return {"week": seconds(first), "total": sum(days), "days": list(days)} | changes


def history_text(**fields: str) -> bytes:
    """Return a history of one week with fields given as JSON text."""
    row = {"week": str(seconds(SUNDAY)), "days": "[0,0,0,0,0,0,0]"} | fields
    return ("[{" + ",".join(f'"{name}":{text}' for name, text in row.items()) + "}]").encode()


def repository(**changes) -> bytes:
    whole = {"id": 5, "full_name": "owner/name", "stargazers_count": 40, "created_at": "2024-02-29T23:59:59Z"} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def rejection(parse, body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^api\.github\.com, .*owner/name") as caught:
        parse(body, "owner/name")
    return str(caught.value)


# -- the repository ------------------------------------------------------------------------------


def test_the_count_name_id_and_creation_time_of_a_repository_are_read():
    found = parse_repository(repository(watchers_count=1, subscribers_count=2, private=False), "owner/name")
    assert (found.id, found.full_name, found.stargazers_count) == (5, "owner/name", 40)
    assert found.created_at == datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)


def test_a_renamed_repository_is_read_under_its_new_name():
    assert parse_repository(repository(full_name="new/home"), "owner/name").full_name == "new/home"


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_an_invalid_star_count_is_rejected(text):
    body = repository(stargazers_count=777).replace(b"777", text.encode())
    rejection(parse_repository, body)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "5"},
        {"full_name": "nameless"},
        {"full_name": ""},
        {"stargazers_count": None},
        {"created_at": "2024-02-29T23:59:59"},
        {"created_at": "long ago"},
    ],
)
def test_a_repository_with_an_invalid_field_is_rejected(changes):
    assert next(iter(changes)) in rejection(parse_repository, repository(**changes))


def test_only_the_count_of_a_repository_is_required():
    bare = parse_repository(b'{"stargazers_count": 7}', "o/r")
    assert (bare.stargazers_count, bare.name("o/r"), bare.created) == (7, "o/r", date.min)


@pytest.mark.parametrize("name", ["xx o/r?x", "o/r?x", "xx o/r", "o/r\n", "o/r/..", "o/..", "o/."])
def test_a_new_name_that_is_not_a_repository_name_is_rejected(name):
    assert "full_name" in rejection(parse_repository, repository(full_name=name))


@pytest.mark.parametrize("body", [*INVALID_RESPONSES, b"[]", repository()[:-1], b"[" + repository() + b"]"])
def test_an_invalid_repository_is_rejected(body):
    rejection(parse_repository, body)


# -- the history ---------------------------------------------------------------------------------


def test_weeks_are_read_with_and_without_a_total():
    body = json.dumps([week(SUNDAY, 1, 2, 3, 4, 5, 6, 0), {"week": seconds(SUNDAY - WEEK), "days": [0] * 7}]).encode()
    assert parse_history(body, "owner/name") == {SUNDAY: (1, 2, 3, 4, 5, 6, 0), SUNDAY - WEEK: NONE}


def test_an_empty_history_is_valid():
    assert parse_history(b"[]", "owner/name") == {}


@pytest.mark.parametrize("total", [20, 22, 0])
def test_a_total_other_than_the_sum_of_its_days_is_rejected(total):
    body = json.dumps([week(SUNDAY, 1, 2, 3, 4, 5, 6, 0, total=total)]).encode()
    assert "not the sum" in rejection(parse_history, body)


def test_a_duplicate_week_is_rejected():
    assert f"{SUNDAY} twice" in rejection(parse_history, json.dumps([week(SUNDAY, *NONE)] * 2).encode())


@pytest.mark.parametrize("days", [[], [0] * 6, [0] * 8, None, {"0": 1}])
def test_a_week_without_seven_days_is_rejected(days):
    assert "0.days" in rejection(parse_history, json.dumps([week(SUNDAY, days=days, total=None)]).encode())


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_an_invalid_count_of_a_day_is_rejected(text):
    rejection(parse_history, history_text(days=f"[0,0,0,{text},0,0,0]"))


@pytest.mark.parametrize("text", ["-1", "true", "1788652800.0", '"1788652800"', "null", "1788652800000"])
def test_an_invalid_week_is_rejected(text):
    assert "0.week" in rejection(parse_history, history_text(week=text))


@pytest.mark.parametrize("body", [*INVALID_RESPONSES, history_text()[1:-1], history_text()[:-1]])
def test_an_invalid_history_is_rejected(body):
    rejection(parse_history, body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_named_in_the_error(page):
    assert "HTML page instead of JSON" in rejection(parse_history, page)


# -- pages ---------------------------------------------------------------------------------------


def link(*parts: str) -> Response:
    base = "https://api.github.com/repositories/5/stargazers/history"
    text = ", ".join(f'<{base}?{query}>; rel="{rel}"' for query, rel in (part.split(" ") for part in parts))
    return Response(b"[]", {"link": text})


@pytest.mark.parametrize(
    ("answer", "following"),
    [
        (link("per_page=30&page=2 next", "per_page=30&page=18 last"), 2),
        (link("page=2&per_page=30 next"), 2),
        (link("per_page=30&page=18 last", "per_page=30&page=2 next"), 2),
        (link("per_page=30&page=1 prev", "per_page=30&page=1 first"), None),
        (link("per_page=30 next"), None),
        (link("per_page=30&page=1 next"), None),  # never again the page that was just read
        (link("per_page=30&page=two next"), None),
        (link("per_page=30&page=-2 next"), None),
        (Response(b"[]", {"link": ""}), None),
    ],
)
def test_the_next_page_comes_from_the_link_header(answer, following):
    assert next_page(answer, page=1, rows=30, per_page=30) == following


@pytest.mark.parametrize(("weeks", "following"), [(30, 4), (31, 4), (29, None), (0, None)])
def test_without_a_link_header_a_partial_page_is_the_last(weeks, following):
    assert next_page(Response(b"[]", {}), page=3, rows=weeks, per_page=30) == following


@pytest.mark.parametrize(
    ("offsets", "gapless"),
    [([], True), ([0], True), ([0, 7, 14], True), ([14, 0, 7], True), ([0, 14], False), ([0, 7, 13], False)],
)
def test_weeks_are_consecutive_only_when_seven_days_apart(offsets, gapless):
    assert is_gapless({SUNDAY + days * DAY: NONE for days in offsets}) is gapless


# -- stars on a day ------------------------------------------------------------------------------


def test_the_stars_of_a_day_are_the_current_count_less_later_gains():
    weeks = {SUNDAY - WEEK: (1, 0, 0, 0, 0, 0, 2), SUNDAY: (3, 0, 4, 0, 0, 0, 0)}
    days = [SUNDAY - DAY, SUNDAY, SUNDAY + DAY, SUNDAY + 2 * DAY]
    assert list(cumulative(100, weeks, LONG_AGO, days).items()) == list(zip(days, [93, 96, 96, 100], strict=True))


@settings(deadline=None, max_examples=deep(60))
@given(
    gains=st.lists(st.lists(st.integers(0, 50), min_size=7, max_size=7), min_size=1, max_size=6),
    before=st.integers(0, 1000),
    data=st.data(),
)
def test_every_day_has_all_stars_given_up_to_it(gains, before, data):
    by_day = {SUNDAY + n * DAY: gained for n, gained in enumerate(chain(*gains))}
    weeks = {SUNDAY + n * WEEK: tuple(days) for n, days in enumerate(gains)}
    requested = sorted(data.draw(st.sets(st.sampled_from(sorted(by_day)), min_size=1)))
    values = cumulative(before + sum(by_day.values()), weeks, LONG_AGO, requested)
    assert values == {day: before + sum(n for when, n in by_day.items() if when <= day) for day in requested}


def test_days_before_the_repository_or_its_history_have_no_value():
    days = [SUNDAY - DAY, SUNDAY, SUNDAY + DAY, SUNDAY + 2 * DAY]
    weeks = {SUNDAY: (0, 1, 1, 0, 0, 0, 0)}
    assert cumulative(2, weeks, LONG_AGO, days) == {days[1]: 0, days[2]: 1, days[3]: 2}
    assert cumulative(2, weeks, days[2], days) == {days[2]: 1, days[3]: 2}


def test_days_after_the_newest_week_have_no_value():
    saturday = SUNDAY + 6 * DAY
    days = [saturday, saturday + DAY, saturday + 2 * DAY]
    assert cumulative(5, {SUNDAY: (1, 0, 0, 0, 0, 0, 0)}, LONG_AGO, days) == {saturday: 5}
    assert cumulative(5, {SUNDAY: NONE}, LONG_AGO, days[1:]) == {}


def test_a_repository_without_stars_has_zeros_since_its_creation():
    assert cumulative(0, {}, SUNDAY, [SUNDAY - DAY, SUNDAY]) == {SUNDAY: 0}


def test_a_count_without_a_history_gives_no_past_days():
    assert cumulative(7, {}, LONG_AGO, [SUNDAY]) == {}


def test_a_star_between_two_requests_is_not_a_contradiction():
    assert cumulative(4, {SUNDAY: (0, 5, 0, 0, 0, 0, 0)}, LONG_AGO, [SUNDAY]) == {SUNDAY: 0}


@pytest.mark.parametrize(
    ("created", "off"), [(SUNDAY, 3), (SUNDAY - DAY, None), (SUNDAY + 3 * DAY, 3), (date.min, None)]
)
def test_only_a_complete_history_is_compared_with_the_count(created, off):
    assert surplus(8, {SUNDAY: (0, 5, 0, 0, 0, 0, 0)}, created) == off


@pytest.mark.parametrize(("count", "gained"), [(4, (0, 6, 0, 0, 0, 0, 0)), (0, (1,) * 7), (5, (1,) * 7)])
def test_more_stars_gained_than_counted(count, gained):
    """Values from a history with too many stars stay between 0 and the current count."""
    days = [SUNDAY + n * DAY for n in range(7)]
    values = cumulative(count, {SUNDAY: gained}, LONG_AGO, days)
    assert values[days[-1]] == count
    assert all(0 <= value <= count for value in values.values())
    assert excess(count, {SUNDAY: gained}) == sum(gained) - count


@pytest.mark.parametrize(
    ("stars", "count", "small"),
    [(20, 8080, True), (10, 3, True), (11, 3, False), (808, 8080, True), (809, 8080, False)],
)
def test_small_excess(stars, count, small):
    """An excess of up to ten stars or a tenth is accepted; a larger one means another repository's history."""
    assert is_small_excess(stars, count) is small


@pytest.mark.parametrize(
    ("status", "headers", "message", "refused"),
    [
        (401, {}, "Bad credentials", True),
        (403, {"x-github-sso": "required; url=https://github.com/orgs/o/sso"}, "", True),
        (403, {}, "Resource protected by organization SAML enforcement.", True),
        (403, {}, "`o` forbids access via a personal access token (classic).", True),
        (403, {}, "`o` forbids access via a fine-grained personal access tokens if its lifetime is too long.", True),
        (403, {}, "Resource not accessible by personal access token", True),
        (403, {}, "Repository access blocked", False),
        (403, {}, "Must have admin rights to Repository.", False),
    ],
)
def test_refused_tokens(status, headers, message, refused):
    """A 401, and a 403 about single sign-on or token types, mean that the token was refused."""
    assert refuses_token(status, headers, json.dumps({"message": message}).encode()) is refused
