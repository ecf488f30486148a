from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.catalog import DEFAULT_PATH, Catalog, load_catalog, parse_address
from cmetrics.domain.errors import ConfigError, UsageError
from cmetrics.domain.event import Note, ReleaseFilter, ReleaseRule
from cmetrics.domain.kind import counter, rolling, stock
from cmetrics.domain.license import LICENSES
from cmetrics.domain.metric import Event, Product
from cmetrics.domain.site_theme import SiteTheme
from cmetrics.sources import SPECS
from tests.depth import deep

ABSENT = object()
#: A date with a time, where a date is expected. Times in TOML may have no zone.
MIDNIGHT = datetime(2026, 3, 1)  # noqa: DTZ001
PRODUCT = {"id": "lance", "title": "Lance"}
METRIC = {"product": "lance", "source": "npm", "subject": "@lancedb/lancedb"}
EVENT = {"date": date(2026, 3, 1), "label": "Release 1.0"}


def toml_value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def catalog_text(*, top: dict | None = None, products: list | None = None, metrics: list | None = None) -> str:
    """Return a valid catalogue with these changes; a field that is ABSENT is left out."""
    whole = {
        "title": "All",
        "contact": "https://example.com/",
        "products": [PRODUCT] if products is None else products,
        "metrics": [METRIC] if metrics is None else metrics,
    } | (top or {})
    return "\n".join(f"{json.dumps(key)} = {toml_value(value)}" for key, value in whole.items() if value is not ABSENT)


def entry(**changes: object) -> dict[str, object]:
    return {key: value for key, value in (METRIC | changes).items() if value is not ABSENT}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cmetrics.toml"


def load(path: Path, **changes) -> Catalog:
    path.write_text(catalog_text(**changes), encoding="utf-8")
    return load_catalog(path, SPECS)


def rejection(path: Path, where: str, field: str) -> str:
    """Return the error of an invalid catalogue, after checking that it names file, entry and field."""
    with pytest.raises(ConfigError) as caught:
        load_catalog(path, SPECS)
    message = str(caught.value)
    assert re.match(
        rf"{re.escape(str(path))}: {re.escape(where)}(?: \([^)]*\))?, field '{re.escape(field)}': ", message
    )
    assert "\n" not in message
    return message


# -- the default catalogue -----------------------------------------------------------------------


def test_the_default_catalogue_has_the_expected_metrics():
    catalog = load_catalog(None, SPECS)
    table = {
        (metric.metric_id, metric.source, metric.subject, metric.sdk, metric.display_name) for metric in catalog.metrics
    }
    assert table == {
        ("downloads:lance:python", "pypistats", "pylance", "python", "Python"),
        ("downloads:lance:rust", "cratesio", "lance", "rust", "Rust"),
        ("downloads:lancedb:python", "pypistats", "lancedb", "python", "Python"),
        ("downloads:lancedb:nodejs", "npm", "@lancedb/lancedb", "nodejs", "NodeJS"),
        ("downloads:lancedb:rust", "cratesio", "lancedb", "rust", "Rust"),
        ("stars:lance:github", "github", "lance-format/lance", None, "GitHub Stars"),
        ("stars:lancedb:github", "github", "lancedb/lancedb", None, "GitHub Stars"),
    }
    assert len(catalog.metrics) == 7
    assert catalog.products == (Product("lance", "Lance"), Product("lancedb", "LanceDB"))
    assert catalog.path == DEFAULT_PATH


def test_the_default_catalogue_counts_both_pypi_packages_with_mirrors():
    assert {m.metric_id for m in load_catalog(None, SPECS).metrics if m.mirrors} == {
        "downloads:lance:python",
        "downloads:lancedb:python",
    }


def test_downloads_of_the_default_catalogue_are_daily_from_december_2025_and_seeded_before():
    catalog = load_catalog(None, SPECS)
    since = {metric.metric_id: metric.daily_from for metric in catalog.metrics}
    downloads = {metric_id for metric_id in since if metric_id.startswith("downloads:")}
    assert since == {id_: date(2025, 12, 1) if id_ in downloads else None for id_ in since}
    assert catalog.seeds == dict.fromkeys(downloads, DEFAULT_PATH.parent / "seed.csv")


# -- valid catalogues ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "subject", "metric_id", "sdk", "name", "family"),
    [
        ("npm", "react", "downloads:lance:nodejs", "nodejs", "NodeJS", "downloads"),
        ("pypistats", "pylance", "downloads:lance:python", "python", "Python", "downloads"),
        ("cratesio", "lance", "downloads:lance:rust", "rust", "Rust", "downloads"),
        ("github", "a/b", "stars:lance:github", None, "GitHub Stars", "stars"),
    ],
)
def test_an_entry_needs_only_product_source_and_subject(path, source, subject, metric_id, sdk, name, family):
    (metric,) = load(path, metrics=[entry(source=source, subject=subject)]).metrics
    assert (metric.metric_id, metric.sdk, metric.display_name, metric.family) == (metric_id, sdk, name, family)
    assert (metric.product, metric.source, metric.subject) == ("lance", source, subject)
    assert (metric.mirrors, metric.daily_from) == (False, None)
    assert subject in metric.page_url


