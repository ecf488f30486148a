from __future__ import annotations

import struct
import zlib
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cmetrics.analytics.dashboard import build_dashboard, product_board
from cmetrics.analytics.model import Dashboard
from cmetrics.catalog import Catalog
from cmetrics.charts.theme import PRODUCTS, SURFACES, TONES, channels, mix
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import Product
from cmetrics.domain.observation import Observation
from cmetrics.site.canvas import ELLIPSIS, Canvas
from cmetrics.site.social_card import HEIGHT, WIDTH, render_product_card, render_social_card
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot, a_table

AS_OF = date(2026, 11, 22)
FIRST = date(2025, 1, 1)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
GROUND, UP, DOWN = (channels(SURFACES[name].light) for name in ("ground", "up", "down"))
BAR, STARS = (channels(color.light) for color in (PRODUCTS["a0"], TONES["n0"]))
PALE_BAR, PALE_STARS = (
    channels(mix(color.light, SURFACES["ground"].light, 0.4)) for color in (PRODUCTS["a0"], TONES["n0"])
)
EVIL = "🚀 мир שלום مرحبا 数据 \u202e" + "W" * 180


def catalog(title: str = "Metrics", products: tuple[str, ...] = ("One",), sources=("npm", "github")) -> Catalog:
    listed = tuple(Product(f"p{n}", name) for n, name in enumerate(products))
    metrics = [
        a_metric(source, metric_id=f"x:{p.product}:{source}", product=p.product, subject=f"{p.product}/x")
        for p in listed
        for source in sources
    ]
    return Catalog(Path("cmetrics.toml"), title, "contact", listed, tuple(metrics), {})


def rows(shown: Catalog, base: int = 100, first: date = FIRST, last: date = AS_OF, grows: int = 1) -> list[Observation]:
    return [
        a_row(metric, day, base + grows * n) for metric in shown.metrics for n, day in enumerate(day_range(first, last))
    ]


def dashboard(shown: Catalog, found, as_of: date = AS_OF, now: datetime = NOW) -> Dashboard:
    titles = {"npm": "npm", "github": "GitHub"}
    return build_dashboard(shown, titles, a_table(found), [], as_of=as_of, days=7300, generated_at=now)


def drawn(shown: Catalog, found) -> Image.Image:
    image = Image.open(BytesIO(render_social_card(dashboard(shown, found)))).convert("RGB")
    assert image.size == (WIDTH, HEIGHT) == (1200, 630)
    return image


def approx_equal(image: Image.Image, color, box=(0, 20, WIDTH, HEIGHT)) -> int:
    """Return the number of pixels of this colour, within the precision of the palette."""
    counts = image.crop(box).getcolors(WIDTH * HEIGHT)
    return sum(n for n, found in counts if all(abs(a - b) <= 6 for a, b in zip(found, color, strict=True)))


def margins_are_empty(image: Image.Image) -> bool:
    boxes = [(0, 20, 60, HEIGHT), (WIDTH - 60, 20, WIDTH, HEIGHT), (0, HEIGHT - 20, WIDTH, HEIGHT), (0, 14, WIDTH, 40)]
    return all(approx_equal(image, GROUND, box) == (box[2] - box[0]) * (box[3] - box[1]) for box in boxes)


def chunks(png: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        assert zlib.crc32(png[at + 4 : at + 8 + size]) == struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0]
        found.append(kind)
        at += 12 + size
    return found


def test_the_card_is_small_and_has_no_metadata():
    shown = catalog(products=("One", "Two"))
    png = render_social_card(dashboard(shown, rows(shown)))
    assert len(png) < 60_000
    assert set(chunks(png)) <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}


def test_the_same_dashboard_gives_the_same_bytes_at_any_hour():
    shown = catalog()
    found = rows(shown)
    later = dashboard(shown, found, now=NOW + timedelta(hours=5))
    assert render_social_card(dashboard(shown, found)) == render_social_card(later)
    assert render_social_card(dashboard(shown, found[:-9])) != render_social_card(later)


def test_a_change_is_green_or_red():
    shown = catalog(sources=("npm",))
    up, down = drawn(shown, rows(shown)), drawn(shown, rows(shown, base=100_000, grows=-100))
    assert approx_equal(up, UP) and not approx_equal(up, DOWN)
    assert approx_equal(down, DOWN) and not approx_equal(down, UP)


def test_only_complete_months_have_full_colour():
    shown = catalog(sources=("npm",))
    whole = rows(shown)
    holed = [row for row in whole if row.period_end.day != 7]
    chart = (0, 360, WIDTH, 480)
    assert approx_equal(drawn(shown, whole), BAR, chart) and not approx_equal(drawn(shown, whole), PALE_BAR, chart)
    assert approx_equal(drawn(shown, holed), PALE_BAR, chart) and not approx_equal(drawn(shown, holed), BAR, chart)


def test_snapshots_are_not_drawn_like_counted_months():
    shown = catalog(sources=("npm",))
    metric = a_metric("npm", metric_id="x:p0:npm", product="p0", daily_from=date(2026, 11, 1))
    shown = Catalog(shown.path, shown.title, shown.contact, shown.products, (metric,), {})
    image = drawn(shown, [a_snapshot(metric, date(2026, month, 28), 900) for month in range(1, 11)])
    assert approx_equal(image, PALE_BAR, (0, 360, WIDTH, 480)) and not approx_equal(image, BAR, (0, 360, WIDTH, 480))


