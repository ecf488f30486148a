"""Delay SIGINT and SIGTERM where they would be lost or would interrupt steps that belong together.

Imported before the rest of the program, so it must import fast.
"""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Self

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class hold_interrupts:  # noqa: N801  # used as a function, like contextlib.suppress
    """Delay a first SIGINT or SIGTERM to the end of the block. A second one acts at once.

    The previous handlers receive it, and usually raise KeyboardInterrupt. An ignored signal stays ignored. Does
    nothing outside of the main thread, which receives all signals. Can be nested.
    """

    def __enter__(self) -> Self:
        self._handlers: dict[int, Any] = {}
        self._pending: int | None = None
        try:
            for number in _NUMBERS:
                handler = signal.getsignal(number)
                # None: not installed by Python, which cannot restore it.
                if handler not in (signal.SIG_IGN, None):
                    signal.signal(number, self._hold)
                    self._handlers[number] = handler
        except ValueError:  # not the main thread
            self._handlers = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()
        if self._pending is not None:
            signal.raise_signal(self._pending)

    def _hold(self, number: int, _frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = number
            return
        self._pending = None
        self._restore()
        signal.raise_signal(number)

    def _restore(self) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())
