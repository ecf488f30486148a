"""How many examples a property is tried with: some for every change, many more with `pytest -m long`."""

from __future__ import annotations

import os

#: Set by `conftest.py` before any test is read.
VARIABLE = "CMETRICS_TEST_DEPTH"


def deep(examples: int) -> int:
    """``examples``, times how deep this run goes."""
    return examples * int(os.environ.get(VARIABLE, "1"))