def test_estimated_stars_are_pale():
    shown = catalog(sources=("github",))
    whole = rows(shown)
    holed = [row for row in whole if not date(2025, 6, 1) <= row.period_end <= date(2026, 3, 1)]
    # The edges of a line are pale, too.
    edges = approx_equal(drawn(shown, whole), PALE_STARS)
    assert approx_equal(drawn(shown, whole), STARS) > 4 * edges
    assert approx_equal(drawn(shown, holed), PALE_STARS) > 2 * edges


def test_a_card_of_an_empty_store_has_no_charts():
    image = drawn(catalog(products=("One", "Two")), [])
    assert not any(approx_equal(image, color) for color in (BAR, PALE_BAR, STARS, UP, DOWN))
    assert margins_are_empty(image)


@pytest.mark.parametrize(
    ("title", "products", "sources", "base", "first"),
    [
        (EVIL, (EVIL, "شركة", "W" * 200), ("npm", "github"), 10, FIRST),
        ("W" * 200, ("W" * 200,), ("npm", "github"), 99_999_999_999_999, FIRST),
        ("i", tuple("abcdefgh"), ("npm", "github"), 10_000, FIRST),
        ("Young", ("A",), ("npm", "github"), 7, date(2026, 10, 3)),
        ("Stars alone", ("A",), ("github",), 0, FIRST),
        ("Zeros", ("A", "B"), ("npm",), 0, FIRST),
        ("A day", ("A",), ("npm", "github"), 1, AS_OF),
    ],
)
def test_texts_fit_the_card(title, products, sources, base, first):
    shown = catalog(title, products, sources)
    assert margins_are_empty(drawn(shown, rows(shown, base, first, AS_OF - DAY if first < AS_OF else AS_OF)))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("LanceDB™ 🚀", "LanceDB™"),
        ("Łódź – Straße", "Lodz - Strasse"),
        ("données\u00a0\u202eüber", "donnees uber"),
        ("数据库", "p0"),
        ("мир 2026", "p0"),
        ("🚀", "p0"),
        ("e\u0301\x00\ud800\ufffe", "e"),
    ],
)
def test_unsupported_characters_are_replaced_or_omitted(text, plain):
    assert Canvas(10, 10, "#fff").plain(text, "p0") == plain


def test_a_text_is_shrunk_before_it_is_cut():
    canvas = Canvas(10, 10, "#fff")
    text = "Twenty letters or so"
    assert canvas.fit(text, 1000, 52, 40) == (text, 52)
    written, size = canvas.fit(text, canvas.width(text, 45), 52, 40)
    assert (written, size) == (text, 45)
    written, size = canvas.fit(text, canvas.width(text, 40) - 10, 52, 40)
    assert (written[-1], size, text.startswith(written[:-1])) == (ELLIPSIS, 40, True)


@given(st.text(max_size=300), st.floats(min_value=60, max_value=1200))
@settings(deadline=None, max_examples=deep(60))
def test_a_fitted_text_fits(text, room):
    canvas = Canvas(10, 10, "#fff")
    written, size = canvas.fit(canvas.plain(text, "x"), room, 52, 40)
    assert 40 <= size <= 52
    assert canvas.width(written, size) <= room or written == ELLIPSIS


def test_a_product_has_a_card_of_its_own():
    """It has the totals, the metrics and the newest day of its product, and the same bytes at any hour."""
    shown = catalog(products=("One", "Two"))
    found = [row for row in rows(shown) if "p1" in row.metric_id or row.period_end < AS_OF - 40 * DAY]
    whole, later = dashboard(shown, found), dashboard(shown, found, now=NOW + timedelta(hours=5))
    cards = [render_product_card(whole, group) for group in whole.groups]
    assert cards == [render_product_card(later, group) for group in later.groups]
    assert len({*cards, render_social_card(whole)}) == 3
    old, new = (Image.open(BytesIO(card)).convert("RGB") for card in cards)
    line = (64, 110, 900, 150)
    assert approx_equal(old, DOWN, line)
    assert not approx_equal(new, DOWN, line)
    for image in (old, new):
        assert image.size == (WIDTH, HEIGHT)
        assert margins_are_empty(image)


def test_a_product_card_is_part_of_the_whole():
    """Totals of products add up to those of the site."""
    shown = catalog(products=("One", "Two", "Three"))
    whole = dashboard(shown, rows(shown))
    boards = [product_board(whole, group) for group in whole.groups]
    assert sum(board.month_total.value for board in boards) == whole.month_total.value
    assert sum(board.total_stars.value for board in boards) == whole.total_stars.value
    assert [board.title for board in boards] == ["One", "Two", "Three"]
    assert {board.month_total_change.percent for board in boards} == {whole.month_total_change.percent}


def test_a_product_of_counters_has_a_card_too():
    metric = a_metric("dockerhub", metric_id="pulls:p0:hub", product="p0", measure=counter("pulls"))
    shown = Catalog(Path("cmetrics.toml"), "T", "contact", (Product("p0", "P"),), (metric,), {})
    found = [a_row(metric, day, 1000 + n) for n, day in enumerate(day_range(AS_OF - 60 * DAY, AS_OF))]
    board = build_dashboard(
        shown, {"dockerhub": "Docker Hub"}, a_table(found), [], as_of=AS_OF, days=7300, generated_at=NOW
    )
    image = Image.open(BytesIO(render_product_card(board, board.groups[0]))).convert("RGB")
    assert approx_equal(image, STARS, (64, 360, 1136, 480))
    assert margins_are_empty(image)
