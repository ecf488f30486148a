"""Scale the number of examples of property tests: few for every change, many with `pytest -m long`."""

from __future__ import annotations

import os

#: Set by `conftest.py` before tests are imported.
VARIABLE = "CMETRICS_TEST_DEPTH"


def deep(examples: int) -> int:
    """Return ``examples`` multiplied by the factor of this run."""
    return examples * int(os.environ.get(VARIABLE, "1"))