def test_an_entry_may_set_every_field(path):
    (path.parent / "old.csv").write_text("metric_id,date,value\n")
    given = {"id": "downloads:lance:java.x", "sdk": "java", "display_name": " Java ", "daily_from": date(2026, 1, 1)}
    catalog = load(path, metrics=[entry(seed="old.csv", **given)])
    (metric,) = catalog.metrics
    assert (metric.metric_id, metric.sdk, metric.display_name) == ("downloads:lance:java.x", "java", "Java")
    assert metric.daily_from == date(2026, 1, 1)
    assert catalog.seeds == {"downloads:lance:java.x": path.parent / "old.csv"}
    assert catalog.metric("downloads:lance:java.x") is metric
    assert catalog.metric("downloads:lance:other") is None


def test_an_sdk_is_part_of_the_id_that_an_entry_gets(path):
    assert load(path, metrics=[entry(sdk="bun")]).metrics[0].metric_id == "downloads:lance:bun"


def test_entries_stay_in_the_order_of_the_file(path):
    subjects = ["zz", "aa", "mm"]
    catalog = load(
        path,
        products=[PRODUCT | {"id": name} for name in subjects],
        metrics=[entry(subject=name, product=name) for name in subjects],
    )
    assert [product.product for product in catalog.products] == subjects
    assert [metric.subject for metric in catalog.metrics] == subjects


def test_pypi_can_be_counted_with_and_without_mirrors(path):
    both = [
        entry(source="pypistats", subject="pylance", mirrors=True),
        entry(source="pypistats", subject="pylance", id="downloads:lance:python-direct"),
    ]
    assert [metric.mirrors for metric in load(path, metrics=both).metrics] == [True, False]


def test_the_title_is_optional(path):
    catalog = load(path, top={"title": ABSENT, "contact": "mail@example.com"})
    assert (catalog.title, catalog.contact) == ("Community metrics", "mail@example.com")


# -- events and the address of the site ----------------------------------------------------------


def test_an_event_needs_only_date_and_label_and_applies_to_all_products(path):
    products = [PRODUCT, PRODUCT | {"id": "other"}]
    assert load(path, products=products, top={"events": [EVENT]}).events == (
        Event(date(2026, 3, 1), "Release 1.0", None, ("lance", "other")),
    )


def test_an_event_may_have_a_link_and_products(path):
    products = [PRODUCT, PRODUCT | {"id": "other"}, PRODUCT | {"id": "third"}]
    event_fields = EVENT | {"url": "http://example.com/a?b=c&d=e#f", "products": ["third", "lance"]}
    (event,) = load(path, products=products, top={"events": [event_fields]}).events
    assert (event.url, event.products) == ("http://example.com/a?b=c&d=e#f", ("third", "lance"))


def test_events_are_ordered_by_day_then_as_in_the_file(path):
    days = [date(2026, 3, 1), date(2025, 1, 9), date(2026, 3, 1), date(2025, 12, 31), date(2026, 3, 1)]
    events = [EVENT | {"date": day, "label": f"event {n}"} for n, day in enumerate(days)]
    assert [event.label for event in load(path, top={"events": events}).events] == [
        "event 1",
        "event 3",
        "event 0",
        "event 2",
        "event 4",
    ]


def test_events_and_url_are_optional(path):
    assert (load(path).events, load(path).url) == ((), None)
    assert load(path, top={"events": []}).events == ()


ADDRESSES = [
    ("https://example.com", "https://example.com/"),
    ("https://example.com/", "https://example.com/"),
    ("http://localhost:8000/stats", "http://localhost:8000/stats/"),
    ("https://example.com/a/b//", "https://example.com/a/b/"),
]
NO_ADDRESSES = [
    "",
    " ",
    "example.com",
    "//example.com/",
    "/stats/",
    "https://",
    "javascript:alert(1)",
    "javascript://example.com/%0aalert(1)",
    "data:text/html,x",
    "ftp://example.com/",
    "https://example.com/a b",
    'https://example.com/"onclick="x',
    "https://example.com/<b>",
    "https://example.com/\nx",
    "https://example.com/\u2028x",
    "https://exämple.com/",
    f"https://example.com/{'x' * 500}",
]


@pytest.mark.parametrize(("written", "address"), ADDRESSES)
def test_the_site_url_ends_with_one_slash(path, written, address):
    assert load(path, top={"url": written}).url == address
    assert parse_address("--url", f" {written}\n") == address


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_an_invalid_url_is_rejected(path, text):
    path.write_text(catalog_text(top={"url": text}), encoding="utf-8")
    rejection(path, "top level", "url")
    path.write_text(catalog_text(top={"events": [EVENT, EVENT | {"url": text}]}), encoding="utf-8")
    rejection(path, "events[2]", "url")
    with pytest.raises(UsageError, match=r"^--url: ") as caught:
        parse_address("--url", text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://example.com/", "begins with http:// or https://"),
        ("https://bücher.example/", "xn--"),
        ("https://example.com/?x=1", "query"),
        ("https://example.com/#x", "fragment"),
        ("https://user:pass@example.com/", "user name"),
        ("https://example.com/a b", "character"),
        (f"https://example.com/{'x' * 500}", "longer than 500"),
    ],
)
def test_address_reason(text, reason):
    """The error states the actual reason."""
    with pytest.raises(UsageError, match=re.escape(reason)):
        parse_address("--url", text)


