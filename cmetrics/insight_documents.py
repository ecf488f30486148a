"""The JSON documents of roll-ups, signals, events and projections, for the API and the static files.

They have the fields of :mod:`cmetrics.analytics.insight_results`, whose texts are used unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from cmetrics.analytics.insight_results import (
    Direction,
    Insights,
    ItemCategory,
    ItemKind,
    ReasonKind,
    Scope,
    SignalKind,
    Unit,
    Verdict,
    Window,
)
from cmetrics.analytics.model import Findings
from cmetrics.documents import Document
from cmetrics.domain.days import Month
from cmetrics.domain.event import Note
from cmetrics.domain.metric import Event

#: The default maximum number of events in a document.
DEFAULT_EVENTS = 500

_MetricId = Annotated[str, Field(examples=["downloads:lance:python"])]
_Percent = Annotated[float | None, Field(description="Percent; null if the earlier value is 0 or nothing is compared")]
_Reason = Annotated[str | None, Field(description="Why, as a clause; null if there is nothing to explain")]
_Text = Annotated[str, Field(description="Plain text; the same on the page, in the feed and in the terminal")]
MonthText = Annotated[
    str,
    BeforeValidator(lambda month: str(month) if isinstance(month, Month) else month),
    Field(examples=["2026-10"]),
]


class PeriodDocument(Document):
    """A period and the sum of its daily downloads, or its net gain of stars."""

    start: date
    end: date
    value: int | None


class LeftOutDocument(Document):
    """A metric that a comparison of several metrics leaves out."""

    metric_id: _MetricId
    kind: ReasonKind
    reason: str


class RollupDocument(Document):
    """A window of a metric, a product, or all products, compared with the preceding period."""

    scope: Scope
    unit: Unit
    metric_id: Annotated[str | None, Field(description="Set if the scope is `metric`")]
    product: Annotated[str | None, Field(description="Set if the scope is `metric` or `product`")]
    window: Window
    start: date | None
    end: Annotated[date | None, Field(description="The newest day that every metric of the row has")]
    value: Annotated[int | None, Field(description="The count of the window; for stars, the net gain")]
    days_observed: int
    days_expected: int
    compared_value: Annotated[
        int | None,
        Field(description="The part of `value` that is compared: metrics and days that both periods have"),
    ]
    previous: PeriodDocument | None
    change: int | None
    change_percent: _Percent
    share: Annotated[float | None, Field(description="Percent of the product's downloads in the same window")]
    previous_share: float | None
    share_change: Annotated[float | None, Field(description="Percentage points")]
    comparable: bool
    reason: _Reason
    reason_kind: ReasonKind | None
    is_new: Annotated[bool, Field(description="Whether the value rose from zero")]
    left_out: list[LeftOutDocument]
    gained: Annotated[int | None, Field(description="Stars added in the window; null where unknown")]
    lost: Annotated[int | None, Field(description="Stars removed in the window; null where unknown")]


class Rollups(Document):
    """Roll-ups by scope, unit and window."""

    as_of: date
    count: int
    rollups: list[RollupDocument]


class EventReference(Document):
    """A reference to an event."""

    event_id: Annotated[str, Field(validation_alias="identifier", examples=["github:49167607"])]
    day: date
    label: str
    url: str | None


class SignalDocument(Document):
    """A deviation from the usual variation of one metric."""

    id: Annotated[str, Field(description="The same from night to night as long as the signal lasts")]
    kind: SignalKind
    metric_id: _MetricId
    start: date
    end: date
    value: float
    expected: float
    change_percent: _Percent
    score: Annotated[float, Field(description="In units of the rule; larger is stronger")]
    coincides_with: Annotated[list[EventReference], Field(description="From 7 days before the start to the end")]
    text: _Text


class MoverDocument(Document):
    """One of the largest rises or falls of a window."""

    window: Window
    direction: Direction
    rank: int
    metric_id: _MetricId
    start: date
    end: date
    value: int
    previous_value: int
    change: int
    change_percent: _Percent
    velocity: Annotated[float, Field(description="(value − previous_value) / √(previous_value + 100)")]
    text: _Text


class Signals(Document):
    """Signals, strongest first, and movers by window, direction and rank."""

    as_of: date
    count: Annotated[int, Field(description="Number of signals")]
    signals: list[SignalDocument]
    movers: list[MoverDocument]


class EffectDocument(Document):
    """A download metric in the 28 days before and after an event, next to its usual variation."""

    id: str
    metric_id: _MetricId
    verdict: Verdict
    before: Annotated[float | None, Field(description="Mean downloads a day in the 28 days before")]
    after: Annotated[float | None, Field(description="Mean downloads a day from the third to the thirtieth day")]
    change_percent: _Percent
    usual_low: Annotated[float | None, Field(description="Lower limit of the usual variation, in percent")]
    usual_high: Annotated[float | None, Field(description="Upper limit of the usual variation, in percent")]
    usual_days: int
    usual_includes_events: bool
    prior_percent: Annotated[
        float | None, Field(description="Change of the 28 days before, against the preceding 28 days")
    ]
    others_percent: Annotated[float | None, Field(description="Change of the other download metrics of the product")]
    days_observed: int
    days_expected: int
    overlaps: list[EventReference]
    reason: _Reason
    reason_kind: ReasonKind | None
    text: _Text


class EventDocument(Document):
    """A release, or an event of the catalogue, with the change of the metrics of its products."""

    event_id: Annotated[str, Field(examples=["github:49167607"])]
    day: date
    label: str
    url: str | None
    source: Annotated[str, Field(description="`github` for a release, else `catalogue`", examples=["github"])]
    tag: Annotated[str, Field(description="Empty for other events", examples=["v1.2.0"])]
    prerelease: bool
    products: list[str]
    effects: list[EffectDocument]


class NoteDocument(Document):
    """A note from the catalogue."""

    day: date
    text: str
    author: str
    products: list[str]


class Events(Document):
    """Events with effects, newest first, and the notes of the catalogue."""

    as_of: date
    count: Annotated[int, Field(description="Number of events")]
    events: list[EventDocument]
    notes: list[NoteDocument]


class ProjectionDocument(Document):
    """The projection for the current month, or the reason why there is none."""

    scope: Scope
    metric_id: str | None
    product: str | None
    month: MonthText
    end: Annotated[date | None, Field(description="The newest counted day of the month")]
    counted: int
    days_observed: int
    days_expected: int
    value: Annotated[int | None, Field(description="Null if there is no projection")]
    low: int | None
    high: int | None
    months_tested: int
    months_inside: Annotated[int, Field(description="Of months_tested, those that ended inside the interval")]
    reason: _Reason
    reason_kind: ReasonKind | None
    text: _Text


class MilestoneDocument(Document):
    """When a repository will reach its next round number of stars, or why that is unknown."""

    metric_id: Annotated[str, Field(examples=["stars:lance:github"])]
    stars: int
    day: date
    target: int
    earliest: date | None
    latest: date | None
    reached: Annotated[float, Field(description="Share of the simulated paths that reach it within three years")]
    reason: _Reason
    reason_kind: ReasonKind | None
    text: _Text


class Projections(Document):
    """The projections of the current month, and of the next milestones of repositories."""

    as_of: date
    projections: list[ProjectionDocument]
    milestones: list[MilestoneDocument]


class ItemDocument(Document):
    """One item of "What changed"."""

    id: str
    kind: ItemKind
    signal_kind: SignalKind | None
    direction: Direction
    start: date
    end: date
    metric_ids: list[str]
    product: str | None
    value: float
    expected: float
    change_percent: _Percent
    rule: Annotated[str, Field(examples=["7 days against the 12 weeks before"])]
    weight: float
    category: Annotated[ItemCategory, Field(description="Decides which icon the page shows")]
    headline: Annotated[str, Field(examples=["lancedb grows 7.4% a month"])]
    sentence: Annotated[str, Field(description="The text below the headline on the page")]
    text: _Text


class OmissionDocument(Document):
    """The reason why some metrics are not evaluated."""

    kind: ReasonKind
    metric_ids: list[str]
    text: _Text


class InsightList(Document):
    """The items of "What changed", ranked, and what was not evaluated."""

    as_of: date
    count: int
    highlights: Annotated[list[str], Field(description="Ids of the items for an overview, at most four")]
    items: list[ItemDocument]
    omissions: list[OmissionDocument]


def build_rollups(insights: Insights, *, window: Window | None = None, product: str | None = None) -> Rollups:
    """Return the roll-ups, or those of a window or a product."""
    rows = [
        row
        for row in insights.rollups
        if window in (None, row.window) and (product is None or (row.product == product))
    ]
    return Rollups.model_validate({"as_of": insights.as_of, "count": len(rows), "rollups": rows})


def build_signals(insights: Insights) -> Signals:
    """Return the signals and movers."""
    document: Mapping[str, Any] = {
        "as_of": insights.as_of,
        "count": len(insights.signals),
        "signals": insights.signals,
        "movers": insights.movers,
    }
    return Signals.model_validate(document)


def build_events(
    insights: Insights, events: Sequence[Event], notes: Iterable[Note], *, limit: int = DEFAULT_EVENTS
) -> Events:
    """Return the newest events with their effects, and all notes, newest first."""
    effects: dict[str, list[object]] = {}
    for effect in insights.effects:
        effects.setdefault(effect.event.identifier, []).append(effect)
    newest = sorted(events, key=lambda event: (-event.day.toordinal(), event.label, event.products))[:limit]
    rows = [
        {
            "event_id": event.identifier,
            "day": event.day,
            "label": event.label,
            "url": event.url,
            "source": event.source,
            "tag": event.tag,
            "prerelease": event.prerelease,
            "products": list(event.products),
            "effects": effects.get(event.identifier, []),
        }
        for event in newest
    ]
    document: Mapping[str, Any] = {
        "as_of": insights.as_of,
        "count": len(rows),
        "events": rows,
        "notes": sorted(notes, key=lambda note: -note.day.toordinal()),
    }
    return Events.model_validate(document)


def build_projections(insights: Insights) -> Projections:
    """Return the projections and milestones."""
    return Projections.model_validate(insights)


def build_insight_list(insights: Insights) -> InsightList:
    """Return the items of "What changed"."""
    document: Mapping[str, Any] = {
        "as_of": insights.as_of,
        "count": len(insights.items),
        "highlights": [item.id for item in insights.highlights],
        "items": insights.items,
        "omissions": insights.omissions,
    }
    return InsightList.model_validate(document)


def build_all(found: Findings) -> dict[str, Any]:
    """Return all documents by the names of their endpoints, as JSON values."""
    insights = found.insights
    parts: Mapping[str, Document] = {
        "insights": build_insight_list(insights),
        "rollups": build_rollups(insights),
        "signals": build_signals(insights),
        "events": build_events(insights, found.events, found.notes),
        "projections": build_projections(insights),
    }
    return {"as_of": insights.as_of.isoformat()} | {name: part.model_dump(mode="json") for name, part in parts.items()}
