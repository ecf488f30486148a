"""The results of :mod:`cmetrics.analytics.insights`. Frozen; no arithmetic happens in their readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cmetrics.domain.days import Month
from cmetrics.domain.metric import Event

#: The number of items of "What changed" that an overview shows.
HIGHLIGHTS = 4


class Scope(StrEnum):
    """What a row sums up."""

    METRIC = "metric"
    PRODUCT = "product"
    ALL = "all"


class Unit(StrEnum):
    """What a row counts."""

    DOWNLOADS = "downloads"
    STARS = "stars"


class Window(StrEnum):
    """The window of a roll-up."""

    DAYS_7 = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"
    DAYS_365 = "365d"
    #: The last full calendar month, against the month before it.
    MONTH = "month"
    #: The running month, against the same weekdays four weeks before (five from its 29th day on).
    MONTH_TO_DATE = "month_to_date"


class ReasonKind(StrEnum):
    """Why something is not compared, not judged or not projected."""

    NO_DATA = "no_data"
    MISSING_DAYS = "missing_days"
    #: A day that a registry lost or counted in part.
    EXCLUDED_DAY = "excluded_day"
    #: A value far outside its neighbourhood, not confirmed yet.
    UNDER_REVIEW = "under_review"
    STEP = "step"
    #: The two periods have different numbers of days.
    UNEQUAL = "unequal"
    #: Metrics with more than a tenth of the value cannot be compared.
    LEFT_OUT = "left_out"
    SHORT_HISTORY = "short_history"
    #: Star counts that are reconstructed meet counts taken on their day.
    RECONSTRUCTED = "reconstructed"
    #: All metrics of a source moved together.
    SOURCE_MOVED = "source_moved"
    HOLIDAYS = "holidays"
    #: Fewer than half of the simulated paths reach it within three years.
    OUT_OF_REACH = "out_of_reach"


class Direction(StrEnum):
    """Which way something moved."""

    RISING = "rising"
    FALLING = "falling"
    #: Neither: missing days, or a release without a visible effect.
    LEVEL = "level"


class SignalKind(StrEnum):
    """What a signal found; the rules are in :mod:`cmetrics.analytics.signals`."""

    SPIKE = "spike"
    DROP = "drop"
    GROWTH = "growth"
    DECLINE = "decline"
    SHARE_SHIFT = "share_shift"
    RECORD = "record"
    STAR_BURST = "star_burst"
    UNSTAR_WAVE = "unstar_wave"


class Verdict(StrEnum):
    """What can be stated of a metric after an event; the rules are in :mod:`cmetrics.analytics.effects`."""

    ABOVE = "above"
    BELOW = "below"
    WITHIN = "within usual variation"
    #: The rise or fall was under way before the event.
    TREND = "trend"
    TOO_EARLY = "too early"
    NOT_COMPARABLE = "not comparable"
    NOT_JUDGED = "not judged"


class ItemKind(StrEnum):
    """What an item of "What changed" is about, beside the kinds of signals."""

    #: The last full month of all downloads.
    MONTH = "month"
    MONTH_TO_DATE = "month_to_date"
    MOVER = "mover"
    SIGNAL = "signal"
    RELEASE = "release"
    #: The first full month above a round number.
    MILESTONE = "milestone"
    #: Days that the metrics of a source lack.
    GAP = "gap"


class ItemCategory(StrEnum):
    """What a reader looks for in "What changed"; each has a sign of its own."""

    RISE = "rise"
    FALL = "fall"
    MILESTONE = "milestone"
    RELEASE = "release"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Period:
    """A period and the sum of its daily downloads, or the net gain of stars in it."""

    start: date
    end: date
    value: int | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A metric that a comparison of several metrics leaves out."""

    metric_id: str
    kind: ReasonKind
    reason: str


