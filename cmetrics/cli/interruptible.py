"""Delay an interrupt during the imports of a command until they are complete."""

from __future__ import annotations

import dis
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import import_module
from typing import ParamSpec, TypeVar

from cmetrics.domain.interrupts import hold_interrupts

P = ParamSpec("P")
R = TypeVar("R")


def interruptible(command: Callable[P, R]) -> Callable[P, R]:
    """Return ``command``, with all imports of its body done first while interrupts are delayed.

    Extension modules (LanceDB's, pyarrow's) may suppress a KeyboardInterrupt that is raised while they are imported,
    and the command would continue.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with hold_interrupts(), _no_garbage_collection():
            for instruction in dis.get_instructions(command):
                if instruction.opname == "IMPORT_NAME":
                    # A missing extra is the command's own error.
                    with suppress(ImportError):
                        import_module(instruction.argval)
        return command(*args, **kwargs)

    return run


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Disable garbage collection in the block, and exclude the objects created there from later collections.

    Imported objects are never freed; checking them again takes a twentieth of the time of `build-site`.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
