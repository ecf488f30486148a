"""Overwrite rules for tests of the store."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cmetrics.domain.observation import Observation
from cmetrics.store.columns import Mask, Overwrite, differ
from cmetrics.store.schema import STATS, encode


def always(stored: pa.Table, new: pa.Table) -> Mask:
    """Every row is written over."""
    return np.ones(new.num_rows, np.bool_)


def value_differs(stored: pa.Table, new: pa.Table) -> Mask:
    """Another number is written over the one that is stored."""
    return differ(stored, new, "value")


def decide(rule: Overwrite, stored: Observation, new: Observation) -> bool:
    """Return the decision of a rule about one pair of rows."""
    (wins,) = rule(encode([stored], STATS), encode([new], STATS)).tolist()
    return wins
