"""Large photographs are worked on one at a time, so that memory does not grow with the cores."""

import contextlib
import threading
from collections.abc import Iterator

from colorizer.photo.decode import count_pixels

LARGE = 40_000_000
"""Pixels; of photographs beyond this only one is in memory at a time."""

_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def alone_if_large(data: bytes) -> Iterator[None]:
    """Wait until no other large photograph is worked on, if this file's is over `LARGE`."""
    with _one_at_a_time if count_pixels(data) > LARGE else contextlib.nullcontext():
        yield
