"""Handling of SIGINT and SIGTERM that lets a process finish what it is doing."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_signals(wanted: bool = True) -> Iterator[list[signal.Signals]]:
    """Collect the first SIGINT or SIGTERM instead of terminating; a second one has its usual effect."""
    received: list[signal.Signals] = []
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:  # noqa: ARG001 - signature of a signal handler
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
