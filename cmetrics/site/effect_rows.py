"""Describe the change of a package's downloads after a release, for a row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cmetrics.analytics.insight_results import Effect, Verdict
from cmetrics.domain import formats
from cmetrics.site.format import NONE

_VERDICTS = {
    Verdict.ABOVE: "above usual variation",
    Verdict.BELOW: "below usual variation",
    Verdict.TREND: "already under way",
}


@dataclass(frozen=True, slots=True)
class EffectRow:
    """The downloads of a package after a release."""

    package: str
    change: str
    verdict: str
    #: The same as a sentence.
    text: str


def effect_row(effect: Effect, names: Mapping[str, str]) -> EffectRow:
    """Return the row of a package. ``names`` are those of metrics by id."""
    is_early = effect.verdict is Verdict.TOO_EARLY
    return EffectRow(
        package="all packages" if is_early else names[effect.metric_id],
        change=NONE if effect.change_percent is None else formats.signed_percent(effect.change_percent),
        verdict=": ".join(filter(None, (_VERDICTS.get(effect.verdict, effect.verdict.value), effect.reason))),
        text=effect.text,
    )