@pytest.mark.parametrize(
    "text",
    ["HTTPS://example.com/m", "https://example.com/m/index.html", "https://example.com/m//", "Https://example.com/m"],
)
def test_address_forms(text):
    """The scheme is case-insensitive, and `index.html` is removed."""
    assert parse_address("--url", text) == "https://example.com/m/"


# -- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "where", "field", "reason"),
    [
        ({"top": {"colour": "red"}}, "top level", "colour", "not a known field"),
        ({"products": [PRODUCT | {"name": "x"}]}, "products[1]", "name", "not a known field"),
        ({"metrics": [METRIC, entry(subjects="x")]}, "metrics[2]", "subjects", "not a known field"),
        ({"top": {"contact": ABSENT}}, "top level", "contact", "missing"),
        ({"top": {"products": ABSENT}}, "top level", "products", "is missing; add [[products]]"),
        ({"top": {"metrics": ABSENT}}, "top level", "metrics", "missing"),
        ({"products": []}, "top level", "products", "at least 1 item"),
        ({"metrics": []}, "top level", "metrics", "at least 1 item"),
        ({"products": [{"id": "lance"}]}, "products[1]", "title", "missing"),
        ({"metrics": [entry(product=ABSENT)]}, "metrics[1]", "product", "missing"),
        ({"metrics": [entry(source=ABSENT)]}, "metrics[1]", "source", "missing"),
        ({"metrics": [entry(subject=ABSENT)]}, "metrics[1]", "subject", "missing"),
        ({"top": {"title": 7}}, "top level", "title", "needs text in quotes, but it is 7"),
        ({"top": {"contact": "two words"}}, "top level", "contact", "use one address in ASCII"),
        ({"top": {"contact": "ü@example.com"}}, "top level", "contact", "use one address in ASCII"),
        ({"top": {"contact": "a\r\nX-Header: b"}}, "top level", "contact", "use one address in ASCII"),
        ({"top": {"metrics": "x"}}, "top level", "metrics", "needs entries written [[metrics]]"),
        ({"top": {"products": {"id": "lance"}}}, "top level", "products", "needs entries written [[products]]"),
        ({"metrics": ["npm"]}, "metrics[1]", "(entry)", "'npm'"),
        ({"products": [PRODUCT | {"id": "Lance"}]}, "products[1]", "id", "use lower-case letters"),
        ({"products": [PRODUCT | {"id": "a:b"}]}, "products[1]", "id", "use lower-case letters"),
        ({"products": [PRODUCT | {"id": "../x"}]}, "products[1]", "id", "use lower-case letters"),
        ({"products": [PRODUCT | {"title": " "}]}, "products[1]", "title", "at least 1 character"),
        ({"products": [PRODUCT | {"title": "a\u001b[31m"}]}, "products[1]", "title", "remove the control characters"),
        ({"products": [PRODUCT, PRODUCT]}, "products[2]", "id", "'lance' is used twice"),
        ({"metrics": [entry(subject=["a"])]}, "metrics[1]", "subject", "needs text in quotes"),
        ({"metrics": [entry(subject="x" * 201)]}, "metrics[1]", "subject", "at most 200 characters"),
        ({"metrics": [entry(source=1)]}, "metrics[1]", "source", "needs text in quotes"),
        ({"metrics": [entry(source="pypi")]}, "metrics[1]", "source", ", ".join(sorted(SPECS))),
        ({"metrics": [entry(product="other")]}, "metrics[1]", "product", "available: lance"),
        ({"metrics": [entry(sdk="")]}, "metrics[1]", "sdk", "use lower-case letters"),
        ({"metrics": [entry(display_name=True)]}, "metrics[1]", "display_name", "needs text in quotes"),
        ({"metrics": [entry(daily_from="2025-12-01")]}, "metrics[1]", "daily_from", "needs a date without quotes"),
        (
            {"metrics": [entry(daily_from=MIDNIGHT)]},
            "metrics[1]",
            "daily_from",
            "needs a date without quotes",
        ),
        ({"metrics": [entry(source="pypistats", mirrors=1)]}, "metrics[1]", "mirrors", "needs true or false"),
        ({"metrics": [entry(source="pypistats", mirrors="yes")]}, "metrics[1]", "mirrors", "needs true or false"),
        ({"metrics": [entry(mirrors=True)]}, "metrics[1]", "mirrors", "npm has no such option"),
        ({"metrics": [entry(mirrors=False)]}, "metrics[1]", "mirrors", "npm has no such option"),
        ({"metrics": [entry(seed="nowhere.csv")]}, "metrics[1]", "seed", "nowhere.csv"),
        ({"metrics": [entry(seed=".")]}, "metrics[1]", "seed", "file not found"),
        ({"metrics": [entry(seed="ü" * 200)]}, "metrics[1]", "seed", "file not found"),  # no name has 400 bytes
        ({"metrics": [entry(id="lance")]}, "metrics[1]", "id", "use the form downloads:lance:python"),
        ({"metrics": [entry(id="a:b/c")]}, "metrics[1]", "id", "not a valid metric id"),
        ({"metrics": [entry(id="a:b:c:d:e:f")]}, "metrics[1]", "id", "not a valid metric id"),
        ({"metrics": [entry(id="a:" + "b" * 119)]}, "metrics[1]", "id", "not a valid metric id"),
        (
            {"metrics": [METRIC, entry(id="downloads:lance:nodejs", subject="x")]},
            "metrics[2]",
            "id",
            "already used by",
        ),
        ({"metrics": [entry(continues=["NOT A NAME"])]}, "metrics[1]", "continues", "is not"),
        ({"metrics": [entry(continues=["@LanceDB/lancedb"])]}, "metrics[1]", "continues", "is the subject itself"),
        (
            {"metrics": [entry(source="github", subject="o/r", continues=["o/x"])]},
            "metrics[1]",
            "continues",
            "is for daily counts",
        ),
        ({"metrics": [entry(id="a:b-c"), entry(id="a-b:c", subject="x")]}, "metrics[2]", "id", "already used"),
        ({"metrics": [METRIC, entry(id="a:b")]}, "metrics[2]", "subject", "already metrics[1]"),
        ({"top": {"events": [EVENT | {"date": "2026-03-01"}]}}, "events[1]", "date", "needs a date without quotes"),
        (
            {"top": {"events": [EVENT | {"date": MIDNIGHT}]}},
            "events[1]",
            "date",
            "needs a date without quotes",
        ),
        ({"top": {"events": [EVENT | {"date": 20260301}]}}, "events[1]", "date", "needs a date without quotes"),
        ({"top": {"events": [EVENT, {"label": "x"}]}}, "events[2]", "date", "missing"),
        ({"top": {"events": [{"date": date(2026, 3, 1)}]}}, "events[1]", "label", "missing"),
        ({"top": {"events": [EVENT | {"label": " "}]}}, "events[1]", "label", "at least 1 character"),
        (
            {"top": {"events": [EVENT | {"label": "a\u001b[31m"}]}},
            "events[1]",
            "label",
            "remove the control characters",
        ),
        ({"top": {"events": [EVENT | {"label": "x" * 201}]}}, "events[1]", "label", "at most 200 characters"),
        ({"top": {"events": [EVENT | {"product": "lance"}]}}, "events[1]", "product", "not a known field"),
        ({"top": {"events": [EVENT | {"products": "lance"}]}}, "events[1]", "products", "needs a list in brackets"),
        ({"top": {"events": [EVENT | {"products": []}]}}, "events[1]", "products", "at least 1 item"),
        ({"top": {"events": [EVENT | {"products": ["lance", "other"]}]}}, "events[1]", "products", "available: lance"),
        (
            {"top": {"events": [EVENT | {"url": "javascript:alert(1)"}]}},
            "events[1]",
            "url",
            "begins with http:// or https://",
        ),
        ({"top": {"events": ["x"]}}, "events[1]", "(entry)", "'x'"),
        ({"top": {"events": "x"}}, "top level", "events", "needs entries written [[events]]"),
        (
            {"metrics": [METRIC, entry(id="a:b", subject="@LanceDB/lancedb")]},
            "metrics[2]",
            "subject",
            "already metrics[1]",
        ),
    ],
)
def test_a_mistake_names_file_entry_and_field(path, changes, where, field, reason):
    path.write_text(catalog_text(**changes), encoding="utf-8")
    assert reason in rejection(path, where, field)


