"""Overwrite rules for tests of the store."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cmetrics.domain.observation import Observation
from cmetrics.store.columns import Mask, Overwrite, differ
from cmetrics.store.schema import STATS, encode


def always(stored: pa.Table, new: pa.Table) -> Mask:
    """Overwrite every row."""
    return np.ones(new.num_rows, np.bool_)


def value_differs(stored: pa.Table, new: pa.Table) -> Mask:
    """Overwrite rows whose value differs."""
    return differ(stored, new, "value")


def decide(rule: Overwrite, stored: Observation, new: Observation) -> bool:
    """Return whether ``rule`` lets ``new`` overwrite ``stored``."""
    (wins,) = rule(encode([stored], STATS), encode([new], STATS)).tolist()
    return wins
