from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from cmetrics.domain.interrupts import hold_interrupts


@pytest.fixture(autouse=True)
def terminated() -> Iterator[list[int]]:
    """Yield the SIGTERM signals received by the previous handler."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


def test_a_held_signal_is_delivered_at_the_end(terminated: list[int]):
    """The previous handler receives it, and is restored."""
    with hold_interrupts():
        signal.raise_signal(signal.SIGTERM)
        assert terminated == []
    assert terminated == [signal.SIGTERM]
    signal.raise_signal(signal.SIGTERM)
    assert len(terminated) == 2


def test_nested_blocks_hold_until_the_outer_one_ends(terminated: list[int]):
    """Functions that hold signals can be nested."""
    with hold_interrupts():
        with hold_interrupts():
            signal.raise_signal(signal.SIGTERM)
        assert terminated == []
    assert terminated == [signal.SIGTERM]


def test_a_second_signal_is_delivered_at_once(terminated: list[int]):
    """A hanging block can be interrupted."""
    with hold_interrupts():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert terminated == [signal.SIGTERM]
    assert terminated == [signal.SIGTERM]


def test_an_interrupt_precedes_the_error_of_the_block():
    """The error is the context of the interrupt."""
    with pytest.raises(KeyboardInterrupt) as caught, hold_interrupts():
        signal.raise_signal(signal.SIGINT)
        msg = "oops"
        raise ValueError(msg)
    assert isinstance(caught.value.__context__, ValueError)


def test_an_ignored_signal_stays_ignored():
    """This is the case under nohup."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with hold_interrupts():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_the_main_thread_nothing_is_held():
    """Only the main thread receives signals and may set handlers."""
    entered = []

    def hold() -> None:
        with hold_interrupts():
            entered.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert entered == [signal.default_int_handler]