@pytest.mark.parametrize(
    ("source", "one", "same"),
    [
        ("cratesio", "a-b", "a_b"),
        ("cratesio", "a_b", "A-B"),
        ("pypistats", "a.b", "a-b"),
        ("pypistats", "a_b", "A.-b"),
    ],
)
def test_equivalent_spellings_are_one_subject(path, source, one, same):
    spellings = [entry(source=source, subject=one), entry(source=source, subject=same, id="a:b")]
    path.write_text(catalog_text(metrics=spellings), encoding="utf-8")
    assert "already metrics[1]" in rejection(path, "metrics[2]", "subject")


@pytest.mark.parametrize(
    ("source", "one", "other"), [("cratesio", "a-b", "a--b"), ("npm", "a-b", "a_b"), ("github", "o/a-b", "o/a_b")]
)
def test_different_spellings_are_two_subjects(path, source, one, other):
    spellings = [entry(source=source, subject=one), entry(source=source, subject=other, id="a:b")]
    assert [metric.subject for metric in load(path, metrics=spellings).metrics] == [one, other]


@pytest.mark.parametrize("field", ["sdk", "seed", "daily_from", "mirrors"])
def test_fields_for_daily_counts_are_rejected_for_stars(path, field):
    value = {"sdk": "python", "seed": path.name, "daily_from": date(2026, 1, 1), "mirrors": True}[field]
    text = catalog_text(metrics=[entry(source="github", subject="a/b", **{field: value})])
    path.write_text(text, encoding="utf-8")
    assert re.search(r"is for daily counts|no such option", rejection(path, "metrics[1]", field))


COUNTED = replace(
    SPECS["github"],
    name="hub",
    display_name="Hub",
    measures={
        "pulls": counter("pulls"),
        "likes": replace(stock("likes"), display_name="Hub Likes"),
        "month": rolling("pulls", 30),
    },
    list_options=frozenset({"include", "exclude"}),
)


def load_counted(path: Path, *metrics: dict[str, object]) -> Catalog:
    path.write_text(
        catalog_text(metrics=[{"product": "lance", "source": "hub", "subject": "a/b"} | m for m in metrics])
    )
    return load_catalog(path, {**SPECS, "hub": COUNTED})


