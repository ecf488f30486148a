from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.archives.crates_files import Cache, DayReader, parse_index
from tests.sources.responses import HTML_PAGES, INVALID_RESPONSES

DAY_0 = date(2024, 8, 1)
GOOD = b"version_id,downloads\n1,200\n2,500\n77,3\n"


def read(body: bytes, versions: set[int], *, least: int = 0, chunk: int = 7) -> dict[int, int]:
    reader = DayReader("the archive", versions, least)
    for start in range(0, len(body), chunk):
        reader.feed(body[start : start + chunk])
    return reader.close()


def rejection(body: bytes, **options: int) -> str:
    with pytest.raises(InvalidResponse, match=r"^the archive") as caught:
        read(body, {1, 2}, **options)
    return str(caught.value)


# -- the index -----------------------------------------------------------------------------------


def test_the_index_lists_the_published_days():
    body = json.dumps([{"name": "2024-08-01.csv", "size": 138}, {"name": "2024-07-31.csv", "size": 9}]).encode()
    assert list(parse_index(body).items()) == [(date(2024, 7, 31), 9), (DAY_0, 138)]


def test_other_files_in_the_folder_are_ignored():
    assert parse_index(b'[{"name":"index.html","size":5},{"name":"2024-08-01.csv.gz","size":5}]') == {}


@pytest.mark.parametrize(
    "body",
    [
        *INVALID_RESPONSES,
        b'[{"name":"2024-02-30.csv","size":1}]',
        b'[{"name":"2024-08-01.csv","size":-1}]',
        b'[{"name":"2024-08-01.csv","size":1},{"name":"2024-08-01.csv","size":1}]',
    ],
    ids=lambda body: body[:30],
)
def test_an_invalid_index_is_rejected(body):
    with pytest.raises(InvalidResponse, match=r"^static\.crates\.io, archive index"):
        parse_index(body)


# -- a day's file --------------------------------------------------------------------------------


@given(chunk=st.integers(1, len(GOOD) + 1))
def test_requested_versions_are_found_with_any_chunk_size(chunk):
    assert read(GOOD, {2, 77, 5}, chunk=chunk) == {2: 500, 77: 3, 5: 0}


def test_both_line_endings_and_a_missing_last_one_are_accepted():
    assert read(GOOD.replace(b"\n", b"\r\n"), {1, 77}) == {1: 200, 77: 3}
    assert read(GOOD[:-1], {1, 77}) == {1: 200, 77: 3}


def test_a_file_without_rows_means_no_downloads():
    assert read(b"version_id,downloads\n", {1}) == {1: 0}


@pytest.mark.parametrize("body", [b"", b"downloads,version_id\n1,2\n", b"1,200\n", *INVALID_RESPONSES[1:], *HTML_PAGES])
def test_an_invalid_file_is_rejected(body):
    rejection(body)


def test_a_line_without_an_end_is_not_buffered():
    reader = DayReader("the archive", {1}, 0)
    reader.feed(b"version_id,downloads\n")
    with pytest.raises(InvalidResponse):
        reader.feed(b"9" * 5000)


@pytest.mark.parametrize("count", [b"", b"-1", b"+1", b"1.0", b"1_0", b" 1", b"2,3", b"9" * 16, "\u0663".encode()])
def test_only_requested_versions_need_a_valid_count(count):
    assert "version 1" in rejection(b"version_id,downloads\n1," + count + b"\n")
    assert read(b"version_id,downloads\n9," + count + b"\n", {1}) == {1: 0}


def test_a_duplicate_version_is_rejected():
    assert "version 1 twice" in rejection(GOOD + b"1,1\n")


def test_a_file_shorter_than_its_size_in_the_index_is_rejected():
    assert "ends after" in rejection(GOOD, least=len(GOOD) + 1)
    assert read(GOOD, {1}, least=len(GOOD)) == {1: 200}


# -- the cache -----------------------------------------------------------------------------------


def test_a_cached_day_lists_the_requested_versions(tmp_path):
    cache = Cache(tmp_path)
    assert cache.load(DAY_0) == {}
    cache.save(DAY_0, {2: 0, 1: 7})
    assert Cache(tmp_path).load(DAY_0) == {1: 7, 2: 0}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["2024-08-01.csv"]


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_damaged_cached_day_is_ignored(cut, tmp_path):
    cache = Cache(tmp_path)
    cache.save(DAY_0, {2: 0, 1: 7})
    (path,) = (path for path in tmp_path.rglob("*.csv"))
    path.write_bytes(path.read_bytes()[:-cut])
    assert cache.load(DAY_0).items() <= {1: 7}.items()


def test_without_a_writable_folder_nothing_is_cached_and_nothing_fails(tmp_path):
    is_kept = tmp_path / "file"
    is_kept.write_text("")
    for cache in (Cache(None), Cache(is_kept)):
        cache.save(DAY_0, {1: 7})
        assert cache.load(DAY_0) == {}
    assert list(tmp_path.iterdir()) == [is_kept]
