"""Signals that ask a process to stop, collected so that it can finish what it is at."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_signals(wanted: bool = True) -> Iterator[list[signal.Signals]]:
    """Collect the first SIGINT or SIGTERM instead of dying of it; the next one acts as it did before."""
    received: list[signal.Signals] = []
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        received.append(signal.Signals(number))
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
