"""The meaning of a stored value: the kind of its measure, its columns, and its names for people.

All rules for a kind are properties of :class:`Measure`, so that each rule is in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from cmetrics.domain.observation import SourceWindow


class Kind(StrEnum):
    """The relation of a measure's values to days."""

    #: The events of one day. Days can be summed.
    FLOW = "flow"
    #: A count at the end of a day, which may fall: stars, likes.
    STOCK = "stock"
    #: A cumulative count as read at one moment. It falls only when the service resets or corrects it.
    COUNTER = "counter"
    #: The events of the last days, summed by the service. Values are neither summed nor subtracted.
    ROLLING = "rolling"


#: Two readings are a day apart if the time between them is within these bounds: nightly runs start minutes to hours
#: late, and a run in the evening does not replace that of the next night.
SHORTEST_DAY, LONGEST_DAY = timedelta(hours=18), timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class Measure:
    """What one count of a source measures. Create it with `flow`, `stock`, `counter` or `rolling`."""

    kind: Kind
    #: What is counted, as one word in the plural: ``downloads``, ``pulls``, ``installs_on_request``.
    what: str
    #: What is counted, for people, in the plural: "pulls".
    noun: str
    #: The text after the value on a card: "pulls", "installs in 30 days".
    card_label: str
    #: The label of a badge: "pulls", "installs / 30 days".
    badge_label: str
    #: The length of a rolling window in days.
    window_days: int | None = None
    #: Whether the service serves past values. If not, only the current value can be read, and a missed night is lost.
    has_history: bool = False
    #: Whether values of different days may be summed. Unique visitors may not, because they may return.
    adds_up: bool = True
    #: A run requests the current value only if the newest stored one is at least this number of days old.
    every_days: int = 1
    #: The display name of a metric that does not set one; that of the source by default.
    display_name: str | None = None
    #: What is counted, in a sentence for the published page; that of the source by default.
    counts: str | None = None

    @property
    def value_kind(self) -> str:
        """The ``value_kind`` column. Unique among the measures of one source."""
        prefix = {Kind.FLOW: "daily", Kind.ROLLING: f"rolling_{self.window_days}d"}.get(self.kind, "cumulative")
        return f"{prefix}_{self.what}"

    @property
    def source_window(self) -> str:
        """The ``source_window`` column of an observed value."""
        if self.is_rolling:
            return f"{self.window_days}d"
        return (SourceWindow.DAY if self.is_flow else SourceWindow.CUMULATIVE_SNAPSHOT).value

    @property
    def is_flow(self) -> bool:
        """Whether each value belongs to one day, and days can be summed."""
        return self.kind is Kind.FLOW

    @property
    def is_counter(self) -> bool:
        """Whether a flow between readings can be derived."""
        return self.kind is Kind.COUNTER

    @property
    def is_rolling(self) -> bool:
        """Whether a value covers several days that overlap with those of its neighbours."""
        return self.kind is Kind.ROLLING

    @property
    def is_read_nightly(self) -> bool:
        """Whether a refresh reads the current value once a night, instead of requesting days."""
        return self.is_rolling or not self.has_history

    @property
    def lag_days(self) -> int:
        """The age in days that the newest value may have although the service and all runs work."""
        if self.is_rolling and self.has_history:
            return self.window_days or 0
        return self.every_days - 1

    @property
    def is_in_totals(self) -> bool:
        """Whether the values are part of the totals of downloads: daily downloads only."""
        return self.is_flow and self.what == "downloads"

    @property
    def is_stars(self) -> bool:
        """Whether the values are the stars of a repository, whose past days can be reconstructed."""
        return self.kind is Kind.STOCK and self.what == "stars" and self.has_history

    @property
    def id_suffix(self) -> str:
        """The last part of the default id, which distinguishes a rolling window from other counts of a subject."""
        return f":{self.window_days}d" if self.is_rolling else ""


def flow(what: str, *, noun: str | None = None) -> Measure:
    """Return the measure of a daily count with history, such as downloads."""
    return _measure(Kind.FLOW, what, noun, has_history=True)


def stock(what: str, *, noun: str | None = None, has_history: bool = False) -> Measure:
    """Return the measure of a count that rises and falls, such as likes."""
    return _measure(Kind.STOCK, what, noun, has_history=has_history)


def counter(what: str, *, noun: str | None = None) -> Measure:
    """Return the measure of a cumulative count without history, such as pulls."""
    return _measure(Kind.COUNTER, what, noun, has_history=False)


def rolling(what: str, days: int, *, noun: str | None = None, has_history: bool = False) -> Measure:
    """Return the measure of a count over the last ``days`` days, such as installs in 30 days."""
    measure = _measure(Kind.ROLLING, what, noun, has_history=has_history)
    return replace(
        measure,
        window_days=days,
        card_label=f"{measure.noun} in {days} days",
        badge_label=f"{measure.noun} / {days} days",
    )


def _measure(kind: Kind, what: str, noun: str | None, *, has_history: bool) -> Measure:
    words = noun or what.replace("_", " ")
    return Measure(kind, what, words, words, words, has_history=has_history)


DOWNLOADS = flow("downloads")
STARS = stock("stars", has_history=True)


def check_measures(measures: Mapping[str, Measure]) -> None:
    """Raise ValueError if two measures of a source have the same kind of value in the store."""
    kinds = [measure.value_kind for measure in measures.values()]
    if not kinds or len(set(kinds)) < len(kinds):
        msg = f"the measures of a source need different value kinds, but have: {', '.join(kinds) or 'none'}"
        raise ValueError(msg)
