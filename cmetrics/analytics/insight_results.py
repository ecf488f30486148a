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
    """The scope of a row."""

    METRIC = "metric"
    PRODUCT = "product"
    ALL = "all"


class Unit(StrEnum):
    """The unit of a row."""

    DOWNLOADS = "downloads"
    STARS = "stars"


class Window(StrEnum):
    """The window of a roll-up."""

    DAYS_7 = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"
    DAYS_365 = "365d"
    #: The last full calendar month, compared with the month before.
    MONTH = "month"
    #: The current month, compared with the same weekdays four weeks before (five from its 29th day on).
    MONTH_TO_DATE = "month_to_date"


class ReasonKind(StrEnum):
    """The reason why something is not compared, evaluated or projected."""

    NO_DATA = "no_data"
    MISSING_DAYS = "missing_days"
    #: A day that a registry lost or counted only in part.
    EXCLUDED_DAY = "excluded_day"
    #: A value far outside its neighbourhood, not confirmed yet.
    UNDER_REVIEW = "under_review"
    STEP = "step"
    #: The two periods have different numbers of days.
    UNEQUAL = "unequal"
    #: Metrics with more than a tenth of the value cannot be compared.
    LEFT_OUT = "left_out"
    SHORT_HISTORY = "short_history"
    #: Reconstructed star counts would be compared with observed ones.
    RECONSTRUCTED = "reconstructed"
    #: All metrics of a source moved together.
    SOURCE_MOVED = "source_moved"
    HOLIDAYS = "holidays"
    #: Fewer than half of the simulated paths reach it within three years.
    OUT_OF_REACH = "out_of_reach"


class Direction(StrEnum):
    """The direction of a change."""

    RISING = "rising"
    FALLING = "falling"
    #: Neither up nor down: missing days, or a release without a visible effect.
    LEVEL = "level"


class SignalKind(StrEnum):
    """The kind of a signal; the rules are in :mod:`cmetrics.analytics.signals`."""

    SPIKE = "spike"
    DROP = "drop"
    GROWTH = "growth"
    DECLINE = "decline"
    SHARE_SHIFT = "share_shift"
    RECORD = "record"
    STAR_BURST = "star_burst"
    UNSTAR_WAVE = "unstar_wave"


class Verdict(StrEnum):
    """The result for a metric after an event; the rules are in :mod:`cmetrics.analytics.effects`."""

    ABOVE = "above"
    BELOW = "below"
    WITHIN = "within usual variation"
    #: The rise or fall began before the event.
    TREND = "trend"
    TOO_EARLY = "too early"
    NOT_COMPARABLE = "not comparable"
    NOT_JUDGED = "not judged"


class ItemKind(StrEnum):
    """The kind of an item of "What changed"."""

    #: The last full month of all downloads.
    MONTH = "month"
    MONTH_TO_DATE = "month_to_date"
    MOVER = "mover"
    SIGNAL = "signal"
    RELEASE = "release"
    #: The first full month above a round number.
    MILESTONE = "milestone"
    #: Missing days of a source's metrics.
    GAP = "gap"