def test_count_chooses_what_is_counted(path):
    """One subject may have one entry per count; the first count of the source is the default."""
    metrics = load_counted(path, {}, {"count": "likes"}, {"count": "month"}).metrics
    assert [(m.metric_id, m.count, m.display_name) for m in metrics] == [
        ("pulls:lance:hub", "pulls", "Hub"),
        ("likes:lance:hub", "likes", "Hub Likes"),
        ("pulls:lance:hub:30d", "month", "Hub, 30 days"),
    ]
    assert [m.measure.value_kind for m in metrics] == ["cumulative_pulls", "cumulative_likes", "rolling_30d_pulls"]


def test_one_count_of_a_subject_has_one_entry(path):
    """The default count and its name are the same count."""
    with pytest.raises(ConfigError, match=r"metrics\[2\].*subject.*already metrics\[1\]"):
        load_counted(path, {}, {"count": "pulls", "id": "x:y"})


def test_an_unknown_count_names_the_known_ones(path):
    with pytest.raises(ConfigError, match=r"metrics\[1\].*count.*'forks' is not a count of hub; .*pulls, likes, month"):
        load_counted(path, {"count": "forks"})


def test_list_options(path):
    (metric,) = load_counted(path, {"include": ["*.zip", "*.dmg"]}).metrics
    assert (metric.option("include"), metric.option("exclude")) == (("*.zip", "*.dmg"), ())


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"include": "*.zip"}, "include", "needs a list in brackets"),
        ({"include": []}, "include", "needs at least 1 item"),
        ({"include": [1]}, r"include\.0", "needs text in quotes"),
        ({"inclde": ["*"]}, "inclde", "did you mean 'include'"),
        ({"options": {"include": ["*"]}}, "options", "not a known field"),
        ({"source": "npm", "subject": "react", "exclude": ["*"]}, "exclude", "source npm has no such option"),
        ({"daily_from": date(2026, 1, 1)}, "daily_from", "is for daily counts; this entry counts pulls"),
    ],
)
def test_a_mistake_in_an_option_names_the_option(path, changes, field, reason):
    with pytest.raises(ConfigError, match=rf"metrics\[1\].*{field}.*{reason}"):
        load_counted(path, changes)


def test_a_space_has_likes_only(path):
    """An entry for a space without `count` would count downloads, which a space does not have."""
    space = {"source": "huggingface", "subject": "spaces/acme/app"}
    path.write_text(catalog_text(metrics=[entry(**space)]), encoding="utf-8")
    assert 'write count = "likes"' in rejection(path, "metrics[1]", "count")
    path.write_text(catalog_text(metrics=[entry(**space, count="likes")]), encoding="utf-8")
    (metric,) = load_catalog(path, SPECS).metrics
    assert metric.metric_id == "likes:lance:huggingface"
    assert metric.page_url == "https://huggingface.co/spaces/acme/app"


def test_each_count_of_a_repository_has_its_own_id(path):
    """Stars, forks, watchers and release downloads of a repository stand side by side."""
    same = {"subject": "o/r"}
    entries = [
        entry(source="github", **same),
        entry(source="github", count="forks", **same),
        entry(source="github", count="watchers", **same),
        entry(source="github-releases", include=["*.dmg"], **same),
    ]
    path.write_text(catalog_text(metrics=entries), encoding="utf-8")
    metrics = load_catalog(path, SPECS).metrics
    assert [metric.metric_id for metric in metrics] == [
        "stars:lance:github",
        "forks:lance:github",
        "watchers:lance:github",
        "downloads:lance:github-releases",
    ]
    assert [metric.display_name for metric in metrics[1:3]] == ["GitHub Forks", "GitHub Watchers"]


@pytest.mark.parametrize(
    ("source", "subjects"),
    [
        ("pypistats", ["a b", "-a", "a-", "a/b", "ä", "@a/b", "a?b", ".."]),
        ("cratesio", ["1a", "a.b", "a/b", "a" * 65, "ä", "-a", "_a"]),
        ("npm", ["@a", "@a/b/c", "a/b", "a b", "@/b", "a?b", "a#b", "@a/", "%40a/b"]),
        ("github", ["lance", "a/b/c", "/b", "a/", "-a/b", "a_b/c", "a/b c", "a/b?c", "https://github.com/a/b"]),
        ("github-releases", ["lance", "a/b/c", "a/..", "a/b/releases"]),
        ("dockerhub", ["postgres", "a/b/c", "a/b:latest", "A/b", "a/..", "docker.io/a/b", "a/b/", "a/b?c"]),
        ("huggingface", ["a/b", "models/", "models/a/b/c", "models/../b", "models/a/..", "users/a", "models/a/b?c"]),
        ("openvsx", ["lens", "a.b.c", "a/b", ".b", "a.", "a.b/..", "a.b?c", "ä.b"]),
        ("vscode", ["lens", "a.b.c", "a/b", ".b", "a.", 'a."b', "a.b c"]),
        ("nuget", ["a b", "a..b", "a/b", "packageid:a", "a&b", "-a", "ä"]),
    ],
)
def test_an_impossible_subject_is_rejected(path, source, subjects):
    for subject in subjects:
        path.write_text(catalog_text(metrics=[entry(source=source, subject=subject)]), encoding="utf-8")
        assert SPECS[source].subject_hint in rejection(path, "metrics[1]", "subject")


