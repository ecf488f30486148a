"""Hold SIGINT and SIGTERM where they would be lost or would separate what belongs together.

Imported before anything else of the program, so it imports nothing that takes time.
"""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Self

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class hold_interrupts:  # noqa: N801  # used as a function, like contextlib.suppress
    """Let a first SIGINT or SIGTERM act at the end of the block; a second one acts at once.

    The handlers of the time before get it, and only they decide what happens: usually
    KeyboardInterrupt is raised. An ignored signal stays ignored. Does nothing outside of the main
    thread, which gets all signals. May be nested.
    """

    def __enter__(self) -> Self:
        self._handlers: dict[int, Any] = {}
        self._pending: int | None = None
        try:
            for number in _NUMBERS:
                handler = signal.getsignal(number)
                # None: not installed by Python, which cannot put it back.
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
