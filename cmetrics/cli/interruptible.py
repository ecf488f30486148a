"""Let an interrupt during the imports of a command act when they are done."""

from __future__ import annotations

import dis
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from importlib import import_module
from typing import ParamSpec, TypeVar

from cmetrics.domain.interrupts import hold_interrupts

P = ParamSpec("P")
R = TypeVar("R")


def interruptible(command: Callable[P, R]) -> Callable[P, R]:
    """Return ``command``, which first imports all that it imports in its body, with interrupts held.

    Extension modules (LanceDB's, pyarrow's) may swallow a KeyboardInterrupt that is raised while they
    are imported: the command would then run to its end.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with hold_interrupts():
            for instruction in dis.get_instructions(command):
                if instruction.opname == "IMPORT_NAME":
                    # A missing extra is the command's own error.
                    with suppress(ImportError):
                        import_module(instruction.argval)
        return command(*args, **kwargs)

    return run