@pytest.mark.parametrize(
    ("source", "subject"),
    [("github", "o/.."), ("github", "o/."), ("npm", ".."), ("npm", "."), ("npm", "@a/.."), ("npm", "@a/.")],
)
def test_a_subject_with_dot_segments_is_rejected(path, source, subject):
    path.write_text(catalog_text(metrics=[entry(source=source, subject=subject)]), encoding="utf-8")
    assert SPECS[source].subject_hint in rejection(path, "metrics[1]", "subject")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"title = ", "not valid TOML"),
        (b'title = "a"\ntitle = "b"', "not valid TOML"),
        (b"<html>", "not valid TOML"),
        (b'title = "caf\xe9"', "cannot be read \\(byte 13 is not UTF-8\\); save the file as UTF-8"),
        ('title = "a"'.encode("utf-16"), "cannot be read \\(UTF-16 instead of UTF-8\\); save"),
        ('title = "a"'.encode("utf-16-le"), "cannot be read \\(UTF-16 instead of UTF-8\\); save"),
        ("# “a”\ncontact = 'b'\ntitle = “a”".encode(), "not valid TOML: .*; line 3 has typographic quotes"),
        ("url = [„a“]".encode(), "not valid TOML: .*; line 1 has typographic quotes"),
        ("title = 'it’s' x".encode(), r"not valid TOML: [^“”]*\)$"),
    ],
)
def test_a_file_that_is_not_utf_8_toml_is_rejected(path, content, reason):
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: {reason}"):
        load_catalog(path, SPECS)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_file_written_on_windows_is_read(path, mark, end):
    """A byte order mark and Windows line endings are accepted."""
    path.write_bytes(mark + catalog_text().replace("\n", end).encode())
    assert load_catalog(path, SPECS).title == "All"


def mistakes(path: Path, text: str) -> list[tuple[str | None, str | None, str]]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_catalog(path, SPECS)
    assert str(caught.value) == "; ".join(map(str, caught.value.mistakes))
    assert all(mistake.file == path for mistake in caught.value.mistakes)
    return [(mistake.entry, mistake.field, mistake.reason) for mistake in caught.value.mistakes]


def test_unknown_section(path):
    """A misspelled section is reported once, and not as a missing section too."""
    text = catalog_text(top={"products": ABSENT}) + '\n[[product]]\nid = "lance"\ntitle = "Lance"\n'
    assert mistakes(path, text)[0] == ("top level", "product", "unknown section 'product'; did you mean 'products'?")
    assert len(mistakes(path, text)) == 1, "consequences are not reported"
    text = catalog_text() + '\n[colours]\nlight = "red"\n'
    known = "title, contact, url, notice, license, lang, theme, products, metrics, events, notes"
    reason = f"unknown section 'colours'; known are {known}"
    assert mistakes(path, text) == [("top level", "colours", reason)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ('"cc-by"', "'cc-by' is not a known licence; did you mean 'CC-BY-4.0'?"),
        ('"WTFPL"', f"'WTFPL' is not a known licence; known are {', '.join(LICENSES)}."),
        ("4", '4 is not a licence; write "CC-BY-4.0", or { name = "…", url = "https://…" }'),
        ('{ name = "Ours" }', "{'name': 'Ours'} is not a licence; write"),
        ('{ name = "Ours", url = "x.example" }', "{'name': 'Ours', 'url': 'x.example'} is not valid: name needs"),
    ],
)
def test_an_invalid_licence_is_rejected(path, value, reason):
    """The message names the field and the expected value."""
    ((entry, field, found),) = mistakes(path, f"license = {value}\n{catalog_text()}")
    assert (entry, field) == ("top level", "license")
    assert found.startswith(reason)


def test_language(path):
    """The default is English; an unknown language is rejected with the list of known ones."""
    assert load(path).lang == "en"
    assert load(path, top={"lang": "de"}).lang == "de"
    [(entry, field, reason)] = mistakes(path, catalog_text(top={"lang": "tlh"}))
    assert (entry, field) == ("top level", "lang")
    assert reason.startswith("'tlh' is not a known language; known are ar, bg, ")


LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"/>'


def test_theme(path):
    """A theme has a colour per colour scheme, the content of the logo, and links."""
    (path.parent / "logo.svg").write_text(LOGO)
    links = [{"text": "Docs", "url": "https://example.com/?a=1#b"}, {"text": "Write", "url": "mailto:a@example.com"}]
    theme = {"accent": "#0969DA", "accent_dark": "#99ccff", "logo": "logo.svg", "links": links}
    found = load(path, top={"theme": theme}).theme
    assert found.accent == ("#0969da", "#99ccff")
    assert found.logo.content == LOGO.encode()
    assert [(link.text, link.url) for link in found.links] == [(link["text"], link["url"]) for link in links]
    assert load(path).theme == SiteTheme()