@dataclass(frozen=True, slots=True)
class Rollup:
    """A window of a metric, a product, or all products, compared with the preceding period.

    A row of several metrics compares like with like: `compared_value`, `previous`, `change` and
    `change_percent` are of the metrics that are complete in both periods; the others are in `left_out`.
    """

    scope: Scope
    unit: Unit
    #: Of scope METRIC.
    metric_id: str | None
    #: Of scopes METRIC and PRODUCT.
    product: str | None
    window: Window
    #: ``end`` is the newest day that every metric of the row has. Both are None without any data.
    start: date | None
    end: date | None
    #: The sum of what is counted in the window, also of an incomplete one; None if no day is. Stars: the net gain.
    value: int | None
    #: Days with a value, over all metrics of the row.
    days_observed: int
    days_expected: int
    #: The part of ``value`` that is compared with ``previous.value``; None unless ``comparable``. A window of
    #: 90 or 365 days may lack up to 3% of its days: these and their counterparts are in neither of the two.
    compared_value: int | None
    previous: Period | None
    #: None unless ``comparable``.
    change: int | None
    comparable: bool
    #: Why not, as a clause without a full stop; None if ``comparable``.
    reason: str | None
    reason_kind: ReasonKind | None
    #: None unless ``comparable``; None from zero (``is_new``) and of stars.
    change_percent: float | None = None
    #: Percent of the product's downloads in the product's window of the same name, and percentage points.
    share: float | None = None
    previous_share: float | None = None
    share_change: float | None = None
    #: From zero to more.
    is_new: bool = False
    left_out: tuple[LeftOut, ...] = ()
    #: Stars gained and lost in the window; None where not known.
    gained: int | None = None
    lost: int | None = None


