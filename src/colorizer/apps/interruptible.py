"""A first Ctrl-C that finishes what is begun."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[Callable[[], int]]:
    """Let the first Ctrl-C or SIGTERM ask for an end instead of making one; a second one does.

    Yields:
        What returns the signal that came, or 0.
    """
    came = 0

    def remember(signum: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = signum
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # as of a job in the background
            signal.signal(number, remember)
    try:
        yield lambda: came
    finally:
        restore()