@pytest.mark.parametrize(
    ("theme", "field", "reason"),
    [
        ({"accent": "#ffff00"}, "accent", "'#ffff00' has 1.0:1 against the light ground (#fafaf7), where"),
        ({"accent_dark": "#333333"}, "accent_dark", "'#333333' has 1.3:1 against the dark ground (#182023), where"),
        ({"accent": "yellow"}, "accent", "'yellow' is not allowed; use a colour such as '#1d5ba4'"),
        ({"logo": "none.svg"}, "logo", "'none.svg' cannot be read: No such file or directory"),
        ({"logo": "cmetrics.toml"}, "logo", "'cmetrics.toml' is neither an SVG nor a PNG file"),
        ({"colour": "#000000"}, "colour", "is not a known field; known are accent, accent_dark, logo, links"),
        ({"links": [{"text": "x", "url": "javascript:x"}]}, "links.0.url", "'javascript:x' is not allowed; use an"),
        ({"links": []}, "links", "needs at least 1 item"),
        ("dark", "(entry)", "needs fields, but it is 'dark'"),
    ],
)
def test_an_invalid_theme_is_rejected(path, theme, field, reason):
    """The message names the section, the field and the expected value."""
    ((entry, found, why),) = mistakes(path, catalog_text(top={"theme": theme}))
    assert (entry, found) == ("theme", field)
    assert why.startswith(reason)


def test_releases_and_notes(path):
    """By default, a product shows minor releases, and a note applies to all products."""
    note = {"date": date(2026, 6, 9), "text": "We moved <b>servers</b>", "author": "Ada"}
    later = note | {"date": date(2026, 1, 9), "products": ["b"]}
    quiet = PRODUCT | {"id": "b", "releases": "none", "prereleases": True}
    catalog = load(path, top={"notes": [note, later]}, products=[PRODUCT, quiet])
    first = PRODUCT["id"]
    assert catalog.release_rules == (
        ReleaseRule(first, ReleaseFilter.MINOR, prereleases=False),
        ReleaseRule("b", ReleaseFilter.NONE, prereleases=True),
    )
    assert catalog.notes == (
        Note(date(2026, 1, 9), note["text"], "Ada", ("b",)),
        Note(date(2026, 6, 9), note["text"], "Ada", (first, "b")),
    )


def test_mistakes_in_releases_and_notes(path):
    """Each mistake is reported with its field."""
    notes = [{"date": date(2026, 6, 9), "text": "x"}, {"date": "2026-06-09", "text": "a\nb", "author": "A"}]
    text = catalog_text(
        top={"notes": [*notes, {"date": date(2026, 6, 9), "text": "x", "author": "A", "products": ["c"]}]},
        products=[PRODUCT | {"releases": "majors"}],
    )
    assert [(where, field) for where, field, _ in mistakes(path, text)] == [
        ("products[1] (lance)", "releases"),
        ("notes[1]", "author"),
        ("notes[2]", "date"),
        ("notes[2]", "text"),
        ("notes[3]", "products"),
    ]
    assert mistakes(path, text)[0][2] == "needs 'none', 'minor', 'patch' or 'all', but it is 'majors'"


def test_misspelt_field(path):
    text = catalog_text(metrics=[entry(subject=ABSENT, subjekt="x")])
    assert mistakes(path, text) == [("metrics[1]", "subjekt", "is not a known field; did you mean 'subject'?")]


def test_all_mistakes_at_once(path):
    """Mistakes of all kinds are reported at once, in the order of the file."""
    text = catalog_text(
        top={"contact": ABSENT, "titel": "x", "events": [EVENT | {"products": ["other"]}]},
        products=[PRODUCT, PRODUCT | {"id": "b", "title": 7}, PRODUCT],
        metrics=[
            entry(source="pypi", product="nobody"),
            entry(source="github", subject="x", sdk="python", daily_from=date(2026, 1, 1)),
            entry(product="b"),
            entry(product="b", id="a:b"),
        ],
    )
    assert [(where, field) for where, field, _ in mistakes(path, text)] == [
        ("top level", "contact"),
        ("top level", "titel"),
        ("products[2] (b)", "title"),
        ("products[3] (lance)", "id"),
        ("metrics[1] (@lancedb/lancedb)", "product"),
        ("metrics[1] (@lancedb/lancedb)", "source"),
        ("metrics[2] (x)", "subject"),
        ("metrics[2] (x)", "sdk"),
        ("metrics[2] (x)", "daily_from"),
        ("metrics[4] (a:b)", "subject"),
        ("events[1]", "products"),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("[" * 5000 + "]" * 5000, "not valid TOML", id="nested"),
        pytest.param("9" * 5000, "not valid TOML", id="decimal"),
        pytest.param("0x" + "f" * 4000, "top level, field 'title': .* a value too large to show$", id="hex"),
    ],
)
def test_a_value_beyond_the_limits_of_python_is_a_config_error(path, value, reason):
    path.write_text(f"{catalog_text(top={'title': ABSENT})}\ntitle = {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: {reason}"):
        load_catalog(path, SPECS)


def test_a_key_of_a_thousand_parts_is_a_config_error(path):
    path.write_text(f"title{'.a' * 2000} = 1\n{catalog_text(top={'title': ABSENT})}", encoding="utf-8")
    with pytest.raises(ConfigError, match="'title'"):
        load_catalog(path, SPECS)


@pytest.mark.parametrize("make", [lambda _: None, Path.mkdir], ids=["absent", "a folder"])
def test_an_unreadable_file_is_rejected(path, make):
    make(path)
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: cannot be read"):
        load_catalog(path, SPECS)


def test_an_error_is_one_line_without_control_characters(path):
    path.write_text(catalog_text(metrics=[entry(source="\x1b[2Jnpm\r\nx" + "y" * 500)]), encoding="utf-8")
    message = rejection(path, "metrics[1]", "source")
    assert message.isprintable()
    assert len(message) < 400 + len(str(path))