@dataclass(frozen=True, slots=True)
class Mover:
    """One of the largest rises or falls of a window."""

    window: Window
    direction: Direction
    #: From 1.
    rank: int
    metric_id: str
    start: date
    end: date
    value: int
    previous_value: int
    change: int
    #: None from zero.
    change_percent: float | None
    #: Damped velocity, see :mod:`cmetrics.analytics.movers`.
    velocity: float
    text: str
    #: The size of the change in robust deviations of the same statistic at the ends of the 26 weeks before; None
    #: where too few of them can be compared.
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A deviation from the usual variation of one metric."""

    #: Unchanged while the signal lasts, and safe in a URL.
    id: str
    kind: SignalKind
    metric_id: str
    #: When it was first seen, and the last day of the window that it was last seen in.
    start: date
    end: date
    #: SHARE_SHIFT: percent of the product. GROWTH, DECLINE: downloads of the last full month. Others: downloads
    #: or stars of the window.
    value: float
    expected: float
    #: SHARE_SHIFT: percentage points. GROWTH, DECLINE: percent a month. None from zero or less.
    change_percent: float | None
    #: In units of the rule; larger is stronger.
    score: float
    #: Releases and events of the catalogue from 7 days before ``start`` to ``end``, by day.
    coincides_with: tuple[Event, ...]
    #: One or two plain sentences.
    text: str

    @property
    def is_rise(self) -> bool:
        """Whether it is a rise."""
        return self.value >= self.expected


@dataclass(frozen=True, slots=True)
class Effect:
    """A download metric in the 28 days before and after an event, next to its usual variation."""

    #: Of event and metric, safe in a URL.
    id: str
    event: Event
    metric_id: str
    verdict: Verdict
    #: Mean downloads a day in the 28 days before the event and from its third to its thirtieth day.
    before: float | None
    after: float | None
    change_percent: float | None
    #: Usual variation: between the 5th and 95th percentile of the same statistic on days without an event. A change
    #: outside is ABOVE, BELOW or TREND.
    usual_low: float | None
    usual_high: float | None
    #: The number of those days, and whether days near other events had to be among them.
    usual_days: int
    usual_includes_events: bool
    #: Of the 28 days before those, into the 28 days before the event.
    prior_percent: float | None
    #: Of the product's other download metrics together, over the same days as ``change_percent``.
    others_percent: float | None
    #: TOO_EARLY: days after the event with a value, and how many are needed.
    days_observed: int
    days_expected: int
    #: Other events of the product whose day lies in either window, by day.
    overlaps: tuple[Event, ...]
    #: NOT_COMPARABLE, NOT_JUDGED: why, as a clause.
    reason: str | None
    reason_kind: ReasonKind | None
    text: str


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the running month will end, or why that is not projected."""

    scope: Scope
    metric_id: str | None
    product: str | None
    month: Month
    #: The newest counted day of the month; None if there is none.
    end: date | None
    #: What is counted so far, and on how many days (over all metrics of the row).
    counted: int
    days_observed: int
    days_expected: int
    #: None without a projection.
    value: int | None
    low: int | None
    high: int | None
    #: Back-test: the number of months tested, and of those that ended within the range given by the other months.
    months_tested: int
    months_inside: int
    #: Why there is no projection, as a clause.
    reason: str | None
    reason_kind: ReasonKind | None
    text: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """When a repository will reach its next round number of stars, or why that is unknown."""

    metric_id: str
    #: The newest count and its day.
    stars: int
    day: date
    target: int
    #: The 10th and 90th percentile of the simulated paths; None if refused. ``latest`` is also None if fewer
    #: than nine in ten paths reach it within three years.
    earliest: date | None
    latest: date | None
    #: The share of paths that reach it within three years, 0 to 1.
    reached: float
    reason: str | None
    reason_kind: ReasonKind | None
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item of "What changed"."""

    #: Stable as long as it lasts, safe in a URL and an HTML id.
    id: str
    kind: ItemKind
    direction: Direction
    start: date
    end: date
    value: float
    expected: float
    #: The rule in words, such as "7 days against the 12 weeks before".
    rule: str
    #: Size × share; items are sorted by it.
    weight: float
    #: A few words.
    headline: str
    #: What is below the headline; one or two sentences.
    sentence: str
    #: The text of the signal, mover or effect that it is made of, for places without headlines.
    text: str
    #: Of kind SIGNAL.
    signal_kind: SignalKind | None = None
    metric_ids: tuple[str, ...] = ()
    #: The product of the metrics; None if there are several.
    product: str | None = None
    change_percent: float | None = None

    @property
    def category(self) -> ItemCategory:
        """What a reader looks for."""
        if self.signal_kind is SignalKind.RECORD:
            return ItemCategory.MILESTONE
        if self.kind in (ItemKind.MILESTONE, ItemKind.RELEASE, ItemKind.GAP):
            return ItemCategory(self.kind.value)
        return ItemCategory.FALL if self.direction is Direction.FALLING else ItemCategory.RISE


@dataclass(frozen=True, slots=True)
class Omission:
    """A reason for which some metrics are not judged, as one sentence for readers of "What changed"."""

    kind: ReasonKind
    metric_ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Insights:
    """Everything of one day. Metrics and products come in the order of their ids, not in that of the catalogue."""

    as_of: date
    #: By scope (metrics, products, all), unit and window.
    rollups: tuple[Rollup, ...] = ()
    #: By window, direction and rank.
    movers: tuple[Mover, ...] = ()
    #: Strongest first.
    signals: tuple[Signal, ...] = ()
    #: Newest event first.
    effects: tuple[Effect, ...] = ()
    projections: tuple[Projection, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    #: "What changed", ranked.
    items: tuple[Item, ...] = ()
    #: What "What changed" leaves out, and why.
    omissions: tuple[Omission, ...] = ()

    @property
    def highlights(self) -> tuple[Item, ...]:
        """At most :data:`HIGHLIGHTS` items, of different categories as far as there are any."""
        return select_highlights(self.items, HIGHLIGHTS)


def select_highlights(items: Sequence[Item], count: int) -> tuple[Item, ...]:
    """Return the first item of each category, then the next ones, at most ``count``; all in their order."""
    firsts: dict[ItemCategory, Item] = {}
    for item in items:
        firsts.setdefault(item.category, item)
    first = [item.id for item in firsts.values()][:count]
    others = [item.id for item in items if item.id not in first][: count - len(first)]
    return tuple(item for item in items if item.id in {*first, *others})