class ItemCategory(StrEnum):
    """The category of an item for readers; each has an icon of its own."""

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
    #: Only for the scope METRIC.
    metric_id: str | None
    #: Only for the scopes METRIC and PRODUCT.
    product: str | None
    window: Window
    #: ``end`` is the newest day that every metric of the row has. Both are None if there are no data.
    start: date | None
    end: date | None
    #: The sum of the window, even if it is incomplete; None without any counted day. For stars, the net gain.
    value: int | None
    #: Days with a value, over all metrics of the row.
    days_observed: int
    days_expected: int
    #: The part of ``value`` that is compared with ``previous.value``; None unless ``comparable``. A window of 90 or
    #: 365 days may have up to 3% missing days; these and their counterparts are in neither value.
    compared_value: int | None
    previous: Period | None
    #: None unless ``comparable``.
    change: int | None
    comparable: bool
    #: The reason why not, as a clause without a full stop; None if ``comparable``.
    reason: str | None
    reason_kind: ReasonKind | None
    #: None unless ``comparable``; also None from zero (``is_new``) and for stars.
    change_percent: float | None = None
    #: Percent of the product's downloads in the product's window of the same name, and percentage points.
    share: float | None = None
    previous_share: float | None = None
    share_change: float | None = None
    #: Whether the value rose from zero.
    is_new: bool = False
    left_out: tuple[LeftOut, ...] = ()
    #: Stars gained and lost in the window; None if unknown.
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
    #: None if the earlier value is zero.
    change_percent: float | None
    #: Damped velocity, see :mod:`cmetrics.analytics.movers`.
    velocity: float
    text: str
    #: The size of the change in robust deviations of the changes at the ends of the previous 26 weeks; None if too
    #: few of them can be compared.
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A deviation from the usual variation of one metric."""

    #: Unchanged while the signal is active, and safe in a URL.
    id: str
    kind: SignalKind
    metric_id: str
    #: The day of its first detection, and the last day of its latest window.
    start: date
    end: date
    #: SHARE_SHIFT: percent of the product. GROWTH, DECLINE: downloads of the last full month. Others: downloads
    #: or stars of the window.
    value: float
    expected: float
    #: SHARE_SHIFT: percentage points. GROWTH, DECLINE: percent a month. None if the earlier value is zero or less.
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

    #: The id, from event and metric; safe in a URL.
    id: str
    event: Event
    metric_id: str
    verdict: Verdict
    #: Mean downloads per day in the 28 days before the event, and from the third to the thirtieth day after it.
    before: float | None
    after: float | None
    change_percent: float | None
    #: The usual variation: the 5th and 95th percentile of the same statistic on days without an event. A change
    #: outside is ABOVE, BELOW or TREND.
    usual_low: float | None
    usual_high: float | None
    #: The number of those days, and whether they include days near other events.
    usual_days: int
    usual_includes_events: bool
    #: The change from the preceding 28 days to the 28 days before the event.
    prior_percent: float | None
    #: The change of the product's other download metrics together, over the same days as ``change_percent``.
    others_percent: float | None
    #: TOO_EARLY: the number of days after the event with a value, and the number needed.
    days_observed: int
    days_expected: int
    #: Other events of the product in either window, by day.
    overlaps: tuple[Event, ...]
    #: NOT_COMPARABLE, NOT_JUDGED: why, as a clause.
    reason: str | None
    reason_kind: ReasonKind | None
    text: str


@dataclass(frozen=True, slots=True)
class Projection:
    """The projection of the current month, or the reason why there is none."""

    scope: Scope
    metric_id: str | None
    product: str | None
    month: Month
    #: The newest counted day of the month; None if there is none.
    end: date | None
    #: The count so far, and the number of counted and of all days, over all metrics of the row.
    counted: int
    days_observed: int
    days_expected: int
    #: None if there is no projection.
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
    #: The 10th and 90th percentile of the simulated paths; None if there is no projection. ``latest`` is also None if
    #: fewer than 90% of the paths reach it within three years.
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

    #: Unchanged while it is active; safe in a URL and an HTML id.
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
    #: The headline: a few words.
    headline: str
    #: One or two sentences below the headline.
    sentence: str
    #: The text of its signal, mover or effect, for output without headlines.
    text: str
    #: The kind of the signal, for items of the kind SIGNAL.
    signal_kind: SignalKind | None = None
    metric_ids: tuple[str, ...] = ()
    #: The product of the metrics; None if there are several.
    product: str | None = None
    change_percent: float | None = None

    @property
    def category(self) -> ItemCategory:
        """The category for readers."""
        if self.signal_kind is SignalKind.RECORD:
            return ItemCategory.MILESTONE
        if self.kind in (ItemKind.MILESTONE, ItemKind.RELEASE, ItemKind.GAP):
            return ItemCategory(self.kind.value)
        return ItemCategory.FALL if self.direction is Direction.FALLING else ItemCategory.RISE


@dataclass(frozen=True, slots=True)
class Omission:
    """The reason why some metrics are not evaluated, as one sentence for "What changed"."""

    kind: ReasonKind
    metric_ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Insights:
    """All insights of one day. Metrics and products are in the order of their ids, not of the catalogue."""

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
    #: The omissions of "What changed", with reasons.
    omissions: tuple[Omission, ...] = ()

    @property
    def highlights(self) -> tuple[Item, ...]:
        """At most :data:`HIGHLIGHTS` items, of different categories if possible."""
        return select_highlights(self.items, HIGHLIGHTS)


def select_highlights(items: Sequence[Item], count: int) -> tuple[Item, ...]:
    """Return the first item of each category, then the next ones, at most ``count``, in their order."""
    firsts: dict[ItemCategory, Item] = {}
    for item in items:
        firsts.setdefault(item.category, item)
    first = [item.id for item in firsts.values()][:count]
    others = [item.id for item in items if item.id not in first][: count - len(first)]
    return tuple(item for item in items if item.id in {*first, *others})