# -- any content ---------------------------------------------------------------------------------

FIELDS = [
    "title",
    "contact",
    "id",
    "product",
    "source",
    "subject",
    "sdk",
    "mirrors",
    "daily_from",
    "seed",
    "date",
    "label",
    "url",
    "products",
    "x",
    '"a b"',
]
VALUES = st.one_of(
    st.sampled_from(['"lance"', '"npm"', '"github"', '"a/b"', "2025-12-01", "2025-12-01T00:00:00Z", "12:00:00", "nan"]),
    st.sampled_from(["true", "[]", "{}", "[[1]]", "{ id = 1 }", "-inf", "0x1F", "'''\n'''", '"\\u0007"', "1979-13-01"]),
    st.text(max_size=30).map(json.dumps),
    st.integers(-(2**70), 2**70).map(str),
)
LINES = st.one_of(
    st.sampled_from(["[[products]]", "[[metrics]]", "[[events]]", "[metrics]", "[products.x]", "[[x]]", "["]),
    st.tuples(st.sampled_from(FIELDS), VALUES).map(" = ".join),
    st.text(max_size=20),
)
GOOD_LINES = catalog_text().splitlines()


@settings(deadline=None, max_examples=deep(250))
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(LINES, max_size=12).map("\n".join),
        st.lists(LINES, max_size=4).map(lambda lines: "\n".join([*GOOD_LINES, *lines])),
        st.tuples(st.dictionaries(st.sampled_from([*METRIC, "seed", "id"]), VALUES)).map(
            lambda fields: "\n".join([*GOOD_LINES[:-1], "[[metrics]]", *(f"{k} = {v}" for k, v in fields[0].items())])
        ),
    )
)
def test_any_file_is_a_catalogue_or_an_error_with_its_path(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        outcome = str(load_catalog(path, SPECS).path)
    except ConfigError as error:
        outcome = str(error)
    assert outcome.startswith(str(path))


@pytest.mark.parametrize("source", ["cratesio", "npm"])
def test_a_contact_that_a_used_source_refuses_is_rejected(tmp_path, source):
    """crates.io rejects a User-Agent with `curl`; loading the catalogue fails before the first request."""
    path = tmp_path / "cmetrics.toml"
    path.write_text(
        'contact = "https://example.com/curl"\n[[products]]\nid = "p"\ntitle = "P"\n'
        f'[[metrics]]\nproduct = "p"\nsource = "{source}"\nsubject = "lance"\n'
    )
    if source == "npm":
        assert load_catalog(path, SPECS).contact == "https://example.com/curl"
        return
    with pytest.raises(ConfigError, match=r"field 'contact': crates\.io refuses a User-Agent that contains 'curl'"):
        load_catalog(path, SPECS)


def test_the_second_package_of_a_kind_has_its_name_in_the_default_id(path: Path):
    """This happens after two products are merged, and needs no ids in the catalogue."""
    catalog = load(path, metrics=[METRIC, entry(subject="vectordb"), entry(id="downloads:x:y", subject="other")])
    assert [(m.metric_id, m.display_name) for m in catalog.metrics] == [
        ("downloads:lance:nodejs", "NodeJS"),
        ("downloads:lance:nodejs:vectordb", "NodeJS vectordb"),
        ("downloads:x:y", "NodeJS"),
    ]
    assert catalog.default_ids == {"downloads:lance:nodejs", "downloads:lance:nodejs:vectordb"}


def test_continued_packages_are_compared_as_the_source_does(path: Path):
    assert load(path, metrics=[entry(continues=["VectorDB"])]).metrics[0].continues == ("vectordb",)


def test_copy_of_default(tmp_path):
    """The comment of the default catalogue is correct: a copy is valid only without the lines with ``seed``."""
    text = DEFAULT_PATH.read_text()
    comment = " ".join(line.removeprefix("#").strip() for line in text.splitlines()[:2])
    assert "`cmetrics init`" in comment
    assert "remove the lines with `seed`" in comment
    copy = tmp_path / "cmetrics.toml"
    copy.write_text(text)
    with pytest.raises(ConfigError, match=r"seed"):
        load_catalog(copy, SPECS)
    copy.write_text("\n".join(line for line in text.splitlines() if not line.startswith("seed = ")))
    assert len(load_catalog(copy, SPECS).metrics) == 7


def test_only_named_sources_are_looked_up(path):
    """Packages that provide other sources are not imported."""

    class Watched(dict):
        def __iter__(self):
            pytest.fail("all sources were listed")

        values = keys = items = __iter__

    path.write_text(catalog_text(), encoding="utf-8")
    assert len(load_catalog(path, Watched(SPECS)).metrics) == 1


def test_an_entry_of_an_unavailable_source_is_left_out(path):
    """Other entries are collected."""
    broken = replace(SPECS["npm"], name="broken", unavailable="it is broken")
    path.write_text(catalog_text(metrics=[entry(source="broken", subject="?"), METRIC]), encoding="utf-8")
    catalog = load_catalog(path, {**SPECS, "broken": broken})
    assert [metric.source for metric in catalog.metrics] == ["npm"]
    assert [(e.source, e.subject, e.reason) for e in catalog.left_out] == [("broken", "?", "it is broken")]
